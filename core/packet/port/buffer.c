/* The shared buffer of a switch: dynamic thresholds, PFC, drops.
 *
 * Accounting per ingress port is as in the HPCC ns-3 model: a packet counts towards its ingress
 * port's reserve, then the shared part, and beyond the threshold T = alpha x free shared bytes
 * towards the headroom. A pause goes out when headroom is used or the shared part reaches T; a
 * resume when the headroom is empty and the shared part is `pfc_resume` below T.
 *
 * Most switches never come near a threshold, and must not pay for one. buffer.used counts all bytes
 * in the switch, settled lazily and therefore never too low. No ingress holds more than `used`,
 * and T is at least alpha (cap - used); so while used < alpha cap / (1 + alpha) nothing can
 * happen, and the decision is one comparison. Beyond that `safe` bound the switch is tracked:
 * ingress counters are rebuilt from the rings and kept exact, and departures of its ports become
 * events (EV_DEQUEUE), until it has drained well below the bound. */
#include <inttypes.h>

#include "packet/hooks.h"
#include "packet/port/port_i.h"

enum { PFC_FRAME_BYTES = 64 };

/* What can still arrive once a pause is decided (IEEE 802.1Qbb, annex O, without the interface
 * delays): the PFC frame waits for a frame on its way out, crosses the wire, finds another frame
 * begun at the far end, whose last bit crosses the wire back; and the packet that tipped the
 * threshold is in the headroom itself. */
static uint64_t default_headroom(const weft_sim *sim, uint32_t port) {
  const double rate = (double)sim->fabric.ports.at[port].rate_bps / 8;
  const double back = (double)sim->fabric.ports.at[port ^ 1].rate_bps / 8;
  const double frame = frame_largest(&sim->config);
  const double notice_s =
      (frame + PFC_FRAME_BYTES) / back + 1e-12 * (double)(sim->packet.ports.at[port].delay_ps +
                                                          sim->packet.ports.at[port ^ 1].delay_ps);
  return (uint64_t)(rate * notice_s + 2 * frame) + 1;
}

/* No threshold can be crossed while the switch holds less; see the top of this file. */
static void set_safe(const weft_sim *sim, struct buffer *buffer) {
  const double alpha = sim->config.buffer_alpha;
  const double safe = alpha * (double)buffer->shared_cap / (1 + alpha);
  buffer->safe = safe > 1 ? (uint64_t)safe - 1 : 0;
}

static int init_switch(weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  struct buffer *buffer = &sim->packet.buffers.at[index];
  const weft_config *config = &sim->config;
  uint64_t kept = 0;
  for (uint32_t i = 0; config->pfc && i < node->port_count; ++i) {
    const uint32_t in = sim->fabric.adjacency.at[node->first_port + i] ^ 1;
    struct port_cold *cold = &sim->packet.port_cold.at[in];
    cold->headroom_cap =
        config->pfc_headroom_bytes != 0 ? config->pfc_headroom_bytes : default_headroom(sim, in);
    kept += cold->headroom_cap + config->pfc_reserve_bytes;
  }
  if (kept >= config->buffer_bytes)
    return weft__fail(sim, WEFT_EINVAL,
                      "option buffer: switch %" PRIu32 " needs more than %" PRIu64
                      " bytes for PFC headroom and reserve of %" PRIu32 " ports, got %" PRIu64,
                      index, kept, node->port_count, config->buffer_bytes);
  buffer->shared_cap = config->buffer_bytes - kept;
  set_safe(sim, buffer);
  return WEFT_OK;
}

void weft__buffer_rate_changed(weft_sim *sim, uint32_t in_port) {
  const uint32_t node = sim->packet.ports.at[in_port].to_node;
  struct buffer *buffer = &sim->packet.buffers.at[node];
  struct port_cold *cold = &sim->packet.port_cold.at[in_port];
  if (!sim->config.pfc || sim->config.pfc_headroom_bytes != 0) return;
  if (sim->fabric.nodes.at[node].kind == WEFT_HOST) return;
  uint64_t need = default_headroom(sim, in_port);
  const uint64_t most = cold->headroom_cap + buffer->shared_cap;
  if (need > most) need = most;
  buffer->shared_cap = most - need;
  cold->headroom_cap = need;
  set_safe(sim, buffer);
}

int weft__buffer_init(weft_sim *sim) {
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    if (sim->fabric.nodes.at[n].kind == WEFT_HOST) continue;
    const int status = init_switch(sim, n);
    if (status != WEFT_OK) return status;
  }
  return WEFT_OK;
}

static uint64_t threshold(const weft_sim *sim, const struct buffer *buffer, uint64_t used) {
  if (used >= buffer->shared_cap) return 0;
  return (uint64_t)(sim->config.buffer_alpha * (double)(buffer->shared_cap - used));
}

static uint64_t shared_part(const weft_sim *sim, uint64_t in_bytes) {
  const uint64_t reserve = sim->config.pfc_reserve_bytes;
  return in_bytes > reserve ? in_bytes - reserve : 0;
}

void weft__buffer_arm(weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (port->deq == port->tail || (port->flags & PORT_HELD)) return;
  const weft_time at = packet_departure(port, port_packet(sim, port, port->deq));
  if (cold->dequeue_event >= 0 && cold->dequeue_event <= at) return;
  cold->dequeue_event = at;
  event_at(sim, EV_DEQUEUE, index, at);
}

void weft__buffer_dequeue_event(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (cold->dequeue_event != sim->now) { /* overtaken */
    event_is_stale(sim);
    return;
  }
  cold->dequeue_event = -1;
  port_settle(sim, index, port, sim->now);
  if (sim->packet.buffers.at[port->from_node].tracked) weft__buffer_arm(sim, index);
}

/* A PFC frame goes before all that waits, behind the frame in transmission, and delays the rest. */
static void send_pfc(weft_sim *sim, uint32_t in_port, int pause) {
  const uint32_t out = in_port ^ 1;
  struct port *port = &sim->packet.ports.at[out];
  struct port_cold *cold = &sim->packet.port_cold.at[out];
  sim->packet.port_cold.at[in_port].pausing = (uint8_t)pause;
  if (port->flags & PORT_DOWN) return;
  port_settle(sim, out, port, sim->now);
  if (pause) {
    ++sim->stats.pfc_pauses;
    ++sim->packet.port_cold.at[in_port].pauses;
  }
  weft_time start = weft__port_busy_until(sim, out);
  if (start < cold->frame_free_at) start = cold->frame_free_at;
  if (start < sim->now) start = sim->now;
  const weft_time end = start + PFC_FRAME_BYTES * (weft_time)port->byte_ps;
  cold->frame_free_at = end;
  if (port->flags & PORT_PAUSED)
    port->free_at = end;
  else
    weft__port_retime(sim, out, end);
  const struct event frame = event_of(sim, EV_PFC, in_port * 2 + (uint32_t)pause,
                                      weft__wire_frame(sim, out, end + port->delay_ps));
  if (port->flags & PORT_BORDER)
    sim->packet.domain_hooks->send_event(sim, in_port, frame);
  else
    event_push(sim, frame);
}

/* Ingress counters from what the rings hold. The frame that tips the bound is not yet among
 * them. */
static void start_tracking(weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  struct buffer *buffer = &sim->packet.buffers.at[index];
  for (uint32_t i = 0; i < node->port_count; ++i)
    accel_wake_port(sim, sim->fabric.adjacency.at[node->first_port + i]);
  if (buffer->tracked) return; /* what was woken has come to it */
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i];
    port_settle(sim, out, &sim->packet.ports.at[out], sim->now);
    sim->packet.port_cold.at[out ^ 1].in_bytes = sim->packet.port_cold.at[out ^ 1].in_headroom = 0;
  }
  buffer->tracked = 1;
  buffer->shared_used = 0;
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i];
    const struct port *port = &sim->packet.ports.at[out];
    for (uint32_t c = port->deq; c != port->tail; ++c) {
      const struct packet *packet = port_packet(sim, port, c);
      sim->packet.port_cold.at[packet->in_port].in_bytes += packet->size;
    }
    weft__buffer_arm(sim, out);
  }
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t in = sim->fabric.adjacency.at[node->first_port + i] ^ 1;
    buffer->shared_used += shared_part(sim, sim->packet.port_cold.at[in].in_bytes);
  }
}

static void stop_tracking_if_drained(const weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  struct buffer *buffer = &sim->packet.buffers.at[index];
  if (buffer->used > buffer->safe / 4 * 3) return;
  for (uint32_t i = 0; i < node->port_count; ++i)
    if (sim->packet.port_cold.at[sim->fabric.adjacency.at[node->first_port + i] ^ 1].pausing)
      return;
  buffer->tracked = 0;
}

/* Lossless: count the packet towards its ingress and pause it if that is beyond the threshold. */
static int admit_ingress(weft_sim *sim, struct buffer *buffer, uint32_t in_port, uint32_t size) {
  struct port_cold *cold = &sim->packet.port_cold.at[in_port];
  const uint64_t before = shared_part(sim, cold->in_bytes);
  const uint64_t after = shared_part(sim, cold->in_bytes + size);
  if (after > threshold(sim, buffer, buffer->shared_used)) {
    if (cold->in_headroom + size > cold->headroom_cap) return 0;
    cold->in_headroom += size;
  } else {
    cold->in_bytes += size;
    buffer->shared_used += after - before;
  }
  const uint64_t part = shared_part(sim, cold->in_bytes);
  if (!cold->pausing &&
      (cold->in_headroom > 0 || (part > 0 && part >= threshold(sim, buffer, buffer->shared_used))))
    send_pfc(sim, in_port, 1);
  return 1;
}

void weft__node_settle(weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i];
    port_settle(sim, out, &sim->packet.ports.at[out], sim->now);
  }
}

/* What wakes partitions must not depend on who has looked at ports before. */
static int is_safe_when_settled(weft_sim *sim, uint32_t index, uint32_t size) {
  const struct buffer *buffer = &sim->packet.buffers.at[index];
  weft__node_settle(sim, index);
  return buffer->used + size <= buffer->safe;
}

int weft__buffer_admit(weft_sim *sim, uint32_t index, uint32_t out_port, uint32_t in_port,
                       uint32_t size) {
  struct buffer *buffer = &sim->packet.buffers.at[index];
  if (!buffer->tracked && sim->packet.replaying) return 1; /* tracking begins in the present */
  if (!buffer->tracked && accel_is_on(sim) && is_safe_when_settled(sim, index, size)) return 1;
  if (!buffer->tracked) start_tracking(sim, index);
  port_settle(sim, out_port, &sim->packet.ports.at[out_port], sim->now);
  int admitted;
  if (sim->config.pfc)
    admitted = admit_ingress(sim, buffer, in_port, size);
  else
    admitted =
        buffer->used + size <= buffer->shared_cap &&
        sim->packet.ports.at[out_port].queue_bytes + size <= threshold(sim, buffer, buffer->used);
  return admitted;
}

void weft__buffer_enqueued(weft_sim *sim, uint32_t index, uint32_t out_port) {
  weft__buffer_arm(sim, out_port);
  stop_tracking_if_drained(sim, index);
}

void weft__buffer_release(weft_sim *sim, uint32_t index, const struct packet *packet) {
  struct buffer *buffer = &sim->packet.buffers.at[index];
  if (!sim->config.pfc || packet->in_port == WEFT_NONE) return;
  struct port_cold *cold = &sim->packet.port_cold.at[packet->in_port];
  const uint64_t from_headroom =
      cold->in_headroom < packet->size ? cold->in_headroom : packet->size;
  const uint64_t before = shared_part(sim, cold->in_bytes);
  cold->in_headroom -= from_headroom;
  cold->in_bytes -= packet->size - from_headroom;
  const uint64_t part = shared_part(sim, cold->in_bytes);
  buffer->shared_used -= before - part;
  if (!cold->pausing || cold->in_headroom > 0) return;
  if (part == 0 ||
      part + sim->config.pfc_resume_bytes <= threshold(sim, buffer, buffer->shared_used))
    send_pfc(sim, packet->in_port, 0);
}
