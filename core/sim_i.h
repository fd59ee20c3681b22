/* The state of a simulation: every struct of the engine, with the bytes that the hot path touches.
 *
 * A simulation is a value. All state lives in the pools of `struct weft_sim`, addressed by 32-bit
 * index; nothing in a pool is a pointer, so a copy of the pools is a copy of the simulation
 * (weft_sim_fork). Where each pool is worked on is said beside it. */
#ifndef WEFT_SIM_I_H
#define WEFT_SIM_I_H

#ifndef WEFT_CHECK
#define WEFT_CHECK 0
#endif

#include <signal.h>

#include "base/alloc.h"
#include "base/event_queue_i.h"
#include "weft.h"

#define WEFT_NONE UINT32_MAX

/* Nothing can be asked for later: sums with delays and timeouts must not overflow. 53 days. */
#define LATEST_PS (INT64_MAX / 2)

/* Our own mistakes stop the program in debug and check builds; elsewhere they cost nothing. */
#if WEFT_CHECK
void weft__assert_failed(const char *what, const char *file, int line);
#define WEFT_ASSERT(x) ((x) ? (void)0 : weft__assert_failed(#x, __FILE__, __LINE__))
#else
#define WEFT_ASSERT(x) ((void)0)
#endif

/* Kinds of events, in the order in which they happen at one instant: changes of links first, then
 * departures before arrivals (a packet that leaves at t makes room for one that comes at t). With
 * compat ns3 the order in which events were asked for comes first. */
enum event_kind {
  EV_CHANGE = 0, /* source: index into changes */
  EV_DEQUEUE, /* source: port of a switch that tracks its buffer */
  EV_ARRIVE, /* source: port whose oldest packet reaches the far end, * 2 + 1 if by a border */
  EV_PFC, /* source: port, * 2 + 1 if it is to pause */
  EV_NIC, /* source: host port that may send next */
  EV_RTO, /* source: flow slot */
  EV_CC, /* source: flow slot * 4 + timer of its congestion control */
  EV_TASK, /* source: task */
  EV_START, /* source: 0; the next flow of the start list */
  EV_SAMPLE, /* source: 0 */
  EV_NS3_INIT,
  EV_NS3_START, /* source: flow row, on its two steps to its start */
  EV_NS3_SENT, /* source: port whose transmission ends */
  EV_FLOW_DONE, /* not in the queue: marks completions in the fingerprint */
  EV_WIRE /* source: port whose oldest delayed packet reaches the far end */
};

enum { EVENT_KIND_SHIFT = 28, EVENT_SOURCE_MASK = (1 << EVENT_KIND_SHIFT) - 1 };

/* ---- fabric (fabric/) ------------------------------------------------------------------- */

/* A packet in a port's ring: 32 bytes, two to a cache line. Payload is never stored. */
struct packet {
  weft_time arrive; /* 8  when its last bit reaches the far end; set once its turn is known */
  uint32_t ser_ps; /* 4  time on the wire; departure = arrive - delay - ser */
  uint32_t flow; /* 4  slot */
  uint32_t seq; /* 4  data: packet number in the flow; ACK: next packet expected */
  uint32_t telemetry; /* 4  block of telemetry or timestamp + 1, or 0 */
  uint32_t in_port; /* 4  port that brought it to this node, or WEFT_NONE at its source */
  uint16_t size; /* 2  bytes on the wire */
  uint8_t flags; /* 1  enum packet_flags */
  uint8_t hop; /* 1  its next port is path[hop] of its slot, or HOP_OFF_PATH */
};

enum { HOP_OFF_PATH = UINT8_MAX }; /* beyond 2 x WEFT_PATH_MAX */

enum packet_flags {
  PACKET_ACK = 1,
  PACKET_NACK = 2,
  PACKET_ECN = 4,
  PACKET_INT = 8, /* switches write telemetry into it */
  PACKET_PFC = 16 /* compat ns3: a pause frame; seq says whether to pause */
};

enum port_flags {
  PORT_TO_HOST = 1, /* far end is a host */
  PORT_OF_SWITCH = 2, /* near end is a switch: its buffer, ECN and INT apply */
  PORT_INEXACT = 4, /* a byte does not take a whole number of ps */
  PORT_LOSSY = 8, /* the wire loses or delays packets: see wire.c */
  PORT_PAUSED = 16, /* by PFC from the far end */
  PORT_DOWN = 32,
  PORT_EXPLICIT = 64, /* compat ns3: departures are decided one by one, queues are in ns3_ports */
  PORT_BORDER = 128, /* the far end is in another domain: see engine/domain.h */
  PORT_HELD = PORT_PAUSED | PORT_DOWN | PORT_EXPLICIT /* assigns no departures */
};

/* A directed port: an egress queue and the wire behind it. The ring holds, oldest first, packets
 * on the wire [head, deq) and queued ones [deq, tail); cursors run freely and are masked on use. A
 * port that is not held gives every packet its departure when it is enqueued (FIFO, known rate),
 * so a hop costs one event: the arrival at the far end of the ring's oldest packet. What must be
 * known at departure is computed when the port is next looked at (port_settle). Exactly one cache
 * line. */
struct port {
  weft_time free_at; /* 8  end of the last assigned transmission */
  weft_time delay_ps; /* 8  propagation */
  uint32_t head, deq, tail; /* 12 */
  uint32_t ring; /* 4  first packet in sim->packets */
  uint32_t queue_bytes; /* 4  waiting (settled) */
  uint32_t max_queue_bytes; /* 4 */
  uint32_t tx_bytes; /* 4  that began transmission (settled), modulo 2^32; see port_cold.tx_wraps */
  uint32_t kmin; /* 4  ECN: a longer queue left behind may mark; UINT32_MAX: never */
  uint32_t byte_ps; /* 4  whole ps per byte */
  uint32_t from_node, to_node; /* 8 */
  uint8_t flags; /* 1  enum port_flags */
  uint8_t ring_log2; /* 1  ring size is 1 << ring_log2 */
  uint8_t avoided; /* 1  routes keep off it: its failure has been noticed */
  uint8_t unused; /* 1 */
};

/* The rest of a port: touched on marks, PFC, rate changes and by reports. */
struct port_cold {
  uint64_t rate_bps, built_rate_bps;
  uint64_t carry; /* of the running busy period, in ps x rate */
  double loss;
  uint64_t ecn_marks;
  weft_time paused_since, paused_ps;
  weft_time down_at; /* last failure, or -1 */
  weft_time turned_at; /* last failure or repair, or -1 */
  weft_time frame_free_at; /* end of the last PFC frame sent from here */
  weft_time dequeue_event; /* time of the valid EV_DEQUEUE, or -1 */
  uint64_t in_bytes; /* of what came through this port, in the far switch's shared buffer */
  uint64_t in_headroom; /* likewise in its headroom */
  uint64_t headroom_cap;
  uint32_t tx_wraps; /* of port.tx_bytes */
  uint32_t unsent; /* packets that port.deq counts but that were dropped from the queue */
  uint32_t drops;
  uint32_t pauses; /* pause frames that the far end sent to this port */
  uint32_t ecn; /* in ecn */
  uint32_t wire; /* in wires + 1, or 0 */
  uint32_t storms; /* PFC storms that pause it now */
  uint8_t pausing; /* the far switch has paused this port */
  uint8_t far_pause; /* during a storm: whether the far switch would have it paused */
  uint8_t ecn_given; /* thresholds were set by hand */
  uint8_t unused;
};

/* Upper ECN threshold and the probability of a mark there; most ports share a few. */
struct ecn {
  uint64_t kmax;
  double pmax;
};

/* What a wire does to packets beyond its delay as built and uniform loss; see wire.c. */
struct wire {
  weft_time delay_ps, jitter_ps; /* added to every packet; up to this much more */
  weft_time last_ps; /* arrival of the last packet that it delayed */
  weft_time frame_ps; /* arrival of the last PFC frame */
  weft_time frames_lost_ps; /* PFC frames that arrive until then were on it as it failed */
  double enter, leave, loss_good, loss_bad; /* Gilbert-Elliott: p, r, 1 - k, 1 - h */
  uint32_t bad; /* its state */
  uint32_t ring, ring_log2, head, tail; /* packets that are late, in sim->packets */
  uint32_t unused;
};

/* A change that is to come. Those of one instant happen in the order in which they were added. */
enum change_kind {
  CHANGE_LINK,
  CHANGE_NOTICED, /* routing notices that the link has failed or is back */
  CHANGE_WIRE,
  CHANGE_STORM,
  CHANGE_HOST
};

struct change {
  uint32_t kind;
  uint32_t raging; /* CHANGE_STORM: the port is paused */
  union {
    weft_link_change link;
    weft_link_impairment wire;
    weft_storm storm;
    weft_host_change host;
  } of;
};

/* A node. Its ports are adj[first_port ...], in the order of link creation. */
struct node {
  uint64_t used; /* bytes in the shared buffer; an upper bound while not tracked */
  uint64_t safe; /* no threshold can be crossed while used stays within */
  uint64_t shared_cap; /* buffer less headroom and reserve of all ports */
  uint64_t shared_used; /* exact while tracked */
  uint32_t first_port, port_count;
  uint32_t kind;
  uint32_t tracked; /* ingress accounting is exact and departures are events */
  uint32_t group; /* hosts: whose distance table leads here; see route.c */
  uint32_t rank; /* switches: column in the distance tables */
};

/* ---- transport (transport/) ------------------------------------------------------------- */

enum tx_flags {
  TX_ACTIVE = 1,
  TX_PACED = 2,
  TX_IN_LIST = 4,
  TX_NO_ROUTE = 8,
  TX_RESEND = 16 /* selective repeat: lost packets go before new ones */
};

/* Sender side of an active flow, the part that every packet and ACK touches: one cache line. */
struct tx {
  uint64_t rate_bps; /* 8 */
  weft_time next_at; /* 8  pacing: not before */
  weft_time gap_ps; /* 8  full packet at rate_bps; valid when TX_PACED */
  uint64_t window; /* 8  bytes in flight below which the next packet may go */
  uint32_t next, una, total; /* 12 packet numbers: next to send, oldest not acknowledged, count */
  uint32_t port; /* 4  first port of its path */
  uint32_t list_next, list_prev; /* 8  round-robin list of its NIC */
  uint32_t row; /* 4  in flows */
  uint16_t last_bytes; /* 2  payload of the last packet */
  uint8_t flags; /* 1 */
  uint8_t hops; /* 1  ports on the data path; the ACK path follows in the pool */
};

/* Sender side, touched once per window or on trouble. */
struct tx_warm {
  weft_time base_rtt_ps;
  weft_time deadline; /* of the retransmission timer */
  weft_time rto_event; /* time of the valid EV_RTO, or -1 */
  weft_time nack_at; /* compat ns3: no second NACK for the same packet before */
  uint64_t line_bps; /* of its NIC when it started */
  uint64_t base_window; /* at line rate, bytes */
  uint32_t packets_out; /* in the network: the slot lives until they are gone */
  uint32_t retries; /* timeouts without progress */
  uint32_t highest; /* packets ever sent: below this a packet is a retransmission */
  uint32_t retransmits, ecn_marks;
  uint32_t last_size; /* on the wire, of the last packet sent */
  uint32_t path_seq; /* ACKs up to this packet may tell of a path before the present one */
  uint32_t rtt_seq; /* the ACK that passes this packet ends the measurement of an RTT */
  weft_time rtt_begin;
  weft_time rtt, rtt_deviation; /* smoothed; 0 before the first */
};

/* Receiver side: all that it needs, so that it never looks at the sender's part. */
struct rx {
  uint32_t next; /* packet expected */
  uint32_t total;
  uint32_t nack_for; /* gap already reported, + 1 */
  uint32_t row;
  uint32_t port; /* first port of the ACKs' path */
  uint32_t hop; /* and the place in the slot's path of their second */
};

/* A set of packet numbers in a ring of bits; see transport/bitmap.h. */
struct bitmap {
  uint32_t first; /* word in sim->bits */
  uint32_t log2; /* the ring has 1 << log2 bits; 0: nothing allocated yet */
};

/* Selective repeat, both sides of a flow. A pool of its own: other recoveries don't have it. */
struct selective {
  struct bitmap sacked; /* sender: arrived beyond una, as far as NACKs have told */
  struct bitmap held; /* receiver: arrived beyond next */
  uint32_t resend; /* sender: the next packet to send again, if it is below lost_end */
  uint32_t lost_end; /* sender: what is below it and not sacked counts as lost */
};

/* What the watchdog last saw of a slot's flow. */
struct sighting {
  weft_time since; /* when it first saw this much */
  uint32_t row, next; /* of rx */
};

enum flow_state { FLOW_WAITING = 0, FLOW_ACTIVE = 1, FLOW_DONE = 2, FLOW_FAILED = 3 };

/* A row of the flow table: what remains of a flow when it is over. */
struct flow {
  uint64_t size_bytes;
  weft_time start_ps;
  weft_time received_ps; /* last byte at the destination, or -1 */
  weft_time acked_ps; /* last ACK at the source, or -1 */
  weft_time fct_ps; /* from start to whichever of them config.completion says, or -1 */
  weft_time ideal_ps;
  uint64_t delivered_bytes; /* payload in order so far */
  uint32_t src, dst, tag, task;
  uint32_t slot, state;
  uint32_t retransmits, ecn_marks;
  uint16_t sport, dport;
  uint32_t part; /* of a collective: which of its messages; see work/collective_i.h */
};

/* Telemetry that one switch wrote into a packet at its departure (HPCC section 3.3). */
struct telemetry {
  weft_time time;
  uint32_t tx_bytes; /* of the port before this packet, modulo 2^32 */
  uint32_t queue_bytes; /* left behind */
};

/* A host port: round robin over its flows that have packets left. */
struct nic {
  weft_time wake; /* time of the valid EV_NIC, or -1 */
  uint32_t first; /* flow slot that joined first, or WEFT_NONE */
  uint32_t last; /* flow slot served last, or WEFT_NONE */
};

/* ---- compat ns3 (ns3/) ------------------------------------------------------------------ */

struct ns3_queue {
  uint32_t ring, log2, head, tail;
};

/* What a port of the ns-3 model keeps besides its wire. Class 0 is served first: ACKs of a host,
 * PFC frames and (ack_priority all) ACKs of a switch; class 1 is the lossless data class. */
struct ns3_port {
  struct ns3_queue queue[2];
  uint32_t bytes[2];
  weft_time wake; /* of the valid EV_NIC, or -1 */
  uint32_t wake_order;
  uint32_t busy, paused;
  uint32_t served, flows; /* hosts: round robin position; flows in the list */
  /* Switches: ingress accounting of what came in through this device, in 32-bit arithmetic. */
  uint32_t in_bytes, in_headroom, headroom, shift, pausing;
};

/* ---- work (work/) ----------------------------------------------------------------------- */

enum task_state {
  TASK_WAITING = 0,
  TASK_SCHEDULED = 1,
  TASK_RUNNING = 2,
  TASK_DONE = 3,
  TASK_FAILED = 4
};

struct task {
  uint64_t size_bytes;
  weft_time duration_ps, start_ps;
  weft_time begin_ps, end_ps; /* -1 before */
  uint32_t kind, src, dst, tag;
  uint32_t waits; /* dependencies not yet done */
  uint32_t edges; /* first of the list of tasks that wait for it */
  uint32_t state;
  uint32_t flow;
  uint16_t sport, dport;
  uint32_t collective; /* in collectives */
};

struct task_edge {
  uint32_t task, next;
};

/* A collective: what it is, for ever, and its lanes while it runs. */
struct collective {
  uint64_t size_bytes;
  uint64_t left; /* messages that have not arrived */
  uint32_t n; /* ranks */
  uint32_t ranks; /* first of them in ranks */
  uint32_t task;
  uint32_t pieces; /* of a slice: what messages carry a number of */
  uint32_t largest; /* pieces in the largest message */
  uint32_t lanes; /* of a rank */
  uint32_t steps; /* of the longest lane */
  uint32_t slices;
  uint32_t root; /* rank */
  uint32_t local; /* ranks of a server */
  uint32_t volumes; /* first of n x n in volumes, or WEFT_NONE */
  uint32_t first_lane; /* in lanes, while it runs */
  uint8_t lanes_log2, kind, algorithm, forgets;
};

/* A lane of a rank: messages before `next` have been sent, those before `arrived` have arrived, and
 * bit i of `ahead` says whether message arrived + i has. */
struct lane {
  uint64_t ahead;
  uint32_t arrived;
  uint32_t next : 31, unsent : 1; /* unsent: of the last message, packets are left to send */
};

/* A list of hosts that collectives name. */
struct rank_group {
  uint64_t hash;
  uint32_t first, n; /* in ranks */
  uint32_t next1; /* of those with a similar hash, + 1; 0: none */
};

/* ---- results (results/) ----------------------------------------------------------------- */

struct watch {
  uint32_t metric, object;
  uint64_t last; /* counter at the last sample */
  uint32_t first_bin; /* in bins */
  uint32_t unused;
};

/* A row of the port table, filled when the table is asked for. */
struct port_row {
  uint64_t rate_bps, tx_bytes, tx_packets, ecn_marks, pauses, drops, max_queue_bytes, queue_bytes;
  weft_time delay_ps, paused_ps;
  uint32_t from, to, link, up;
};

/* A row of the table of ACKs. */
struct ack_row {
  weft_time time_ps;
  uint64_t ack_bytes, acked_bytes, sent_bytes, rate_bps, window_bytes;
  uint32_t flow, ecn;
};

/* ---- accel (accel/) ---------------------------------------------------------------------- */

/* A port on the path of an active flow, while partitions are looked for. */
struct port_use {
  uint32_t parent; /* union-find */
  uint32_t data, acks; /* flows that send them through it */
  uint32_t mark; /* of a root: its partition; later of a shared port: its vertex; or WEFT_NONE */
};

/* Flows that contend, directly or by others, and their conflict graph: vertices are the flows,
 * then the ports where they meet, then switches with several of those. */
struct partition {
  uint64_t key;
  uint32_t first_flow, flows; /* in partition_flows, rows */
  uint32_t first_port, ports, shared; /* in partition_ports, the shared ones first */
  uint32_t first_use, uses; /* in partition_uses */
  uint32_t first_vertex, vertices; /* in conflict_vertices */
  uint32_t first_arc, arcs; /* in conflict_arcs */
  uint32_t pattern;
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

/* ---- all of it -------------------------------------------------------------------------- */

/* Every pool, for what treats them alike: copying, freeing. */
#define WEFT_POOLS(X)               \
  X(nodes, struct node)             \
  X(ports, struct port)             \
  X(port_cold, struct port_cold)    \
  X(nics, struct nic)               \
  X(ecn, struct ecn)                \
  X(adjacency, uint32_t)            \
  X(packets, struct packet)         \
  X(changes, struct change)         \
  X(wires, struct wire)             \
  X(paces, double)                  \
  X(sightings, struct sighting)     \
  X(distances, uint8_t)             \
  X(groups, uint32_t)               \
  X(bfs, uint32_t)                  \
  X(flows, struct flow)             \
  X(starts, uint32_t)               \
  X(tx, struct tx)                  \
  X(tx_warm, struct tx_warm)        \
  X(rx, struct rx)                  \
  X(selective, struct selective)    \
  X(bits, uint64_t)                 \
  X(paths, uint32_t)                \
  X(cc_state, uint64_t)             \
  X(free_slots, uint32_t)           \
  X(telemetry, struct telemetry)    \
  X(telemetry_free, uint32_t)       \
  X(triggers, uint32_t)             \
  X(tasks, struct task)             \
  X(task_edges, struct task_edge)   \
  X(ready_tasks, uint32_t)          \
  X(collectives, struct collective) \
  X(lanes, struct lane)             \
  X(ranks, uint32_t)                \
  X(rank_groups, struct rank_group) \
  X(rank_marks, uint32_t)           \
  X(volumes, uint64_t)              \
  X(forgotten_rows, uint32_t)       \
  X(watches, struct watch)          \
  X(bins, uint64_t)                 \
  X(port_rows, struct port_row)     \
  X(ack_rows, struct ack_row)       \
  X(port_uses, struct port_use)     \
  X(partitions, struct partition)   \
  X(partition_flows, uint32_t)      \
  X(partition_ports, uint32_t)      \
  X(partition_uses, weft_partition_use) \
  X(partition_heads, uint32_t)      \
  X(conflict_vertices, struct conflict_vertex) \
  X(conflict_arcs, struct conflict_arc) \
  X(accel_words, uint64_t)          \
  X(accel_indices, uint32_t)        \
  X(event_open, uint64_t)           \
  X(event_sort, uint64_t)           \
  X(event_far, struct event)        \
  X(event_chunks, struct event_chunk) \
  X(ns3_ports, struct ns3_port)

enum { RING_CLASSES = 33, BITMAP_CLASSES = 21, LANE_CLASSES = 33, RANK_GROUP_HEADS = 64 };

struct weft_sim {
  weft_config config;
  weft_allocator allocator;
  weft_script script; /* cc = script */
  const struct cc_ops *cc; /* what config.cc and script say */
  uint32_t cc_header; /* bytes that it adds to a data packet */
  uint64_t memory_bytes;
  void *scratch; /* of pool_reserve; meaningless between calls */
  char error[256];
  uint32_t order; /* compat ns3: events asked for so far */
  uint64_t ns3_random[6], ns3_step[2][3][3]; /* compat ns3: see ns3/random.c */
  int failed; /* a negative status that stops the run */
  volatile sig_atomic_t interrupted;

  weft_time now;
  uint64_t events, fingerprint;
  uint32_t rto_events, cc_events; /* timers in the queue: alone they don't keep a run alive */

  int ready; /* the fabric is closed */
  uint32_t route_epoch; /* counts changes of reachability */
  uint32_t rate_epoch; /* counts changes of links */
  uint32_t group_count, switch_count;
  weft_time fabric_rtt; /* largest empty round trip, for config.base_rtt_ps = 0 */
  uint32_t ring_free[RING_CLASSES]; /* freed rings by log2 size, chained through packet.seq */
  uint32_t bitmap_free[BITMAP_CLASSES]; /* freed bitmaps by log2 bits, chained through word 0 */

  uint32_t path_ports; /* ports per direction that a slot has room for */
  uint32_t cc_words; /* 64-bit words of CC state per slot */
  uint32_t next_start; /* in starts */
  uint32_t sorted_starts; /* starts behind this are not sorted yet */
  uint32_t active_flows;
  uint32_t next_task; /* tasks behind this have not been looked at */
  int in_task_loop;
  uint32_t lanes_free[LANE_CLASSES]; /* freed blocks by log2 size, + 1, chained through arrived */
  uint32_t rank_group_heads[RANK_GROUP_HEADS]; /* + 1 */

  weft_time sample_period; /* 0: not sampling */
  weft_time sample_start;
  uint32_t sample_capacity, sample_bins;
  uint32_t ack_capacity; /* rows of the table of ACKs at most */
  uint32_t pattern_count; /* of the partitions found last */
  int sample_armed;

  weft_stats stats; /* running totals; completed by weft_stats_get */

#define X(name, type) WEFT_POOL(type) name;
  WEFT_POOLS(X)
#undef X
  struct event_queue queue;
  uint32_t largest_ring, blocks_needed; /* of a view: see domain_is_fed() */
  uint32_t domain; /* which domain this is the view of, from 1; 0: the simulation itself */
  uint32_t always_split; /* set by tests: however little several threads may pay */
  struct domains *domains; /* of a run on several threads, or NULL; not part of the value */
};

/* Keep a message and give back the status: `return weft__fail(sim, WEFT_EINVAL, "...", ...)`. */
int weft__fail(weft_sim *sim, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Out of memory inside the loop: the run stops before the next event. */
static inline void weft__no_memory(weft_sim *sim) {
  sim->failed = WEFT_ENOMEM;
}

/* The ns-3 model, of either generation. */
static inline int is_ns3(const weft_sim *sim) {
  return sim->config.compat != WEFT_COMPAT_NONE;
}

/* ---- events ---- */

static inline weft_time event_bucket(const weft_sim *sim, weft_time time) {
  return is_ns3(sim) ? time / 1000 : time >> sim->queue.shift;
}

static inline weft_time event_bucket_start(const weft_sim *sim, weft_time bucket) {
  return is_ns3(sim) ? bucket * 1000 : bucket << sim->queue.shift;
}

/* Whether a word says all of the event: its time is a whole nanosecond, or its place among those
 * of its instant is that of its kind. */
static inline int event_fits_word(const weft_sim *sim, const struct event *event) {
  if (is_ns3(sim)) return event->time % 1000 == 0;
  return event->key >> 32 == ((uint32_t)event->key & ~(uint32_t)EVENT_SOURCE_MASK);
}

static inline uint64_t event_word(const weft_sim *sim, const struct event *event) {
  if (is_ns3(sim)) return event->key;
  const weft_time start = event_bucket_start(sim, event_bucket(sim, event->time));
  return (uint64_t)(event->time - start) << 32 | (uint32_t)event->key;
}

static inline struct event event_of_word(const weft_sim *sim, uint64_t word) {
  if (is_ns3(sim)) return (struct event){sim->queue.open_start, word};
  const uint64_t order = (uint32_t)word & ~(uint32_t)EVENT_SOURCE_MASK;
  return (struct event){sim->queue.open_start + (weft_time)(word >> 32),
                        order << 32 | (uint32_t)word};
}

static inline void event_push(weft_sim *sim, struct event event) {
  WEFT_ASSERT(event.time >= sim->now);
  struct event_queue *q = &sim->queue;
  const weft_time bucket = event_bucket(sim, event.time);
  ++q->count;
  if ((uint64_t)(bucket - q->next_bucket) >= WHEEL_BUCKETS || !event_fits_word(sim, &event)) {
    weft__events_push_outside(sim, event);
    return;
  }
  const uint32_t slot = (uint32_t)bucket % WHEEL_BUCKETS, newest = q->bucket[slot];
  struct event_chunk *chunk = newest != WEFT_NONE ? &sim->event_chunks.at[newest] : NULL;
  if (chunk == NULL || chunk->n == CHUNK_EVENTS) {
    chunk = weft__events_chunk(sim, slot);
    if (chunk == NULL) {
      --q->count;
      weft__no_memory(sim);
      return;
    }
  }
  chunk->at[chunk->n++] = event_word(sim, &event);
}

/* Ask for an event with a given place among those of its instant: with compat ns3 the number of
 * the asking; else its kind's, and `order` tells apart those of one kind (0: their source does). */
static inline struct event event_ordered(const weft_sim *sim, enum event_kind kind,
                                         uint32_t source, weft_time time, uint32_t order) {
  const uint32_t low = (uint32_t)kind << EVENT_KIND_SHIFT | source;
  const uint32_t high = is_ns3(sim) ? order : (uint32_t)kind << EVENT_KIND_SHIFT | order;
  return (struct event){time, (uint64_t)high << 32 | low};
}

static inline void event_push_ordered(weft_sim *sim, enum event_kind kind, uint32_t source,
                                      weft_time time, uint32_t order) {
  event_push(sim, event_ordered(sim, kind, source, time, order));
}

/* Ask for an event. */
static inline struct event event_of(weft_sim *sim, enum event_kind kind, uint32_t source,
                                    weft_time time) {
  return event_ordered(sim, kind, source, time, is_ns3(sim) ? ++sim->order : 0);
}

static inline void event_at(weft_sim *sim, enum event_kind kind, uint32_t source, weft_time time) {
  event_push(sim, event_of(sim, kind, source, time));
}

/* Ask for an event of a flow. Slots are reused, so rows tell flows apart at one instant: the order
 * must not depend on which slot a flow was given. */
static inline void event_of_flow(weft_sim *sim, enum event_kind kind, uint32_t source,
                                 uint32_t row, weft_time time) {
  if (is_ns3(sim))
    event_at(sim, kind, source, time);
  else
    event_push_ordered(sim, kind, source, time, row & EVENT_SOURCE_MASK);
}

/* The next event, in total order. There is one; meaningless if memory runs out (sim->failed). */
static inline struct event event_first(weft_sim *sim) {
  const struct event_queue *q = &sim->queue;
  if (q->first < sim->event_open.n) {
    const struct event event = event_of_word(sim, sim->event_open.at[q->first]);
    if (q->far_time > event.time) return event;
  }
  return weft__events_first(sim);
}

/* Take out the event that event_first() has given. */
static inline void event_pop(weft_sim *sim) {
  if (sim->queue.take_far) {
    weft__events_pop_far(sim);
    return;
  }
  ++sim->queue.first;
  --sim->queue.count;
}

/* The layouts that the cost model counts on. */
_Static_assert(sizeof(struct packet) == 32, "two packets to a cache line");
_Static_assert(sizeof(struct port) == 64, "a port is one cache line");
_Static_assert(sizeof(struct tx) == 64, "a sender is one cache line");
_Static_assert(sizeof(struct event_chunk) == 64, "a chunk of events is one cache line");

#endif
