/* Rings and chains.
 *
 * A ring has n-1 steps of reduce-scatter, n-1 of all-gather; AllReduce is one after the other
 * (Patarasuk and Yuan, JPDC 2009). In each step a rank passes on to the next one the block that it
 * received from the one before in the step before. A bidirectional ring sends one half of every
 * block each way round. With merge_steps a message is what a rank passes on in so many steps, which
 * takes as long as they do if every step takes the same time everywhere. A chain is what is left of
 * a ring for one root: Broadcast goes from the root to the last rank before it, Reduce the other
 * way. */
#include "work/algorithms_i.h"

/* ---- rings ---- */

/* Pieces: block * directions + direction. */
static uint32_t directions(const struct collective *collective) {
  return collective->algorithm == WEFT_BIDIRECTIONAL ? 2 : 1;
}

/* Before any are merged. */
static uint32_t all_steps(const struct collective *collective) {
  return collective->kind == WEFT_ALLREDUCE ? 2 * (collective->n - 1) : collective->n - 1;
}

static void plan_ring(struct collective *collective) {
  const uint32_t n = collective->n;
  collective->lanes = directions(collective);
  collective->pieces = n * collective->lanes;
  collective->largest = 1;
  const uint32_t steps = all_steps(collective);
  if (collective->merge > steps) collective->merge = steps;
  collective->steps = (steps - 1) / collective->merge + 1;
}

static uint32_t steps_of_ring(const struct collective *collective, uint32_t rank, uint32_t lane) {
  (void)rank;
  (void)lane;
  return collective->steps;
}

/* Lane 1 goes the other way round: there rank i is in place -i. */
static uint32_t turn(const struct collective *collective, uint32_t lane, uint32_t i) {
  return lane == 0 ? i % collective->n : (collective->n - i % collective->n) % collective->n;
}

/* Bytes of so many blocks of a direction, from the first on, round and round. Every block has as
 * many bytes, but for one more in the first few. */
static uint64_t blocks_bytes(const struct collective *c, uint32_t slice, uint32_t lane,
                             uint32_t first, uint32_t count) {
  const uint64_t bytes = share(c->size_bytes, c->slices, slice), rest = bytes % c->pieces;
  const uint64_t more = (rest + c->lanes - 1 - lane) / c->lanes; /* blocks with one more */
  const uint64_t n = c->n, end = first + (uint64_t)count, rounds = end / n, left = end % n;
  const uint64_t ones = rounds * more + (left < more ? left : more) - (first < more ? first : more);
  return count * (bytes / c->pieces) + ones;
}

static struct message message_of_ring(const weft_sim *sim, const struct collective *collective,
                                      struct place at) {
  (void)sim;
  const uint32_t n = collective->n, place = turn(collective, at.lane, at.rank);
  /* After n-1 steps of reducing, block i must be with rank i, which AllReduce does not ask for. */
  const uint32_t step = at.step * collective->merge, left = all_steps(collective) - step;
  const uint32_t merged = collective->merge < left ? collective->merge : left;
  const uint32_t lag = step % n + (collective->kind == WEFT_REDUCE_SCATTER);
  const uint32_t block = turn(collective, at.lane, place + 2 * n - lag);
  const uint32_t piece = block * collective->lanes + at.lane;
  /* Lane 0 goes down through the blocks from step to step. */
  const uint32_t lowest = at.lane == 0 ? (block + n - (merged - 1) % n) % n : block;
  return (struct message){
      .bytes = blocks_bytes(collective, at.slice, at.lane, lowest, merged),
      .to = turn(collective, at.lane, place + 1),
      .first = piece,
      .count = 1,
      .reduce = collective->kind != WEFT_ALL_GATHER && step < n - 1,
      .merged = merged,
      .wake = at.lane,
      .wakes = 1,
  };
}

static int ready_in_ring(const weft_sim *sim, const struct collective *collective,
                         struct place at) {
  if (at.step == 0) return 1;
  const uint32_t place = turn(collective, at.lane, at.rank) + collective->n - 1;
  const struct place before = {turn(collective, at.lane, place), at.lane, at.step - 1, at.slice};
  return weft__message_arrived(sim, collective, before);
}

const struct algorithm weft__ring = {plan_ring, steps_of_ring, message_of_ring, ready_in_ring, 1,
                                     0,         NULL};

/* ---- chains ---- */

static void plan_chain(struct collective *collective) {
  collective->lanes = collective->pieces = collective->largest = collective->steps = 1;
}

/* Places count from where the data starts: the root of Broadcast is first, that of Reduce last. */
static uint32_t place_in_chain(const struct collective *collective, uint32_t rank) {
  const uint32_t n = collective->n, from_root = (rank + n - collective->root) % n;
  return collective->kind == WEFT_BROADCAST ? from_root : n - 1 - from_root;
}

static uint32_t rank_in_chain(const struct collective *collective, uint32_t place) {
  const uint32_t n = collective->n;
  const uint32_t from_root = collective->kind == WEFT_BROADCAST ? place : n - 1 - place;
  return (from_root + collective->root) % n;
}

static uint32_t steps_of_chain(const struct collective *collective, uint32_t rank, uint32_t lane) {
  (void)lane;
  return place_in_chain(collective, rank) < collective->n - 1;
}

static struct message message_of_chain(const weft_sim *sim, const struct collective *collective,
                                       struct place at) {
  (void)sim;
  return (struct message){
      .bytes = weft__piece_bytes(collective, at.slice, 0, 1),
      .to = rank_in_chain(collective, place_in_chain(collective, at.rank) + 1),
      .count = 1,
      .reduce = collective->kind == WEFT_REDUCE,
      .wakes = 1,
  };
}

static int ready_in_chain(const weft_sim *sim, const struct collective *collective,
                          struct place at) {
  const uint32_t place = place_in_chain(collective, at.rank);
  if (place == 0) return 1;
  const struct place before = {rank_in_chain(collective, place - 1), 0, 0, at.slice};
  return weft__message_arrived(sim, collective, before);
}

const struct algorithm weft__chain = {
    plan_chain, steps_of_chain, message_of_chain, ready_in_chain, 0, 0, NULL};
