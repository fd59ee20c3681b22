/* A collective while it runs: it sends a message when what that takes has arrived. Messages are
 * flows that come into being when they are sent; what the collective itself holds is a counter per
 * lane. */
#include <string.h>

#include "engine.h"
#include "flow/flow.h"
#include "work/algorithms_i.h"

/* ---- lanes: blocks of counters, taken for the time of the run ---- */

static int take_lanes(weft_sim *sim, struct collective *collective) {
  const uint64_t count = (uint64_t)collective->n * collective->lanes;
  uint32_t log2 = 0;
  while ((1ull << log2) < count) ++log2;
  uint32_t first = sim->work.lanes_free[log2];
  if (first != 0) {
    sim->work.lanes_free[log2] = sim->work.lanes.at[first - 1].arrived;
  } else {
    first = sim->work.lanes.n + 1;
    if (!pool_reserve(sim, sim->work.lanes, sim->work.lanes.n + (1ull << log2))) return 0;
    sim->work.lanes.n += 1u << log2;
  }
  collective->first_lane = first - 1;
  collective->lanes_log2 = (uint8_t)log2;
  memset(&sim->work.lanes.at[first - 1], 0, count * sizeof *sim->work.lanes.at);
  return 1;
}

static void free_lanes(weft_sim *sim, const struct collective *collective) {
  const uint32_t log2 = collective->lanes_log2;
  sim->work.lanes.at[collective->first_lane].arrived = sim->work.lanes_free[log2];
  sim->work.lanes_free[log2] = collective->first_lane + 1;
}

static void mark_arrived(struct lane *lane, uint32_t index) {
  lane->ahead |= 1ull << (index - lane->arrived);
  for (; lane->ahead & 1; lane->ahead >>= 1) ++lane->arrived;
}

/* ---- running ---- */

static void send(weft_sim *sim, uint32_t index, const struct message *message, struct place at) {
  const struct collective *c = &sim->work.collectives.at[index];
  const uint32_t task = c->task;
  const weft_flow_def def = {.src = sim->work.ranks.at[c->ranks + at.rank],
                             .dst = sim->work.ranks.at[c->ranks + message->to],
                             .size_bytes = message->bytes,
                             .start_ps = sim->now,
                             .tag = sim->work.tasks.at[task].tag};
  const uint32_t lane = at.rank * c->lanes + at.lane;
  const uint32_t part = (lane * c->steps + at.step) * c->slices + at.slice;
  const uint32_t wants =
      FLOW_TELLS_END | (c->slices > 1 ? FLOW_TELLS_SENT : 0) | (c->forgets ? FLOW_FORGETS : 0);
  const int row =
      weft__flow_row(sim, &def, (struct flow_owner){task, part, wants, message->merged});
  if (row < 0) {
    weft__no_memory(sim);
    return;
  }
  sim->engine->launch(sim, (uint32_t)row);
}

/* Send what a lane can send now. With slices a lane is a FIFO: the next one goes when the last
 * packet of the one before has left, else they would share the NIC and all arrive late. */
static void advance(weft_sim *sim, uint32_t index, uint32_t rank, uint32_t lane_index) {
  while (!sim->failed) {
    struct collective *c = &sim->work.collectives.at[index];
    const struct algorithm *algorithm = weft__collective_algorithm(c);
    struct lane *lane = collective_lane(sim, c, rank, lane_index);
    const uint32_t next = lane->next;
    if (next == algorithm->steps(c, rank, lane_index) * c->slices) return;
    if ((c->slices > 1 && lane->unsent) || next - lane->arrived >= LANE_WINDOW) return;
    const struct place at = {rank, lane_index, next / c->slices, next % c->slices};
    if (!algorithm->ready(sim, c, at)) return;
    const struct message message = algorithm->message(sim, c, at);
    ++lane->next;
    if (message.bytes > 0) {
      lane->unsent = 1;
      send(sim, index, &message, at);
    } else {
      mark_arrived(lane, next);
      --c->left;
    }
  }
}

/* What arrived goes on in the next step, whether or not the steps before it have come. */
static void relay(weft_sim *sim, uint32_t index, uint32_t rank, struct place came) {
  const struct collective *c = &sim->work.collectives.at[index];
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const struct place at = {rank, came.lane, came.step + 1, 0};
  if (at.step == algorithm->steps(c, rank, at.lane)) return;
  const struct message message = algorithm->message(sim, c, at);
  send(sim, index, &message, at);
}

static int end_if_done(weft_sim *sim, uint32_t index) {
  const struct collective *c = &sim->work.collectives.at[index];
  if (c->left > 0) return 0;
  free_lanes(sim, c);
  return 1;
}

int weft__collective_begin(weft_sim *sim, uint32_t index) {
  struct collective *c = &sim->work.collectives.at[index];
  if (!take_lanes(sim, c)) {
    weft__no_memory(sim);
    return 0;
  }
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const uint32_t n = c->n, lanes = c->lanes;
  for (uint32_t rank = 0; rank < n; ++rank)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      c->left += (uint64_t)algorithm->steps(c, rank, lane) * c->slices;
  for (uint32_t lane = 0; lane < lanes; ++lane)
    for (uint32_t rank = n; rank-- > 0;) advance(sim, index, rank, lane);
  return end_if_done(sim, index);
}

void weft__collective_sent(weft_sim *sim, uint32_t index, uint32_t part) {
  const struct collective *c = &sim->work.collectives.at[index];
  if (c->left == 0) return; /* the lanes are gone */
  const struct place at = weft__collective_place(c, part);
  struct lane *lane = collective_lane(sim, c, at.rank, at.lane);
  /* A retransmission sends the last packet again. */
  if (!lane->unsent || lane->next != at.step * c->slices + at.slice + 1) return;
  lane->unsent = 0;
  advance(sim, index, at.rank, at.lane);
}

int weft__collective_arrived(weft_sim *sim, uint32_t index, uint32_t part) {
  struct collective *c = &sim->work.collectives.at[index];
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const struct place at = weft__collective_place(c, part);
  const struct message message = algorithm->message(sim, c, at);
  --c->left;
  if (algorithm->relays && c->slices == 1) {
    relay(sim, index, message.to, at);
  } else {
    const uint32_t number = at.step * c->slices + at.slice;
    struct lane *lane = collective_lane(sim, c, at.rank, at.lane);
    if (lane->next == number + 1) lane->unsent = 0;
    mark_arrived(lane, number);
    for (uint32_t i = 0; i < message.wakes; ++i) advance(sim, index, message.to, message.wake + i);
    advance(sim, index, at.rank, at.lane);
  }
  return end_if_done(sim, index);
}
