/* The learned engine: flows have the rates of the fluid, and when one is complete is the fluid's
 * time with a correction by a model, which has learned from packets what the fluid does not see:
 * queues, and how congestion control finds its rate. Here is the table of what the core asks. */
#include "base/frame_i.h"
#include "fabric/farthest.h"
#include "flow/flow.h"
#include "learned/learned_i.h"

#define BASE weft__fluid_engine

enum { DATACENTER_PS = 100000000 };

static int create(weft_sim *sim) {
  sim->fluid.watch = &weft__learned_watch;
  sim->fluid.has_window_cap = 1;
  sim->fluid.armed_at = -1;
  return WEFT_OK;
}

static int link_added(weft_sim *sim, uint32_t link) {
  if (!pool_reserve(sim, sim->learned.ports, 2 * link + 2)) return WEFT_ENOMEM;
  for (sim->learned.ports.n = 2 * link; sim->learned.ports.n < 2 * link + 2;)
    sim->learned.ports.at[sim->learned.ports.n++] = (struct learned_port){.since = 0};
  return BASE.link_added(sim, link);
}

/* Thresholds of ECN follow the rate: packet/port/ecn.c. */
static int ready(weft_sim *sim) {
  for (uint32_t p = 0; p < sim->learned.ports.n; ++p) {
    struct learned_port *port = &sim->learned.ports.at[p];
    const double scale = (double)sim->fabric.ports.at[p].built_rate_bps / 1e11;
    port->kmin = sim->config.ecn_kmin_bytes * scale;
    port->kmax = sim->config.ecn_kmax_bytes * scale;
    port->pmax = sim->config.ecn_pmax;
  }
  return BASE.ready(sim);
}

static int begin(weft_sim *sim) {
  weft_time longest;
  if (sim->learned.rtt != 0) return WEFT_OK;
  sim->learned.rtt = sim->config.base_rtt_ps;
  if (sim->learned.rtt != 0) return WEFT_OK;
  const int status = weft__farthest(sim, frame_full(&sim->config, 0), sim->config.ack_bytes,
                                    DATACENTER_PS, &sim->learned.rtt, &longest);
  if (sim->learned.rtt == 0) sim->learned.rtt = 1000000;
  return status;
}

static int set_ecn(weft_sim *sim, uint32_t index, uint64_t kmin, uint64_t kmax, double pmax) {
  struct learned_port *port = &sim->learned.ports.at[index];
  port->kmin = (double)kmin;
  port->kmax = (double)kmax;
  port->pmax = pmax;
  return WEFT_OK;
}

static int slots(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  struct learned_room *room = &sim->learned;
  if (path_ports < room->width) path_ports = room->width;
  if (!pool_reserve(sim, room->flows, n) || !pool_reserve(sim, room->hops, (uint64_t)n * path_ports))
    return 0;
  for (uint32_t i = room->flows.n; i-- > 0;)
    for (uint32_t k = room->width; k-- > 0;)
      room->hops.at[(uint64_t)i * path_ports + k] = room->hops.at[(uint64_t)i * room->width + k];
  for (; room->flows.n < n; ++room->flows.n)
    room->flows.at[room->flows.n] = (struct learned_flow){.row = WEFT_NONE};
  room->width = path_ports;
  room->hops.n = n * path_ports;
  return BASE.slots(sim, n, path_ports);
}

static void event(weft_sim *sim, uint32_t kind, uint32_t source) {
  BASE.event(sim, kind, source);
}

static uint32_t stale(const weft_sim *sim) {
  return BASE.stale(sim);
}

static void settle(weft_sim *sim) {
  BASE.settle(sim);
}

static uint64_t port_bytes(weft_sim *sim, uint32_t port) {
  return BASE.port_bytes(sim, port);
}

static void wire_bytes(const weft_sim *sim, uint64_t payload, uint64_t *data, uint64_t *acks) {
  BASE.wire_bytes(sim, payload, data, acks);
}

static int check(weft_sim *sim) {
  return BASE.check(sim);
}

const struct engine_ops weft__learned_engine = {
    .can = CAN(COMPAT) | CAN(CAPS) | CAN(CC) | CAN(THRESHOLDS),
    .create = create,
    .link_added = link_added,
    .ready = ready,
    .begin = begin,
    .event = event,
    .stale = stale,
    .port_changed = weft__fluid_port_changed,
    .rerouted = weft__fluid_rerouted,
    .set_ecn = set_ecn,
    .launch = weft__fluid_launch,
    .slots = slots,
    .delivered = weft__fluid_delivered,
    .settle = settle,
    .port_bytes = port_bytes,
    .wire_bytes = wire_bytes,
    .check = check};
