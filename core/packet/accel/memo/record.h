/* What a record of a transient holds, one part behind the other in a block of 64-bit words:
 *
 *   vertices, arcs      the conflict graph at the begin; flows are its first vertices
 *   struct memo_begin [flows]   how far each flow was at the begin
 *   and of one that is ready, the complete state of the partition at the end:
 *   struct memo_flow [flows], words of congestion control [flows], struct memo_port [ports],
 *   struct packet [packets] port by port, struct telemetry [blocks x path_ports]
 *
 * Times are relative to the end, flows are numbers within the record (what that concerns is said by
 * the fields' classes, see base/fields.h). Nothing in it depends on
 * where it was made, so it can be copied and kept in a file. An exact record is one of a partition
 * that was found by its whole state (packet/accel/memo/exact.c), and goes up to right before a flow
 * is through.
 */
#ifndef WEFT_RECORD_H
#define WEFT_RECORD_H

#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/memo.h"

struct memo_begin {
  uint32_t sent, received; /* packets */
  weft_time age; /* since its start, if it was fresh; else -1 */
  uint64_t rate_bps;
  uint64_t state; /* all that it held: see packet/accel/memo/exact.c */
};

struct memo_flow {
  double rate, uncertainty; /* of struct member, from the end on */
  uint64_t sent; /* packets, in the transient */
  struct tx tx;
  struct tx_warm warm;
  struct rx rx;
};

struct memo_port {
  PORT_COLD_FIELDS(FIELD_RECORDED)
  PORT_FIELDS(FIELD_RECORDED)
  struct nic nic; /* of a host's port */
  uint32_t flow, hop; /* it is path[hop] of that flow */
  uint32_t packets, on_wire; /* in its ring; of them, departed */
};

_Static_assert(sizeof(struct memo_flow) % 8 == 0 && sizeof(struct memo_port) % 8 == 0, "words");
_Static_assert(sizeof(struct packet) % 8 == 0 && sizeof(struct telemetry) % 8 == 0, "words");
_Static_assert(sizeof(struct conflict_vertex) % 8 == 0, "words");
_Static_assert(sizeof(struct memo_record) % 8 == 0, "words");
_Static_assert(sizeof(struct conflict_arc) == 8, "a word");
_Static_assert(sizeof(struct memo_begin) % 8 == 0, "words");

/** Where its parts are; valid until memo_words grows. */
struct record_parts {
  struct conflict_vertex *vertices;
  struct conflict_arc *arcs;
  struct memo_begin *begin;
  struct memo_flow *flows;
  uint64_t *cc;
  struct memo_port *ports;
  struct packet *packets;
  struct telemetry *blocks;
};

/* Words up to the end of each part. */
struct record_layout {
  uint64_t vertices, arcs, begin, flows, cc, ports, packets, blocks;
};

static inline struct record_layout lay_out(const struct memo_record *r) {
  const uint64_t flows = r->ports > 0 ? r->flows : 0; /* an open record ends before them */
  struct record_layout at;
  at.vertices = r->vertices * (sizeof(struct conflict_vertex) / 8);
  at.arcs = at.vertices + r->arcs;
  at.begin = at.arcs + r->flows * (sizeof(struct memo_begin) / 8);
  at.flows = at.begin + flows * (sizeof(struct memo_flow) / 8);
  at.cc = at.flows + flows * r->cc_words;
  at.ports = at.cc + r->ports * (sizeof(struct memo_port) / 8);
  at.packets = at.ports + r->packets * (sizeof(struct packet) / 8);
  at.blocks = at.packets + (uint64_t)r->blocks * r->path_ports * (sizeof(struct telemetry) / 8);
  return at;
}

/** How many words all its parts take. */
static inline uint64_t weft__record_words(const struct memo_record *record) {
  return lay_out(record).blocks;
}

/** The parts of a record with those counts, the first at `base`. */
static inline struct record_parts weft__record_parts(const struct memo_record *r, uint64_t *base) {
  const struct record_layout end = lay_out(r);
  return (struct record_parts){.vertices = (struct conflict_vertex *)(void *)base,
                               .arcs = (struct conflict_arc *)(void *)(base + end.vertices),
                               .begin = (struct memo_begin *)(void *)(base + end.arcs),
                               .flows = (struct memo_flow *)(void *)(base + end.begin),
                               .cc = base + end.flows,
                               .ports = (struct memo_port *)(void *)(base + end.cc),
                               .packets = (struct packet *)(void *)(base + end.ports),
                               .blocks = (struct telemetry *)(void *)(base + end.packets)};
}

static inline struct record_parts record_parts(const weft_sim *sim, uint32_t record) {
  const struct memo_record *r = &sim->accel.records.at[record];
  return weft__record_parts(r, &sim->accel.memo_words.at[r->words]);
}

/** What the known transient of its partition is to a flow that stands at its begin, packets. */
struct memo_move {
  uint32_t skip; /* from the numbers of the record to its own */
  int64_t sent, received, acked;
};

static inline struct memo_move memo_move_of(const weft_sim *sim, uint32_t slot,
                                            const struct record_parts *parts) {
  const struct member *m = &sim->accel.members.at[slot];
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct memo_flow *f = &parts->flows[m->as];
  const uint32_t skip = tx->next - parts->begin[m->as].sent;
  return (struct memo_move){.skip = skip,
                            .sent = (int64_t)f->sent,
                            .received = (int32_t)(f->rx.next + skip - sim->packet.rx.at[slot].next),
                            .acked = (int32_t)(f->tx.una + skip - tx->una)};
}

static inline struct conflict_graph record_graph(const weft_sim *sim, uint32_t record) {
  const struct memo_record *r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record);
  return (struct conflict_graph){parts.vertices, parts.arcs, r->vertices, r->arcs};
}

#endif
