/* The state of a simulation, of the parts that each folder has in its state_i.h.
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

#include "accel/state_i.h"
#include "base/alloc.h"
#include "base/event_queue_i.h"
#include "fabric/state_i.h"
#include "ns3/state_i.h"
#include "results/state_i.h"
#include "transport/state_i.h"
#include "weft.h"
#include "work/state_i.h"

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
  EV_NS3_INIT,
  EV_NS3_START, /* source: flow row, on its two steps to its start */
  EV_NS3_SENT, /* source: port whose transmission ends */
  EV_WIRE, /* source: port whose oldest delayed packet reaches the far end */
  EV_FLOW_DONE = 13, /* not in the queue: marks completions in the fingerprint */
  EV_ZONE, /* source: partition that is to be looked at, after all else of the instant */
  EV_SAMPLE /* source: 0; what it sees is all of the instant */
};

enum {
  EVENT_KIND_SHIFT = 28,
  EVENT_SOURCE_MASK = (1 << EVENT_KIND_SHIFT) - 1,
  LATE_NEWS = EVENT_SOURCE_MASK /* source of EV_TASK: no task, but what a replay has found out */
};

/* Every pool, for what treats them alike: copying, freeing. */
#define WEFT_POOLS(X)                          \
  X(nodes, struct node)                        \
  X(ports, struct port)                        \
  X(port_cold, struct port_cold)               \
  X(nics, struct nic)                          \
  X(ecn, struct ecn)                           \
  X(adjacency, uint32_t)                       \
  X(packets, struct packet)                    \
  X(changes, struct change)                    \
  X(wires, struct wire)                        \
  X(paces, double)                             \
  X(sightings, struct sighting)                \
  X(ways, uint8_t)                             \
  X(groups, uint32_t)                          \
  X(search, uint32_t)                          \
  X(flows, struct flow)                        \
  X(starts, uint32_t)                          \
  X(tx, struct tx)                             \
  X(tx_warm, struct tx_warm)                   \
  X(rx, struct rx)                             \
  X(selective, struct selective)               \
  X(bits, uint64_t)                            \
  X(paths, uint32_t)                           \
  X(cc_state, uint64_t)                        \
  X(free_slots, uint32_t)                      \
  X(telemetry, struct telemetry)               \
  X(telemetry_free, uint32_t)                  \
  X(triggers, uint32_t)                        \
  X(tasks, struct task)                        \
  X(task_edges, struct task_edge)              \
  X(late_news, struct late_news)               \
  X(ready_tasks, uint32_t)                     \
  X(collectives, struct collective)            \
  X(lanes, struct lane)                        \
  X(ranks, uint32_t)                           \
  X(rank_groups, struct rank_group)            \
  X(rank_marks, uint32_t)                      \
  X(volumes, uint64_t)                         \
  X(forgotten_rows, uint32_t)                  \
  X(watches, struct watch)                     \
  X(bins, uint64_t)                            \
  X(port_rows, struct port_row)                \
  X(ack_rows, struct ack_row)                  \
  X(span_rows, struct span_row)                \
  X(audit_rows, struct audit_row)              \
  X(port_uses, struct port_use)                \
  X(partitions, struct partition)              \
  X(partition_flows, uint32_t)                 \
  X(partition_ports, uint32_t)                 \
  X(partition_uses, weft_partition_use)        \
  X(partition_heads, uint32_t)                 \
  X(conflict_vertices, struct conflict_vertex) \
  X(conflict_arcs, struct conflict_arc)        \
  X(accel_words, uint64_t)                     \
  X(accel_indices, uint32_t)                   \
  X(zones, struct zone)                        \
  X(free_zones, uint32_t)                      \
  X(apart_zones, uint32_t)                     \
  X(members, struct member)                    \
  X(port_shares, struct port_share)            \
  X(zone_ports, uint32_t)                      \
  X(node_visits, uint32_t)                     \
  X(samples, struct sample)                    \
  X(records, struct memo_record)               \
  X(record_heads, uint32_t)                    \
  X(memo_words, uint64_t)                      \
  X(event_open, uint64_t)                      \
  X(other_open, uint64_t)                      \
  X(other_far, struct event)                   \
  X(other_chunks, struct event_chunk)          \
  X(event_sort, uint64_t)                      \
  X(event_far, struct event)                   \
  X(event_chunks, struct event_chunk)          \
  X(ns3_ports, struct ns3_port)

enum {
  MEMO_CLASSES = 33,
  RING_CLASSES = 33,
  BITMAP_CLASSES = 21,
  LANE_CLASSES = 33,
  RANK_GROUP_HEADS = 64
};

struct weft_sim {
  weft_config config;
  weft_allocator allocator;
  weft_script script; /* cc = script */
  const struct cc_ops *cc; /* what config.cc and script say */
  uint32_t cc_header; /* bytes that it adds to a data packet */
  uint32_t cc_stretches; /* its times grow with long round trips: see weft__cc_stretch() */
  uint64_t memory_bytes;
  void *scratch; /* of pool_reserve; meaningless between calls */
  char error[256];
  uint32_t order; /* compat ns3: events asked for so far */
  uint64_t ns3_random[6], ns3_step[2][3][3]; /* compat ns3: see ns3/random.c */
  int failed; /* a negative status that stops the run */
  volatile sig_atomic_t interrupted;

  weft_time now;
  uint64_t events, fingerprint;
  /* Timers in the queue: alone they don't keep a run alive. */
  uint32_t rto_events, cc_events, zone_events;

  int ready; /* the fabric is closed */
  uint32_t route_epoch; /* counts changes of reachability */
  uint32_t rate_epoch; /* counts changes of links */
  uint32_t group_count, switch_count;
  uint32_t levels, way_bytes; /* classes of links that ways tell apart; size of a length */
  uint8_t level_class[WEFT_LINK_CLASS_COUNT]; /* worst class of links at each level */
  uint32_t search_first, search_count; /* the queue in search */
  uint32_t as_built; /* ways are looked for as if nothing had failed */
  weft_time fabric_rtt; /* longest empty round trip of a datacenter: see transport/rtt.c */
  weft_time longest_rtt; /* of all pairs of hosts */
  uint32_t ring_free[RING_CLASSES]; /* freed rings by log2 size, chained through packet.seq */
  uint32_t bitmap_free[BITMAP_CLASSES]; /* freed bitmaps by log2 bits, chained through word 0 */

  uint32_t path_ports; /* ports per direction that a slot has room for */
  uint32_t cc_words; /* 64-bit words of CC state per slot */
  uint32_t next_start; /* in starts */
  uint32_t sorted_starts; /* starts behind this are not sorted yet */
  uint32_t active_flows;
  uint32_t cut_off; /* of these: see transport/timer.c */
  uint32_t next_task; /* tasks behind this have not been looked at */
  int in_task_loop;
  uint32_t lanes_free[LANE_CLASSES]; /* freed blocks by log2 size, + 1, chained through arrived */
  uint32_t rank_group_heads[RANK_GROUP_HEADS]; /* + 1 */

  uint32_t accelerated; /* memoize or fast_forward, and it can be */
  uint32_t replaying; /* a zone is simulated by itself, in the past */
  uint32_t visits; /* walks over the ports of zones so far */
  uint32_t serials; /* zones so far */
  uint32_t parked, unarmed, followers; /* zones now; the first are all, of whatever phase */
  uint32_t gone_records; /* that followers have to hear of */
  uint32_t free_record; /* chained through next, + 1 */
  uint32_t memo_free[MEMO_CLASSES]; /* freed blocks of memo_words by log2 size, + 1 */
  double theta; /* config.theta, or the algorithm's */
  uint32_t steady_samples; /* likewise */
  weft_time steady_period;
  uint64_t exact_words; /* of memo_words, in records of states */
  uint64_t memo_namespace; /* of the patterns that are kept: see accel/graph.c */
  int64_t accel_credit; /* events' worth of work that acceleration may do */
  uint64_t credited; /* events simulated and skipped that it has been granted for */
  uint64_t skipped_hops; /* of stats.packet_hops */
  uint64_t apart_hops; /* of those simulated, those of zones apart that are not granted for yet */
  double doubt_ps, skipped_ps; /* of skipped flows: time x uncertainty, time */
  double audit_m2;
  weft_acceleration acceleration;

  weft_time sample_period; /* 0: not sampling */
  weft_time sample_start;
  uint32_t sample_capacity, sample_bins;
  uint32_t ack_capacity; /* rows of the table of ACKs at most */
  uint32_t span_capacity; /* rows of the table of spans at most */
  uint32_t pattern_count; /* of the partitions found last */
  int sample_armed;

  weft_stats stats; /* running totals; completed by weft_stats_get */

#define X(name, type) WEFT_POOL(type) name;
  WEFT_POOLS(X)
#undef X
  struct event_queue *queue; /* the first, or the other while a zone is simulated by itself */
  struct event_queue queues[2];
  uint32_t largest_ring, blocks_needed; /* of a view: see domain_is_fed() */
  uint32_t domain; /* which domain this is the view of, from 1; 0: the simulation itself */
  uint32_t threads_used; /* at most so far; 0: none but the caller's */
  uint64_t threaded_events; /* handled by domains */
  uint32_t threads_why; /* enum weft_threads_why, of the last time that it was asked for more */
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

/* The layouts that the cost model counts on. */
_Static_assert(sizeof(struct packet) == 32, "two packets to a cache line");
_Static_assert(sizeof(struct port) == 64, "a port is one cache line");
_Static_assert(sizeof(struct tx) == 64, "a sender is one cache line");
_Static_assert(sizeof(struct event_chunk) == 64, "a chunk of events is one cache line");

#include "engine/events_i.h"

#endif
