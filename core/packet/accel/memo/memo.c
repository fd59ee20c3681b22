/* Records as partitions see them: which one is of a partition's pattern, what it says of it, and
 * beginning and completing one. What is done with a partition for it is partitions/known.c. */
#include "packet/accel/memo/record.h"
#include "packet/transport/transport.h"

/* Events' worth of an exact record, per flow: many may be of no use to anyone. */
enum { COST_STATE = 80 };

/* ---- what the record of a partition says ---- */

weft_time weft__memo_end(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  return p->parked_at + sim->accel.records.at[p->record - 1].span + p->late;
}

int weft__memo_is_steady(const weft_sim *sim, uint32_t partition) {
  return (int)sim->accel.records.at[sim->accel.partitions.at[partition].record - 1].steady;
}

uint32_t weft__memo_sent(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->accel.members.at[slot];
  const struct record_parts parts =
      record_parts(sim, sim->accel.partitions.at[m->partition].record - 1);
  return (uint32_t)parts.flows[m->as].sent;
}

/* What would have made a difference to the transient without being in its pattern: pauses, losses,
 * packets sent again. The ports of the partition are listed. */
static uint64_t trouble(const weft_sim *sim, uint32_t partition) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port_cold *cold = &sim->packet.port_cold.at[sim->accel.partition_ports.at[i]];
    sum += (uint64_t)cold->pauses + cold->drops;
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  sum += sim->packet.tx_warm.at[slot].retransmits;
  return sum;
}

/* Marks of its ports that were left to chance so far. */
static uint32_t draws(const weft_sim *sim) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i)
    sum += sim->packet.port_cold.at[sim->accel.partition_ports.at[i]].draws;
  return sum;
}

int weft__memo_is_exact(const weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record;
  return record != 0 && sim->accel.records.at[record - 1].exact;
}

/* ---- finding and beginning ---- */

static struct member *flow_of(weft_sim *sim, const struct conflict *p, uint32_t flow) {
  const uint32_t row = sim->accel.divided.flows.at[p->first_flow + flow];
  return &sim->accel.members.at[sim->flow.rows.at[row].slot];
}

void weft__memo_begin(weft_sim *sim, uint32_t partition, uint32_t index) {
  const struct conflict *p = &sim->accel.divided.conflicts.at[index];
  const struct conflict_graph graph = conflict_graph_of(&sim->accel.divided, index);
  ++sim->accel.totals.misses;
  if (p->exact) sim->accel.credit -= (int64_t)p->flows * COST_STATE;
  if (!weft__record_has_room(sim, (int)p->exact)) return;
  const uint32_t record = weft__record_new(sim, p->key);
  if (record == WEFT_NONE) return; /* no memory to remember with */
  struct memo_record *r = &sim->accel.records.at[record];
  r->exact = p->exact;
  r->flows = p->flows;
  r->vertices = graph.n;
  r->arcs = graph.arc_count;
  if (!weft__record_fit(sim, record)) {
    weft__record_free(sim, record);
    return;
  }
  r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record);
  for (uint32_t v = 0; v < graph.n; ++v) parts.vertices[v] = graph.vertices[v];
  for (uint32_t i = 0; i < graph.arc_count; ++i) parts.arcs[i] = graph.arcs[i];
  for (uint32_t f = 0; f < p->flows; ++f) {
    struct member *m = flow_of(sim, p, f);
    m->as = f;
    const uint32_t slot = (uint32_t)(m - sim->accel.members.at);
    const weft_time start = sim->flow.rows.at[sim->packet.tx.at[slot].row].start_ps;
    parts.begin[f] = (struct memo_begin){.sent = sim->packet.tx.at[slot].next,
                                         .received = sim->packet.rx.at[slot].next,
                                         .age = weft__is_fresh(sim, slot) ? sim->now - start : -1,
                                         .rate_bps = sim->packet.tx.at[slot].rate_bps,
                                         .state = m->state};
  }
  r->begin = sim->now;
  r->partition = partition;
  r->trouble = trouble(sim, partition);
  r->draws = draws(sim);
  sim->accel.partitions.at[partition].record = record + 1;
}

/* `map` is room for a number a vertex. */
static uint32_t find(weft_sim *sim, uint32_t partition, uint32_t index, uint32_t *map, int *status,
                     uint32_t *similar) {
  const struct conflict_graph graph = conflict_graph_of(&sim->accel.divided, index);
  const struct conflict *p = &sim->accel.divided.conflicts.at[index];
  uint32_t record = weft__record_first(sim, p->key);
  *status = 0;
  *similar = 0;
  for (; record != WEFT_NONE; record = weft__record_next(sim, record)) {
    const struct conflict_graph known = record_graph(sim, record);
    const struct memo_record *r = &sim->accel.records.at[record];
    if (r->flows != p->flows || r->exact != p->exact) continue;
    *status = weft__graph_match(sim, &graph, &known, map);
    if (*status != 1) continue;
    for (uint32_t f = 0; f < p->flows; ++f) flow_of(sim, p, f)->as = map[f];
    if (p->exact || r->state == RECORD_CHANCE || weft__memo_is_close(sim, partition, record))
      return record;
    *similar = r->undecided || *similar == UINT32_MAX ? UINT32_MAX : *similar + 1;
  }
  return WEFT_NONE;
}

uint32_t weft__memo_find(weft_sim *sim, uint32_t partition, uint32_t index, int *status,
                         uint32_t *similar) {
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint64_t vertices = sim->accel.divided.conflicts.at[index].vertices;
  uint32_t *map = weft__arena_take(sim, &sim->arena, vertices * sizeof *map), record = WEFT_NONE;
  *status = WEFT_ENOMEM;
  *similar = 0;
  if (map != NULL) record = find(sim, partition, index, map, status, similar);
  weft__arena_reset(sim, &sim->arena, mark);
  return record;
}

/* ---- completing ---- */

weft_time weft__memo_close_time(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, p->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  weft_time end = exact ? weft__tail_time(sim, partition) - 1 : LATEST_PS;
  FOR_MEMBERS(slot, sim, p) {
    const uint32_t left =
        sim->packet.tx.at[slot].total - parts.begin[sim->accel.members.at[slot].as].sent;
    if (!exact || weft__is_far(sim, slot, left)) {
      const weft_time at = weft__close_time(sim, slot);
      if (at < end) end = at;
    }
  }
  return end;
}

/* Is a last packet, which may be a short one, among those that would be kept? An exact record may
 * have it, if how much is left is in its pattern and nobody has been told when it was sent. */
static int has_sent_all(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, p->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  FOR_MEMBERS(slot, sim, p) {
    const struct tx *tx = &sim->packet.tx.at[slot];
    const uint32_t left = tx->total - parts.begin[sim->accel.members.at[slot].as].sent;
    if (tx->next == tx->total && (!exact || weft__is_far(sim, slot, left) ||
                                  (left > 0 && (flow_wants(sim, tx->row) & FLOW_TELLS_SENT))))
      return 1;
  }
  return 0;
}

/* Has enough happened in an unsteady record to be worth keeping? */
static int is_short(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const struct memo_record *r = &sim->accel.records.at[p->record - 1];
  if (!r->exact) return sim->now - r->begin < sim->accel.steady_period;
  return sim->now == r->begin;
}

int weft__memo_has_drawn(const weft_sim *sim, uint32_t partition) {
  return sim->accel.records.at[sim->accel.partitions.at[partition].record - 1].draws != draws(sim);
}

int weft__memo_complete(weft_sim *sim, uint32_t partition, int steady) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  if (sim->accel.records.at[record].trouble != trouble(sim, partition) ||
      (!steady && is_short(sim, partition)) || has_sent_all(sim, partition) ||
      !weft__snapshot_take(sim, partition))
    return 0;
  struct memo_record *r = &sim->accel.records.at[record];
  r->span = sim->now - r->begin;
  r->state = RECORD_READY;
  r->partition = 0;
  r->steady = (uint32_t)steady;
  if (!r->exact) weft__memo_decide(sim, partition);
  return 1;
}
