/* PFC as back-pressure: a switch counts what it holds by the port that brought it, and lets that
 * port stand still while its count is above the dynamic threshold. Accounting, thresholds and
 * headroom as in packet/port/buffer.c; what is in headroom counts as shared, since all arrives. */
#include "fluid_cc/fluid_cc.h"

#include <inttypes.h>

enum { PFC_FRAME_BYTES = 64 };

/* A parcel is at most this part of what a port may have in a switch before it must stand still. */
enum { PARCELS_PER_PAUSE = 32 };

/* A switch counts a parcel as a whole, so that it must be small against what makes a port stand
 * still. */
static void bound_parcels(weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  const double cap = sim->fluid_cc.switches.at[index].cap / sim->config.mtu_bytes;
  for (uint32_t j = 0; sim->config.pfc && j < node->port_count; ++j) {
    const uint32_t in = sim->fabric.adjacency.at[node->first_port + j] ^ 1;
    const double packets = cap * sim->fluid_cc.ports.at[in].alpha / PARCELS_PER_PAUSE;
    if (packets < sim->fluid_cc.most_n) sim->fluid_cc.most_n = packets > 1 ? (uint32_t)packets : 1;
  }
}

int weft__fcc_buffers_init(weft_sim *sim) {
  const uint32_t n = sim->fabric.nodes.n;
  if (!pool_reserve(sim, sim->fluid_cc.switches, n)) return WEFT_ENOMEM;
  sim->fluid_cc.switches.n = n;
  sim->fluid_cc.most_n = UINT32_MAX;
  for (uint32_t i = 0; i < n; ++i) {
    const struct node *node = &sim->fabric.nodes.at[i];
    double kept = 0;
    for (uint32_t j = 0; sim->config.pfc && node->kind != WEFT_HOST && j < node->port_count; ++j)
      kept += weft__fcc_headroom(sim, sim->fabric.adjacency.at[node->first_port + j] ^ 1) +
              sim->config.pfc_reserve_bytes;
    if (node->kind != WEFT_HOST && weft__fcc_shared(sim, kept) <= 0)
      return weft__fail(sim, WEFT_EINVAL,
                        "option buffer: switch %" PRIu32
                        " needs more than %.0f bytes for PFC "
                        "headroom and reserve of %" PRIu32 " ports, got %" PRIu64,
                        i, kept, node->port_count, sim->config.buffer_bytes);
    sim->fluid_cc.switches.at[i] = (struct fcc_switch){.cap = weft__fcc_shared(sim, kept)};
    if (node->kind != WEFT_HOST) bound_parcels(sim, i);
  }
  return WEFT_OK;
}

static double shared_part(const weft_sim *sim, double bytes) {
  const double beyond = bytes - sim->config.pfc_reserve_bytes;
  return beyond > 0 ? beyond : 0;
}

/* The port hears of it after the frame has crossed the link back, behind a frame that is on it. */
static void tell(weft_sim *sim, uint32_t in, int pause) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[in];
  const weft_time way =
      fcc_wire_time(sim, in ^ 1, PFC_FRAME_BYTES) + sim->fabric.ports.at[in ^ 1].delay_ps;
  port->pausing = (uint8_t)pause;
  port->pauses += (uint32_t)pause;
  sim->stats.pfc_pauses += (uint64_t)pause;
  port->pause_due = sim->now + way;
  event_at(sim, EV_FCC_PAUSE, in * 2 + (uint32_t)pause, port->pause_due);
}

void weft__fcc_ingress(weft_sim *sim, uint32_t in, double bytes) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[in];
  struct fcc_switch *at = &sim->fluid_cc.switches.at[sim->fabric.ports.at[in].to_node];
  if (!sim->config.pfc) return;
  const double before = shared_part(sim, port->ingress);
  port->ingress += bytes;
  const double part = shared_part(sim, port->ingress);
  at->shared += part - before;
  const double free = at->cap > at->shared ? at->cap - at->shared : 0;
  const double threshold = port->alpha * free;
  if (!port->pausing && part > 0 && part > threshold)
    tell(sim, in, 1);
  else if (port->pausing && (part <= 0 || part + sim->config.pfc_resume_bytes <= threshold))
    tell(sim, in, 0);
}

void weft__fcc_pause_event(weft_sim *sim, uint32_t index, int pause) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->of_switch) weft__fcc_advance(sim, index);
  if (sim->now == port->pause_due) pause = port->pausing; /* of two at one instant the last */
  if (pause && !port->paused) port->paused_since = sim->now;
  if (!pause && port->paused) port->paused_ps += sim->now - port->paused_since;
  port->paused = (uint8_t)pause;
  if (pause) return;
  if (port->of_switch)
    weft__fcc_retime(sim, index);
  else
    weft__fcc_nic_kick(sim, index);
}
