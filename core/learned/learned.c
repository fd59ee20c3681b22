/* The learned engine: a fluid with the laws of congestion control, and completion times with a
 * correction by a model that has learned from packets. It is worked out once for a
 * flow, as the last of it comes to the last link of its way: from there on the flow is complete
 * when the model says, which is never before that moment, and what the fluid still moves goes on
 * without it. A flow that is alone takes its ideal time, and no model is asked.
 *
 * Here is the table of what the core asks, of which most goes on to the fluid. */
#include "learned/learned_i.h"

#define BASE weft__fluid_cc_engine

/* ---- what becomes of a flow ---- */

static void begins(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const double bytes = (double)sim->flow.rows.at[flow->row].size_bytes;
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i) {
    struct learned_port *port = &sim->learned.ports.at[path[i]];
    learned_hops(sim, slot)[i] = weft__learned_look(sim, path[i]);
    ++port->came;
    port->came_bytes += bytes < flow->base_window ? bytes : flow->base_window;
  }
}

/* A row: of which flow, the fluid's time, the ideal one, how many links; features. */
static void keep(weft_sim *sim, uint32_t row, weft_time at, uint32_t hops, const float *flow,
                 const float *links) {
  const uint32_t nf = weft__learned_flow_features(), nl = weft__learned_link_features();
  const uint64_t n = sim->learned.examples.n;
  if (!pool_reserve(sim, sim->learned.examples, n + 4 + nf + (uint64_t)hops * nl)) {
    weft__no_memory(sim);
    return;
  }
  float *out = sim->learned.examples.at + n;
  const struct flow *its = &sim->flow.rows.at[row];
  *out++ = (float)row;
  *out++ = (float)(at - its->start_ps);
  *out++ = (float)its->ideal_ps;
  *out++ = (float)hops;
  for (uint32_t i = 0; i < nf; ++i) *out++ = flow[i];
  for (uint32_t i = 0; i < hops * nl; ++i) *out++ = links[i];
  sim->learned.examples.n = (uint32_t)(n + 4 + nf + hops * nl);
}

static weft_time ends(weft_sim *sim, uint32_t slot, weft_time at) {
  float flow[LEARNED_FEATURES_MOST], links[LEARNED_FEATURES_MOST * WEFT_PATH_MAX];
  const struct slot *its = &sim->flow.slots.at[slot];
  const weft_time start = sim->flow.rows.at[its->row].start_ps;
  if (sim->learned.model == NULL && !sim->learned.records) return -1;
  weft__learned_features(sim, slot, at, flow, links);
  if (sim->learned.records) keep(sim, its->row, at, its->hops, flow, links);
  if (sim->learned.model == NULL) return -1;
  weft__learned_watch_range(sim, flow, links, its->hops);
  const double factor = weft__learned_factor(sim, flow, links, its->hops);
  const weft_time fct = (weft_time)((double)(at - start) * factor);
  return start + fct > sim->now ? start + fct : sim->now;
}

static const struct fcc_watch watch = {.begins = begins, .ends = ends};

/* ---- the table ---- */

static int create(weft_sim *sim) {
  const int status = BASE.create(sim);
  fcc_watch_by(sim, &watch);
  return status;
}

static int begin(weft_sim *sim) {
  const int status = weft__learned_take_model(sim);
  return status != WEFT_OK ? status : BASE.begin(sim);
}

static int slots(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  struct learned_room *room = &sim->learned;
  const uint32_t old = room->width > 0 ? room->hops.n / room->width : 0;
  if (path_ports < room->width) path_ports = room->width;
  if (!pool_reserve(sim, room->hops, (uint64_t)n * path_ports)) return 0;
  for (uint32_t i = path_ports > room->width ? old : 0; i-- > 0;)
    for (uint32_t k = room->width; k-- > 0;)
      room->hops.at[(uint64_t)i * path_ports + k] = room->hops.at[(uint64_t)i * room->width + k];
  room->width = path_ports;
  room->hops.n = n * path_ports;
  return BASE.slots(sim, n, path_ports);
}

static int copied(weft_sim *copy) {
  if (copy->learned.model != NULL) weft__model_retain(copy->learned.model);
  return WEFT_OK;
}

static void destroy(weft_sim *sim) {
  weft_model_free(sim->learned.model);
}

int weft_learned_record(weft_sim *sim) {
  if (sim->engine != &weft__learned_engine)
    return weft__fail(sim, WEFT_EINVAL, "examples: expected engine = 'learned'");
  sim->learned.records = 1;
  return WEFT_OK;
}

int weft_learned_examples(const weft_sim *sim, const float **values, uint64_t *count) {
  *values = sim->learned.examples.at;
  *count = sim->learned.examples.n;
  return WEFT_OK;
}

static int link_added(weft_sim *sim, uint32_t link) {
  if (!pool_reserve(sim, sim->learned.ports, 2ull * link + 2)) return WEFT_ENOMEM;
  while (sim->learned.ports.n < 2 * link + 2)
    sim->learned.ports.at[sim->learned.ports.n++] = (struct learned_port){0, 0};
  return BASE.link_added(sim, link);
}

static int ready(weft_sim *sim) {
  return BASE.ready(sim);
}

static void event(weft_sim *sim, uint32_t kind, uint32_t source) {
  BASE.event(sim, kind, source);
}

static uint32_t stale(const weft_sim *sim) {
  return BASE.stale(sim);
}

static void port_changed(weft_sim *sim, uint32_t port, unsigned what) {
  BASE.port_changed(sim, port, what);
}

static void rerouted(weft_sim *sim) {
  BASE.rerouted(sim);
}

static int set_ecn(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax) {
  return BASE.set_ecn(sim, port, kmin, kmax, pmax);
}

static void port_info(const weft_sim *sim, uint32_t port, weft_port_info *info) {
  BASE.port_info(sim, port, info);
}

static uint64_t delivered(const weft_sim *sim, uint32_t slot) {
  return BASE.delivered(sim, slot);
}

static void settle(weft_sim *sim) {
  BASE.settle(sim);
}

static void port_row(weft_sim *sim, uint32_t port, struct port_row *row) {
  BASE.port_row(sim, port, row);
}

static uint64_t port_bytes(weft_sim *sim, uint32_t port) {
  return BASE.port_bytes(sim, port);
}

static uint64_t port_queue(weft_sim *sim, uint32_t port) {
  return BASE.port_queue(sim, port);
}

static void wire_bytes(const weft_sim *sim, uint32_t row, uint64_t payload, uint64_t *data,
                       uint64_t *acks) {
  BASE.wire_bytes(sim, row, payload, data, acks);
}

static void stats(weft_sim *sim, weft_stats *stats) {
  BASE.stats(sim, stats);
}

static int check(weft_sim *sim) {
  return BASE.check(sim);
}

const struct engine_ops weft__learned_engine = {
    .can = CAN(CAPS) | CAN(CC) | CAN(COMPAT) | CAN(QUEUES),
    .create = create,
    .link_added = link_added,
    .ready = ready,
    .begin = begin,
    .copied = copied,
    .destroy = destroy,
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
