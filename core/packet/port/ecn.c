/* ECN: a port's thresholds, and the marks. */

#include "base/rng_i.h"
#include "packet/hooks.h"
#include "packet/port/port.h"

enum { REFERENCE_BPS_ECN_GBIT = 100 };

/* Index of upper thresholds, which mostly are those of a port before; there is room for more. */
static uint32_t find(weft_sim *sim, uint64_t kmax, double pmax) {
  enum { LOOK_BACK = 8 };
  const uint32_t n = sim->packet.ecn.n, first = n > LOOK_BACK ? n - LOOK_BACK : 0;
  for (uint32_t i = n; i-- > first;)
    if (sim->packet.ecn.at[i].kmax == kmax && sim->packet.ecn.at[i].pmax == pmax) return i;
  sim->packet.ecn.at[n] = (struct ecn){kmax, pmax};
  return sim->packet.ecn.n++;
}

/* Thresholds follow the rate, so that the marking queue is the same time everywhere. */
void weft__ecn_init(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  if (!(port->flags & PORT_OF_SWITCH)) return;
  const double rate = (double)sim->fabric.ports.at[index].built_rate_bps;
  const double scale = rate / (REFERENCE_BPS_ECN_GBIT * 1e9);
  const double kmin = sim->config.ecn_kmin_bytes * scale;
  port->kmin = kmin < (double)UINT32_MAX ? (uint32_t)kmin : UINT32_MAX;
  const double kmax = sim->config.ecn_kmax_bytes * scale;
  sim->packet.port_cold.at[index].ecn = find(sim, (uint64_t)kmax, sim->config.ecn_pmax);
}

int weft__ecn_set(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax) {
  if (!pool_reserve(sim, sim->packet.ecn, sim->packet.ecn.n + 1u)) return WEFT_ENOMEM;
  accel_wake_all(sim);
  sim->packet.ports.at[port].kmin = kmin < UINT32_MAX ? (uint32_t)kmin : UINT32_MAX;
  sim->packet.port_cold.at[port].ecn = find(sim, kmax, pmax);
  return WEFT_OK;
}

void weft__port_mark(weft_sim *sim, uint32_t index, struct packet *packet) {
  const struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct ecn *ecn = &sim->packet.ecn.at[cold->ecn];
  if (packet->flags & PACKET_ACK) return;
  if (port->queue_bytes <= ecn->kmax) {
    const double span = (double)(ecn->kmax - port->kmin);
    const double p = ecn->pmax * (port->queue_bytes - port->kmin) / span;
    cold->draws += p > 0 && p < 1;
    if (rng_uniform(sim->config.seed, RNG_ECN, index, port->deq + cold->skipped) >= p) return;
  }
  packet->flags |= PACKET_ECN;
  ++cold->ecn_marks;
  ++sim->stats.ecn_marks;
}
