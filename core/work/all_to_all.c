/* All-to-all: piece src * n + dst goes from rank src to rank dst. */
#include "work/collective_i.h"

/* Direct: every ordered pair at once, a lane each. Lane k of rank i leads to rank i-k-1, so that no
 * receiver is everyone's first. */
static void plan_direct(struct collective *collective) {
  collective->pieces = collective->n;
  collective->largest = 1;
  collective->lanes = collective->n - 1;
  collective->steps = 1;
}

static uint32_t one_step(const struct collective *collective, uint32_t rank, uint32_t lane) {
  (void)collective;
  (void)rank;
  (void)lane;
  return 1;
}

static struct message message_direct(const weft_sim *sim, const struct collective *collective,
                                     struct place at) {
  (void)sim;
  const uint32_t to = (at.rank + collective->n - at.lane - 1) % collective->n;
  return (struct message){
      .bytes = weft__piece_bytes(collective, at.slice, to, 1), .to = to, .first = to, .count = 1};
}

static int at_once(const weft_sim *sim, const struct collective *collective, struct place at) {
  (void)sim;
  (void)collective;
  (void)at;
  return 1;
}

const struct algorithm weft__all_to_all_direct = {plan_direct, one_step, message_direct, at_once,
                                                  0};
