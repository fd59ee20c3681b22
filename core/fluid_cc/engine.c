/* The table of the fluid with the laws of congestion controls: what the rest of the core asks. */
#include <inttypes.h>
#include <string.h>

#include "base/frame_i.h"
#include "fluid_cc/fluid_cc.h"

/* ---- life ---- */

static int create(weft_sim *sim) {
  if (!weft__fcc_law_init(sim))
    return weft__fail(sim, WEFT_EINVAL,
                      "option cc: engine 'fluid-cc' has no script; expected window, dctcp, hpcc, "
                      "dcqcn, timely or swift");
  sim->fluid_cc.free_parcel = sim->fluid_cc.free_inflow = WEFT_NONE;
  return weft__fcc_choose_model(sim);
}

static int link_added(weft_sim *sim, uint32_t link) {
  const uint64_t ports = 2ull * link + 2;
  if (!pool_reserve(sim, sim->fluid_cc.ports, ports) ||
      !pool_reserve(sim, sim->fluid_cc.arrivals, ports * FCC_ARRIVALS))
    return WEFT_ENOMEM;
  sim->fluid_cc.arrivals.n = (uint32_t)ports * FCC_ARRIVALS;
  for (sim->fluid_cc.ports.n = 2 * link; sim->fluid_cc.ports.n < 2 * link + 2;)
    sim->fluid_cc.ports.at[sim->fluid_cc.ports.n++] =
        (struct fcc_port){.inflows = WEFT_NONE, .held = WEFT_NONE, .alone = WEFT_NONE, .wake = -1};
  return WEFT_OK;
}

static void set_rate(weft_sim *sim, uint32_t index) {
  const double bps = (double)sim->fabric.ports.at[index].rate_bps;
  double byte_ps = 8e12 / bps;
  const uint32_t grain = sim->fabric.limits.grain_ps;
  if (grain != 0) { /* a link is as much faster as its full packets are */
    const double frame = frame_full(&sim->config, weft__fcc_extra(sim)), time = frame * byte_ps;
    if (time >= grain) byte_ps = (double)((uint64_t)time / grain * grain) / frame;
  }
  sim->fluid_cc.ports.at[index].rate = 1 / byte_ps;
  sim->fluid_cc.ports.at[index].byte_ps = byte_ps;
}

/* Of the event queue: that its wheel spans a few links' delays and full packets, or 50 us. */
static weft_time bucket(const weft_sim *sim) {
  weft_time longest = 50000000;
  for (uint32_t p = 0; p < sim->fabric.ports.n; ++p) {
    const weft_time link = sim->fabric.ports.at[p].delay_ps + fcc_wire_time(sim, p, 1500);
    if (4 * link > longest) longest = 4 * link;
  }
  return longest / WHEEL_BUCKETS + 1;
}

/* Thresholds of ECN follow the rate: packet/port/ecn.c. */
static int ready(weft_sim *sim) {
  for (uint32_t p = 0; p < sim->fluid_cc.ports.n; ++p) {
    struct fcc_port *port = &sim->fluid_cc.ports.at[p];
    const struct fabric_port *of = &sim->fabric.ports.at[p];
    const double scale = (double)of->built_rate_bps / 1e11;
    set_rate(sim, p);
    port->of_switch = sim->fabric.nodes.at[of->from_node].kind != WEFT_HOST;
    port->kmin = (double)(uint64_t)(sim->config.ecn_kmin_bytes * scale);
    port->kmax = (double)(uint64_t)(sim->config.ecn_kmax_bytes * scale);
    port->pmax = sim->config.ecn_pmax;
    port->alpha = weft__fcc_alpha(sim, p);
  }
  weft__events_init(sim->queue, bucket(sim));
  return weft__fcc_buffers_init(sim);
}

/* An event of a flow alone, unless it is that no more. */
static int is_of_one_alone(weft_sim *sim, uint32_t kind, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const int alone = sim->flow.slots.at[slot].active && flow->state == FCC_ALONE;
  return alone && flow->due[kind == EV_FCC_ALONE] == sim->now;
}

static void event(weft_sim *sim, uint32_t kind, uint32_t source) {
  switch (kind) {
    case EV_FCC_PAUSE:
      weft__fcc_pause_event(sim, source / 2, (int)(source % 2));
      break;
    case EV_FCC_HOP:
      weft__fcc_hop(sim, source);
      break;
    case EV_FCC_FORESEEN:
      weft__fcc_foreseen(sim, source);
      break;
    case EV_FCC_TAIL:
      weft__fcc_tail(sim, source);
      break;
    case EV_FCC_ACK:
      weft__fcc_ack(sim, source);
      break;
    case EV_FCC_NIC:
      weft__fcc_nic_event(sim, source);
      break;
    case EV_FCC_GIVE_UP:
      weft__fcc_give_up_event(sim, source);
      break;
    default:
      if (!is_of_one_alone(sim, kind, source)) {
        --sim->fluid_cc.stale;
        event_is_stale(sim);
      } else if (kind == EV_FCC_ALONE) {
        weft__fcc_alone_end(sim, source);
      } else {
        sim->fluid_cc.flows.at[source].told = 1;
        weft__flow_tell(sim, sim->fluid_cc.flows.at[source].row, NEWS_SENT);
      }
      break;
  }
}

static uint32_t stale(const weft_sim *sim) {
  return sim->fluid_cc.stale;
}

/* ---- flows ---- */

/* Telemetry of longer ways than any before: what there is moves. */
static int widen(weft_sim *sim, uint32_t hops) {
  struct fluid_cc_room *room = &sim->fluid_cc;
  const uint32_t old = room->path_ports;
  if (!fcc_reads_telemetry(sim) || hops <= old) {
    if (hops > old) room->path_ports = hops;
    return 1;
  }
  const uint64_t parcels = room->parcels.n, flows = room->flows.n;
  if (!pool_reserve(sim, room->telemetry, parcels * hops) ||
      !pool_reserve(sim, room->last_seen, flows * hops))
    return 0;
  const size_t size = old * sizeof *room->telemetry.at;
  for (uint64_t i = parcels; old > 0 && i-- > 0;)
    memmove(&room->telemetry.at[i * hops], &room->telemetry.at[i * old], size);
  for (uint64_t i = flows; old > 0 && i-- > 0;)
    memmove(&room->last_seen.at[i * hops], &room->last_seen.at[i * old], size);
  room->telemetry.n = (uint32_t)(parcels * hops);
  room->path_ports = hops;
  return 1;
}

static int slots(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  struct fluid_cc_room *room = &sim->fluid_cc;
  if (!widen(sim, path_ports) || !pool_reserve(sim, room->flows, n)) return 0;
  if (fcc_reads_telemetry(sim)) {
    if (!pool_reserve(sim, room->last_seen, (uint64_t)n * room->path_ports)) return 0;
    room->last_seen.n = n * room->path_ports;
  }
  for (; room->flows.n < n; ++room->flows.n)
    room->flows.at[room->flows.n] = (struct fcc_flow){.generation = 0};
  return 1;
}

static uint32_t received(const weft_sim *sim, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  return flow->state == FCC_ALONE ? weft__fcc_alone_received(sim, slot, sim->now) : flow->received;
}

static uint64_t delivered(const weft_sim *sim, uint32_t slot) {
  return (uint64_t)received(sim, slot) * sim->config.mtu_bytes;
}

/* ---- changes of the fabric ---- */

static void each_user(weft_sim *sim, uint32_t port) {
  for (uint32_t slot = 0; slot < sim->flow.slots.n && !sim->failed; ++slot) {
    const struct slot *its = &sim->flow.slots.at[slot];
    const uint32_t *path = slot_path(sim, slot);
    uint32_t i = 0;
    const uint32_t ports = (uint32_t)its->hops + its->ack_hops;
    while (its->active && i < ports && path[i] != port) ++i;
    if (its->active && i < ports) weft__fcc_way_changed(sim, slot, NULL, 0, NULL, 0);
  }
}

static void port_changed(weft_sim *sim, uint32_t index, unsigned what) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const struct fabric_port *of = &sim->fabric.ports.at[index];
  if (!(what & CHANGED_RATE)) return;
  if (port->alone != WEFT_NONE) weft__fcc_alone_break(sim, port->alone);
  if (port->of_switch) weft__fcc_advance(sim, index);
  const int was_down = port->down;
  port->down = of->down;
  set_rate(sim, index);
  if (port->of_switch) weft__fcc_retime(sim, index);
  if (was_down != port->down)
    each_user(sim, index);
  else if (!port->of_switch)
    weft__fcc_nic_kick(sim, index);
}

/* A flow for which there is no way keeps that which it has. */
static void rerouted(weft_sim *sim) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  for (uint32_t slot = 0; slot < sim->flow.slots.n && !sim->failed; ++slot) {
    const struct slot *its = &sim->flow.slots.at[slot];
    if (!its->active) continue;
    int ack_hops;
    const int hops = weft__flow_paths(sim, its->row, data, ack, &ack_hops);
    const uint32_t *path = slot_path(sim, slot);
    if (hops > 0 && (hops != its->hops || ack_hops != its->ack_hops ||
                     memcmp(path, data, its->hops * sizeof *data) != 0 ||
                     memcmp(path + hops, ack, its->ack_hops * sizeof *ack) != 0))
      weft__fcc_way_changed(sim, slot, data, hops, ack, ack_hops);
  }
}

static int set_ecn(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax) {
  sim->fluid_cc.ports.at[port].kmin = (double)kmin;
  sim->fluid_cc.ports.at[port].kmax = (double)kmax;
  sim->fluid_cc.ports.at[port].pmax = pmax;
  return WEFT_OK;
}

static void port_info(const weft_sim *sim, uint32_t index, weft_port_info *info) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->paused) info->paused_since_ps = port->paused_since;
}

/* ---- results ---- */

/* What a flow in closed form has put on a port of its way. */
static double alone_bytes(const weft_sim *sim, uint32_t index) {
  const uint32_t slot = sim->fluid_cc.ports.at[index].alone;
  if (slot == WEFT_NONE) return 0;
  const uint32_t *path = slot_path(sim, slot);
  uint32_t hop = 0;
  while (path[hop] != index) ++hop;
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_time before =
      weft__path_one_way(sim, path, (int)hop, sim->config.mtu_bytes + flow->headers);
  return weft__fcc_bytes(sim, flow, 0, weft__fcc_alone_sent(sim, slot, sim->now - before));
}

static uint64_t port_bytes(weft_sim *sim, uint32_t index) {
  const double served = weft__fcc_level(sim, index, sim->now).served;
  return (uint64_t)(served + alone_bytes(sim, index) + 0.5);
}

static uint64_t port_queue(weft_sim *sim, uint32_t index) {
  return (uint64_t)(weft__fcc_level(sim, index, sim->now).queue + 0.5);
}

static void port_row(weft_sim *sim, uint32_t index, struct port_row *row) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const double queue = weft__fcc_level(sim, index, sim->now).queue;
  *row = (struct port_row){
      .ecn_marks = (uint64_t)(port->marks + 0.5),
      .pauses = port->pauses,
      .max_queue_bytes = (uint64_t)((queue > port->most ? queue : port->most) + 0.5),
      .queue_bytes = (uint64_t)(queue + 0.5),
      .paused_ps = port->paused_ps + (port->paused ? sim->now - port->paused_since : 0)};
}

/* All is worked out when it is asked for. */
static void settle(weft_sim *sim) {
  (void)sim;
}

static void wire_bytes(const weft_sim *sim, uint64_t payload, uint64_t *data, uint64_t *acks) {
  const weft_config *config = &sim->config;
  const uint64_t packets = (payload + config->mtu_bytes - 1) / config->mtu_bytes;
  *data = frames_bytes(config, weft__fcc_extra(sim), payload);
  *acks = packets * weft__fcc_ack_bytes(sim);
}

/* What flows under way have had delivered; of those that are over their rows tell. */
static void stats(weft_sim *sim, weft_stats *out) {
  double most = 0, marks = 0;
  for (uint32_t p = 0; p < sim->fluid_cc.ports.n; ++p) {
    const struct fcc_port *port = &sim->fluid_cc.ports.at[p];
    if (port->most > most) most = port->most;
    marks += port->marks;
  }
  out->max_queue_bytes = (uint64_t)(most + 0.5);
  out->ecn_marks = (uint64_t)(marks + 0.5);
  for (uint32_t slot = 0; slot < sim->flow.slots.n; ++slot)
    if (sim->flow.slots.at[slot].active)
      out->payload_delivered += weft__flow_delivered(sim, sim->flow.slots.at[slot].row);
}

/* What has left hosts has arrived, is lost, or is under way in a parcel. */
static int check(weft_sim *sim) {
  double under_way = 0;
  for (uint32_t p = 0; p < sim->fluid_cc.parcels.n; ++p)
    if (sim->fluid_cc.parcels.at[p].under_way) under_way += sim->fluid_cc.parcels.at[p].bytes;
  const double rest = sim->fluid_cc.sent - sim->fluid_cc.arrived - sim->fluid_cc.dropped;
  if (rest != under_way)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "fluid-cc: %.0f bytes should be under way, and parcels have %.0f", rest,
                      under_way);
  for (uint32_t p = 0; p < sim->fluid_cc.ports.n; ++p)
    if (!(sim->fluid_cc.ports.at[p].queue >= 0) || !(sim->fluid_cc.ports.at[p].in_rate >= -1e-9))
      return weft__fail(sim, WEFT_EINTERNAL, "fluid-cc: port %" PRIu32 " has less than nothing", p);
  return WEFT_OK;
}

const struct engine_ops weft__fluid_cc_engine = {
    .can = CAN(CAPS) | CAN(CC) | CAN(COMPAT) | CAN(QUEUES),
    .create = create,
    .link_added = link_added,
    .ready = ready,
    .begin = weft__fcc_find_rtt,
    .event = event,
    .stale = stale,
    .port_changed = port_changed,
    .rerouted = rerouted,
    .set_ecn = set_ecn,
    .port_info = port_info,
    .launch = weft__fcc_launch,
    .slots = slots,
    .delivered = delivered,
    .settle = settle,
    .port_row = port_row,
    .port_bytes = port_bytes,
    .port_queue = port_queue,
    .wire_bytes = wire_bytes,
    .stats = stats,
    .check = check};
