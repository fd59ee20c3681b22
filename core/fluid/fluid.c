/* The fluid engine: every flow has a rate, and what has changed is shared anew, max-min fairly, at
 * each start and end. Between these nothing happens, so a run costs events by flows, not packets.
 *
 * Flows of one way are one class (classes.c), which knows its next end (ends.c); fill.c finds the
 * rates; life.c is what becomes of a flow. Here is the table of what the core asks of it. */
#include "flow/flow.h"
#include "fluid/fluid_i.h"

static int create(weft_sim *sim) {
  const weft_config *config = &sim->config;
  sim->fluid.has_no_latency = config->compat == WEFT_COMPAT_FLOWSIM;
  if (config->compat != WEFT_COMPAT_NONE && !sim->fluid.has_no_latency)
    return weft__fail(sim, WEFT_EINVAL,
                      "option compat: engine 'fluid' has none of packets; expected compat = "
                      "'flowsim' or engine = 'packet'");
  if (config->fluid_acks)
    sim->fluid.ack_load = (double)config->ack_bytes / (double)frame_full(config, 0);
  weft__flows_go_one_way(sim, !config->fluid_acks && config->fluid_cap == WEFT_FLUID_CAP_NONE);
  return WEFT_OK;
}

static int link_added(weft_sim *sim, uint32_t link) {
  const uint32_t n = 2 * link + 2;
  if (!pool_reserve(sim, sim->fluid.ports, n) || !pool_reserve(sim, sim->fluid.bytes, n))
    return WEFT_ENOMEM;
  for (uint32_t p = sim->fluid.ports.n; p < n; ++p) {
    sim->fluid.ports.at[p] =
        (struct fluid_port){.level = INFINITY, .list = WEFT_NONE, .place = WEFT_NONE};
    sim->fluid.bytes.at[p] = 0;
  }
  sim->fluid.ports.n = sim->fluid.bytes.n = n;
  return WEFT_OK;
}

static int ready(weft_sim *sim) {
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p)
    sim->fluid.ports.at[p].rate = (double)sim->fabric.ports.at[p].rate_bps / 1e12;
  return pool_reserve(sim, sim->fluid.pending, sim->fluid.ports.n) ? WEFT_OK : WEFT_ENOMEM;
}

static int slots(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  const uint32_t ways = sim->fluid.ack_load > 0 ? 2 : 1;
  if (!pool_reserve(sim, sim->fluid.flows, n) || !weft__fluid_widen(sim, ways * path_ports))
    return 0;
  sim->fluid.flows.n = n;
  return 1;
}

static void settle(weft_sim *sim) {
  if (sim->fluid.settled_at == sim->now) return;
  sim->fluid.settled_at = sim->now;
  for (uint32_t slot = 0; slot < sim->flow.slots.n; ++slot)
    if (sim->flow.slots.at[slot].active)
      weft__fluid_count(sim, slot, weft__fluid_delivered(sim, slot));
}

static uint64_t port_bytes(weft_sim *sim, uint32_t port) {
  settle(sim);
  return sim->fluid.bytes.at[port];
}

static void wire_bytes(const weft_sim *sim, uint32_t row, uint64_t payload, uint64_t *data,
                       uint64_t *acks) {
  *data = weft__fluid_frames(sim, row, payload);
  *acks = sim->config.fluid_acks ? weft__fluid_acks(sim, row, payload) : 0;
}

/* Hosts don't forward: what leaves them has arrived at others. */
static int check(weft_sim *sim) {
  uint64_t out = 0, in = 0;
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p) {
    const struct fabric_port *port = &sim->fabric.ports.at[p];
    if (sim->fabric.nodes.at[port->from_node].kind == WEFT_HOST) out += sim->fluid.bytes.at[p];
    if (sim->fabric.nodes.at[port->to_node].kind == WEFT_HOST) in += sim->fluid.bytes.at[p];
  }
  if (out != sim->fluid.sent + sim->fluid.sent_acks || in != out)
    return weft__fail(sim, WEFT_EINTERNAL, "fluid: bytes that left hosts and arrived differ");
  return weft__fluid_check_shares(sim);
}

/* Its share; those that wait, or have sent all, have none. */
static double rate(const weft_sim *sim, uint32_t slot) {
  const struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  return flow->state == FLUID_RUNS ? 1e12 * sim->fluid.classes.at[flow->class].rate : 0;
}

const struct engine_ops weft__fluid_engine = {
    .can = CAN(COMPAT) | CAN(CAPS) | CAN(SHARES) | CAN(RATES),
    .create = create,
    .link_added = link_added,
    .ready = ready,
    .run = weft__fluid_run,
    .port_changed = weft__fluid_port_changed,
    .rerouted = weft__fluid_rerouted,
    .launch = weft__fluid_launch,
    .slots = slots,
    .delivered = weft__fluid_delivered,
    .rate = rate,
    .settle = settle,
    .port_bytes = port_bytes,
    .wire_bytes = wire_bytes,
    .check = check};
