/* What the packet model makes of a fabric: ports, buffers, the grain of its clockwork. */
#include <string.h>

#include "packet/accel/accel.h"
#include "packet/cc/algorithms.h"
#include "packet/model.h"
#include "packet/packet.h"
#include "packet/port/port.h"

int weft__packet_create(weft_sim *sim) {
  sim->packet.run_part = weft__packet_run_part;
  for (int i = 0; i < RING_CLASSES; ++i) sim->packet.ring_free[i] = WEFT_NONE;
  for (int i = 0; i < BITMAP_CLASSES; ++i) sim->packet.bitmap_free[i] = WEFT_NONE;
  const int status = weft__model_choose(sim);
  if (status != WEFT_OK) return status;
  sim->packet.recovery = sim->config.recovery;
  if (sim->packet.recovery == WEFT_RECOVERY_AUTO)
    sim->packet.recovery = sim->packet.model->asked_order ? WEFT_RECOVERY_GO_BACK_N
                                                          : weft__cc_recovery(sim->config.cc);
  weft__cc_choose(sim);
  return status;
}

int weft__packet_link_added(weft_sim *sim, uint32_t link) {
  const uint32_t end = 2 * link + 2;
  if (!pool_reserve(sim, sim->packet.ports, end) ||
      !pool_reserve(sim, sim->packet.port_cold, end) || !pool_reserve(sim, sim->packet.nics, end) ||
      !pool_reserve(sim, sim->packet.ecn, sim->packet.ecn.n + 2u))
    return WEFT_ENOMEM;
  sim->packet.ports.n = sim->packet.port_cold.n = sim->packet.nics.n = end;
  for (uint32_t port = 2 * link; port < end; ++port) {
    weft__port_init(sim, port);
    if (!weft__wire_init(sim, port)) return WEFT_ENOMEM;
    sim->packet.nics.at[port] = (struct nic){.wake = -1, .first = WEFT_NONE, .last = WEFT_NONE};
  }
  return WEFT_OK;
}

/* The event wheel spans at least twice the time that a full packet spends on an average link, so
 * that all but timers find their place in it. In a small fabric its buckets are wider, for two or
 * so events each: looking for the next occupied one costs as much as sorting those. */
static void size_wheel(weft_sim *sim) {
  const uint32_t frame = frame_largest(&sim->config);
  double delay = 0, ser = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    delay += (double)sim->packet.ports.at[p].delay_ps;
    ser += (double)sim->packet.ports.at[p].byte_ps * frame;
  }
  const double ports = sim->packet.ports.n > 0 ? sim->packet.ports.n : 1;
  const double mean = (delay + ser) / ports;
  double bucket = 4 * ser / ports / ports;
  if (bucket > mean / 64) bucket = mean / 64;
  if (bucket < 2 * mean / WHEEL_BUCKETS) bucket = 2 * mean / WHEEL_BUCKETS;
  weft__events_init(sim->queue, (weft_time)bucket + 1);
}

static int make_buffers(weft_sim *sim) {
  const uint32_t nodes = sim->fabric.nodes.n;
  if (!pool_reserve(sim, sim->packet.buffers, nodes)) return WEFT_ENOMEM;
  memset(sim->packet.buffers.at, 0, nodes * sizeof *sim->packet.buffers.at);
  sim->packet.buffers.n = nodes;
  return sim->packet.model->ready(sim);
}

static int trim(weft_sim *sim) {
  return pool_trim(sim, sim->packet.ports) && pool_trim(sim, sim->packet.port_cold) &&
         pool_trim(sim, sim->packet.nics) && pool_trim(sim, sim->packet.buffers) &&
         pool_trim(sim, sim->packet.packets);
}

int weft__packet_ready(weft_sim *sim) {
  const struct cc_ops *cc = sim->packet.cc;
  int status = cc->ready != NULL ? cc->ready(sim) : WEFT_OK;
  if (status == WEFT_OK) status = weft__rings_init(sim);
  if (status == WEFT_OK) status = make_buffers(sim);
  if (status == WEFT_OK) status = weft__acceleration_init(sim);
  if (status == WEFT_OK && !trim(sim)) status = WEFT_ENOMEM;
  if (status == WEFT_OK) size_wheel(sim);
  return status;
}

void weft__packet_port_info(const weft_sim *sim, uint32_t port, weft_port_info *info) {
  const struct port_cold *cold = &sim->packet.port_cold.at[port];
  const int is_paused = sim->packet.ports.at[port].flags & PORT_PAUSED;
  info->paused_since_ps = is_paused ? cold->paused_since : -1;
  info->storms = cold->storms;
}
