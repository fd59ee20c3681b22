/* What features are made of, kept as flows come and go and rates change: a few numbers of each port,
 * and what a flow found there when it came. Each change costs the ports of one way. */
#include "base/frame_i.h"
#include "fabric/path.h"
#include "flow/flow.h"
#include "learned/learned_i.h"

/* (1 + x / 8)^-8, a substitute for exp(-x) that is the same on every machine. */
static double forgotten(double x) {
  const double once = 1 / (1 + x / 8), twice = once * once, four = twice * twice;
  return four * four;
}

/* In round trips of the fabric. */
static const double spans[LEARNED_SPANS] = {1.5, 8};

/* The time until all has gone that was there at `since`. */
static double wait_at(weft_time free_at, weft_time now) {
  return free_at > now ? (double)(free_at - now) : 0;
}

/* The integral of a wait that falls by the time that passes. */
static double waited(double wait, double dt) {
  return wait >= dt ? dt * (wait - dt / 2) : wait * wait / 2;
}

struct learned_port *weft__learned_port(weft_sim *sim, uint32_t index) {
  struct learned_port *port = &sim->learned.ports.at[index];
  if (port->since == sim->now) return port;
  const double dt = (double)(sim->now - port->since);
  port->sums.flows += port->flows * dt;
  port->sums.used += port->rates * dt;
  port->sums.bound += port->bound * dt;
  port->sums.wait += waited(wait_at(port->free_at, port->since), dt);
  for (int i = 0; i < LEARNED_SPANS; ++i)
    port->recent[i] *= forgotten(dt / (spans[i] * (double)sim->learned.rtt));
  port->since = sim->now;
  return port;
}

/* ---- classes ---- */

static struct learned_class *class_at(weft_sim *sim, uint32_t index) {
  if (!pool_reserve(sim, sim->learned.classes, index + 1ull)) {
    weft__no_memory(sim);
    return NULL;
  }
  while (sim->learned.classes.n <= index)
    sim->learned.classes.at[sim->learned.classes.n++] = (struct learned_class){.at = FLUID_OPEN};
  return &sim->learned.classes.at[index];
}

/* Its flows have another rate, or are bounded elsewhere. */
static void shared(weft_sim *sim, uint32_t index) {
  struct learned_class *class = class_at(sim, index);
  if (class == NULL) return;
  const struct fluid_share *share = &sim->fluid.shares.at[index];
  const double rate = sim->fluid.classes.at[index].rate, more = rate - class->rate;
  const struct fluid_member *members = fluid_members(sim, index);
  if (class->flows == 0 || (more == 0 && share->at == class->at)) {
    class->rate = rate;
    class->at = share->at;
    return;
  }
  for (uint32_t i = 0; i < share->hops; ++i) {
    const uint32_t at = members[i].port;
    struct learned_port *port = weft__learned_port(sim, at);
    port->rates += more * class->flows;
    port->long_rates += more * class->longs;
    port->bound += class->flows * (double)((share->at == at) - (class->at == at));
  }
  class->rate = rate;
  class->at = share->at;
}

/* One flow more in a class, or less. */
static void add(weft_sim *sim, uint32_t slot, int sign) {
  const struct learned_flow *flow = &sim->learned.flows.at[slot];
  const uint32_t index = sim->fluid.flows.at[slot].class;
  struct learned_class *class = class_at(sim, index);
  if (class == NULL) return;
  const struct fluid_share *share = &sim->fluid.shares.at[index];
  if (class->flows == 0) {
    class->rate = sim->fluid.classes.at[index].rate;
    class->at = share->at;
  }
  const struct fluid_member *members = fluid_members(sim, index);
  for (uint32_t i = 0; i < share->hops; ++i) {
    const uint32_t at = members[i].port;
    struct learned_port *port = weft__learned_port(sim, at);
    port->flows += sign;
    port->rates += sign * class->rate;
    if (flow->is_long) port->long_rates += sign * class->rate;
    if (class->at == at) port->bound += sign;
    port->windows += sign * flow->burst;
    if (port->flows == 0) port->rates = port->long_rates = port->windows = 0;
  }
  class->flows += (uint32_t)sign;
  if (flow->is_long) class->longs += (uint32_t)sign;
}

/* ---- flows ---- */

static double least(double a, double b) {
  return a < b ? a : b;
}

static double most(double a, double b) {
  return a > b ? a : b;
}

/* The first window goes along the way behind what others have sent at once before it: a port serves
 * first those that came first, at its rate, or at what longer flows leave of it. */
static void send_burst(weft_sim *sim, uint32_t slot) {
  struct learned_flow *flow = &sim->learned.flows.at[slot];
  const struct slot *its = &sim->flow.slots.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  struct learned_hop *hops = learned_hops(sim, slot);
  const double frame = least(flow->burst, 8.0 * frame_full(&sim->config, 0));
  double first = 0, last = 0, first_late = 0, last_late = 0; /* packets come, from now on */
  for (uint32_t i = 0; i < its->hops; ++i) {
    struct learned_port *port = weft__learned_port(sim, path[i]);
    const double rate = sim->fluid.ports.at[path[i]].rate;
    const double left = most(rate - port->long_rates, 0.1 * rate);
    const double delay = (double)sim->fabric.ports.at[path[i]].delay_ps;
    const double wait = most(wait_at(port->free_at, sim->now) - first, 0);
    const double late = most(wait_at(port->free_late, sim->now) - first_late, 0);
    hops[i].wait = wait;
    hops[i].wait_late = late;
    flow->wait += wait;
    flow->wait_late += late;
    const double out = first + wait + flow->burst / rate;
    const double out_late = first_late + late + flow->burst / left;
    port->free_at = sim->now + (weft_time)out;
    port->free_late = sim->now + (weft_time)out_late;
    last = most(last + frame / rate, out) + delay;
    last_late = most(last_late + frame / rate, out_late) + delay;
    first += wait + frame / rate + delay;
    first_late += late + frame / rate + delay;
    for (int k = 0; k < LEARNED_SPANS; ++k) port->recent[k] += flow->burst;
  }
  flow->alone = last;
  flow->alone_late = last_late;
}

static void note_ports(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  struct learned_hop *hops = learned_hops(sim, slot);
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i) {
    struct learned_port *port = weft__learned_port(sim, path[i]);
    hops[i] = (struct learned_hop){.flows = port->flows,
                                   .used = port->rates,
                                   .bound = port->bound,
                                   .windows = port->windows,
                                   .sums = port->sums};
    for (int k = 0; k < LEARNED_SPANS; ++k) hops[i].recent[k] = port->recent[k];
    port->sums.arrivals += 1;
    port->sums.bits += sim->learned.flows.at[slot].burst;
  }
}

/* A flow has come to its class. */
static void joined(weft_sim *sim, uint32_t slot) {
  const struct fluid_flow *fluid = &sim->fluid.flows.at[slot];
  struct learned_flow *flow = &sim->learned.flows.at[slot];
  const struct slot *its = &sim->flow.slots.at[slot];
  const uint32_t row = its->row;
  if (sim->flow.rows.at[row].start_ps == sim->now || flow->row != row) {
    const uint32_t *path = slot_path(sim, slot);
    const double full = frame_full(&sim->config, 0), mtu = sim->config.mtu_bytes;
    const double nic = sim->fluid.ports.at[path[0]].rate;
    const double given = 8 * (double)sim->config.window_bytes * full / mtu;
    const double window = given > 0 ? most(given, 8 * full) : nic * (double)sim->learned.rtt;
    *flow = (struct learned_flow){.row = row, .window = window};
    flow->burst = least(fluid->bits, window);
    flow->is_long = fluid->bits > window;
    flow->rtt = weft__path_one_way(sim, path, its->hops, frame_full(&sim->config, 0)) +
                weft__path_one_way(sim, path + its->hops, its->ack_hops, sim->config.ack_bytes);
    note_ports(sim, slot);
    send_burst(sim, slot);
  }
  add(sim, slot, 1);
}

/* It leaves its class. */
static void leaves(weft_sim *sim, uint32_t slot) {
  add(sim, slot, -1);
}

#include <stdio.h>
#include <stdlib.h>

/* PROTOTYPE */
static weft_time sent(weft_sim *sim, uint32_t slot, weft_time done) {
  static FILE *dump;
  static int is_known;
  if (!is_known) {
    const char *name = getenv("LEARNED_DUMP");
    is_known = 1;
    if (name != NULL) {
      dump = fopen(name, "wb");
      fprintf(dump, "%u %u\n", weft__learned_flow_features(), weft__learned_link_features());
      for (uint32_t i = 0; i < weft__learned_flow_features(); ++i)
        fprintf(dump, "%s\n", weft__learned_flow_feature(i));
      for (uint32_t i = 0; i < weft__learned_link_features(); ++i)
        fprintf(dump, "%s\n", weft__learned_link_feature(i));
    }
  }
  if (dump == NULL) return done;
  float x[256], l[16 * 64];
  weft__learned_features(sim, slot, (double)done, x, l);
  const uint32_t row = sim->flow.slots.at[slot].row, hops = sim->flow.slots.at[slot].hops;
  const struct flow *of = &sim->flow.rows.at[row];
  const uint32_t head[2] = {row, hops};
  const double times[3] = {(double)(done - of->start_ps), (double)of->ideal_ps, (double)of->size_bytes};
  fwrite(head, sizeof head, 1, dump);
  fwrite(times, sizeof times, 1, dump);
  fwrite(x, sizeof *x, weft__learned_flow_features(), dump);
  fwrite(l, sizeof *l, hops * weft__learned_link_features(), dump);
  fflush(dump);
  return done;
}

const struct fluid_watch weft__learned_watch = {
    .joined = joined, .leaves = leaves, .shared = shared, .sent = sent};
