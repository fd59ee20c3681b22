/* Collectives as tasks: what is checked and kept when one is added. */
#include "work/algorithms_i.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash_i.h"
#include "engine.h"
#include "fabric/path.h"
#include "fabric/ways.h"

static int check_ranks(weft_sim *sim, const weft_collective_def *def) {
  const uint32_t n = def->rank_count, nodes = sim->fabric.nodes.n;
  if (!pool_reserve(sim, sim->work.rank_marks, nodes))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  sim->work.rank_marks.n = nodes;
  memset(sim->work.rank_marks.at, 0, nodes * sizeof *sim->work.rank_marks.at);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t host = def->ranks[i];
    if (host >= nodes || sim->fabric.nodes.at[host].kind != WEFT_HOST)
      return weft__fail(sim, WEFT_EINVAL,
                        "collective rank %" PRIu32 ": expected a host, got node %" PRIu32, i, host);
    if (sim->work.rank_marks.at[host] != 0)
      return weft__fail(sim, WEFT_EINVAL,
                        "collective ranks %" PRIu32 " and %" PRIu32
                        ": expected different hosts, got node %" PRIu32,
                        sim->work.rank_marks.at[host] - 1, i, host);
    sim->work.rank_marks.at[host] = i + 1;
  }
  return WEFT_OK;
}

/* The same lists of ranks come again and again in training: each is checked and kept once. */
static int find_group(weft_sim *sim, const weft_collective_def *def, uint32_t *group) {
  const uint32_t n = def->rank_count;
  uint64_t hash = n;
  for (uint32_t i = 0; i < n; ++i) hash = hash_mix(hash + def->ranks[i]);
  uint32_t *head = &sim->work.rank_group_heads[hash % RANK_GROUP_HEADS];
  for (uint32_t g = *head; g != 0; g = sim->work.rank_groups.at[g - 1].next1) {
    const struct rank_group *known = &sim->work.rank_groups.at[g - 1];
    if (known->hash != hash || known->n != n ||
        memcmp(&sim->work.ranks.at[known->first], def->ranks, n * sizeof *def->ranks) != 0)
      continue;
    *group = g - 1;
    return WEFT_OK;
  }
  const int status = check_ranks(sim, def);
  if (status != WEFT_OK) return status;
  if (!pool_reserve(sim, sim->work.ranks, (uint64_t)sim->work.ranks.n + n) ||
      !pool_reserve(sim, sim->work.rank_groups, sim->work.rank_groups.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  *group = sim->work.rank_groups.n++;
  sim->work.rank_groups.at[*group] =
      (struct rank_group){.hash = hash, .first = sim->work.ranks.n, .n = n, .next1 = *head};
  memcpy(&sim->work.ranks.at[sim->work.ranks.n], def->ranks, n * sizeof *def->ranks);
  sim->work.ranks.n += n;
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
  if (def->root >= n)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective root: expected a rank, 0 to %" PRIu32 ", got %" PRIu32, n - 1,
                      def->root);
  if (def->local > n)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective local: expected at most %" PRIu32 " ranks, got %" PRIu32, n,
                      def->local);
  if (def->local > 1 && (def->kind == WEFT_BROADCAST || def->kind == WEFT_REDUCE))
    return weft__fail(sim, WEFT_EINVAL,
                      "collective local: expected 0 or 1 with a root, got %" PRIu32, def->local);
  if (def->volumes != NULL && def->kind != WEFT_ALL_TO_ALL)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective volumes: expected all-to-all, got kind %" PRIu32, def->kind);
  if (def->start_ps < 0 || def->start_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective start_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS, def->start_ps);
  if (def->after > sim->work.tasks.n)
    return weft__fail(sim, WEFT_EINVAL, "collective after: no task %" PRIu32, def->after - 1);
  return WEFT_OK;
}

static uint64_t largest_message(const weft_sim *sim, const struct collective *c) {
  if (c->volumes == WEFT_NONE) return weft__piece_bytes(c, 0, 0, c->largest);
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  uint64_t most = 0;
  for (struct place at = {0}; at.rank < c->n; ++at.rank)
    for (at.lane = 0; at.lane < c->lanes; ++at.lane)
      for (at.step = 0; at.step < algorithm->steps(c, at.rank, at.lane); ++at.step) {
        const uint64_t bytes = algorithm->message(sim, c, at).bytes;
        if (bytes > most) most = bytes;
      }
  return most;
}

/* Slices so that the largest message is at most a chunk, though no piece is empty. */
static int cut(weft_sim *sim, struct collective *c, uint64_t chunk_bytes) {
  const uint64_t size = c->size_bytes, pieces = c->pieces;
  if (c->volumes == WEFT_NONE && size < pieces)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective size_bytes: expected at least a byte per piece, %" PRIu64
                      ", got %" PRIu64,
                      pieces, size);
  c->slices = 1;
  const uint64_t chunk = chunk_bytes == 0 ? UINT64_MAX : chunk_bytes;
  const uint64_t whole = largest_message(sim, c);
  uint64_t slices = whole == 0 ? 1 : (whole - 1) / chunk + 1;
  if (c->volumes == WEFT_NONE && slices > size / pieces) slices = size / pieces;
  const uint64_t places = (uint64_t)c->n * c->lanes * c->steps;
  if (slices > UINT32_MAX / places)
    return weft__fail(sim, WEFT_ELIMIT,
                      "collective: expected at most %" PRIu32 " messages, got %" PRIu64
                      " x %" PRIu64,
                      UINT32_MAX, places, slices);
  c->slices = (uint32_t)slices;
  const uint64_t message = largest_message(sim, c);
  const uint64_t most = (uint64_t)(UINT32_MAX - 1) * sim->config.mtu_bytes / c->merge;
  if (message > most)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective size_bytes: expected messages of at most %" PRIu64
                      " bytes, got %" PRIu64,
                      most, message);
  return WEFT_OK;
}

/* Behind the last volumes of the pool, where they stay if the collective is added. */
static int copy_volumes(weft_sim *sim, struct collective *c, const uint64_t *volumes) {
  c->volumes = WEFT_NONE;
  if (volumes == NULL) return WEFT_OK;
  const uint64_t count = (uint64_t)c->n * c->n;
  if (!pool_reserve(sim, sim->work.volumes, sim->work.volumes.n + count))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  memcpy(&sim->work.volumes.at[sim->work.volumes.n], volumes, count * sizeof *volumes);
  c->volumes = sim->work.volumes.n;
  return WEFT_OK;
}

static int add_task(weft_sim *sim, const weft_collective_def *def) {
  const weft_task_def task = {.kind = WEFT_TASK_COLLECTIVE,
                              .size_bytes = def->size_bytes,
                              .tag = def->tag,
                              .start_ps = def->start_ps};
  const int added = weft__task_push(sim, &task, sim->work.collectives.n);
  if (added < 0 || def->after == 0) return added;
  const int status = weft_task_after(sim, (uint32_t)added, def->after - 1);
  if (status == WEFT_OK) return added;
  --sim->work.tasks.n;
  return status;
}

/* The receiver of a message; WEFT_NONE if there is nothing to send. */
static uint32_t receiver_of(const weft_sim *sim, const struct collective *c,
                            const struct algorithm *algorithm, struct place at) {
  if (algorithm->receiver != NULL && c->volumes == WEFT_NONE) return algorithm->receiver(c, at);
  const struct message message = algorithm->message(sim, c, at);
  return message.bytes > 0 ? message.to : WEFT_NONE;
}

/* Ways of all messages, each lane's once where it leads to one rank only. */
static int check_messages(weft_sim *sim, const struct collective *c) {
  const struct algorithm *algorithm = weft__collective_algorithm(c);
  const uint32_t *ranks = &sim->work.ranks.at[c->ranks];
  for (struct place at = {0}; at.rank < c->n; ++at.rank)
    for (at.lane = 0; at.lane < c->lanes; ++at.lane) {
      const uint32_t steps = algorithm->steps(c, at.rank, at.lane);
      uint32_t known = at.rank;
      for (at.step = 0; at.step < steps; ++at.step) {
        const uint32_t to = receiver_of(sim, c, algorithm, at);
        if (to == WEFT_NONE || to == known) continue;
        known = to;
        if (!weft__ways_connect(sim, ranks[at.rank], ranks[known]))
          return weft__path_check(sim, WEFT_ENOROUTE, ranks[at.rank], ranks[known]);
        if (!algorithm->turns) break;
      }
    }
  return WEFT_OK;
}

/* Training has the same collectives on the same ranks again and again. */
static int check_ways(weft_sim *sim, const struct collective *c, uint32_t group) {
  struct rank_group *known = &sim->work.rank_groups.at[group];
  const uint64_t bit = 1ull << (c->kind * WEFT_ALGORITHM_COUNT + c->algorithm);
  _Static_assert(WEFT_COLLECTIVE_COUNT * WEFT_ALGORITHM_COUNT <= 64, "a bit for each");
  if (known->local != c->local || known->root != c->root) known->sound = 0;
  known->local = c->local;
  known->root = c->root;
  if (c->volumes == WEFT_NONE && (known->sound & bit)) return WEFT_OK;
  const int status = check_messages(sim, c);
  if (status == WEFT_OK && c->volumes == WEFT_NONE) known->sound |= bit;
  return status;
}

/* All but the task. */
static int prepare(weft_sim *sim, const weft_collective_def *def, struct collective *prepared) {
  int status = check(sim, def);
  if (status != WEFT_OK) return status;
  struct collective c = {.size_bytes = def->size_bytes,
                         .kind = (uint8_t)def->kind,
                         .algorithm = (uint8_t)def->algorithm,
                         .n = def->rank_count,
                         .root = def->root,
                         .local = def->local,
                         .merge = engine_can(sim, WEFT_CAN_SHARES) ? sim->config.merge_steps : 1,
                         .forgets = def->forget != 0,
                         .task = sim->work.tasks.n};
  if (c.algorithm == WEFT_ALGORITHM_DEFAULT)
    c.algorithm = def->kind == WEFT_ALL_TO_ALL ? WEFT_DIRECT : WEFT_RING;
  if (c.local == 0) c.local = c.algorithm == WEFT_HIERARCHICAL ? c.n : 1;
  const struct algorithm *algorithm = weft__collective_algorithm(&c);
  if (algorithm == NULL)
    return weft__fail(sim, WEFT_EINVAL, "collective: kind %" PRIu32 " has no algorithm %" PRIu32,
                      def->kind, def->algorithm);
  algorithm->plan(&c);
  if (algorithm != &weft__ring) c.merge = 1;
  uint32_t group = 0;
  status = copy_volumes(sim, &c, def->volumes);
  if (status == WEFT_OK) status = cut(sim, &c, def->chunk_bytes);
  if (status == WEFT_OK) status = find_group(sim, def, &group);
  if (status != WEFT_OK) return status;
  c.ranks = sim->work.rank_groups.at[group].first;
  *prepared = c;
  return check_ways(sim, &c, group);
}

int weft_collective_check(weft_sim *sim, const weft_collective_def *def) {
  struct collective c;
  return prepare(sim, def, &c);
}

int weft_collective_add(weft_sim *sim, const weft_collective_def *def) {
  struct collective c;
  const int status = prepare(sim, def, &c);
  if (status != WEFT_OK) return status;
  if (!pool_reserve(sim, sim->work.collectives, sim->work.collectives.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "collective: out of memory");
  const int task = add_task(sim, def);
  if (task < 0) return task;
  if (c.volumes != WEFT_NONE) sim->work.volumes.n += c.n * c.n;
  sim->work.collectives.at[sim->work.collectives.n++] = c;
  return task;
}
