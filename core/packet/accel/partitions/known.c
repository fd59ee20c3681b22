/* Going by what is known: transients by their patterns.
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
#include "packet/accel/partitions/partitions.h"

enum {
  SIMILAR_MOST = 16, /* records of a pattern by classes: beyond, it is looked up by state */
  MARGIN = 8 /* packets that a flow must have beyond those of the transient */
};

/* ---- hits ---- */

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

/* ---- who follows ---- */

/* Behind a replay in which records were dropped: who follows one goes on by itself. */
static void bury(weft_sim *sim);

void weft__partition_let_go(weft_sim *sim, uint32_t partition, weft_time last) {
  weft__unpark(sim, partition, last);
  bury(sim);
}

void weft__partitions_catch_up(weft_sim *sim, weft_time last) {
  weft__apart_catch_up_all(sim, last);
  bury(sim);
}

static void give_up(weft_sim *sim, uint32_t partition) {
  weft__partition_let_go(sim, partition, sim->now);
  weft__partition_resume(sim, partition, sim->now + sim->accel.steady_period);
}

static void let_follow(weft_sim *sim, uint32_t partition) {
  if (!is_uncut(sim, partition)) {
    ++sim->accel.totals.refused[WEFT_REFUSED_CUT];
    give_up(sim, partition);
    return;
  }
  ++sim->accel.totals.hits;
  ++sim->accel.totals.followers;
  weft__partition_become(sim, partition, PARTITION_MEMO);
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

static void bury(weft_sim *sim) {
  for (uint32_t record = 0; sim->accel.gone_records > 0 && record < sim->accel.records.n;
       ++record) {
    if (sim->accel.records.at[record].state != RECORD_GONE) continue;
    --sim->accel.gone_records;
    sim->accel.records.at[record].state = RECORD_OPEN; /* once: what follows may bury others */
    for_followers(sim, record, give_up);
    weft__record_free(sim, record);
  }
}

/* `leader` are the slots of the partition that it follows, by the flows of the record. */
static weft_time follow_end(const weft_sim *sim, uint32_t partition, const uint32_t *leader) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, p->record - 1);
  const int exact = weft__memo_is_exact(sim, partition);
  weft_time end = LATEST_PS;
  FOR_MEMBERS(slot, sim, p) {
    const struct member *m = &sim->accel.members.at[slot];
    const uint32_t left = sim->packet.tx.at[slot].total - sim->packet.tx.at[slot].next;
    const uint32_t sent = sim->packet.tx.at[leader[m->as]].next - parts.begin[m->as].sent;
    const weft_time at = weft__line_time(sim, slot, (double)left - sent - MARGIN);
    if (at < end && (!exact || weft__is_far(sim, slot, left))) end = at;
  }
  return end;
}

weft_time weft__known_follow_end(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  const uint32_t leads = sim->accel.records.at[record].partition;
  weft__apart_catch_up(sim, leads, sim->now - 1);
  bury(sim);
  if (sim->accel.partitions.at[partition].phase != PARTITION_FOLLOW) return sim->now;
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint32_t *leader = weft__partition_slots(sim, leads);
  const weft_time end = leader != NULL ? follow_end(sim, partition, leader) : sim->now;
  weft__arena_reset(sim, &sim->arena, mark);
  return end;
}

static void follow(weft_sim *sim, uint32_t partition) {
  weft__park(sim, partition, PARTITION_FOLLOW);
  const weft_time end = weft__known_follow_end(sim, partition);
  if (end < LATEST_PS) weft__partition_ask(sim, partition, end);
}

/* ---- looking up ---- */

/* Records know nothing of ways that have changed. */
static int was_rerouted(const weft_sim *sim, uint32_t partition) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (sim->packet.tx_warm.at[slot].path_seq != 0) return 1;
  return 0;
}

int weft__known_look_up(weft_sim *sim, uint32_t partition, uint32_t index) {
  struct partition *p = &sim->accel.partitions.at[partition];
  int status;
  if (was_rerouted(sim, partition) || p->disturbed) return 1;
  const int refusal = weft__park_refusal(sim, partition);
  if (refusal >= 0) {
    ++sim->accel.totals.refused[refusal];
    return 1;
  }
  uint32_t similar;
  const uint32_t record = weft__memo_find(sim, partition, index, &status, &similar);
  if (similar >= SIMILAR_MOST && record == WEFT_NONE) return 0;
  if (record == WEFT_NONE) {
    if (status == WEFT_ELIMIT)
      ++sim->accel.totals.refused[WEFT_REFUSED_MATCH];
    else
      weft__memo_begin(sim, partition, index);
    return 1;
  }
  if (sim->accel.records.at[record].state == RECORD_CHANCE) {
    ++sim->accel.totals.left_to_chance;
    return 1;
  }
  p->record = record + 1;
  if (sim->accel.records.at[record].state == RECORD_READY) {
    return hit(sim, partition);
  }
  follow(sim, partition);
  return 1;
}

/* ---- the end of a record ---- */

void weft__known_drop(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->record == 0 || p->phase != PARTITION_LIVE) return;
  const uint32_t record = p->record - 1;
  p->record = 0;
  if (sim->packet.replaying) {
    sim->accel.records.at[record].state = RECORD_GONE;
    ++sim->accel.gone_records;
    return;
  }
  for_followers(sim, record, give_up);
  weft__record_free(sim, record);
}

/* Marks were drawn in it. What came of them is one sample of what may come, and who takes it again
 * and again has no spread. So each draws its own: all that is kept of classes is that they do. Who
 * waited is simulated. */
static void leave_to_chance(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  ++sim->accel.totals.left_to_chance;
  if (sim->accel.records.at[record].exact) {
    weft__known_drop(sim, partition);
    return;
  }
  sim->accel.records.at[record].state = RECORD_CHANCE;
  sim->accel.partitions.at[partition].record = 0;
  for_followers(sim, record, give_up);
}

void weft__known_close(weft_sim *sim, uint32_t partition, int steady) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->record == 0 || p->phase != PARTITION_LIVE) return;
  const uint32_t record = p->record - 1;
  weft__partition_settle(sim, partition, sim->now);
  if (!sim->packet.replaying && weft__memo_has_drawn(sim, partition)) {
    leave_to_chance(sim, partition);
    return;
  }
  if (weft__park_refusal(sim, partition) >= 0 || !weft__memo_complete(sim, partition, steady)) {
    weft__known_drop(sim, partition);
    return;
  }
  sim->accel.partitions.at[partition].record = 0;
  for_followers(sim, record, let_follow);
}
