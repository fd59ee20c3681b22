/* The packet engine's table: what the rest of the core asks of it. */
#include "packet/hooks.h"
#include "packet/cc/cc.h"
#include "packet/domains/domains.h"
#include "packet/ns3/ns3.h"
#include "packet/packet.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

/* ---- life ---- */

static int begin(weft_sim *sim) {
  sim->domains.next_try = 0;
  return sim->packet.fabric_rtt == 0 ? weft__fabric_rtt(sim) : WEFT_OK;
}

static void end(weft_sim *sim, int whole) {
  accel_catch_up(sim, whole ? sim->now : sim->now - 1);
  accel_rest(sim);
}

/* ---- flows ---- */

/* With compat ns3 an application is installed, initialised and started by an event each. */
static void launch(weft_sim *sim, uint32_t row) {
  if (is_ns3(sim))
    event_at(sim, EV_NS3_INIT, row, sim->now);
  else
    weft__flow_start(sim, row);
}

/* While a partition is skipped its state stands still, but its flows do not. */
static uint64_t progress(const weft_sim *sim, uint32_t slot) {
  if (accel_goes_on_unseen(sim, slot)) return (uint64_t)sim->now + ((uint64_t)1 << 63);
  return sim->packet.rx.at[slot].next;
}

static void flow_rows(weft_sim *sim) {
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    if (!(sim->packet.tx.at[slot].flags & TX_ACTIVE)) continue;
    struct flow *flow = &sim->flow.rows.at[sim->packet.tx.at[slot].row];
    flow->retransmits = sim->packet.tx_warm.at[slot].retransmits;
    flow->ecn_marks = sim->packet.tx_warm.at[slot].ecn_marks;
  }
}

static void wire_bytes(const weft_sim *sim, uint64_t payload, uint64_t *data, uint64_t *acks) {
  const uint64_t mtu = sim->config.mtu_bytes, packets = (payload + mtu - 1) / mtu;
  *data = frames_bytes(&sim->config, sim->packet.cc_header, payload);
  *acks = packets * weft__ack_size(sim);
}

/* ---- ports ---- */

void weft__packet_settle(weft_sim *sim) {
  for (uint32_t p = 0; sim->ready && p < sim->packet.ports.n; ++p)
    port_settle(sim, p, &sim->packet.ports.at[p], sim->now);
}

static void before_sample(weft_sim *sim) {
  accel_catch_up(sim, sim->now);
}

static void port_row(weft_sim *sim, uint32_t p, struct port_row *row) {
  struct port *port = &sim->packet.ports.at[p];
  const struct port_cold *cold = &sim->packet.port_cold.at[p];
  uint64_t parked_packets;
  accel_parked_port(sim, p, &parked_packets);
  const weft_time pause = port->flags & PORT_PAUSED ? sim->now - cold->paused_since : 0;
  const uint64_t tx_packets = port->deq - cold->unsent + cold->skipped + parked_packets;
  *row = (struct port_row){.tx_packets = tx_packets,
                           .ecn_marks = cold->ecn_marks,
                           .pauses = cold->pauses,
                           .drops = cold->drops,
                           .max_queue_bytes = port->max_queue_bytes,
                           .queue_bytes = port->queue_bytes,
                           .paused_ps = cold->paused_ps + pause};
}

static uint64_t port_bytes(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  port_settle(sim, index, port, sim->now);
  return port_tx_bytes(sim, index) + accel_parked_port(sim, index, &(uint64_t){0});
}

static uint64_t port_queue(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  port_settle(sim, index, port, sim->now);
  return port->queue_bytes;
}

static const void *table(const weft_sim *sim, int which, uint64_t *count) {
  if (which == WEFT_TABLE_ACKS) {
    *count = sim->packet.ack_rows.n;
    return sim->packet.ack_rows.at;
  }
  uint32_t spans;
  const void *rows = accel_spans(sim, &spans);
  *count = spans;
  return rows;
}

void weft__packet_stats(weft_sim *sim, weft_stats *stats) {
  accel_parked_stats(sim, stats);
  stats->packets_in_flight =
      stats->packets_injected - stats->packets_delivered - stats->packets_dropped;
  stats->bytes_in_flight = stats->bytes_injected - stats->bytes_delivered - stats->bytes_dropped;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p)
    if (sim->packet.ports.at[p].max_queue_bytes > stats->max_queue_bytes)
      stats->max_queue_bytes = sim->packet.ports.at[p].max_queue_bytes;
}

const struct engine_ops weft__packet_engine = {.can = UINT32_MAX,
                                               .create = weft__packet_create,
                                               .link_added = weft__packet_link_added,
                                               .ready = weft__packet_ready,
                                               .change_begins = accel_wake_all,
                                               .port_changed = weft__packet_port_changed,
                                               .rerouted = weft__reroute_flows,
                                               .storm = weft__packet_storm,
                                               .change_ends = weft__packet_change_ends,
                                               .port_info = weft__packet_port_info,
                                               .begin = begin,
                                               .run = weft__packet_run,
                                               .end = end,
                                               .destroy = weft__domains_free,
                                               .launch = launch,
                                               .slots = weft__senders_reserve,
                                               .delivered = weft__sender_delivered,
                                               .progress = progress,
                                               .settle = weft__packet_settle,
                                               .before_sample = before_sample,
                                               .flow_rows = flow_rows,
                                               .port_row = port_row,
                                               .port_bytes = port_bytes,
                                               .port_queue = port_queue,
                                               .table = table,
                                               .wire_bytes = wire_bytes,
                                               .stats = weft__packet_stats,
                                               .check = weft__packet_check};
