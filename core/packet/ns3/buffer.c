/* The switch buffer of the ns-3 model: ingress accounting, PFC, ECN, all in unsigned 32-bit
 * arithmetic.
 *
 * Where headroom (3 x rate x delay per port) and reserve add up to more than the buffer, the free
 * part wraps round and the threshold becomes practically infinite: no pause, no drop. */
#include "packet/port/port_i.h"
#include "packet/ns3/ns3.h"

/* The device of a switch at the near end of a port; ingress counts are kept with the device through
 * which the packet came. */
static uint32_t threshold(const weft_sim *sim, uint32_t device) {
  const struct buffer *buffer = &sim->packet.buffers.at[sim->packet.ports.at[device].from_node];
  const uint32_t free_bytes = (uint32_t)buffer->shared_cap - (uint32_t)buffer->shared_used;
  return free_bytes >> sim->ns3.ports.at[device].shift;
}

static uint32_t shared_part(const weft_sim *sim, const struct ns3_port *device) {
  const uint32_t reserve = sim->config.pfc_reserve_bytes;
  return device->in_bytes > reserve ? device->in_bytes - reserve : 0;
}

static uint64_t nic_rate(const weft_sim *sim) {
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n)
    if (sim->fabric.nodes.at[n].kind == WEFT_HOST && sim->fabric.nodes.at[n].port_count > 0)
      return sim->fabric.ports.at[sim->fabric.adjacency.at[sim->fabric.nodes.at[n].first_port]]
          .built_rate_bps;
  return 0;
}

/* alpha = 2^-shift for ports of NIC speed, doubled for each doubling of the rate above it. */
static uint32_t alpha_shift(const weft_sim *sim, uint64_t rate, uint64_t nic) {
  uint32_t shift = 0;
  for (double alpha = sim->config.buffer_alpha; alpha < 1; alpha *= 2) ++shift;
  for (; rate > nic && shift > 0; rate /= 2) --shift;
  return shift;
}

void weft__ns3_buffer_init(weft_sim *sim) {
  const uint64_t nic = nic_rate(sim);
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    const struct node *node = &sim->fabric.nodes.at[n];
    struct buffer *buffer = &sim->packet.buffers.at[n];
    if (node->kind == WEFT_HOST) continue;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->port_count; ++i) {
      const uint32_t p = sim->fabric.adjacency.at[node->first_port + i];
      const uint64_t rate = sim->fabric.ports.at[p].built_rate_bps;
      struct ns3_port *device = &sim->ns3.ports.at[p];
      device->headroom = (uint32_t)(rate * (uint64_t)(sim->packet.ports.at[p].delay_ps / 1000) / 8 /
                                    1000000000u * 3);
      device->shift = alpha_shift(sim, rate, nic);
      kept += device->headroom + sim->config.pfc_reserve_bytes;
    }
    buffer->shared_cap = (uint32_t)sim->config.buffer_bytes - kept;
    buffer->shared_used = 0;
  }
}

static void count_in(weft_sim *sim, struct buffer *buffer, uint32_t device_index, uint32_t size) {
  struct ns3_port *device = &sim->ns3.ports.at[device_index];
  const uint32_t reserve = sim->config.pfc_reserve_bytes;
  const uint32_t bytes = device->in_bytes + size;
  if (bytes <= reserve) {
    device->in_bytes = bytes;
  } else if (bytes - reserve > threshold(sim, device_index)) {
    device->in_headroom += size;
  } else {
    device->in_bytes = bytes;
    buffer->shared_used =
        (uint32_t)(buffer->shared_used + (size < bytes - reserve ? size : bytes - reserve));
  }
}

/* SimAI's NVLink switches drop, but neither pause nor mark. */
static int is_mute(const weft_sim *sim, uint32_t node) {
  return sim->fabric.nodes.at[node].kind == WEFT_NVSWITCH &&
         sim->config.compat == WEFT_COMPAT_SIMAI;
}

enum ns3_verdict weft__ns3_admit(weft_sim *sim, uint32_t node, uint32_t in_device, uint32_t size) {
  const struct ns3_port *device = &sim->ns3.ports.at[in_device];
  if (size + device->in_headroom > device->headroom &&
      size + shared_part(sim, device) > threshold(sim, in_device))
    return NS3_DROPS;
  count_in(sim, &sim->packet.buffers.at[node], in_device, size);
  const int pauses =
      !device->pausing && !is_mute(sim, node) &&
      (device->in_headroom > 0 || shared_part(sim, device) >= threshold(sim, in_device));
  return pauses ? NS3_PAUSES : NS3_TAKES;
}

/* Marking looks at what stays in the data class; ACKs draw random numbers like data. */
static int marks(weft_sim *sim, uint32_t port) {
  const uint32_t kmin = sim->packet.ports.at[port].kmin, left = sim->ns3.ports.at[port].bytes[1];
  const struct ecn *ecn = &sim->packet.ecn.at[sim->packet.port_cold.at[port].ecn];
  if (left > ecn->kmax) return 1;
  if (left <= kmin) return 0;
  const double p = ecn->pmax * (double)(left - kmin) / (double)(ecn->kmax - kmin);
  return weft__ns3_random(sim) < p;
}

int weft__ns3_release(weft_sim *sim, uint32_t port, struct packet *packet) {
  const uint32_t node = sim->packet.ports.at[port].from_node;
  struct buffer *buffer = &sim->packet.buffers.at[node];
  const uint32_t in_device = packet->in_port ^ 1;
  struct ns3_port *device = &sim->ns3.ports.at[in_device];
  const uint32_t from_headroom =
      device->in_headroom < packet->size ? device->in_headroom : packet->size;
  const uint32_t rest = packet->size - from_headroom, part = shared_part(sim, device);
  device->in_headroom -= from_headroom;
  device->in_bytes -= rest;
  buffer->shared_used = (uint32_t)(buffer->shared_used - (rest < part ? rest : part));
  if (is_mute(sim, node)) return 0;
  if (marks(sim, port) && !(packet->flags & PACKET_ACK)) {
    packet->flags |= PACKET_ECN;
    ++sim->packet.port_cold.at[port].ecn_marks;
    ++sim->stats.ecn_marks;
  }
  if (!device->pausing || device->in_headroom > 0) return 0;
  const uint32_t left = shared_part(sim, device);
  return left == 0 || left + sim->config.pfc_resume_bytes <= threshold(sim, in_device);
}
