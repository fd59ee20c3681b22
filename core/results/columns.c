/* Tables of results as strided columns over the engine's own rows: nothing is copied but
 * counters. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/names_i.h"
#include "engine.h"
#include "flow/flow.h"

struct field {
  const char *name;
  const char *brief;
  uint32_t type;
  uint32_t offset;
  uint32_t needs; /* enum weft_can: engines without it have no such column; 0: all have */
};

/* Where a field is, and what an engine must have for it to be a column. */
#define WITH(what, type, member) (uint32_t) offsetof(struct type, member), WEFT_CAN_##what
#define AT(type, member) WITH(MOVE, type, member)

static const struct field flow_fields[] = {
    {"src", "source host", WEFT_COL_U32, AT(flow, src)},
    {"dst", "destination host", WEFT_COL_U32, AT(flow, dst)},
    {"size_bytes", "payload", WEFT_COL_U64, AT(flow, size_bytes)},
    {"start_ps", "first instant at which it could send", WEFT_COL_I64, AT(flow, start_ps)},
    {"fct_ps", "flow completion time, -1 if not complete", WEFT_COL_I64, AT(flow, fct_ps)},
    {"ideal_ps", "completion time alone on the path, -1 before the start", WEFT_COL_I64,
     AT(flow, ideal_ps)},
    {"received_ps", "last byte at the destination, -1 if not", WEFT_COL_I64, AT(flow, received_ps)},
    {"acked_ps", "last ACK at the source, -1 if not", WEFT_COL_I64, WITH(QUEUES, flow, acked_ps)},
    {"delivered_bytes", "payload in order at the destination; of a failed flow, as acknowledged",
     WEFT_COL_U64, AT(flow, delivered_bytes)},
    {"retransmits", "data packets sent again", WEFT_COL_U32, WITH(LOSE, flow, retransmits)},
    {"ecn_marks", "ACKs that echoed a mark", WEFT_COL_U32, WITH(PACKETS, flow, ecn_marks)},
    {"rate_bps", "rate now, on the wire; 0 if not under way", WEFT_COL_U64,
     WITH(RATES, flow, rate_bps)},
    {"state", "0 waiting, 1 active, 2 done, 3 failed", WEFT_COL_U32, AT(flow, state)},
    {"tag", "as given", WEFT_COL_U32, AT(flow, tag)},
    {"task", "task that sent it, 4294967295 if none", WEFT_COL_U32, AT(flow, task)},
};

static const struct field port_fields[] = {
    {"link", "link, port / 2", WEFT_COL_U32, AT(port_row, link)},
    {"from", "node that sends", WEFT_COL_U32, AT(port_row, from)},
    {"to", "node that receives", WEFT_COL_U32, AT(port_row, to)},
    {"up", "1 if it carries traffic now", WEFT_COL_U32, AT(port_row, up)},
    {"rate_bps", "line rate now", WEFT_COL_U64, AT(port_row, rate_bps)},
    {"delay_ps", "propagation", WEFT_COL_I64, AT(port_row, delay_ps)},
    {"tx_bytes", "bytes that began transmission", WEFT_COL_U64, AT(port_row, tx_bytes)},
    {"tx_packets", "packets that began transmission", WEFT_COL_U64,
     WITH(PACKETS, port_row, tx_packets)},
    {"ecn_marks", "packets marked", WEFT_COL_U64, WITH(QUEUES, port_row, ecn_marks)},
    {"pauses", "PFC pauses received", WEFT_COL_U64, WITH(QUEUES, port_row, pauses)},
    {"paused_ps", "time paused", WEFT_COL_I64, WITH(QUEUES, port_row, paused_ps)},
    {"drops", "packets lost at the queue or on the wire", WEFT_COL_U64,
     WITH(LOSE, port_row, drops)},
    {"max_queue_bytes", "longest queue", WEFT_COL_U64, WITH(QUEUES, port_row, max_queue_bytes)},
    {"queue_bytes", "queue now", WEFT_COL_U64, WITH(QUEUES, port_row, queue_bytes)},
    {"class", "of the link: 1 NVLink, 2 PCIe, 3 network", WEFT_COL_U32, AT(port_row, link_class)},
    {"cost", "of the link in ways", WEFT_COL_U32, AT(port_row, cost)},
};

static const struct field task_fields[] = {
    {"kind", "0 compute, 1 send, 2 barrier, 3 collective", WEFT_COL_U32, AT(task, kind)},
    {"begin_ps", "begin, -1 if not begun", WEFT_COL_I64, AT(task, begin_ps)},
    {"end_ps", "end, -1 if not done", WEFT_COL_I64, AT(task, end_ps)},
    {"src", "source host of a send", WEFT_COL_U32, AT(task, src)},
    {"dst", "destination host of a send", WEFT_COL_U32, AT(task, dst)},
    {"size_bytes", "payload of a send, size of a collective", WEFT_COL_U64, AT(task, size_bytes)},
    {"state", "0 waiting, 1 scheduled, 2 running, 3 done, 4 failed or waits for one that is",
     WEFT_COL_U32, AT(task, state)},
    {"flow", "its flow, 4294967295 if none yet", WEFT_COL_U32, AT(task, flow)},
    {"tag", "as given", WEFT_COL_U32, AT(task, tag)},
};

static const struct field ack_fields[] = {
    {"time_ps", "when the sender processed it", WEFT_COL_I64, AT(ack_row, time_ps)},
    {"flow", "whose", WEFT_COL_U32, AT(ack_row, flow)},
    {"ack_bytes", "payload that this ACK acknowledges", WEFT_COL_U64, AT(ack_row, ack_bytes)},
    {"acked_bytes", "payload acknowledged so far", WEFT_COL_U64, AT(ack_row, acked_bytes)},
    {"sent_bytes", "payload sent so far, without what is to be sent again", WEFT_COL_U64,
     AT(ack_row, sent_bytes)},
    {"ecn", "1 if it echoes a mark", WEFT_COL_U32, AT(ack_row, ecn)},
    {"rate_bps", "rate after it", WEFT_COL_U64, AT(ack_row, rate_bps)},
    {"window_bytes", "window after it, 0 without one", WEFT_COL_U64, AT(ack_row, window_bytes)},
};

static const struct field span_fields[] = {
    {"begin_ps", "begin of what was skipped", WEFT_COL_I64, AT(span_row, begin_ps)},
    {"end_ps", "end", WEFT_COL_I64, AT(span_row, end_ps)},
    {"phase", "2 steady state, 3 known transient", WEFT_COL_U32, AT(span_row, phase)},
    {"partition", "which partition", WEFT_COL_U32, AT(span_row, partition)},
    {"flows", "how many flows it had", WEFT_COL_U32, AT(span_row, flows)},
    {"flow", "one of them", WEFT_COL_U32, AT(span_row, flow)},
    {"packets", "data packets skipped", WEFT_COL_U64, AT(span_row, packets)},
};

#define TABLE_NAME(value, name) [value] = "table of " name,
static const char *const table_names[] = {TABLE_NAMES(TABLE_NAME)};

#define FIELDS(list) list, sizeof list / sizeof list[0]

static const struct {
  const struct field *fields;
  uint32_t count, stride;
  uint32_t needs; /* enum weft_can */
} tables[WEFT_TABLE_COUNT] = {
    [WEFT_TABLE_FLOWS] = {FIELDS(flow_fields), sizeof(struct flow), WEFT_CAN_MOVE},
    [WEFT_TABLE_PORTS] = {FIELDS(port_fields), sizeof(struct port_row), WEFT_CAN_MOVE},
    [WEFT_TABLE_TASKS] = {FIELDS(task_fields), sizeof(struct task), WEFT_CAN_MOVE},
    [WEFT_TABLE_ACKS] = {FIELDS(ack_fields), sizeof(struct ack_row), WEFT_CAN_TRACE_ACKS},
    [WEFT_TABLE_SPANS] = {FIELDS(span_fields), sizeof(struct span_row), WEFT_CAN_ACCELERATE},
};

int weft_column_needs(int table, const char *name) {
  if (table < 0 || table >= WEFT_TABLE_COUNT) return WEFT_EINVAL;
  for (uint32_t i = 0; i < tables[table].count; ++i) {
    const struct field *field = &tables[table].fields[i];
    if (strcmp(field->name, name) == 0)
      return (int)(field->needs != WEFT_CAN_MOVE ? field->needs : tables[table].needs);
  }
  return WEFT_EINVAL;
}

/* A port's row: what the engine has, then what all have. */
static void fill_port(weft_sim *sim, uint32_t index, struct port_row *row) {
  const struct fabric_port *port = &sim->fabric.ports.at[index];
  memset(row, 0, sizeof *row);
  if (sim->engine->port_row != NULL) sim->engine->port_row(sim, index, row);
  row->tx_bytes = sim->engine->port_bytes(sim, index);
  row->rate_bps = port->rate_bps;
  row->delay_ps = port->delay_ps;
  row->from = port->from_node;
  row->to = port->to_node;
  row->link = index / 2;
  row->link_class = port->link_class;
  row->cost = port->cost;
  row->up = !port->down;
}

static int refresh_ports(weft_sim *sim) {
  const uint32_t ports = 2 * weft_link_count(sim);
  if (!pool_reserve(sim, sim->results.port_rows, ports))
    return weft__fail(sim, WEFT_ENOMEM, "column: out of memory");
  sim->results.port_rows.n = ports;
  sim->engine->settle(sim);
  for (uint32_t p = 0; p < ports; ++p) fill_port(sim, p, &sim->results.port_rows.at[p]);
  return WEFT_OK;
}

static void refresh_flows(weft_sim *sim) {
  if (sim->engine->flow_rows != NULL)
    sim->engine->flow_rows(sim);
  else
    weft__flows_settle(sim);
  weft__flows_take_rates(sim);
}

/* The rows of a table, as they are now. */
static int refresh(weft_sim *sim, int table, const void **rows, uint64_t *count) {
  switch (table) {
    case WEFT_TABLE_FLOWS:
      refresh_flows(sim);
      *rows = sim->flow.rows.at;
      *count = sim->flow.rows.n;
      return WEFT_OK;
    case WEFT_TABLE_PORTS: {
      const int status = refresh_ports(sim);
      *rows = sim->results.port_rows.at;
      *count = sim->results.port_rows.n;
      return status;
    }
    case WEFT_TABLE_TASKS:
      *rows = sim->whole->tasks(sim, count);
      return WEFT_OK;
    default:
      *rows = sim->engine->table(sim, table, count);
      return WEFT_OK;
  }
}

/* Field `index` of those that the engine has. */
static const struct field *find_field(const weft_sim *sim, int table, uint32_t index) {
  for (uint32_t i = 0; i < tables[table].count; ++i)
    if (engine_can(sim, tables[table].fields[i].needs) && index-- == 0)
      return &tables[table].fields[i];
  return NULL;
}

int weft_column_get(weft_sim *sim, int table, uint32_t index, weft_column *column) {
  if (table < 0 || table >= WEFT_TABLE_COUNT)
    return weft__fail(sim, WEFT_EINVAL, "table: expected 0 to %d, got %d", WEFT_TABLE_COUNT - 1,
                      table);
  if (!engine_can(sim, tables[table].needs))
    return weft__engine_needs(sim, tables[table].needs, "table", table_names[table]);
  const struct field *field = find_field(sim, table, index);
  if (field == NULL)
    return weft__fail(sim, WEFT_EINVAL, "column: expected less than there are, got %" PRIu32,
                      index);
  const void *rows;
  uint64_t count;
  const int status = refresh(sim, table, &rows, &count);
  if (status != WEFT_OK) return status;
  *column = (weft_column){.name = field->name,
                          .brief = field->brief,
                          .data = count > 0 ? (const char *)rows + field->offset : NULL,
                          .type = field->type,
                          .stride = tables[table].stride,
                          .count = count};
  return WEFT_OK;
}
