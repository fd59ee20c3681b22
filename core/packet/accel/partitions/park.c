/* Parking: a partition that need not be simulated is left as it is, and put where it has got to
 * only when something happens to it.
 *
 * Its ports and flows are marked, so that their events, which stay in the queue, find nothing to do
 * when they come. No time is worked out at which it must go on but that of its own flows' ends: a
 * flow that starts on its ports, a link that changes, a pause, whether announced or not, wakes it
 * at that very instant (Wormhole shifts its events ahead and, at an interrupt, back again). Waking
 * costs in proportion to the packets under way: less than simulating one round trip. */
#include <math.h>

#include "packet/accel/partitions/partitions.h"
#include "packet/cc/cc.h"

enum { SWING = 4 }; /* sample periods, of which each has a period or several of the algorithm's */

void weft__park(weft_sim *sim, uint32_t partition, enum partition_phase phase) {
  if (phase != PARTITION_FOLLOW && weft__audit_is_drawn(sim, partition, sim->now))
    weft__audit_flows(sim, partition);
  weft__partition_list_ports(sim, partition);
  weft__partition_become(sim, partition, phase);
  weft__partition_mark(sim, partition, 1);
  if (phase == PARTITION_FOLLOW) return; /* who parks it knows when it must go on */
  const weft_time end = weft__park_end(sim, partition);
  if (end < LATEST_PS) weft__partition_ask(sim, partition, end);
}

static void note_span(weft_sim *sim, const struct partition *p, enum weft_phase phase,
                      weft_time begin, weft_time end, uint64_t packets) {
  if (end <= begin) return;
  if (phase == WEFT_PHASE_STEADY) {
    ++sim->accel.totals.steady_spans;
    sim->accel.totals.steady_ps += end - begin;
  } else {
    ++sim->accel.totals.memo_spans;
    sim->accel.totals.memo_ps += end - begin;
  }
  if (sim->accel.span_rows.n >= sim->accel.span_capacity) return;
  sim->accel.span_rows.at[sim->accel.span_rows.n++] =
      (struct span_row){.begin_ps = begin,
                        .end_ps = end,
                        .packets = packets,
                        .phase = phase,
                        .partition = p->serial,
                        .flows = p->flows,
                        .flow = sim->packet.tx.at[p->first].row};
}

static uint64_t data_skipped(const weft_sim *sim) {
  return sim->accel.totals.packets_skipped / 2;
}

/* Congestion control has nothing that swings, and packets come like a clock; or who sets theta says
 * that a swing is no matter. */
static int is_still(const weft_sim *sim, uint32_t partition) {
  if (sim->config.theta >= 0) return 1;
  if (sim->packet.cc_words > 0) return 0;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (sim->accel.members.at[slot].uncertainty > CLOCKWORK) return 0;
  return 1;
}

/* Of a span at constant rates, so much at its end is to be simulated: up to SWING sample periods.
 *
 * A partition is parked in one state of its swing. Put on by the whole span it would meet whatever
 * comes in that very state, whenever it comes, and as what follows depends on the state, the error
 * would be to one side. Put on by a multiple of the swing's time it is in that state as well, and
 * the rest takes it to another, which is as likely as in the plain run: nothing is drawn, when
 * something comes is chance enough. A multiple of the time of a packet, too: flows that take turns
 * in lockstep do so as before. At its own flows' end, `left` from now, there is no rest, nor one
 * beyond it; nor where functions of a script would be called out of their turn. */
static weft_time rest_of(const weft_sim *sim, uint32_t partition, weft_time span, weft_time left) {
  if (left <= 0 || sim->packet.cc->outside) return 0;
  const weft_time beat = weft__park_beat(sim, partition);
  if (beat > 0) return span % beat;
  const weft_time swing = SWING * sim->accel.steady_period;
  const weft_time phase = is_still(sim, partition) ? 0 : span % swing;
  const double packet = 1 / sim->accel.members.at[sim->accel.partitions.at[partition].first].rate;
  const double skip = floor((double)(span - phase) / packet) * packet;
  const weft_time rest = span - (weft_time)floor(skip + 0.5);
  if (rest < 0) return 0;
  return rest < left ? rest : left;
}

/* Put the partition where it is now, or so much before as it has parked_at. */
static void go_on(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  const weft_time left = weft__park_end(sim, partition) - sim->now;
  weft_time from = p->parked_at;
  if (p->phase == PARTITION_MEMO) {
    const uint64_t before = data_skipped(sim);
    from = weft__memo_end(sim, partition);
    weft__memo_install(sim, partition);
    note_span(sim, p, WEFT_PHASE_MEMO, p->parked_at, from, data_skipped(sim) - before);
  }
  const uint64_t before = data_skipped(sim);
  weft__partition_list_ports(sim, partition); /* which clears what they were moved on by */
  p->parked_at = sim->now - rest_of(sim, partition, sim->now - from, left);
  weft__partition_advance(sim, partition, p->parked_at - from);
  note_span(sim, p, WEFT_PHASE_STEADY, from, p->parked_at, data_skipped(sim) - before);
}

/* Simulate it from parked_at on, by itself. 0 if all its flows have ended in that. */
static int catch_up(weft_sim *sim, uint32_t partition, weft_time last) {
  const uint64_t events = sim->events;
  weft__replay(sim, partition, last);
  sim->accel.totals.events_replayed += sim->events - events;
  return sim->accel.partitions.at[partition].phase != PARTITION_FREE;
}

void weft__unpark(weft_sim *sim, uint32_t partition, weft_time last) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase == PARTITION_APART) {
    weft__apart_end(sim, partition, last);
    return;
  }
  const int is_known = p->phase == PARTITION_STEADY ||
                       (p->phase == PARTITION_MEMO && weft__memo_end(sim, partition) <= sim->now);
  if (is_known && weft__audit_is_drawn(sim, partition, p->parked_at)) weft__audit(sim, partition);
  p = &sim->accel.partitions.at[partition];
  weft__partition_list_ports(sim, partition);
  weft__partition_mark(sim, partition, 0);
  weft_time since = sim->now;
  if (is_known) {
    go_on(sim, partition);
    since = sim->accel.partitions.at[partition].parked_at;
  }
  weft__partition_become(sim, partition, PARTITION_LIVE);
  if ((!is_known || since < sim->now) && !catch_up(sim, partition, last)) return;
  p = &sim->accel.partitions.at[partition];
  weft__partition_set_unarmed(sim, p, 1);
  weft__steady_begin(sim, partition);
  p->since = since;
}
