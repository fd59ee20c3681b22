/* What all ports together have done by now. */
#include "packet/hooks.h"
#include "packet/packet.h"
#include "packet/port/port_i.h"

void weft__packet_settle(weft_sim *sim) {
  for (uint32_t p = 0; sim->ready && p < sim->packet.ports.n; ++p)
    port_settle(sim, p, &sim->packet.ports.at[p], sim->now);
}

void weft__packet_stats(weft_sim *sim, weft_stats *stats) {
  accel_parked_stats(sim, stats);
  stats->packets_in_flight =
      stats->packets_injected - stats->packets_delivered - stats->packets_dropped;
  stats->bytes_in_flight = stats->bytes_injected - stats->bytes_delivered - stats->bytes_dropped;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p)
    if (sim->packet.ports.at[p].max_queue_bytes > stats->max_queue_bytes)
      stats->max_queue_bytes = sim->packet.ports.at[p].max_queue_bytes;
}
