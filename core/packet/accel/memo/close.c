/* Whether a partition is near enough to where a record by classes began.
 *
 * Classes are wide, so that much is found again: flows that are fresh are all the same, others that
 * are within a ninth of a rate and half a round trip's packets. What a record does to a flow is
 * however what it did to its own: so many packets in so much time. A flow that had sent for some
 * round trips at line rate when it took the record of one that had not, gets these packets twice;
 * and as one record is taken again and again, that is an error to one side. So it is worked out how
 * many packets each flow would be off by. What all have in common makes the transient so much
 * longer or shorter; and of the rest, a hit is one only where it is a small part of what the flow
 * has left: long flows take what short ones must not. */
#include <math.h>

#include "fabric/path.h"
#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/record.h"
#include "packet/cc/cc.h"

#define OFF_MOST 1e-4 /* of what is left */
#define APART_MOST 1e-3 /* of the time left: how far flows may be from the record's lockstep */

static weft_time here(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  return p->phase == PARTITION_FOLLOW ? p->parked_at : sim->now;
}

/* Packets per ps behind the transient; in it where what comes behind is not known; what the flow
 * asks for where nothing is yet, as another partition makes the record just now. */
static double rate_of(const weft_sim *sim, uint32_t slot, const struct memo_record *r,
                      const struct record_parts *parts) {
  if (r->state != RECORD_READY)
    return (double)sim->packet.tx.at[slot].rate_bps / (8e12 * full_frame(sim));
  const struct memo_flow *f = &parts->flows[sim->accel.members.at[slot].as];
  return r->steady ? f->rate : (double)f->sent / (double)r->span;
}

/* By how much a flow is older than that of the record was, ps. */
static double older(const weft_sim *sim, uint32_t slot, const struct memo_begin *begin) {
  const weft_time start = sim->flow.rows.at[sim->packet.tx.at[slot].row].start_ps;
  return (double)(here(sim, sim->accel.members.at[slot].partition) - start - begin->age);
}

/* Packets that a fresh flow would have sent by the end of the transient beyond that of the record:
 * `rate` x its being older, less what it has sent of that already. */
static double ahead_of(const weft_sim *sim, uint32_t slot, const struct memo_begin *begin,
                       double rate) {
  return rate * older(sim, slot, begin) - ((double)sim->packet.tx.at[slot].next - begin->sent);
}

/* What a flow of an age has received: below 0 the time until its first packet is through, as far as
 * nothing is in that one's way, in packets at line rate. */
static double received_by(const weft_sim *sim, uint32_t slot, double age, uint32_t received) {
  const uint32_t *path = slot_path(sim, slot);
  const double way =
      (double)weft__path_one_way(sim, path, sim->packet.tx.at[slot].hops, full_frame(sim));
  if (received > 0 || age > way) return received;
  return (age - way) * (double)sim->packet.tx_warm.at[slot].line_bps / (8e12 * full_frame(sim));
}

/* The same of what it has received: what is queued on the way of one and not of the other is no
 * part of their being older. */
static double received_ahead_of(const weft_sim *sim, uint32_t slot, const struct memo_begin *begin,
                                double rate) {
  const double by = older(sim, slot, begin), age = (double)begin->age;
  return rate * by - received_by(sim, slot, age + by, sim->packet.rx.at[slot].next) +
         received_by(sim, slot, age, begin->received);
}

/* Packets by which a flow in its midst would be off, as it would have gone on from its own rate,
 * and has its own packets under way. */
static double apart_by(const weft_sim *sim, uint32_t slot, const struct memo_record *r,
                       const struct memo_begin *begin, double rate) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const double under_way = (double)(tx->next - sim->packet.rx.at[slot].next);
  const double faster = (double)tx->rate_bps / (double)begin->rate_bps - 1;
  const weft_time span = r->state == RECORD_READY ? r->span : sim->now - r->begin;
  return fabs(under_way - (double)(begin->sent - begin->received)) +
         fabs(faster) * rate * (double)span;
}

/* Did the record begin in the very state in which this was looked up? */
static int is_same_state(const weft_sim *sim, uint32_t partition,
                         const struct record_parts *parts) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const struct member *m = &sim->accel.members.at[slot];
    if (m->state != parts->begin[m->as].state) return 0;
  }
  return 1;
}

weft_time weft__memo_late(const weft_sim *sim, uint32_t partition, uint32_t record) {
  const struct memo_record *r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record);
  double sum = 0;
  uint32_t fresh = 0;
  if (r->exact || r->state != RECORD_READY || !r->steady) return 0;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const uint32_t as = sim->accel.members.at[slot].as;
    const double rate = rate_of(sim, slot, r, &parts);
    if (parts.begin[as].age < 0) continue;
    ++fresh;
    sum -= ahead_of(sim, slot, &parts.begin[as], rate) / rate;
  }
  const double mean = fresh > 0 ? sum / fresh : 0;
  if (!(fabs(mean) < (double)r->span)) return 0; /* made up, or too far to be close */
  const weft_time late = (weft_time)floor(mean + 0.5);
  const weft_time least = here(sim, partition) == sim->now ? 1 : sim->now - here(sim, partition);
  return late < least - r->span ? least - r->span : late;
}

int weft__memo_is_close(const weft_sim *sim, uint32_t partition, uint32_t record) {
  const struct memo_record *r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record);
  const double late = (double)weft__memo_late(sim, partition, record);
  double least = INFINITY, most = -INFINITY, time = INFINITY;
  if (r->undecided) return is_same_state(sim, partition, &parts);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const struct memo_begin *begin = &parts.begin[sim->accel.members.at[slot].as];
    const double rate = rate_of(sim, slot, r, &parts);
    const double left = (double)(sim->packet.tx.at[slot].total - sim->packet.tx.at[slot].next);
    const double off = begin->age >= 0
                           ? fmax(fabs(ahead_of(sim, slot, begin, rate) + rate * late),
                                  fabs(received_ahead_of(sim, slot, begin, rate) + rate * late))
                           : apart_by(sim, slot, r, begin, rate) + fabs(rate * late);
    if (!(off <= OFF_MOST * left)) return 0;
    if (rate > 0 && left / rate < time) time = left / rate;
    if (begin->age < 0) continue;
    const double by = older(sim, slot, begin);
    least = by < least ? by : least;
    most = by > most ? by : most;
  }
  return !(most - least > APART_MOST * time);
}
