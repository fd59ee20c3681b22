/* Losses: what a full buffer without PFC does not take, and what a wire loses by chance. A buffer
 * takes a packet as packet/port/buffer.c has it: while all of the switch fits, and the queue is
 * below the dynamic threshold. What of a parcel that is entering will not fit is known as its first
 * packet comes, from the line on which the queue grows. */
#include "base/rng_i.h"
#include "fluid_cc/fluid_cc.h"

/* ---- packets of a parcel ---- */

/* Packet `i` of those that are left of a parcel. All but its last are full. */
static void lose_packet(weft_sim *sim, uint32_t index, struct fcc_parcel *parcel, uint32_t i) {
  const uint32_t bytes = i + 1 == parcel->n ? parcel->last_bytes : parcel->first_bytes;
  parcel->bytes -= bytes;
  sim->fluid_cc.dropped += bytes;
  if (i + 1 == parcel->n) parcel->last_bytes = parcel->first_bytes;
  if (parcel->n == 2 && i == 0) parcel->first_bytes = parcel->last_bytes;
  if (parcel->gap == 0 || i + 1 < parcel->gap) parcel->gap = i + 1;
  --parcel->n;
  ++sim->fluid_cc.ports.at[index].drops;
  ++sim->fluid_cc.packets_dropped;
}

static double draw(weft_sim *sim, uint32_t index) {
  return rng_uniform(sim->config.seed, RNG_LOSS, index, sim->fluid_cc.ports.at[index].drawn++);
}

/* Whether anything is left of it. */
static int is_left(weft_sim *sim, const struct fcc_parcel *parcel, uint32_t before) {
  if (parcel->n < before) weft__fcc_has_lost(sim, parcel->slot);
  return parcel->n > 0;
}

/* ---- wires ---- */

int weft__fcc_wire_passes(weft_sim *sim, uint32_t index, uint32_t p) {
  const double loss = sim->fabric.ports.at[index].loss;
  if (loss <= 0) return 1;
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const uint32_t before = parcel->n;
  for (uint32_t i = before; i-- > 0;)
    if (draw(sim, index) < loss) lose_packet(sim, index, parcel, i);
  return is_left(sim, parcel, before);
}

int weft__fcc_acks_pass(weft_sim *sim, const uint32_t *ports, uint32_t hops, uint32_t acks) {
  double passes = 1, none = 1;
  uint32_t wire = WEFT_NONE;
  for (uint32_t i = 0; i < hops; ++i) {
    const double loss = sim->fabric.ports.at[ports[i]].loss;
    if (loss > 0) wire = ports[i];
    passes *= 1 - loss;
  }
  if (wire == WEFT_NONE) return 1;
  for (uint32_t i = 0; i < acks; ++i) none *= 1 - passes;
  if (draw(sim, wire) >= none) return 1;
  sim->fluid_cc.ports.at[wire].drops += acks;
  sim->fluid_cc.packets_dropped += acks;
  return 0;
}

/* ---- buffers ---- */

/* What waits in a port: without the packet on the wire, which has left the buffer. */
static double waits(const weft_sim *sim, double queue) {
  const double frame = sim->config.mtu_bytes + sim->config.header_bytes + weft__fcc_extra(sim);
  return queue < 1 ? 0 : frame * (double)(uint64_t)((queue - 0.5) / frame);
}

/* What a switch holds, and what is entering it. */
static double all_of(const weft_sim *sim, const struct node *node, int entering) {
  double sum = 0;
  for (uint32_t j = 0; j < node->port_count; ++j) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + j];
    const double queue = weft__fcc_level(sim, out, sim->now).queue;
    sum += entering ? queue : waits(sim, queue);
    uint32_t i = entering ? sim->fluid_cc.ports.at[out].inflows : WEFT_NONE;
    for (; i != WEFT_NONE; i = sim->fluid_cc.inflows.at[i].next) {
      const struct fcc_inflow *inflow = &sim->fluid_cc.inflows.at[i];
      if (inflow->end > sim->now) sum += inflow->rate * (double)(inflow->end - sim->now);
    }
  }
  return sum;
}

/* No threshold can be crossed while a switch has less than alpha cap / (1 + alpha). What it has is
 * counted without what leaves, until that might be too much. */
static int is_safe(weft_sim *sim, uint32_t index, double bytes) {
  struct fcc_switch *at = &sim->fluid_cc.switches.at[index];
  const double alpha = sim->config.buffer_alpha, safe = alpha * at->cap / (1 + alpha);
  if (at->most + bytes > safe) at->most = all_of(sim, &sim->fabric.nodes.at[index], 1);
  at->most += bytes;
  return at->most <= safe;
}

void weft__fcc_buffer_takes(weft_sim *sim, uint32_t index, double bytes) {
  if (!sim->config.pfc)
    sim->fluid_cc.switches.at[sim->fabric.ports.at[index].from_node].most += bytes;
}

int weft__fcc_buffer_admits(weft_sim *sim, uint32_t index, uint32_t p) {
  const uint32_t node = sim->fabric.ports.at[index].from_node;
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  if (sim->config.pfc || is_safe(sim, node, parcel->bytes)) return 1;
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const double alpha = sim->config.buffer_alpha, cap = sim->fluid_cc.switches.at[node].cap;
  const double free = cap - all_of(sim, &sim->fabric.nodes.at[node], 0);
  const struct fcc_level level = weft__fcc_level(sim, index, sim->now);
  const double below = alpha * free - waits(sim, level.queue), room = below < free ? below : free;
  const uint32_t before = parcel->n;
  const int takes_first = parcel->first_bytes <= room;
  const double left = takes_first ? room - parcel->first_bytes : 0;
  const double rest = parcel->bytes - parcel->first_bytes;
  const double lasts = parcel->tail > sim->now ? (double)(parcel->tail - sim->now) : 1;
  const double in = level.in_rate + rest / lasts, growth = in - port->rate;
  if (growth > 0 && growth * (1 + alpha) * lasts > left && draw(sim, index) < growth / in)
    for (uint32_t i = before - 1; i > 0 && growth * (1 + alpha) * lasts * i > left * (before - 1);
         --i)
      lose_packet(sim, index, parcel, i);
  if (!takes_first) lose_packet(sim, index, parcel, 0);
  return is_left(sim, parcel, before);
}
