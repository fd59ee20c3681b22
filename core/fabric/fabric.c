/* Nodes, links and their two ports; closing the fabric. */
#include "packet/accel/accel.h"
#include "packet/hooks.h"
#include "fabric/fabric.h"
#include "fabric/ways.h"
#include "packet/ns3/ns3.h"

#include <inttypes.h>
#include <string.h>

enum { REFERENCE_BPS_ECN_GBIT = 100 };

static int refuse_when_ready(weft_sim *sim, const char *what) {
  return weft__fail(sim, WEFT_ESTATE, "%s: the fabric is closed, add it before weft_fabric_ready",
                    what);
}

int weft_node_add(weft_sim *sim, int kind) {
  if (sim->ready) return refuse_when_ready(sim, "node");
  if (kind < WEFT_HOST || kind > WEFT_NVSWITCH)
    return weft__fail(sim, WEFT_EINVAL, "node kind: expected 0 to 2, got %d", kind);
  if (sim->fabric.nodes.n >= INT32_MAX) return weft__fail(sim, WEFT_ELIMIT, "node: too many nodes");
  if (!pool_reserve(sim, sim->fabric.nodes, sim->fabric.nodes.n + 1u)) return WEFT_ENOMEM;
  sim->fabric.nodes.at[sim->fabric.nodes.n] =
      (struct node){.kind = (uint32_t)kind, .group = WEFT_NONE};
  return (int)sim->fabric.nodes.n++;
}

uint64_t weft__min_rate(const weft_sim *sim) {
  const uint64_t timestamp = 8; /* what congestion control may add instead of telemetry */
  const uint64_t extra = sim->config.int_bytes > timestamp ? sim->config.int_bytes : timestamp;
  const uint64_t frame = sim->config.mtu_bytes + sim->config.header_bytes + extra;
  const uint64_t least = frame * 8000000000000 / (UINT32_MAX - 1) + 1;
  return least > 1000000 ? least : 1000000;
}

static int check_link(weft_sim *sim, const weft_link_def *def) {
  const uint32_t nodes = sim->fabric.nodes.n;
  if (def->a >= nodes || def->b >= nodes)
    return weft__fail(sim, WEFT_EINVAL, "link end: expected node 0 to %" PRId64 ", got %" PRIu32,
                      (int64_t)nodes - 1, def->a >= nodes ? def->a : def->b);
  if (def->a == def->b)
    return weft__fail(sim, WEFT_EINVAL, "link: both ends are node %" PRIu32, def->a);
  if (def->rate_bps < weft__min_rate(sim) || def->rate_bps > 100000000000000)
    return weft__fail(sim, WEFT_EINVAL,
                      "link rate: expected %" PRIu64 " (packets of %" PRIu32
                      " bytes) to 1e14 bit/s, got %" PRIu64,
                      weft__min_rate(sim), sim->config.mtu_bytes, def->rate_bps);
  if (def->delay_ps < 0 || def->delay_ps > 10000000000000)
    return weft__fail(sim, WEFT_EINVAL, "link delay: expected 0 to 1e13 ps, got %" PRId64,
                      def->delay_ps);
  if (!(def->loss >= 0 && def->loss <= 1))
    return weft__fail(sim, WEFT_EINVAL, "link loss: expected 0 to 1, got %g", def->loss);
  if (def->link_class > WEFT_LINK_NET)
    return weft__fail(sim, WEFT_EINVAL, "link class: expected 0 to %d, got %" PRIu32, WEFT_LINK_NET,
                      def->link_class);
  if (def->cost > WEFT_COST_MAX)
    return weft__fail(sim, WEFT_EINVAL, "link cost: expected 1 to %d, got %" PRIu32, WEFT_COST_MAX,
                      def->cost);
  return WEFT_OK;
}

/* The class of a link as given, or by what is at its ends. */
static uint8_t class_of(const weft_sim *sim, const weft_link_def *def) {
  if (def->link_class != WEFT_LINK_BY_ENDS) return (uint8_t)def->link_class;
  const int nvlink = sim->fabric.nodes.at[def->a].kind == WEFT_NVSWITCH ||
                     sim->fabric.nodes.at[def->b].kind == WEFT_NVSWITCH;
  return nvlink ? WEFT_LINK_NVLINK : WEFT_LINK_NET;
}

/* Index of upper thresholds, which mostly are those of a port before; there is room for more. */
static uint32_t find_ecn(weft_sim *sim, uint64_t kmax, double pmax) {
  enum { LOOK_BACK = 8 };
  const uint32_t n = sim->packet.ecn.n, first = n > LOOK_BACK ? n - LOOK_BACK : 0;
  for (uint32_t i = n; i-- > first;)
    if (sim->packet.ecn.at[i].kmax == kmax && sim->packet.ecn.at[i].pmax == pmax) return i;
  sim->packet.ecn.at[n] = (struct ecn){kmax, pmax};
  return sim->packet.ecn.n++;
}

/* A port's ECN thresholds follow its rate, so that the marking queue is the same time
 * everywhere. */
static void set_ecn(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (cold->ecn_given || !(port->flags & PORT_OF_SWITCH)) return;
  const double scale = (double)cold->built_rate_bps / (REFERENCE_BPS_ECN_GBIT * 1e9);
  const double kmin = sim->config.ecn_kmin_bytes * scale;
  port->kmin = kmin < (double)UINT32_MAX ? (uint32_t)kmin : UINT32_MAX;
  const double kmax = sim->config.ecn_kmax_bytes * scale;
  cold->ecn = find_ecn(sim, (uint64_t)kmax, sim->config.ecn_pmax);
}

void weft__port_set_rate(weft_sim *sim, uint32_t index, uint64_t rate_bps) {
  const uint64_t byte_ps_bps = 8000000000000; /* 8 bit x 1e12 ps/s */
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  cold->rate_bps = rate_bps;
  cold->carry = 0;
  port->byte_ps = (uint32_t)(byte_ps_bps / rate_bps);
  const int inexact = byte_ps_bps % rate_bps != 0;
  port->flags = (uint16_t)(inexact ? port->flags | PORT_INEXACT : port->flags & ~PORT_INEXACT);
}

static void init_port(weft_sim *sim, uint32_t index, uint32_t from, uint32_t to,
                      const weft_link_def *def) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  *port = (struct port){.delay_ps = def->delay_ps,
                        .from_node = from,
                        .to_node = to,
                        .ring = WEFT_NONE,
                        .kmin = UINT32_MAX};
  *cold = (struct port_cold){.built_rate_bps = def->rate_bps,
                             .loss = def->loss,
                             .link_class = class_of(sim, def),
                             .cost = def->cost != 0 ? (uint16_t)def->cost : 1,
                             .dequeue_event = -1,
                             .down_at = -1,
                             .turned_at = -1};
  if (sim->fabric.nodes.at[to].kind == WEFT_HOST) port->flags |= PORT_TO_HOST;
  if (sim->fabric.nodes.at[from].kind != WEFT_HOST) port->flags |= PORT_OF_SWITCH;
  if (def->loss > 0) port->flags |= PORT_LOSSY;
  sim->packet.nics.at[index] = (struct nic){.wake = -1, .first = WEFT_NONE, .last = WEFT_NONE};
  weft__port_set_rate(sim, index, def->rate_bps);
  set_ecn(sim, index);
}

int weft_link_add(weft_sim *sim, const weft_link_def *def) {
  if (sim->ready) return refuse_when_ready(sim, "link");
  const int status = check_link(sim, def);
  if (status != WEFT_OK) return status;
  const uint32_t port = sim->packet.ports.n;
  if (port > EVENT_SOURCE_MASK / 2 - 2) return weft__fail(sim, WEFT_ELIMIT, "link: too many links");
  if (!pool_reserve(sim, sim->packet.ports, port + 2u) ||
      !pool_reserve(sim, sim->packet.port_cold, port + 2u) ||
      !pool_reserve(sim, sim->packet.nics, port + 2u) ||
      !pool_reserve(sim, sim->packet.ecn, sim->packet.ecn.n + 2u))
    return WEFT_ENOMEM;
  sim->packet.ports.n = sim->packet.port_cold.n = sim->packet.nics.n = port + 2;
  init_port(sim, port, def->a, def->b, def);
  init_port(sim, port + 1, def->b, def->a, def);
  ++sim->fabric.nodes.at[def->a].port_count;
  ++sim->fabric.nodes.at[def->b].port_count;
  return (int)(port / 2);
}

int weft_port_set_ecn(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax) {
  if (port >= sim->packet.ports.n)
    return weft__fail(sim, WEFT_EINVAL, "port: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->packet.ports.n, port);
  if (kmin > kmax || !(pmax >= 0 && pmax <= 1))
    return weft__fail(sim, WEFT_EINVAL,
                      "port ECN: expected kmin <= kmax and pmax 0 to 1, got %" PRIu64 ", %" PRIu64
                      ", %g",
                      kmin, kmax, pmax);
  if (!pool_reserve(sim, sim->packet.ecn, sim->packet.ecn.n + 1u)) return WEFT_ENOMEM;
  accel_wake_all(sim);
  sim->packet.ports.at[port].kmin = kmin < UINT32_MAX ? (uint32_t)kmin : UINT32_MAX;
  sim->packet.port_cold.at[port].ecn = find_ecn(sim, kmax, pmax);
  sim->packet.port_cold.at[port].ecn_given = 1;
  return WEFT_OK;
}

/* List every node's ports in the order of link creation: that order numbers its next hops. */
static int build_adjacency(weft_sim *sim) {
  if (!pool_reserve(sim, sim->fabric.adjacency, sim->packet.ports.n)) return WEFT_ENOMEM;
  sim->fabric.adjacency.n = sim->packet.ports.n;
  uint32_t first = 0;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    struct node *node = &sim->fabric.nodes.at[n];
    node->first_port = first;
    first += node->port_count;
    node->port_count = 0;
  }
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    struct node *node = &sim->fabric.nodes.at[sim->packet.ports.at[p].from_node];
    sim->fabric.adjacency.at[node->first_port + node->port_count++] = p;
  }
  return WEFT_OK;
}

/* The smallest rings, so that the hot path never meets a port without one. */
static int build_rings(weft_sim *sim) {
  const uint32_t log2 = WEFT_CHECK ? 0 : 1;
  const uint64_t packets = (uint64_t)sim->packet.ports.n << log2;
  if (packets > UINT32_MAX || !pool_reserve(sim, sim->packet.packets, packets)) return WEFT_ENOMEM;
  sim->packet.packets.n = (uint32_t)packets;
  if (packets > 0) memset(sim->packet.packets.at, 0, packets * sizeof *sim->packet.packets.at);
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    sim->packet.ports.at[p].ring = p << log2;
    sim->packet.ports.at[p].ring_log2 = (uint8_t)log2;
  }
  return WEFT_OK;
}

/* The event wheel spans at least twice the time that a full packet spends on an average link, so
 * that all but timers find their place in it. In a small fabric its buckets are wider, for two or
 * so events each: looking for the next occupied one costs as much as sorting those. */
static void size_wheel(weft_sim *sim) {
  const uint32_t frame = sim->config.mtu_bytes + sim->config.header_bytes + sim->config.int_bytes;
  double delay = 0, ser = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    delay += (double)sim->packet.ports.at[p].delay_ps;
    ser += (double)sim->packet.ports.at[p].byte_ps * frame;
  }
  const double ports = sim->packet.ports.n > 0 ? sim->packet.ports.n : 1,
               mean = (delay + ser) / ports;
  double bucket = 4 * ser / ports / ports;
  if (bucket > mean / 64) bucket = mean / 64;
  if (bucket < 2 * mean / WHEEL_BUCKETS) bucket = 2 * mean / WHEEL_BUCKETS;
  weft__events_init(sim, (weft_time)bucket + 1);
}

/* Nothing of a fabric is added once it is ready, so its pools need no room to grow. */
static int trim(weft_sim *sim) {
  return pool_trim(sim, sim->fabric.nodes) && pool_trim(sim, sim->packet.ports) &&
         pool_trim(sim, sim->packet.port_cold) && pool_trim(sim, sim->packet.nics) &&
         pool_trim(sim, sim->fabric.adjacency) && pool_trim(sim, sim->packet.packets) &&
         pool_trim(sim, sim->fabric.groups) && pool_trim(sim, sim->fabric.search) &&
         pool_trim(sim, sim->fabric.ways);
}

int weft_fabric_ready(weft_sim *sim) {
  if (sim->config.cc == WEFT_CC_SCRIPT && sim->packet.script.call == NULL)
    return weft__fail(sim, WEFT_ESTATE, "fabric: cc = script needs weft_sim_set_script first");
  if (sim->ready) return refuse_when_ready(sim, "fabric");
  if (sim->fabric.nodes.n == 0)
    return weft__fail(sim, WEFT_EINVAL, "fabric: expected nodes, got none");
  int status = build_adjacency(sim);
  if (status == WEFT_OK) status = build_rings(sim);
  if (status == WEFT_OK) status = weft__ways_init(sim);
  if (status == WEFT_OK) status = is_ns3(sim) ? weft__ns3_init(sim) : weft__buffer_init(sim);
  if (status == WEFT_OK) status = weft__acceleration_init(sim);
  if (status == WEFT_OK && !trim(sim)) status = WEFT_ENOMEM;
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "fabric: out of memory");
  if (status != WEFT_OK) return status;
  size_wheel(sim);
  sim->ready = 1;
  return status;
}

uint32_t weft_node_count(const weft_sim *sim) {
  return sim->fabric.nodes.n;
}

uint32_t weft_link_count(const weft_sim *sim) {
  return sim->packet.ports.n / 2;
}

int weft_node_kind(const weft_sim *sim, uint32_t node) {
  return node < sim->fabric.nodes.n ? (int)sim->fabric.nodes.at[node].kind : WEFT_EINVAL;
}

int weft_port_info_get(weft_sim *sim, uint32_t index, weft_port_info *info) {
  if (index >= sim->packet.ports.n)
    return weft__fail(sim, WEFT_EINVAL, "port: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->packet.ports.n, index);
  const struct port *port = &sim->packet.ports.at[index];
  const struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct wire *wire = cold->wire != 0 ? &sim->packet.wires.at[cold->wire - 1] : NULL;
  *info = (weft_port_info){.link = index / 2,
                           .from = port->from_node,
                           .to = port->to_node,
                           .up = !(port->flags & PORT_DOWN),
                           .rate_bps = cold->rate_bps,
                           .built_rate_bps = cold->built_rate_bps,
                           .delay_ps = port->delay_ps,
                           .link_class = cold->link_class,
                           .cost = cold->cost,
                           .loss = cold->loss,
                           .burst_loss = weft__wire_burst_loss(sim, index),
                           .added_delay_ps = wire != NULL ? wire->delay_ps : 0,
                           .jitter_ps = wire != NULL ? wire->jitter_ps : 0,
                           .paused_since_ps = port->flags & PORT_PAUSED ? cold->paused_since : -1,
                           .storms = cold->storms};
  return WEFT_OK;
}
