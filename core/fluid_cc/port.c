/* Queues: lines between the first and last packets of parcels. */
#include "fluid_cc/fluid_cc.h"

/* Go on for a time in which nothing changes. */
static void flow_on(struct fcc_level *level, double rate, double time) {
  if (time <= 0) return;
  const double sum = level->queue + (level->in_rate - rate) * time;
  if (sum >= 0) {
    level->served += rate * time;
    level->queue = sum;
  } else {
    level->served += level->queue + level->in_rate * time;
    level->queue = 0;
  }
}

#define LOAD_MOST 0.8 /* beyond it a fluid has a queue mostly */

static int stands_still(const struct fcc_port *port) {
  return port->paused || port->down;
}

static double rate_now(const struct fcc_port *port) {
  return stands_still(port) ? 0 : port->rate;
}

struct fcc_level weft__fcc_level(const weft_sim *sim, uint32_t index, weft_time at) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  struct fcc_level level = {port->queue, port->served, port->in_rate};
  const double rate = rate_now(port);
  weft_time since = port->at;
  uint32_t i = port->inflows;
  for (; i != WEFT_NONE && sim->fluid_cc.inflows.at[i].end <= at;) {
    const struct fcc_inflow *inflow = &sim->fluid_cc.inflows.at[i];
    flow_on(&level, rate, (double)(inflow->end - since));
    if (inflow->end > since) since = inflow->end;
    i = inflow->next;
    level.in_rate = i == WEFT_NONE ? 0 : level.in_rate - inflow->rate;
  }
  flow_on(&level, rate, (double)(at - since));
  return level;
}

static void note(weft_sim *sim, uint32_t index, weft_time at, double bytes, double rate) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  sim->fluid_cc.arrivals.at[index * FCC_ARRIVALS + port->arrivals++ % FCC_ARRIVALS] =
      (struct fcc_arrival){at, bytes, rate};
}

/* A fluid that is less than the port takes leaves no queue, but its packets do: one that comes
 * between those of others waits for what is left of the one on the wire, rate / 2 C of a packet on
 * average if one flow sends evenly, and rate / 2 (C - rate) if many do by chance (M/D/1). */
static weft_time between_packets(const struct fcc_port *port, double others, uint32_t flows,
                                 double queue, double bytes) {
  if (flows == 0 || queue >= bytes || others <= 0) return 0;
  double load = others / port->rate;
  if (load > 1) load = 1;
  const double chance = (double)(flows - 1) / flows;
  const double packets = load / 2 / (1 - (load < LOAD_MOST ? load : LOAD_MOST) * chance);
  return fcc_time(packets * (bytes - queue) / port->rate);
}

/* The last packet of a parcel has come: when it leaves is known. */
static void tail_has_come(weft_sim *sim, const struct fcc_port *port, uint32_t index,
                          const struct fcc_inflow *inflow, const struct fcc_level *level) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[inflow->parcel];
  if (parcel->generation != inflow->generation || parcel->hop != inflow->hop) return;
  const double rest = level->queue > parcel->last_bytes ? level->queue - parcel->last_bytes : 0;
  const weft_time wait = fcc_time(rest / port->rate) +
                         between_packets(port, level->in_rate - inflow->rate,
                                         port->inflow_count - 1, rest, parcel->last_bytes);
  parcel->tail_left = inflow->end + wait + fcc_wire_time(sim, index, parcel->last_bytes);
}

void weft__fcc_advance(weft_sim *sim, uint32_t index) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->at == sim->now && port->inflows == WEFT_NONE) return;
  struct fcc_level level = {port->queue, port->served, port->in_rate};
  const double rate = rate_now(port), begin = port->queue;
  const weft_time since = port->at;
  while (port->inflows != WEFT_NONE && sim->fluid_cc.inflows.at[port->inflows].end <= sim->now) {
    const uint32_t i = port->inflows;
    struct fcc_inflow *inflow = &sim->fluid_cc.inflows.at[i];
    flow_on(&level, rate, (double)(inflow->end - port->at));
    if (inflow->end > port->at) port->at = inflow->end;
    if (level.queue > port->most) port->most = level.queue;
    tail_has_come(sim, port, index, inflow, &level);
    --port->inflow_count;
    port->inflows = inflow->next;
    level.in_rate = port->inflows == WEFT_NONE ? 0 : level.in_rate - inflow->rate;
    note(sim, index, port->at, level.served + level.queue, level.in_rate);
    inflow->next = sim->fluid_cc.free_inflow;
    sim->fluid_cc.free_inflow = i;
  }
  flow_on(&level, rate, (double)(sim->now - port->at));
  port->queue_ps += (begin + level.queue) / 2 * (double)(sim->now - since);
  port->at = sim->now;
  port->queue = level.queue;
  port->served = level.served;
  port->in_rate = level.in_rate;
  if (level.queue > port->most) port->most = level.queue;
}

static void add_inflow(weft_sim *sim, struct fcc_port *port, uint32_t parcel, double rate,
                       weft_time end) {
  uint32_t i = sim->fluid_cc.free_inflow;
  if (i != WEFT_NONE) {
    sim->fluid_cc.free_inflow = sim->fluid_cc.inflows.at[i].next;
  } else {
    i = sim->fluid_cc.inflows.n;
    if (!pool_reserve(sim, sim->fluid_cc.inflows, i + 1u)) {
      weft__no_memory(sim);
      return;
    }
    ++sim->fluid_cc.inflows.n;
  }
  const struct fcc_parcel *its = &sim->fluid_cc.parcels.at[parcel];
  uint32_t *link = &port->inflows;
  while (*link != WEFT_NONE && sim->fluid_cc.inflows.at[*link].end <= end)
    link = &sim->fluid_cc.inflows.at[*link].next;
  sim->fluid_cc.inflows.at[i] = (struct fcc_inflow){.end = end,
                                                    .rate = rate,
                                                    .parcel = parcel,
                                                    .generation = its->generation,
                                                    .hop = its->hop,
                                                    .next = *link};
  *link = i;
  port->in_rate += rate;
  ++port->inflow_count;
}

void weft__fcc_stretch(weft_sim *sim, uint32_t index, uint32_t p, weft_time by) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const uint32_t generation = sim->fluid_cc.parcels.at[p].generation;
  weft__fcc_advance(sim, index);
  uint32_t *link = &port->inflows;
  for (; *link != WEFT_NONE; link = &sim->fluid_cc.inflows.at[*link].next) {
    const struct fcc_inflow *at = &sim->fluid_cc.inflows.at[*link];
    if (at->parcel == p && at->generation == generation) break;
  }
  if (*link == WEFT_NONE) return; /* all of it has come */
  const uint32_t i = *link;
  struct fcc_inflow *inflow = &sim->fluid_cc.inflows.at[i];
  *link = inflow->next;
  const double left = inflow->rate * (double)(inflow->end - sim->now);
  port->in_rate -= inflow->rate;
  inflow->end += by;
  inflow->rate = left / (double)(inflow->end - sim->now);
  port->in_rate += inflow->rate;
  link = &port->inflows;
  while (*link != WEFT_NONE && sim->fluid_cc.inflows.at[*link].end <= inflow->end)
    link = &sim->fluid_cc.inflows.at[*link].next;
  inflow->next = *link;
  *link = i;
  note(sim, index, sim->now, port->served + port->queue, port->in_rate);
}

/* When its first packet will be at the next node, if all goes on as it does. */
static weft_time next_node(const weft_sim *sim, uint32_t index, uint32_t first_bytes,
                           weft_time leaves) {
  return leaves + fcc_wire_time(sim, index, first_bytes) + sim->fabric.ports.at[index].delay_ps;
}

static void hold(weft_sim *sim, struct fcc_port *port, uint32_t parcel) {
  sim->fluid_cc.parcels.at[parcel].next = WEFT_NONE;
  if (port->held == WEFT_NONE)
    port->held = parcel;
  else
    sim->fluid_cc.parcels.at[port->held_last].next = parcel;
  port->held_last = parcel;
}

void weft__fcc_enter(weft_sim *sim, uint32_t index, uint32_t p) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  weft__fcc_advance(sim, index);
  parcel->before = port->served + port->queue;
  parcel->came = sim->now;
  parcel->unhindered = 0;
  parcel->left =
      sim->now + fcc_time(port->queue / port->rate) +
      between_packets(port, port->in_rate, port->inflow_count, port->queue, parcel->first_bytes);
  parcel->tail_left = -1;
  port->queue += parcel->first_bytes;
  const double rest = parcel->bytes - parcel->first_bytes;
  if (parcel->n > 1) {
    if (parcel->tail > sim->now)
      add_inflow(sim, port, p, rest / (double)(parcel->tail - sim->now), parcel->tail);
    else
      port->queue += rest;
  }
  note(sim, index, sim->now, port->served + port->queue, port->in_rate);
  if (port->queue > port->most) port->most = port->queue;
  if (stands_still(port))
    hold(sim, port, p);
  else
    event_at(sim, EV_FCC_HOP, p, next_node(sim, index, parcel->first_bytes, parcel->left));
}

weft_time weft__fcc_pass_acks(weft_sim *sim, uint32_t index, uint32_t bytes, uint32_t packets) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const weft_time own = fcc_wire_time(sim, index, bytes) + sim->fabric.ports.at[index].delay_ps;
  if (!port->of_switch) { /* before all data; those of other packets are sent already */
    const weft_time all = fcc_wire_time(sim, index, (double)bytes * packets);
    port->free_at = (port->free_at > sim->now ? port->free_at : sim->now) + all;
    port->served += (double)bytes * packets;
    return own;
  }
  weft__fcc_advance(sim, index);
  double ahead = port->queue;
  port->queue += (double)bytes * packets;
  note(sim, index, sim->now, port->served + port->queue, port->in_rate);
  if (sim->config.ack_priority == WEFT_ACK_ALL) { /* what is left of the packet on the wire */
    const double frame = sim->config.mtu_bytes + sim->config.header_bytes;
    ahead = (ahead < frame ? ahead : frame) / 2;
  }
  return own + fcc_time(ahead / port->rate);
}

/* What waits goes on, in the order in which it came. */
void weft__fcc_retime(weft_sim *sim, uint32_t index) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (stands_still(port)) return;
  uint32_t p = port->held;
  port->held = port->held_last = WEFT_NONE;
  while (p != WEFT_NONE) {
    struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
    const uint32_t next = parcel->next;
    const double wait = (parcel->before - port->served) / port->rate;
    parcel->left = sim->now + fcc_time(wait);
    event_at(sim, EV_FCC_HOP, p, next_node(sim, index, parcel->first_bytes, parcel->left));
    p = next;
  }
}

/* Rounding of sums of bytes, and of the times that follow from them. */
#define NOTHING 0.5

int weft__fcc_has_left(weft_sim *sim, uint32_t index, uint32_t p) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  weft__fcc_advance(sim, index);
  const double ahead = parcel->before - port->served;
  if (ahead <= NOTHING) return 1;
  if (stands_still(port)) {
    hold(sim, port, p);
    return 0;
  }
  const double wait = ahead / port->rate;
  parcel->left = sim->now + fcc_time(wait);
  event_at(sim, EV_FCC_HOP, p, next_node(sim, index, parcel->first_bytes, parcel->left));
  return 0;
}

/* The part of packets that is marked while the queue goes from one length to another. */
static double marks(const struct fcc_port *port, double from, double to) {
  const double low = from < to ? from : to, high = from < to ? to : from;
  if (high <= port->kmin) return 0;
  if (low > port->kmax) return 1;
  const double span = port->kmax - port->kmin, length = high - low;
  if (length < 1)
    return low <= port->kmin ? 0 : span > 0 ? port->pmax * (low - port->kmin) / span : 1;
  double sum = high > port->kmax ? high - port->kmax : 0; /* integral of the chance over lengths */
  const double a = low > port->kmin ? low : port->kmin, b = high < port->kmax ? high : port->kmax;
  if (b > a && span > 0) sum += port->pmax * (b - a) * ((a + b) / 2 - port->kmin) / span;
  return sum / length;
}

/* Bytes that had come to a port by a time that is not long ago; before all that it remembers, as if
 * they had come as evenly as since. */
static double come_by(const weft_sim *sim, uint32_t index, weft_time at) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const struct fcc_arrival *first = &sim->fluid_cc.arrivals.at[index * FCC_ARRIVALS], *noted = NULL;
  const double all = port->served + port->queue;
  for (uint32_t i = 1; i <= FCC_ARRIVALS && i <= port->arrivals; ++i) {
    noted = &first[(port->arrivals - i) % FCC_ARRIVALS];
    if (noted->at <= at) return noted->bytes + noted->rate * (double)(at - noted->at);
  }
  if (noted == NULL || noted->at == sim->now) return all;
  return noted->bytes -
         (all - noted->bytes) * (double)(noted->at - at) / (double)(sim->now - noted->at);
}

/* The queue that a packet leaves behind, before which `out` bytes have left, at `at`; later than
 * now, as it goes on. */
static double queue_behind(const weft_sim *sim, uint32_t index, double out, weft_time at) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  double queue = port->queue + (port->in_rate - port->rate) * (double)(at - sim->now);
  if (at <= sim->now) queue = come_by(sim, index, at) - out;
  return queue > 0 ? queue : 0;
}

/* When the last packet leaves, as far as can be seen now. */
static weft_time tail_leaves(const weft_sim *sim, const struct fcc_port *port, uint32_t index,
                             const struct fcc_parcel *parcel) {
  if (parcel->tail_left >= 0) return parcel->tail_left;
  const weft_time to_come = parcel->tail > sim->now ? parcel->tail - sim->now : 0;
  double queue = port->queue + (port->in_rate - port->rate) * (double)to_come;
  queue = queue > parcel->last_bytes ? queue - parcel->last_bytes : 0;
  return sim->now + to_come + fcc_time(queue / port->rate) +
         fcc_wire_time(sim, index, parcel->last_bytes);
}

static void read_out(weft_sim *sim, const struct fcc_parcel *parcel, uint32_t p, double queue) {
  if (!fcc_reads_telemetry(sim)) return;
  sim->fluid_cc.telemetry.at[(uint64_t)p * sim->fluid_cc.path_ports + parcel->hop - 2u] =
      (struct fcc_telemetry){parcel->left, parcel->before, queue};
}

void weft__fcc_leave(weft_sim *sim, uint32_t index, uint32_t p) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const weft_time delay = sim->fabric.ports.at[index].delay_ps;
  double head = 0;
  if (!parcel->unhindered)
    head = queue_behind(sim, index, parcel->before, parcel->left) - parcel->first_bytes;
  if (head < 0) head = 0;
  double tail = head;
  weft_time tail_at = sim->now;
  if (parcel->n > 1) {
    const weft_time leaves = tail_leaves(sim, port, index, parcel);
    const weft_time least =
        sim->now + fcc_wire_time(sim, index, parcel->bytes - parcel->first_bytes);
    tail_at = leaves + delay > least ? leaves + delay : least;
    const double come = parcel->tail <= sim->now ? come_by(sim, index, parcel->tail) : 0;
    tail = queue_behind(sim, index, come, leaves - fcc_wire_time(sim, index, parcel->last_bytes));
  }
  parcel->tail = tail_at;
  if (port->of_switch) {
    const double part = marks(port, head, tail);
    port->marks += part * parcel->n;
    parcel->unmarked *= 1 - part;
    read_out(sim, parcel, p, head);
  }
}
