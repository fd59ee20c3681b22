/* The packet engine's table: what the rest of the core asks of it. */
#include "packet/hooks.h"
#include "packet/cc/cc.h"
#include "packet/domains/domains.h"
#include "packet/model.h"
#include "packet/packet.h"
#include "packet/port/port_i.h"
#include "packet/rtt.h"
#include "packet/sizes_i.h"
#include "packet/transport/transport.h"

/* ---- life ---- */

static int begin(weft_sim *sim) {
  weft__domains_begin(sim);
  const int status = sim->packet.fabric_rtt == 0 ? weft__fabric_rtt(sim) : WEFT_OK;
  if (status == WEFT_OK) weft__packet_swap_cc(sim);
  return status;
}

static int copied(weft_sim *copy) {
  weft__domains_forget(copy);
  return WEFT_OK;
}

static void end(weft_sim *sim, int whole) {
  accel_catch_up(sim, whole ? sim->now : sim->now - 1);
  accel_rest(sim);
}

/* ---- flows ---- */

static void launch(weft_sim *sim, uint32_t row) {
  sim->packet.model->launch(sim, row);
}

/* While a partition is skipped its state stands still, but its flows do not. */
static uint64_t progress(const weft_sim *sim, uint32_t slot) {
  if (accel_goes_on_unseen(sim, slot)) return (uint64_t)sim->now + ((uint64_t)1 << 63);
  return sim->packet.rx.at[slot].next;
}

static void flow_rows(weft_sim *sim) {
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    if (!(sim->packet.tx.at[slot].flags & TX_ACTIVE)) continue;
    const uint32_t row = sim->packet.tx.at[slot].row;
    const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
    flow_row_note(sim, row, weft__flow_delivered(sim, row), warm->retransmits, warm->ecn_marks);
  }
}

static void wire_bytes(const weft_sim *sim, uint32_t row, uint64_t payload, uint64_t *data,
                       uint64_t *acks) {
  (void)row;
  const uint64_t mtu = sim->config.mtu_bytes, packets = (payload + mtu - 1) / mtu;
  *data = frames_bytes(&sim->config, sim->packet.cc_header, payload);
  *acks = packets * ack_size(sim);
}

/* ---- ports ---- */

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

const struct engine_ops weft__packet_engine = {
    .can = CAN(PACKETS) | CAN(CAPS) | CAN(CC) | CAN(COMPAT) | CAN(THREADS) | CAN(ACCELERATE) |
           CAN(IMPAIR) | CAN(STORM) | CAN(TRACE_ACKS) | CAN(PARTITIONS) | CAN(QUEUES) | CAN(LOSE),
    .create = weft__packet_create,
    .link_added = weft__packet_link_added,
    .ready = weft__packet_ready,
    .change_begins = accel_wake_all,
    .port_changed = weft__packet_port_changed,
    .rerouted = weft__reroute_flows,
    .storm = weft__packet_storm,
    .set_ecn = weft__ecn_set,
    .change_ends = weft__packet_change_ends,
    .port_info = weft__packet_port_info,
    .begin = begin,
    .run = weft__packet_run,
    .end = end,
    .copied = copied,
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
