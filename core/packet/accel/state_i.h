/* Groups of flows that contend, partitions, and what is known of transients. */
#ifndef WEFT_ACCEL_STATE_H
#define WEFT_ACCEL_STATE_H

#include "base/alloc.h"
#include "tables_i.h"

/* A port on the path of an active flow, while conflicts are looked for. */
struct port_use {
  uint32_t parent; /* union-find */
  uint32_t data, acks; /* flows that send them through it */
  uint32_t mark; /* of a root: its conflict; later of a shared port: its vertex; or WEFT_NONE */
  uint64_t colour; /* once worked out, or 0 */
};

/* Flows that contend, directly or by others, and their conflict graph: vertices are the flows,
 * then the ports where they meet, then switches with several of those. */
struct conflict {
  uint64_t key;
  uint32_t first_flow, flows; /* in flows, rows */
  uint32_t first_port, ports, shared; /* in ports, the shared ones first */
  uint32_t first_use, uses; /* in uses */
  uint32_t first_vertex, vertices; /* in vertices */
  uint32_t first_arc, arcs; /* in arcs */
  uint32_t pattern; /* its number, once they are numbered */
  uint32_t exact; /* its key is of the whole state of its flows */
  uint32_t next; /* of those that stand for a pattern and have a similar key, + 1 */
};

/* Its arcs are arcs[first_arc ...] of its graph, sorted by label, then by the colour and the number
 * of the far end; numbers count within the graph, so that a graph can be copied. */
struct conflict_vertex {
  uint64_t colour; /* a hash that is the same wherever the surroundings are */
  uint32_t first_arc, arcs;
};

struct conflict_arc {
  uint32_t to, label;
};

/* Conflicts that were found at a time, and their parts. */
#define CONFLICT_POOLS(X, set)             \
  X(set, port_uses, struct port_use)       \
  X(set, conflicts, struct conflict)       \
  X(set, flows, uint32_t)                  \
  X(set, ports, uint32_t)                  \
  X(set, uses, weft_partition_use)         \
  X(set, vertices, struct conflict_vertex) \
  X(set, arcs, struct conflict_arc)

struct conflict_set {
  CONFLICT_POOLS(WEFT_POOL_MEMBER, )
};

/* ---- partitions that are kept up to date while flows come and go: partitions ---- */

enum partition_phase {
  PARTITION_FREE = 0, /* the number is not in use */
  PARTITION_LIVE = 1, /* simulated */
  PARTITION_STEADY = 2, /* parked: its flows go on at constant rates */
  PARTITION_MEMO = 3, /* parked: it goes through a transient that is known, then as steady */
  PARTITION_FOLLOW = 4, /* parked: its transient is what another partition goes through just now */
  PARTITION_APART = 5 /* parked: simulated by itself when it is looked at next, see
                         packet/accel/partitions/apart.c */
};

/* A partition: what its flows hold of the engine (packets, queues, timers) is as it was at
 * `parked_at` while it is parked. */
struct partition {
  weft_time since; /* of its phase */
  weft_time parked_at;
  weft_time event; /* time of the valid EV_PARTITION, or -1 */
  weft_time look; /* when it is to be looked at; LATEST_PS: not before it changes */
  weft_time late; /* by which the known transient that it goes through takes longer than recorded */
  uint32_t first, flows; /* list of members; slots */
  uint32_t draining; /* of them, those whose last byte has arrived */
  uint32_t apart_cost; /* of being apart since it was looked at, in events */
  uint32_t apart_index; /* in apart_partitions */
  uint32_t samples; /* since it changed */
  uint64_t apart_hops; /* simulated since it is apart */
  uint32_t record; /* that it makes or goes by, + 1 */
  uint32_t serial; /* tells apart those that had the same number */
  uint8_t phase; /* enum partition_phase */
  uint8_t may_split; /* a flow has left since it was last known to be connected */
  uint8_t looked_up; /* its pattern, since it changed */
  uint8_t disturbed; /* a pause or a change of a link has left marks that no pattern shows */
  uint8_t doublings; /* of the time between samples */
  uint8_t unarmed; /* live, but its events are not in the queue; it is looked at in this instant */
  uint8_t plain; /* of a copy: it is not skipped, see packet/accel/partitions/audit.c */
  uint8_t exact; /* classes don't tell where it is: to be looked up by its state */
};

/* A slot's place in its partition. */
struct member {
  double rate; /* of a parked flow, packets per ps */
  double uncertainty; /* of that, relative */
  uint32_t partition; /* WEFT_NONE: in none */
  uint32_t next, prev; /* in its list, which is a ring */
  int64_t skip; /* packets by which the flow is being moved on */
  uint32_t as; /* the flow that it is in its partition's record */
  uint32_t audited; /* row + 1 of the slot's last flow that an audit took to its end */
  uint64_t state; /* hash of all that the flow holds, as last noted */
};

/* What a flow has received up to a time. */
struct sample {
  weft_time time;
  double asked; /* bit/s, of its congestion control */
  uint32_t packets;
  uint32_t draws; /* of marks at ports of its way, so far */
  uint32_t under_way : 31; /* sent and not received */
  uint32_t blurred : 1; /* the time is not that of a packet's arrival */
};

/* A port's partition, while any flow's data or ACKs take it. */
struct port_share {
  int64_t bytes, packets; /* by which its counters are being moved on */
  double feed, burst, most; /* bit/s at which data can come, bytes besides, bytes of its flows */
  uint64_t bound; /* bytes that it can hold while its partition is apart */
  uint32_t partition, users;
  uint32_t visit; /* the last walk over the ports of a partition that came here */
  uint32_t index; /* in that walk */
  uint32_t from; /* the last port from which data was found to come, while that is counted */
  uint32_t reserved; /* its switch counts the bound instead of what it holds */
};

/* A flow that a copy of the simulation has taken to its end without skipping anything. */
struct audit_row {
  weft_time start, fct;
  uint32_t row, unused;
};

enum record_state {
  RECORD_FREE = 0,
  RECORD_OPEN = 1,
  RECORD_READY = 2,
  RECORD_GONE = 3, /* dropped in a replay, behind which its followers hear of it */
  RECORD_CHANCE = 4 /* of classes, and nothing to be taken: marks are drawn in such a transient */
};

/* What is known of a transient; its parts are a block of words, see packet/accel/memo/record.h. */
struct memo_record {
  uint64_t key;
  weft_time begin; /* of an open one */
  weft_time span; /* of a ready one */
  uint32_t words, used; /* first of memo_words, how many */
  uint32_t log2; /* of the block's size */
  uint32_t next; /* of similar keys, or of free records, + 1 */
  uint32_t flows, vertices, arcs;
  uint32_t ports, packets, blocks; /* of a ready one */
  uint32_t cc_words, path_ports;
  uint32_t partition; /* that makes it */
  uint32_t steady; /* rates are from its end on */
  uint64_t trouble; /* of an open one: pauses and losses before */
  uint32_t state; /* enum record_state */
  uint32_t exact; /* it is of a state, not of classes: see packet/accel/memo/exact.c */
  uint32_t draws; /* of an open one: marks drawn before */
  uint32_t undecided; /* of classes, and these don't say how it ends: its own start only does */
};

enum { MEMO_CLASSES = 33 };

#define ACCEL_OWN_POOLS(X)                 \
  X(accel, span_rows, struct span_row)     \
  X(accel, audit_rows, struct audit_row)   \
  X(accel, partitions, struct partition)   \
  X(accel, free_partitions, uint32_t)      \
  X(accel, apart, uint32_t)                \
  X(accel, members, struct member)         \
  X(accel, port_shares, struct port_share) \
  X(accel, partition_ports, uint32_t)      \
  X(accel, node_visits, uint32_t)          \
  X(accel, samples, struct sample)         \
  X(accel, records, struct memo_record)    \
  X(accel, record_heads, uint32_t)         \
  X(accel, memo_words, uint64_t)

#define ACCEL_POOLS(X)           \
  ACCEL_OWN_POOLS(X)             \
  CONFLICT_POOLS(X, accel.asked) \
  CONFLICT_POOLS(X, accel.divided)

struct accel_room {
  ACCEL_OWN_POOLS(WEFT_POOL_MEMBER)
  struct conflict_set asked; /* what weft_partitions_find has found, until it is asked again */
  struct conflict_set divided; /* of the partition that is looked at */
  uint32_t events; /* EV_PARTITION in the queue: alone they don't keep a run alive */
  uint32_t visits; /* walks over the ports of partitions so far */
  uint32_t serials; /* partitions so far */
  uint32_t parked, unarmed, followers; /* partitions now; the first are all, of whatever phase */
  uint32_t gone_records; /* that followers have to hear of */
  uint32_t free_record; /* chained through next, + 1 */
  uint32_t memo_free[MEMO_CLASSES]; /* freed blocks of memo_words by log2 size, + 1 */
  double theta; /* config.theta, or the algorithm's */
  uint32_t steady_samples; /* likewise */
  weft_time steady_period;
  uint64_t exact_words; /* of memo_words, in records of states */
  uint64_t memo_namespace; /* of the patterns that are kept: see contention/graph.c */
  int64_t credit; /* events' worth of work that acceleration may do */
  uint64_t credited; /* events simulated and skipped that it has been granted for */
  uint64_t skipped_hops; /* of stats.packet_hops */
  uint64_t apart_hops; /* of those simulated, those of partitions apart not granted for yet */
  double doubt_ps, skipped_ps; /* of skipped flows: time x uncertainty, time */
  double audit_m2;
  uint32_t span_capacity; /* rows of the table of spans at most */
  weft_acceleration totals;
};

#endif
