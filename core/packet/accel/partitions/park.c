/* Parking: a partition that need not be simulated is left as it is, and put where it has got to
 * only when something happens to it.
 *
 * Its ports and flows are marked, so that their events, which stay in the queue, find nothing to do
 * when they come. No time is worked out at which it must go on but that of its own flows' ends: a
 * flow that starts on its ports, a link that changes, a pause, whether announced or not, wakes it
 * at that very instant (Wormhole shifts its events ahead and, at an interrupt, back again). Waking
 * costs in proportion to the packets under way: less than simulating one round trip. */
#include "packet/accel/partitions/partitions.h"

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

static void note_span(weft_sim *sim, const struct partition *z, enum weft_phase phase,
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
                        .partition = z->serial,
                        .flows = z->flows,
                        .flow = sim->packet.tx.at[z->first].row};
}

static uint64_t data_skipped(const weft_sim *sim) {
  return sim->accel.totals.packets_skipped / 2;
}

/* Put the partition where it is now. */
static void go_on(weft_sim *sim, uint32_t partition) {
  struct partition *z = &sim->accel.partitions.at[partition];
  weft_time from = z->parked_at;
  if (z->phase == PARTITION_MEMO) {
    const uint64_t before = data_skipped(sim);
    from = weft__memo_end(sim, partition);
    weft__memo_install(sim, partition);
    note_span(sim, z, WEFT_PHASE_MEMO, z->parked_at, from, data_skipped(sim) - before);
  }
  const uint64_t before = data_skipped(sim);
  weft__partition_list_ports(sim, partition); /* which clears what they were moved on by */
  weft__partition_advance(sim, partition, sim->now - from);
  note_span(sim, z, WEFT_PHASE_STEADY, from, sim->now, data_skipped(sim) - before);
}

void weft__unpark(weft_sim *sim, uint32_t partition, weft_time last) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (z->phase == PARTITION_APART) {
    weft__apart_end(sim, partition, last);
    return;
  }
  const int is_known = z->phase == PARTITION_STEADY ||
                       (z->phase == PARTITION_MEMO && weft__memo_end(sim, partition) <= sim->now);
  if (is_known && weft__audit_is_drawn(sim, partition, z->parked_at)) weft__audit(sim, partition);
  z = &sim->accel.partitions.at[partition];
  weft__partition_list_ports(sim, partition);
  weft__partition_mark(sim, partition, 0);
  if (is_known) {
    go_on(sim, partition);
    weft__partition_become(sim, partition, PARTITION_LIVE);
  } else {
    const uint64_t events = sim->events;
    weft__partition_become(sim, partition, PARTITION_LIVE);
    weft__replay(sim, partition, last);
    sim->accel.totals.events_replayed += sim->events - events;
    if (sim->accel.partitions.at[partition].phase == PARTITION_FREE)
      return; /* all its flows have ended in it */
  }
  z = &sim->accel.partitions.at[partition];
  weft__partition_set_unarmed(sim, z, 1);
  weft__steady_begin(sim, partition);
  z->since = sim->now;
}
