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
#include "packet/accel/partition.h"

struct memo_begin {
  uint32_t sent, received; /* packets */
  weft_time age; /* since its start, if it was fresh; else -1 */
  uint64_t rate_bps;
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

/** How many words all its parts take. */
uint64_t weft__record_words(const struct memo_record *record);

/** The parts of a record with those counts, the first at `base`. */
struct record_parts weft__record_parts(const struct memo_record *record, uint64_t *base);

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

/* record.c: records and their blocks */

/** A new record, open and known by its key; WEFT_NONE when out of memory. */
uint32_t weft__record_new(weft_sim *sim, uint64_t key);

/** Whether there may be one more, of a state or not; to be asked before it is made. */
int weft__record_has_room(weft_sim *sim, int exact);

/** Make room for all its parts as it counts them now; keeps those of the begin. 0: no memory. */
int weft__record_fit(weft_sim *sim, uint32_t record);

/** Forget it. */
void weft__record_free(weft_sim *sim, uint32_t record);

/** The first record with a key's hash, and the one after another; WEFT_NONE: none. */
uint32_t weft__record_first(const weft_sim *sim, uint64_t key);
uint32_t weft__record_next(const weft_sim *sim, uint32_t record);

/* close.c */

/** By how much longer than there a partition goes through the transient of a record that it has
 * been matched to, as its flows began later than those. */
weft_time weft__memo_late(const weft_sim *sim, uint32_t partition, uint32_t record);

/** Are the flows of a partition, matched to a record by classes, near enough to where its flows
 * began that none is off by a noticeable part of what it has left? */
int weft__memo_is_close(const weft_sim *sim, uint32_t partition, uint32_t record);

/* forward.c */

/** Is all that the flows of a partition hold at the end of their record, matched flow by flow, at
 * or before them now? 0 also when out of memory. */
int weft__memo_is_forward(weft_sim *sim, uint32_t partition);

/* snapshot.c */

/** Write the state of a partition into its record, with the present as its end. 0: no memory. */
int weft__snapshot_take(weft_sim *sim, uint32_t partition);

#endif
