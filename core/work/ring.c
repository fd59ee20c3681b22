/* Ring AllReduce (Patarasuk and Yuan, JPDC 2009): n-1 steps of reduce-scatter, n-1 of all-gather.
 * In step s rank i passes piece (i - s) mod n on to rank i+1, once it has received that piece from
 * rank i-1 in step s-1. */
#include "work/collective_i.h"

static void plan(struct collective *collective) {
  collective->pieces = collective->n;
  collective->largest = 1;
  collective->lanes = 1;
  collective->steps = 2 * (collective->n - 1);
}

static uint32_t steps(const struct collective *collective, uint32_t rank, uint32_t lane) {
  (void)rank;
  (void)lane;
  return collective->steps;
}

static struct message message(const weft_sim *sim, const struct collective *collective,
                              struct place at) {
  (void)sim;
  const uint32_t n = collective->n, piece = (at.rank + 2 * n - at.step % n) % n;
  return (struct message){.bytes = weft__piece_bytes(collective, at.slice, piece, 1),
                          .to = (at.rank + 1) % n,
                          .first = piece,
                          .count = 1,
                          .reduce = at.step < n - 1,
                          .wake = 0,
                          .wakes = 1};
}

static int ready(const weft_sim *sim, const struct collective *collective, struct place at) {
  if (at.step == 0) return 1;
  const uint32_t n = collective->n;
  const struct place before = {(at.rank + n - 1) % n, 0, at.step - 1, at.slice};
  return weft__message_arrived(sim, collective, before);
}

const struct algorithm weft__ring = {plan, steps, message, ready, 1};
