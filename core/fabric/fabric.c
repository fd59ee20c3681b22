/* Nodes, links and their two ports; closing the fabric. */
#include "fabric/fabric.h"

#include <inttypes.h>

#include "engine.h"
#include "fabric/ways.h"

static int refuse_when_ready(weft_sim *sim, const char *what) {
  return weft__fail(sim, WEFT_ESTATE, "%s: the fabric is closed, add it before weft_fabric_ready",
                    what);
}

void weft__fabric_restrict(weft_sim *sim, struct fabric_limits limits) {
  sim->fabric.limits = limits;
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
  const uint64_t frame = frame_largest(&sim->config);
  const uint64_t least = frame * 8000000000000 / (UINT32_MAX - 1) + 1;
  return least > 1000000 ? least : 1000000;
}

/* What a link is in one direction. */
struct direction {
  uint64_t rate_bps;
  weft_time delay_ps, jitter_ps;
  double loss;
};

static struct direction there(const weft_link_def *def) {
  return (struct direction){def->rate_bps, def->delay_ps, def->jitter_ps, def->loss};
}

static struct direction back(const weft_link_def *def) {
  if (!def->apart) return there(def);
  return (struct direction){def->rate_back_bps, def->delay_back_ps, def->jitter_back_ps,
                            def->loss_back};
}

static int check_direction(weft_sim *sim, const struct direction *of) {
  const weft_time most = 10000000000000;
  if (of->rate_bps < weft__min_rate(sim) || of->rate_bps > 100000000000000)
    return weft__fail(sim, WEFT_EINVAL,
                      "link rate: expected %" PRIu64 " (packets of %" PRIu32
                      " bytes) to 1e14 bit/s, got %" PRIu64,
                      weft__min_rate(sim), sim->config.mtu_bytes, of->rate_bps);
  if (of->delay_ps < 0 || of->delay_ps > most)
    return weft__fail(sim, WEFT_EINVAL, "link delay: expected 0 to 1e13 ps, got %" PRId64,
                      of->delay_ps);
  if (of->jitter_ps < 0 || of->jitter_ps > most)
    return weft__fail(sim, WEFT_EINVAL, "link jitter: expected 0 to 1e13 ps, got %" PRId64,
                      of->jitter_ps);
  if (!(of->loss >= 0 && of->loss <= 1))
    return weft__fail(sim, WEFT_EINVAL, "link loss: expected 0 to 1, got %g", of->loss);
  if (of->loss > 0 && !engine_can(sim, WEFT_CAN_LOSE))
    return weft__engine_needs(sim, WEFT_CAN_LOSE, "link", "loss");
  if (of->jitter_ps > 0 && !engine_can(sim, WEFT_CAN_IMPAIR))
    return weft__engine_needs(sim, WEFT_CAN_IMPAIR, "link", "jitter");
  return WEFT_OK;
}

/* Some models have links that are alike in both directions. */
static int check_alike(weft_sim *sim, const struct direction *a, const struct direction *b) {
  if (sim->fabric.limits.fixed_by == NULL) return WEFT_OK;
  if (a->jitter_ps > 0 || b->jitter_ps > 0)
    return weft__fail(sim, WEFT_EINVAL, "link jitter: %s has none", sim->fabric.limits.fixed_by);
  if (a->rate_bps != b->rate_bps || a->delay_ps != b->delay_ps || a->loss < b->loss ||
      a->loss > b->loss)
    return weft__fail(sim, WEFT_EINVAL,
                      "link: with %s both directions have the same rate, delay and loss",
                      sim->fabric.limits.fixed_by);
  return WEFT_OK;
}

static int check_link(weft_sim *sim, const weft_link_def *def) {
  const uint32_t nodes = sim->fabric.nodes.n;
  const struct direction a_to_b = there(def), b_to_a = back(def);
  if (def->a >= nodes || def->b >= nodes)
    return weft__fail(sim, WEFT_EINVAL, "link end: expected node 0 to %" PRId64 ", got %" PRIu32,
                      (int64_t)nodes - 1, def->a >= nodes ? def->a : def->b);
  if (def->a == def->b)
    return weft__fail(sim, WEFT_EINVAL, "link: both ends are node %" PRIu32, def->a);
  if (def->link_class > WEFT_LINK_NET)
    return weft__fail(sim, WEFT_EINVAL, "link class: expected 0 to %d, got %" PRIu32, WEFT_LINK_NET,
                      def->link_class);
  if (def->cost > WEFT_COST_MAX)
    return weft__fail(sim, WEFT_EINVAL, "link cost: expected 1 to %d, got %" PRIu32, WEFT_COST_MAX,
                      def->cost);
  int status = check_direction(sim, &a_to_b);
  if (status == WEFT_OK) status = check_direction(sim, &b_to_a);
  if (status == WEFT_OK) status = check_alike(sim, &a_to_b, &b_to_a);
  return status;
}

/* The class of a link as given, or by what is at its ends. */
static uint8_t class_of(const weft_sim *sim, const weft_link_def *def) {
  if (def->link_class != WEFT_LINK_BY_ENDS) return (uint8_t)def->link_class;
  const int nvlink = sim->fabric.nodes.at[def->a].kind == WEFT_NVSWITCH ||
                     sim->fabric.nodes.at[def->b].kind == WEFT_NVSWITCH;
  return nvlink ? WEFT_LINK_NVLINK : WEFT_LINK_NET;
}

static void init_port(weft_sim *sim, uint32_t index, uint32_t from, uint32_t to,
                      const weft_link_def *def, struct direction of) {
  sim->fabric.ports.at[index] =
      (struct fabric_port){.from_node = from,
                           .to_node = to,
                           .rate_bps = of.rate_bps,
                           .built_rate_bps = of.rate_bps,
                           .delay_ps = of.delay_ps,
                           .loss = of.loss,
                           .link_class = class_of(sim, def),
                           .cost = def->cost != 0 ? (uint16_t)def->cost : 1,
                           .down_at = -1,
                           .turned_at = -1};
  if (of.jitter_ps == 0) return;
  struct impairment *impairment = weft__impairment_of(sim, index);
  impairment->jitter_ps = impairment->built_jitter_ps = of.jitter_ps;
}

int weft_link_add(weft_sim *sim, const weft_link_def *def) {
  if (sim->ready) return refuse_when_ready(sim, "link");
  int status = check_link(sim, def);
  if (status != WEFT_OK) return status;
  const uint32_t port = sim->fabric.ports.n;
  const int jitters = def->jitter_ps > 0 || (def->apart && def->jitter_back_ps > 0);
  if (port > EVENT_SOURCE_MASK / 2 - 2) return weft__fail(sim, WEFT_ELIMIT, "link: too many links");
  if (!pool_reserve(sim, sim->fabric.ports, port + 2u)) return WEFT_ENOMEM;
  if (jitters && !pool_reserve(sim, sim->fabric.impairments, sim->fabric.impairments.n + 2u))
    return WEFT_ENOMEM;
  init_port(sim, port, def->a, def->b, def, there(def));
  init_port(sim, port + 1, def->b, def->a, def, back(def));
  if (sim->engine->link_added != NULL) status = sim->engine->link_added(sim, port / 2);
  if (status != WEFT_OK) return status;
  sim->fabric.ports.n = port + 2;
  ++sim->fabric.nodes.at[def->a].port_count;
  ++sim->fabric.nodes.at[def->b].port_count;
  return (int)(port / 2);
}

/* List every node's ports in the order of link creation: that order numbers its next hops. */
static int build_adjacency(weft_sim *sim) {
  if (!pool_reserve(sim, sim->fabric.adjacency, sim->fabric.ports.n)) return WEFT_ENOMEM;
  sim->fabric.adjacency.n = sim->fabric.ports.n;
  uint32_t first = 0;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    struct node *node = &sim->fabric.nodes.at[n];
    node->first_port = first;
    first += node->port_count;
    node->port_count = 0;
  }
  for (uint32_t p = 0; p < sim->fabric.ports.n; ++p) {
    struct node *node = &sim->fabric.nodes.at[sim->fabric.ports.at[p].from_node];
    sim->fabric.adjacency.at[node->first_port + node->port_count++] = p;
  }
  return WEFT_OK;
}

/* Nothing of a fabric is added once it is ready, so its pools need no room to grow. */
static int trim(weft_sim *sim) {
  return pool_trim(sim, sim->fabric.nodes) && pool_trim(sim, sim->fabric.ports) &&
         pool_trim(sim, sim->fabric.adjacency) && pool_trim(sim, sim->fabric.groups) &&
         pool_trim(sim, sim->fabric.search) && pool_trim(sim, sim->fabric.ways);
}

int weft_fabric_ready(weft_sim *sim) {
  if (sim->ready) return refuse_when_ready(sim, "fabric");
  if (sim->fabric.nodes.n == 0)
    return weft__fail(sim, WEFT_EINVAL, "fabric: expected nodes, got none");
  int status = build_adjacency(sim);
  if (status == WEFT_OK) status = weft__ways_init(sim);
  if (status == WEFT_OK && !trim(sim)) status = WEFT_ENOMEM;
  if (status == WEFT_OK && sim->engine->ready != NULL) status = sim->engine->ready(sim);
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "fabric: out of memory");
  sim->ready = status == WEFT_OK;
  return status;
}

uint32_t weft_node_count(const weft_sim *sim) {
  return sim->fabric.nodes.n;
}

uint32_t weft_link_count(const weft_sim *sim) {
  return sim->fabric.ports.n / 2;
}

int weft_node_kind(const weft_sim *sim, uint32_t node) {
  return node < sim->fabric.nodes.n ? (int)sim->fabric.nodes.at[node].kind : WEFT_EINVAL;
}

/* Mean loss of the Gilbert-Elliott model. */
static double burst_loss(const struct impairment *of) {
  const double turns = of->enter + of->leave;
  if (turns <= 0) return of->loss_good; /* it begins good, and never turns */
  return (of->leave * of->loss_good + of->enter * of->loss_bad) / turns;
}

int weft_port_info_get(weft_sim *sim, uint32_t index, weft_port_info *info) {
  if (index >= sim->fabric.ports.n)
    return weft__fail(sim, WEFT_EINVAL, "port: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->fabric.ports.n, index);
  const struct fabric_port *port = &sim->fabric.ports.at[index];
  *info = (weft_port_info){.link = index / 2,
                           .from = port->from_node,
                           .to = port->to_node,
                           .up = !port->down,
                           .rate_bps = port->rate_bps,
                           .built_rate_bps = port->built_rate_bps,
                           .delay_ps = port->delay_ps,
                           .link_class = port->link_class,
                           .cost = port->cost,
                           .loss = port->loss,
                           .paused_since_ps = -1};
  if (port->impairment != 0) {
    const struct impairment *impairment = &sim->fabric.impairments.at[port->impairment - 1];
    info->burst_loss = burst_loss(impairment);
    info->added_delay_ps = impairment->delay_ps;
    info->jitter_ps = impairment->jitter_ps;
  }
  if (sim->engine->port_info != NULL) sim->engine->port_info(sim, index, info);
  return WEFT_OK;
}
