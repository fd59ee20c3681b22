/* The complete state of a partition into a record; install.c puts it onto the flows of another. */
#include <string.h>

#include "packet/accel/memo/record.h"
#include "packet/cc/cc.h"
#include "packet/fields.h"
#include "packet/port/port_i.h"

/* ---- taking ---- */

static void count_parts(weft_sim *sim, struct memo_record *r) {
  r->ports = sim->accel.partition_ports.n;
  r->packets = r->blocks = 0;
  r->cc_words = sim->packet.cc_words;
  r->path_ports = sim->flow.path_ports;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    r->packets += port->tail - port->head;
    for (uint32_t k = port->head; k != port->tail; ++k)
      r->blocks += port_packet(sim, port, k)->telemetry != 0;
  }
}

/* In a record, time 0 is its end, and flows have its numbers. */
static struct field_move to_zero(const weft_sim *sim) {
  return (struct field_move){.time = -sim->now};
}

static struct field_names as_flows(const weft_sim *sim) {
  return (struct field_names){&sim->accel.members.at[0].as, sizeof(struct member)};
}

static void take_flow(weft_sim *sim, uint32_t slot, const struct record_parts *parts) {
  const struct field_move by = to_zero(sim);
  const struct field_names names = as_flows(sim);
  const struct member *m = &sim->accel.members.at[slot];
  struct memo_flow *f = &parts->flows[m->as];
  *f = (struct memo_flow){.rate = m->rate,
                          .uncertainty = m->uncertainty,
                          .sent = sim->packet.tx.at[slot].next - parts->begin[m->as].sent,
                          .tx = sim->packet.tx.at[slot],
                          .warm = sim->packet.tx_warm.at[slot],
                          .rx = sim->packet.rx.at[slot]};
  if (!(f->tx.flags & TX_IN_LIST)) /* what it had there last is perhaps not of this partition */
    f->tx.list_next = f->tx.list_prev = WEFT_NONE;
  tx_rename(&f->tx, &names);
  tx_move(&f->tx, &by);
  tx_warm_move(&f->warm, &by);
  rx_move(&f->rx, &by);
}

static void take_cc(weft_sim *sim, uint32_t slot, const struct record_parts *parts) {
  const uint64_t first = (uint64_t)sim->accel.members.at[slot].as * sim->packet.cc_words;
  weft__cc_from_now(sim, slot, 0, parts->cc + first);
}

static void take_packet(weft_sim *sim, const struct packet *from, struct packet *to,
                        const struct record_parts *parts, uint32_t *blocks) {
  const struct field_move by = to_zero(sim);
  const struct field_names names = as_flows(sim);
  *to = *from;
  packet_rename(to, &names);
  packet_move(to, &by);
  if (from->telemetry == 0) return;
  const uint32_t entries = sim->flow.path_ports;
  struct telemetry *block = &parts->blocks[(uint64_t)*blocks * entries];
  memcpy(block, &sim->packet.telemetry.at[(uint64_t)(from->telemetry - 1) * entries],
         entries * sizeof *block);
  for (uint32_t i = 0; i < entries; ++i) telemetry_move(&block[i], &by);
  to->telemetry = ++*blocks;
}

/* Where a port is: the first flow of the record, and the first of its hops, that takes it. */
static void name_ports(const weft_sim *sim, uint32_t partition, const struct record_parts *parts) {
  memset(parts->ports, 0, sim->accel.partition_ports.n * sizeof *parts->ports); /* holes too */
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) parts->ports[i].flow = WEFT_NONE;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
    const uint32_t flow = sim->accel.members.at[slot].as;
    for (uint32_t h = 0; h < n; ++h) {
      struct memo_port *port = &parts->ports[sim->accel.port_shares.at[path[h]].index];
      if (port->flow < flow || (port->flow == flow && port->hop < h)) continue;
      port->flow = flow;
      port->hop = h;
    }
  }
}

/* What is named already stays. */
static void take_port_fields(struct memo_port *at, const struct port *from) {
  PORT_FIELDS(FIELD_TAKE)
}

static void take_cold_fields(struct memo_port *at, const struct port_cold *from) {
  PORT_COLD_FIELDS(FIELD_TAKE)
}

static void take_port(const weft_sim *sim, uint32_t index, struct memo_port *to) {
  const struct field_move by = to_zero(sim);
  const struct field_names names = as_flows(sim);
  struct port port = sim->packet.ports.at[index];
  struct port_cold cold = sim->packet.port_cold.at[index];
  port_move(&port, &by);
  port_cold_move(&cold, &by);
  take_port_fields(to, &port);
  take_cold_fields(to, &cold);
  to->packets = port.tail - port.head;
  to->on_wire = port.deq - port.head;
  to->nic = (struct nic){.wake = -1, .first = WEFT_NONE, .last = WEFT_NONE};
  if (port.flags & PORT_OF_SWITCH) return;
  to->nic = sim->packet.nics.at[index];
  nic_rename(&to->nic, &names);
  nic_move(&to->nic, &by);
}

int weft__snapshot_take(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  weft__partition_list_ports(sim, partition);
  count_parts(sim, &sim->accel.records.at[record]);
  if (!weft__record_fit(sim, record)) return 0;
  const struct record_parts parts = record_parts(sim, record);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    take_flow(sim, slot, &parts);
    take_cc(sim, slot, &parts);
  }
  name_ports(sim, partition, &parts);
  uint32_t packets = 0, blocks = 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t index = sim->accel.partition_ports.at[i];
    const struct port *port = &sim->packet.ports.at[index];
    take_port(sim, index, &parts.ports[i]);
    for (uint32_t k = port->head; k != port->tail; ++k)
      take_packet(sim, port_packet(sim, port, k), &parts.packets[packets++], &parts, &blocks);
  }
  return 1;
}
