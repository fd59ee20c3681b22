/* A partition by itself: simulated from where it was parked, while the rest of the simulation
 * stands still.
 *
 * It owns its ports and flows, and nothing of it has happened since it was parked, so its events
 * can be handled in a queue of their own; the result is what it would have been among all others.
 * That is what makes a memo hit safe: whatever comes into a span that was taken for known, the span
 * is simulated after all up to that instant. Should a flow end in it, what waits for that begins
 * now: later than it should, but no record that is taken lets a flow come near its end. And what
 * can be done later need not be done among all other events: see apart.c. */
#include "packet/accel/partitions/partitions.h"
#include "packet/hooks.h"

void weft__replay(weft_sim *sim, uint32_t partition, weft_time last) {
  const weft_time now = sim->now;
  const uint32_t rto_events = sim->packet.rto_events, cc_events = sim->packet.cc_events;
  weft__partition_list_ports(sim, partition);
  sim->queue = &sim->queues[1];
  sim->queue->shift = sim->queues[0].shift;
  sim->now = sim->accel.partitions.at[partition].parked_at;
  weft__events_reset(sim->queue, sim->now);
  sim->packet.replaying = 1;
  weft__partition_arm(sim, partition);
  part_run(sim, last + 1, RUN_IDLE | RUN_UNFED); /* what is left is made anew */
  sim->queue = &sim->queues[0];
  sim->now = now;
  sim->packet.replaying = 0;
  sim->packet.rto_events = rto_events;
  sim->packet.cc_events = cc_events;
}
