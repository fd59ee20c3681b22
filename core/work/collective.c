/* A collective as one task: checked and kept when it is added, streaming its sends while it runs.
 */
#include "work/collective_i.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash_i.h"
#include "transport/transport.h"

/* Messages of a lane that are under way or have overtaken others: the bits of lane.ahead. */
enum { LANE_WINDOW = 64 };

static const struct algorithm *find_algorithm(uint32_t kind, uint32_t algorithm) {
  static const struct algorithm *const table[WEFT_COLLECTIVE_COUNT][WEFT_ALGORITHM_COUNT] = {
      [WEFT_ALLREDUCE] = {[WEFT_RING] = &weft__ring},
      [WEFT_ALL_TO_ALL] = {[WEFT_DIRECT] = &weft__all_to_all_direct},
  };
  return table[kind][algorithm];
}

const struct algorithm *weft__collective_algorithm(const struct collective *collective) {
  return find_algorithm(collective->kind, collective->algorithm);
}

struct place weft__collective_place(const struct collective *collective, uint32_t part) {
  const uint32_t per_lane = collective->steps * collective->slices;
  const uint32_t lane = part / per_lane, index = part % per_lane;
  return (struct place){lane / collective->lanes, lane % collective->lanes,
                        index / collective->slices, index % collective->slices};
}

static uint64_t pieces_before(const struct collective *collective, uint32_t slice, uint32_t piece) {
  const uint64_t bytes = share(collective->size_bytes, collective->slices, slice);
  return share_before(bytes, collective->pieces, piece);
}

uint64_t weft__piece_bytes(const struct collective *collective, uint32_t slice, uint32_t first,
                           uint32_t count) {
  const uint32_t pieces = collective->pieces, end = first + count;
  const uint64_t before = pieces_before(collective, slice, first);
  if (end <= pieces) return pieces_before(collective, slice, end) - before;
  return pieces_before(collective, slice, pieces) - before +
         pieces_before(collective, slice, end - pieces);
}

/* ---- adding ---- */

static int check_ranks(weft_sim *sim, const weft_collective_def *def) {
  const uint32_t n = def->rank_count, nodes = sim->nodes.n;
  if (!pool_reserve(sim, sim->rank_marks, nodes))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  sim->rank_marks.n = nodes;
  memset(sim->rank_marks.at, 0, nodes * sizeof *sim->rank_marks.at);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t host = def->ranks[i];
    if (host >= nodes || sim->nodes.at[host].kind != WEFT_HOST)
      return weft__fail(sim, WEFT_EINVAL,
                        "collective rank %" PRIu32 ": expected a host, got node %" PRIu32, i, host);
    if (sim->rank_marks.at[host] != 0)
      return weft__fail(sim, WEFT_EINVAL,
                        "collective ranks %" PRIu32 " and %" PRIu32
                        ": expected different hosts, got node %" PRIu32,
                        sim->rank_marks.at[host] - 1, i, host);
    sim->rank_marks.at[host] = i + 1;
  }
  return WEFT_OK;
}

/* The same lists of ranks come again and again in training: each is checked and kept once. */
static int find_group(weft_sim *sim, const weft_collective_def *def, uint32_t *group) {
  const uint32_t n = def->rank_count;
  uint64_t hash = n;
  for (uint32_t i = 0; i < n; ++i) hash = hash_mix(hash + def->ranks[i]);
  uint32_t *head = &sim->rank_group_heads[hash % RANK_GROUP_HEADS];
  for (uint32_t g = *head; g != 0; g = sim->rank_groups.at[g - 1].next1) {
    const struct rank_group *known = &sim->rank_groups.at[g - 1];
    if (known->hash != hash || known->n != n ||
        memcmp(&sim->ranks.at[known->first], def->ranks, n * sizeof *def->ranks) != 0)
      continue;
    *group = g - 1;
    return WEFT_OK;
  }
  const int status = check_ranks(sim, def);
  if (status != WEFT_OK) return status;
  if (!pool_reserve(sim, sim->ranks, (uint64_t)sim->ranks.n + n) ||
      !pool_reserve(sim, sim->rank_groups, sim->rank_groups.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  *group = sim->rank_groups.n++;
  sim->rank_groups.at[*group] = (struct rank_group){hash, sim->ranks.n, n, *head};
  memcpy(&sim->ranks.at[sim->ranks.n], def->ranks, n * sizeof *def->ranks);
  sim->ranks.n += n;
  *head = *group + 1;
  return WEFT_OK;
}

static int check(weft_sim *sim, const weft_collective_def *def) {
  const uint32_t n = def->rank_count;
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "collective: call weft_fabric_ready first");
  if (def->kind >= WEFT_COLLECTIVE_COUNT)
    return weft__fail(sim, WEFT_EINVAL, "collective kind: expected 0 to %d, got %" PRIu32,
                      WEFT_COLLECTIVE_COUNT - 1, def->kind);
  if (def->algorithm >= WEFT_ALGORITHM_COUNT)
    return weft__fail(sim, WEFT_EINVAL, "collective algorithm: expected 0 to %d, got %" PRIu32,
                      WEFT_ALGORITHM_COUNT - 1, def->algorithm);
  if (n < 2)
    return weft__fail(sim, WEFT_EINVAL, "collective ranks: expected 2 or more, got %" PRIu32, n);
  if (def->start_ps < 0 || def->start_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective start_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS, def->start_ps);
  if (def->after > sim->tasks.n)
    return weft__fail(sim, WEFT_EINVAL, "collective after: no task %" PRIu32, def->after - 1);
  return WEFT_OK;
}

static uint64_t largest_message(const struct collective *collective) {
  return weft__piece_bytes(collective, 0, 0, collective->largest);
}

/* Slices so that the largest message is at most a chunk, though no piece is empty. */
static int cut(weft_sim *sim, struct collective *collective, uint64_t chunk_bytes) {
  const uint64_t size = collective->size_bytes, pieces = collective->pieces;
  if (size < pieces)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective size_bytes: expected at least a byte per piece, %" PRIu64
                      ", got %" PRIu64,
                      pieces, size);
  collective->slices = 1;
  const uint64_t chunk = chunk_bytes == 0 ? UINT64_MAX : chunk_bytes;
  uint64_t slices = (largest_message(collective) - 1) / chunk + 1;
  if (slices > size / pieces) slices = size / pieces;
  const uint64_t places = (uint64_t)collective->n * collective->lanes * collective->steps;
  if (slices > UINT32_MAX / places)
    return weft__fail(sim, WEFT_ELIMIT,
                      "collective: expected at most %" PRIu32 " messages, got %" PRIu64
                      " x %" PRIu64,
                      UINT32_MAX, places, slices);
  collective->slices = (uint32_t)slices;
  const uint64_t message = largest_message(collective);
  const uint64_t most = (uint64_t)(UINT32_MAX - 1) * sim->config.mtu_bytes;
  if (message > most)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective size_bytes: expected messages of at most %" PRIu64
                      " bytes, got %" PRIu64,
                      most, message);
  return WEFT_OK;
}

int weft_collective_add(weft_sim *sim, const weft_collective_def *def) {
  int status = check(sim, def);
  if (status != WEFT_OK) return status;
  struct collective collective = {.size_bytes = def->size_bytes,
                                  .kind = (uint8_t)def->kind,
                                  .algorithm = (uint8_t)def->algorithm,
                                  .n = def->rank_count};
  if (collective.algorithm == WEFT_ALGORITHM_DEFAULT)
    collective.algorithm = def->kind == WEFT_ALL_TO_ALL ? WEFT_DIRECT : WEFT_RING;
  const struct algorithm *algorithm = weft__collective_algorithm(&collective);
  if (algorithm == NULL)
    return weft__fail(sim, WEFT_EINVAL, "collective: kind %" PRIu32 " has no algorithm %" PRIu32,
                      def->kind, def->algorithm);
  algorithm->plan(&collective);
  status = cut(sim, &collective, def->chunk_bytes);
  uint32_t group = 0;
  if (status == WEFT_OK) status = find_group(sim, def, &group);
  if (status != WEFT_OK) return status;
  collective.ranks = sim->rank_groups.at[group].first;
  collective.task = sim->tasks.n;
  if (!pool_reserve(sim, sim->collectives, sim->collectives.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  const weft_task_def task = {.kind = WEFT_TASK_COLLECTIVE,
                              .size_bytes = def->size_bytes,
                              .tag = def->tag,
                              .start_ps = def->start_ps};
  status = weft__task_push(sim, &task, sim->collectives.n);
  if (status < 0) return status;
  if (def->after > 0 && weft_task_after(sim, (uint32_t)status, def->after - 1) != WEFT_OK) {
    --sim->tasks.n;
    return WEFT_ENOMEM;
  }
  sim->collectives.at[sim->collectives.n++] = collective;
  return status;
}

/* ---- lanes: blocks of counters, taken for the time of the run ---- */

static int take_lanes(weft_sim *sim, struct collective *collective) {
  const uint64_t count = (uint64_t)collective->n * collective->lanes;
  uint32_t log2 = 0;
  while ((1ull << log2) < count) ++log2;
  uint32_t first = sim->lanes_free[log2];
  if (first != 0) {
    sim->lanes_free[log2] = sim->lanes.at[first - 1].arrived;
  } else {
    first = sim->lanes.n + 1;
    if (!pool_reserve(sim, sim->lanes, sim->lanes.n + (1ull << log2))) return 0;
    sim->lanes.n += 1u << log2;
  }
  collective->first_lane = first - 1;
  collective->lanes_log2 = (uint8_t)log2;
  memset(&sim->lanes.at[first - 1], 0, count * sizeof *sim->lanes.at);
  return 1;
}

static void free_lanes(weft_sim *sim, const struct collective *collective) {
  const uint32_t log2 = collective->lanes_log2;
  sim->lanes.at[collective->first_lane].arrived = sim->lanes_free[log2];
  sim->lanes_free[log2] = collective->first_lane + 1;
}

static struct lane *lane_of(const weft_sim *sim, const struct collective *collective, uint32_t rank,
                            uint32_t lane) {
  return &sim->lanes.at[collective->first_lane + rank * collective->lanes + lane];
}

int weft__message_arrived(const weft_sim *sim, const struct collective *collective,
                          struct place at) {
  const struct lane *lane = lane_of(sim, collective, at.rank, at.lane);
  const uint32_t index = at.step * collective->slices + at.slice;
  if (index < lane->arrived) return 1;
  return index - lane->arrived < LANE_WINDOW && (lane->ahead >> (index - lane->arrived) & 1);
}

static void mark_arrived(struct lane *lane, uint32_t index) {
  lane->ahead |= 1ull << (index - lane->arrived);
  for (; lane->ahead & 1; lane->ahead >>= 1) ++lane->arrived;
}

/* ---- running ---- */

static void send(weft_sim *sim, uint32_t index, const struct message *message, struct place at) {
  const struct collective *c = &sim->collectives.at[index];
  const uint32_t task = c->task;
  const weft_flow_def def = {.src = sim->ranks.at[c->ranks + at.rank],
                             .dst = sim->ranks.at[c->ranks + message->to],
                             .size_bytes = message->bytes,
                             .start_ps = sim->now,
                             .tag = sim->tasks.at[task].tag};
  const uint32_t lane = at.rank * c->lanes + at.lane;
  const uint32_t part = (lane * c->steps + at.step) * c->slices + at.slice;
  const int row = weft__flow_row(sim, &def, task);
  if (row < 0) {
    weft__no_memory(sim);
    return;
  }
  sim->flows.at[row].part = part;
  weft__flow_launch(sim, (uint32_t)row);
}

/* Send what a lane can send now. With slices a lane is a FIFO: the next one goes when the last
 * packet of the one before has left, else they would share the NIC and all arrive late. */
static void advance(weft_sim *sim, uint32_t index, uint32_t rank, uint32_t lane_index) {
  while (!sim->failed) {
    struct collective *c = &sim->collectives.at[index];
    const struct algorithm *algorithm = weft__collective_algorithm(c);
    struct lane *lane = lane_of(sim, c, rank, lane_index);
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
  const struct collective *c = &sim->collectives.at[index];
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const struct place at = {rank, came.lane, came.step + 1, 0};
  if (at.step == algorithm->steps(c, rank, at.lane)) return;
  const struct message message = algorithm->message(sim, c, at);
  send(sim, index, &message, at);
}

static void end_if_done(weft_sim *sim, uint32_t index) {
  const struct collective *c = &sim->collectives.at[index];
  if (c->left > 0) return;
  free_lanes(sim, c);
  weft__task_done(sim, c->task);
}

void weft__collective_begin(weft_sim *sim, uint32_t index) {
  struct collective *c = &sim->collectives.at[index];
  if (!take_lanes(sim, c)) {
    weft__no_memory(sim);
    return;
  }
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const uint32_t n = c->n, lanes = c->lanes;
  for (uint32_t rank = 0; rank < n; ++rank)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      c->left += (uint64_t)algorithm->steps(c, rank, lane) * c->slices;
  for (uint32_t lane = 0; lane < lanes; ++lane)
    for (uint32_t rank = n; rank-- > 0;) advance(sim, index, rank, lane);
  end_if_done(sim, index);
}

void weft__collective_sent(weft_sim *sim, uint32_t index, uint32_t part) {
  const struct collective *c = &sim->collectives.at[index];
  if (c->slices == 1 || c->left == 0) return; /* nobody waits, or the lanes are gone */
  const struct place at = weft__collective_place(c, part);
  struct lane *lane = lane_of(sim, c, at.rank, at.lane);
  /* A retransmission sends the last packet again. */
  if (!lane->unsent || lane->next != at.step * c->slices + at.slice + 1) return;
  lane->unsent = 0;
  advance(sim, index, at.rank, at.lane);
}

void weft__collective_arrived(weft_sim *sim, uint32_t index, uint32_t part) {
  struct collective *c = &sim->collectives.at[index];
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const struct place at = weft__collective_place(c, part);
  const struct message message = algorithm->message(sim, c, at);
  --c->left;
  if (algorithm->relays && c->slices == 1) {
    relay(sim, index, message.to, at);
  } else {
    const uint32_t number = at.step * c->slices + at.slice;
    struct lane *lane = lane_of(sim, c, at.rank, at.lane);
    if (lane->next == number + 1) lane->unsent = 0;
    mark_arrived(lane, number);
    for (uint32_t i = 0; i < message.wakes; ++i) advance(sim, index, message.to, message.wake + i);
    advance(sim, index, at.rank, at.lane);
  }
  end_if_done(sim, index);
}
