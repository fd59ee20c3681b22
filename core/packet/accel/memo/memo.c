/* Memoization: transients by their patterns.
 *
 * A pattern that is met for the first time is simulated until its rates are steady, and the state
 * of its partition at that moment is kept under the key of its conflict graph. When it is met
 * again, by whatever flows, the partition is parked at its begin and put to the end of the record
 * later. While a pattern is being recorded, other partitions that meet it wait for the record: in
 * training the same happens on all rails at once. A record also ends where a flow is about to end
 * or another comes; who takes it is then looked up by its exact state. Records of states go on up
 * to the ps before a flow is through, which tasks hear of, and so is left to the engine; the next
 * one begins right behind it. If a record ends by anything else it is dropped, and who waited is
 * simulated from where it stood (replay.c). */
#include "packet/accel/memo/record.h"
#include "packet/transport/transport.h"

enum {
  SIMILAR_MOST = 16, /* records of a pattern by classes: beyond, it is looked up by state */
  MARGIN = 8, /* packets that a flow must have beyond those of the transient */
  COST_STATE = 80 /* events' worth of an exact record, per flow: many may be of no use to anyone */
};

weft_time weft__memo_end(const weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  return z->parked_at + sim->accel.records.at[z->record - 1].span + z->late;
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

/* ---- hits ---- */

int weft__memo_is_exact(const weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record;
  return record != 0 && sim->accel.records.at[record - 1].exact;
}

/* How much a flow has left is part of an exact record, unless its end is far away. */
static int is_room(const weft_sim *sim, uint32_t slot, const struct memo_flow *f, int exact) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t left = tx->total - tx->next, sent = weft__memo_sent(sim, slot);
  if (!exact || weft__is_far(sim, slot, left)) return left > sent + MARGIN;
  return sent <= left && (sent == left) == !(f->tx.flags & TX_IN_LIST);
}

/* Can all flows go through the transient without one coming to its end, or anything of one being
 * put behind where it is? */
static int is_uncut(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  const struct record_parts parts = record_parts(sim, record);
  const int exact = (int)sim->accel.records.at[record].exact;
  if (!exact && !weft__memo_is_close(sim, partition, record)) return 0;
  sim->accel.partitions.at[partition].late = weft__memo_late(sim, partition, record);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (!is_room(sim, slot, &parts.flows[sim->accel.members.at[slot].as], exact)) return 0;
  return weft__memo_is_forward(sim, partition);
}

static void take_rates(weft_sim *sim, uint32_t partition) {
  const struct record_parts parts =
      record_parts(sim, sim->accel.partitions.at[partition].record - 1);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    struct member *m = &sim->accel.members.at[slot];
    m->rate = parts.flows[m->as].rate;
    m->uncertainty = parts.flows[m->as].uncertainty;
  }
}

static int hit(weft_sim *sim, uint32_t partition) {
  if (!is_uncut(sim, partition)) {
    ++sim->accel.totals.refused[WEFT_REFUSED_CUT];
    sim->accel.partitions.at[partition].record = 0;
    return 0;
  }
  ++sim->accel.totals.hits;
  take_rates(sim, partition);
  weft__park(sim, partition, PARTITION_MEMO);
  return 1;
}

/* ---- looking up ---- */

static struct member *flow_of(weft_sim *sim, const struct conflict *p, uint32_t flow) {
  const uint32_t row = sim->accel.conflict_flows.at[p->first_flow + flow];
  return &sim->accel.members.at[sim->flow.rows.at[row].slot];
}

static void begin_record(weft_sim *sim, uint32_t partition, uint32_t index) {
  const struct conflict *p = &sim->accel.conflicts.at[index];
  const struct conflict_graph graph = conflict_graph_of(sim, index);
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
                                         .rate_bps = sim->packet.tx.at[slot].rate_bps};
  }
  r->span = sim->now;
  r->partition = partition;
  r->trouble = trouble(sim, partition);
  r->draws = draws(sim);
  sim->accel.partitions.at[partition].record = record + 1;
}

/* The record of the pattern of a partition, with the flows matched; WEFT_NONE if there is none that
 * the partition is near enough to. `status` says what came of matching, and `similar` how many
 * records there are that it is too far from. */
static uint32_t find(weft_sim *sim, uint32_t partition, uint32_t index, int *status,
                     uint32_t *similar) {
  const struct conflict_graph graph = conflict_graph_of(sim, index);
  const struct conflict *p = &sim->accel.conflicts.at[index];
  uint32_t record = weft__record_first(sim, p->key);
  *status = 0;
  *similar = 0;
  for (; record != WEFT_NONE; record = weft__record_next(sim, record)) {
    const struct conflict_graph known = record_graph(sim, record);
    const struct memo_record *r = &sim->accel.records.at[record];
    if (r->flows != p->flows || r->exact != p->exact) continue;
    *status = weft__graph_match(sim, &graph, &known);
    if (*status != 1) continue;
    for (uint32_t f = 0; f < p->flows; ++f) flow_of(sim, p, f)->as = sim->accel.indices.at[f];
    if (p->exact || r->state == RECORD_CHANCE || weft__memo_is_close(sim, partition, record))
      return record;
    ++*similar;
  }
  return WEFT_NONE;
}

/* Records know nothing of ways that have changed. */
static int was_rerouted(const weft_sim *sim, uint32_t partition) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (sim->packet.tx_warm.at[slot].path_seq != 0) return 1;
  return 0;
}

int weft__memo_look_up(weft_sim *sim, uint32_t partition, uint32_t index) {
  struct partition *z = &sim->accel.partitions.at[partition];
  int status;
  if (was_rerouted(sim, partition) || z->disturbed) return 1;
  const int refusal = weft__park_refusal(sim, partition);
  if (refusal >= 0) {
    ++sim->accel.totals.refused[refusal];
    return 1;
  }
  uint32_t similar;
  const uint32_t record = find(sim, partition, index, &status, &similar);
  if (similar >= SIMILAR_MOST && record == WEFT_NONE) return 0;
  if (record == WEFT_NONE) {
    if (status == WEFT_ELIMIT)
      ++sim->accel.totals.refused[WEFT_REFUSED_MATCH];
    else
      begin_record(sim, partition, index);
    return 1;
  }
  if (sim->accel.records.at[record].state == RECORD_CHANCE) {
    ++sim->accel.totals.left_to_chance;
    return 1;
  }
  z->record = record + 1;
  if (sim->accel.records.at[record].state == RECORD_READY) {
    return hit(sim, partition);
  }
  ++sim->accel.followers;
  weft__park(sim, partition, PARTITION_FOLLOW);
  return 1;
}

weft_time weft__follow_end(weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  const uint32_t leads = sim->accel.records.at[z->record - 1].partition;
  weft__apart_catch_up(sim, leads, sim->now - 1);
  const uint32_t *leader = weft__partition_slots(sim, leads);
  if (leader == NULL) return sim->now;
  const struct record_parts parts = record_parts(sim, z->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  weft_time end = LATEST_PS;
  FOR_MEMBERS(slot, sim, z) {
    const struct member *m = &sim->accel.members.at[slot];
    const uint32_t left = sim->packet.tx.at[slot].total - sim->packet.tx.at[slot].next;
    const uint32_t sent = sim->packet.tx.at[leader[m->as]].next - parts.begin[m->as].sent;
    const weft_time at = weft__line_time(sim, slot, (double)left - sent - MARGIN);
    if (at < end && (!exact || weft__is_far(sim, slot, left))) end = at;
  }
  return end;
}

/* ---- the end of a record ---- */

weft_time weft__memo_close_time(const weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, z->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  weft_time end = exact ? weft__tail_time(sim, partition) - 1 : LATEST_PS;
  FOR_MEMBERS(slot, sim, z) {
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
  const struct partition *z = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, z->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  FOR_MEMBERS(slot, sim, z) {
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
  const struct partition *z = &sim->accel.partitions.at[partition];
  const struct memo_record *r = &sim->accel.records.at[z->record - 1];
  if (!r->exact) return sim->now - r->span < sim->accel.steady_period;
  return sim->now == r->span;
}

static void give_up(weft_sim *sim, uint32_t partition) {
  weft__unpark(sim, partition, sim->now);
  weft__partition_resume(sim, partition, sim->now + sim->accel.steady_period);
}

static void let_follow(weft_sim *sim, uint32_t partition) {
  if (!is_uncut(sim, partition)) {
    ++sim->accel.totals.refused[WEFT_REFUSED_CUT];
    give_up(sim, partition);
    return;
  }
  --sim->accel.followers;
  ++sim->accel.totals.hits;
  ++sim->accel.totals.followers;
  sim->accel.partitions.at[partition].phase = PARTITION_MEMO;
  take_rates(sim, partition);
  weft__partition_ask(sim, partition, weft__park_end(sim, partition));
}

/* Do something with all that follow a record. */
static void for_followers(weft_sim *sim, uint32_t record,
                          void (*act)(weft_sim *sim, uint32_t partition)) {
  for (uint32_t partition = 0; sim->accel.followers > 0 && partition < sim->accel.partitions.n;
       ++partition)
    if (sim->accel.partitions.at[partition].phase == PARTITION_FOLLOW &&
        sim->accel.partitions.at[partition].record == record + 1)
      act(sim, partition);
}

void weft__memo_drop(weft_sim *sim, uint32_t partition) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (z->record == 0 || z->phase != PARTITION_LIVE) return;
  const uint32_t record = z->record - 1;
  z->record = 0;
  if (sim->accel.replaying) {
    sim->accel.records.at[record].state = RECORD_GONE;
    ++sim->accel.gone_records;
    return;
  }
  for_followers(sim, record, give_up);
  weft__record_free(sim, record);
}

void weft__memo_bury(weft_sim *sim) {
  for (uint32_t record = 0; sim->accel.gone_records > 0 && record < sim->accel.records.n;
       ++record) {
    if (sim->accel.records.at[record].state != RECORD_GONE) continue;
    --sim->accel.gone_records;
    sim->accel.records.at[record].state = RECORD_OPEN; /* once: what follows may bury others */
    for_followers(sim, record, give_up);
    weft__record_free(sim, record);
  }
}

/* Marks were drawn in it. What came of them is one sample of what may come, and who takes it again
 * and again has no spread. So each draws its own: all that is kept of classes is that they do. Who
 * waited is simulated. */
static void leave_to_chance(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  ++sim->accel.totals.left_to_chance;
  if (sim->accel.records.at[record].exact) {
    weft__memo_drop(sim, partition);
    return;
  }
  sim->accel.records.at[record].state = RECORD_CHANCE;
  sim->accel.partitions.at[partition].record = 0;
  for_followers(sim, record, give_up);
}

void weft__memo_close(weft_sim *sim, uint32_t partition, int steady) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (z->record == 0 || z->phase != PARTITION_LIVE) return;
  const uint32_t record = z->record - 1;
  weft__partition_settle(sim, partition, sim->now);
  if (!sim->accel.replaying && sim->accel.records.at[record].draws != draws(sim)) {
    leave_to_chance(sim, partition);
    return;
  }
  if (weft__park_refusal(sim, partition) >= 0 ||
      sim->accel.records.at[record].trouble != trouble(sim, partition) ||
      (!steady && is_short(sim, partition)) || has_sent_all(sim, partition) ||
      !weft__snapshot_take(sim, partition)) {
    weft__memo_drop(sim, partition);
    return;
  }
  struct memo_record *r = &sim->accel.records.at[record];
  r->span = sim->now - r->span;
  r->state = RECORD_READY;
  r->partition = 0;
  r->steady = (uint32_t)steady;
  sim->accel.partitions.at[partition].record = 0;
  for_followers(sim, record, let_follow);
}
