/* weft: types of the public interface.
 *
 * This file and weft.h are plain enough for LuaJIT's ffi.cdef once lines that start with '#' are
 * removed: constants are enumerators, structs hold fixed-width fields in natural alignment.
 *
 * Units: every bare number says its unit in its name. Times are integer picoseconds since the
 * start of the simulation (2^63 ps = 106 days), rates are integer bit/s, sizes are bytes.
 * Objects are dense 32-bit indices in the order of their creation; they stay valid until the
 * simulation is destroyed, because nothing of a fabric, a workload or a result is ever removed. */
#ifndef WEFT_TYPES_H
#define WEFT_TYPES_H

#include <stddef.h>
#include <stdint.h>

/** Picoseconds since the start of the simulation. */
typedef int64_t weft_time;

/** A simulation: fabric, workload, state and results. A value: no state outside it. */
typedef struct weft_sim weft_sim;

/** Where a simulation gets its memory. `resize` is given the old and the new size (0: none, free)
 *  and returns the block, or NULL when there is no memory (the old block then stays). */
typedef struct weft_allocator {
  void *(*resize)(void *user, void *block, size_t old_size, size_t new_size);
  void *user;
} weft_allocator;

/** Bytes that simulations share: made once, never changed, counted by who holds them. */
typedef struct weft_resource weft_resource;

/** A network that has been trained; examples to train one from; the training of one. */
typedef struct weft_model weft_model;
typedef struct weft_examples weft_examples;
typedef struct weft_trainer weft_trainer;

enum weft_constants {
  WEFT_API_VERSION = 1,
  WEFT_PATH_MAX = 32, /* links on a path at most */
  WEFT_COST_MAX = 65535 /* of a link */
};

/** The enumerations whose values have names: see weft_enum_names(). */
enum weft_enum {
  WEFT_ENUM_NODE_KIND = 0,
  WEFT_ENUM_LINK_CLASS = 1,
  WEFT_ENUM_DIRECTION = 2,
  WEFT_ENUM_TASK_KIND = 3,
  WEFT_ENUM_COLLECTIVE_KIND = 4,
  WEFT_ENUM_ALGORITHM = 5,
  WEFT_ENUM_METRIC = 6,
  WEFT_ENUM_TABLE = 7,
  WEFT_ENUM_COLUMN_TYPE = 8,
  WEFT_ENUM_RUN_RESULT = 9,
  WEFT_ENUM_SCRIPT_NEEDS = 10,
  WEFT_ENUM_PARTITION_ACKS = 11,
  WEFT_ENUM_REFUSAL = 12,
  WEFT_ENUM_THREADS_WHY = 13,
  WEFT_ENUM_PHASE = 14,
  WEFT_ENUM_UNIT = 15,
  WEFT_ENUM_ENGINE = 16,
  WEFT_ENUM_CAN = 17,
  WEFT_ENUM_RESOURCE = 18,
  WEFT_ENUM_CC = 19,
  WEFT_ENUM_SCHEDULE = 20,
  WEFT_ENUM_COUNT = 21
};

/** Results of calls that can fail: 0 or more is success. Text of each: weft_error_text(). */
enum weft_status {
  WEFT_OK = 0,
  WEFT_EINVAL = -1, /* argument out of range or of the wrong kind */
  WEFT_ENOMEM = -2, /* allocation failed; the simulation can only be destroyed */
  WEFT_ESTATE = -3, /* call not allowed now, such as adding a link after weft_fabric_ready() */
  WEFT_ENOROUTE = -4, /* destination unreachable */
  WEFT_ELIMIT = -5, /* more objects than an index can hold, path longer than WEFT_PATH_MAX */
  WEFT_EINTERNAL = -6, /* an invariant is broken: a bug in weft (checked with CONFIG=check) */
  WEFT_ESCRIPT = -7 /* a function of weft_script failed */
};

/** Why weft_run() returned, when not with an error. */
enum weft_run_result {
  WEFT_RUN_DONE = 0, /* no event is left: everything that can finish has finished */
  WEFT_RUN_UNTIL = 1, /* the time limit was reached */
  WEFT_RUN_BUDGET = 2, /* the event budget was spent */
  WEFT_RUN_INTERRUPTED = 3 /* weft_interrupt() was called */
};

enum weft_node_kind { WEFT_HOST = 0, WEFT_SWITCH = 1, WEFT_NVSWITCH = 2 };

/** What moves the flows of a simulation; a folder each in core/. */
enum weft_engine {
  WEFT_ENGINE_PACKET = 0, /* packets in queues */
  WEFT_ENGINE_IDEAL = 1, /* every flow takes the time that it would take alone: a bound */
  WEFT_ENGINE_FLUID = 2, /* every flow has a rate: max-min shares of the links of its way */
  WEFT_ENGINE_FLUID_CC = 3, /* a fluid whose rates follow the laws of the congestion control */
  WEFT_ENGINE_LEARNED = 4 /* the same, with corrections by a model that has seen packets */
};

/** What an engine may or may not have: see weft_engine_can(). */
enum weft_can {
  WEFT_CAN_MOVE = 0, /* flows from start to end, which every engine has */
  WEFT_CAN_PACKETS = 1, /* packets and ACKs: queues, buffers, marks, pauses, losses, their repair */
  WEFT_CAN_CC = 2, /* congestion control, in C or from outside */
  WEFT_CAN_COMPAT = 3, /* the quirks of other simulators */
  WEFT_CAN_THREADS = 4, /* more than one */
  WEFT_CAN_ACCELERATE = 5, /* memoize, fast_forward */
  WEFT_CAN_IMPAIR = 6, /* links that delay packets, or lose them in bursts */
  WEFT_CAN_STORM = 7, /* PFC storms */
  WEFT_CAN_TRACE_ACKS = 8,
  WEFT_CAN_PARTITIONS = 9, /* flows that contend, found */
  WEFT_CAN_CAPS = 10, /* windows and rates that bound a flow */
  WEFT_CAN_SHARES = 11, /* weights, caps and ways that single flows are given */
  WEFT_CAN_QUEUES = 12, /* bytes in queues: their lengths, marks, pauses, buffers; ACKs */
  WEFT_CAN_LOSE = 13, /* losses by full buffers and by chance, and their repair */
  WEFT_CAN_RATES = 14, /* rates of flows as they are now */
  WEFT_CAN_COUNT = 15
};

/** What the bytes of a resource are. */
enum weft_resource_kind {
  WEFT_RESOURCE_TABLE = 0, /* numbers that are looked up */
  WEFT_RESOURCE_WEIGHTS = 1, /* of a model that has been trained */
  WEFT_RESOURCE_CODE = 2, /* of a script */
  WEFT_RESOURCE_COUNT = 3
};

/** Congestion control of all flows of a simulation; one file each in core/packet/cc/. */
enum weft_cc_kind {
  WEFT_CC_WINDOW = 0,
  WEFT_CC_DCTCP = 1,
  WEFT_CC_HPCC = 2,
  WEFT_CC_DCQCN = 3,
  WEFT_CC_TIMELY = 4,
  WEFT_CC_SWIFT = 5,
  WEFT_CC_SCRIPT = 6, /* weft_sim_set_script() */
  WEFT_CC_RENO = 7,
  WEFT_CC_CUBIC = 8,
  WEFT_CC_BBR = 9,
  WEFT_CC_COUNT = 10
};

/** Whose quirks a simulation reproduces. */
enum weft_compat {
  WEFT_COMPAT_NONE = 0, /* the physically right model */
  WEFT_COMPAT_NS3 = 1, /* the HPCC ns-3 model: whole ns, its order of events; see docs/ns3.md */
  WEFT_COMPAT_SIMAI = 2, /* its descendant in SimAI (ns-3.36): see docs/gray-failures.md */
  WEFT_COMPAT_FLOWSIM = 3 /* flowSim of m3, with engine fluid: the time on the wire alone */
};

/** What bounds the rate of a flow besides the links of its way, with engine fluid. */
enum weft_fluid_cap {
  WEFT_FLUID_CAP_NONE = 0, /* max_rate alone */
  WEFT_FLUID_CAP_WINDOW = 1 /* also a window per empty round trip of its way */
};

/** Which ACKs go before data, with compat ns3. */
enum weft_ack_priority {
  WEFT_ACK_FIFO = 0, /* at hosts before data, but paused with it; among data in switches */
  WEFT_ACK_HOSTS = 1, /* at hosts before data and never paused */
  WEFT_ACK_ALL = 2 /* so, and in a queue of their own in switches, served first */
};

/** What bounds the bytes in flight. */
enum weft_window_mode {
  WEFT_WINDOW_RATE = 0, /* the window in proportion to the rate */
  WEFT_WINDOW_FIXED = 1, /* the window whatever the rate */
  WEFT_WINDOW_NONE = 2 /* nothing but the rate */
};

/** How a switch picks one of several shortest next hops. */
enum weft_ecmp_kind {
  WEFT_ECMP_MIX = 0, /* 64-bit mix of seed, flow and node */
  WEFT_ECMP_NS3 = 1, /* murmur3 of addresses and ports seeded by the node, as the HPCC model does */
  WEFT_ECMP_FIRST = 2, /* always the first: for tests and hand-drawn cases */
  WEFT_ECMP_PAIR = 3 /* as MIX, but by the two hosts and the ports that a flow was given, if any */
};

/** What happens after a loss. */
enum weft_recovery {
  WEFT_RECOVERY_NONE = 0, /* nothing: a flow that loses a packet fails */
  WEFT_RECOVERY_GO_BACK_N = 1, /* send all again from the packet lost, as RoCE NICs do */
  WEFT_RECOVERY_SELECTIVE = 2, /* send again what was lost (IRN: Mittal et al., SIGCOMM 2018) */
  WEFT_RECOVERY_SACK = 3, /* the same as TCP does: RFC 2018, RFC 6675 */
  WEFT_RECOVERY_AUTO = 4, /* SACK for Reno, CUBIC and BBR, else GO_BACK_N */
  WEFT_RECOVERY_COUNT = 5
};

/** Retransmission timeouts that follow the round trips measured; values of weft_config.rto_ps. */
enum weft_rto {
  WEFT_RTO_ADAPTIVE = -1, /* and are put off while all that the flow has out is on its way */
  WEFT_RTO_RFC6298 = -2 /* and fire by the clock, as those of a real sender */
};

/** When a flow counts as complete (its end_ps, and what depends on it). */
enum weft_completion {
  WEFT_AT_RECEIVER = 0, /* last byte has arrived at the destination */
  WEFT_AT_SENDER = 1 /* last acknowledgement has arrived at the source */
};

/** All parameters of a simulation that are not objects. Obtain from weft_config_default(), change,
 *  pass to weft_sim_create(). Names, ranges and help of all fields: weft_options(). */
typedef struct weft_config {
  uint64_t seed; /* of every random stream */
  uint32_t engine; /* enum weft_engine */
  uint32_t threads; /* that may work on the run; results do not depend on it */
  uint32_t cc; /* enum weft_cc_kind */
  uint32_t ecmp; /* enum weft_ecmp_kind */
  uint32_t completion; /* enum weft_completion */
  uint32_t compat; /* enum weft_compat */

  /* Packets. Data on the wire: payload + header (+ INT where the CC asks for it). */
  uint32_t mtu_bytes; /* payload of a full packet */
  uint32_t header_bytes; /* Ethernet, IP, UDP, transport */
  uint32_t int_bytes; /* INT header, on data and ACK, when the CC uses INT */
  uint32_t ack_bytes; /* ACK on the wire without INT */

  /* Transport. */
  uint32_t recovery; /* enum weft_recovery */
  weft_time rto_ps; /* fixed least retransmission timeout; 0: none; or enum weft_rto */
  weft_time give_up_ps; /* a flow without progress for so long fails; 0: never */
  weft_time base_rtt_ps; /* for windows and HPCC's T; 0: the longest empty one of the fabric, and
                            its own for a flow between hosts more than 100 us apart */
  uint64_t window_bytes; /* initial window; 0: bandwidth-delay product of line rate and base RTT */
  uint64_t min_rate_bps; /* no CC goes below */
  uint64_t max_rate_bps; /* no flow goes above; 0: the rate of its NIC */
  uint32_t window_mode; /* enum weft_window_mode */
  uint32_t ack_priority; /* compat ns3: enum weft_ack_priority */

  /* Flows as rates. */
  uint32_t fluid_cap; /* enum weft_fluid_cap */
  uint32_t fluid_acks; /* 1: ACKs load the links of the way back */
  uint32_t merge_steps; /* of rings, so many are one flow; 1: none are merged */

  /* Switches. */
  uint64_t buffer_bytes; /* shared by all ports of a switch */
  uint32_t pfc; /* 0: lossy, drop above the dynamic threshold; 1: lossless, pause */
  uint32_t pfc_reserve_bytes; /* per ingress port, always admitted */
  uint32_t pfc_resume_bytes; /* resume when this much below the pause threshold */
  uint32_t pfc_headroom_bytes; /* per ingress port; 0: what the link can send while pausing */
  double buffer_alpha; /* dynamic threshold = alpha x free shared bytes */

  /* ECN: linear from kmin to kmax, given for a 100 Gbit/s port and scaled with a port's rate. */
  uint32_t ecn_kmin_bytes;
  uint32_t ecn_kmax_bytes;
  double ecn_pmax; /* marking probability at kmax, 0..1; above kmax always */

  /* DCTCP (Alizadeh et al., SIGCOMM 2010), rate-based as in RDMA NIC models. */
  double dctcp_g; /* gain of the marking estimate */
  uint64_t dctcp_ai_bps; /* additive increase per RTT */

  /* HPCC (Li et al., SIGCOMM 2019). */
  double hpcc_eta; /* target utilisation */
  uint32_t hpcc_max_stage; /* additive steps before a multiplicative one */
  uint32_t hpcc_fast_react; /* react to every ACK, with a reference rate kept per RTT */
  uint32_t hpcc_multi_rate; /* a reference rate per hop */
  uint32_t hpcc_int_multi; /* compat ns3: coarsens the units of telemetry on the wire */
  uint64_t hpcc_ai_bps; /* additive increase per update */

  /* DCQCN (Zhu et al., SIGCOMM 2015). */
  double dcqcn_g; /* gain of alpha */
  weft_time dcqcn_alpha_ps; /* alpha is updated this often */
  weft_time dcqcn_decrease_ps; /* at most one cut in this time */
  weft_time dcqcn_increase_ps; /* recovery and increase steps */
  uint32_t dcqcn_recovery_steps; /* fast recovery steps before additive increase */
  uint32_t dcqcn_clamp; /* the target follows the rate at every cut */
  uint64_t dcqcn_ai_bps, dcqcn_hai_bps; /* additive and hyper increase */

  /* TIMELY (Mittal et al., SIGCOMM 2015). */
  double timely_alpha, timely_beta; /* weight of a new RTT difference; decrease factor */
  weft_time timely_low_ps, timely_high_ps, timely_min_rtt_ps;
  uint64_t timely_ai_bps, timely_hai_bps;

  /* Swift (Kumar et al., SIGCOMM 2020); windows in packets. */
  double swift_ai; /* additive increase per RTT */
  double swift_beta, swift_max_mdf; /* decrease factor; largest decrease per RTT */
  double swift_min_cwnd;
  double swift_fs_min_cwnd, swift_fs_max_cwnd; /* flow scaling applies in between */
  weft_time swift_fs_range_ps; /* what flow scaling adds to the target at most */
  weft_time swift_base_target_ps; /* 0: the empty round trip of a flow's path */
  weft_time swift_hop_ps; /* added to the target per switch */

  /* Acceleration (Wormhole, Long et al., NSDI 2026); see docs/acceleration.md. */
  uint32_t memoize; /* 1: take transients that have been seen before from memory */
  uint32_t fast_forward; /* 1: skip steady states */
  double theta; /* steady: rates vary by less than this, relative; 0: never; < 0: by the CC */
  uint32_t steady_samples; /* over which; 0: by the CC */
  weft_time steady_period_ps; /* between samples at least; 0: by the CC */
  double audit; /* part of the skipped spans that is simulated all the same, to compare */
  double initial_window; /* of Reno, CUBIC, BBR at the start; packets */
  uint32_t hystart; /* slow start also ends when round trips grow */
  uint32_t tcp_ecn; /* Reno, CUBIC: a mark counts as a loss */
  double cubic_c; /* packets per cubic second */
  double cubic_beta; /* the window after a loss, of that before */
  uint32_t cubic_fast_convergence; /* a shrinking flow makes room */
  uint32_t cubic_friendly; /* never slower than Reno */
} weft_config;

enum weft_option_type { WEFT_OPT_U32 = 0, WEFT_OPT_U64 = 1, WEFT_OPT_I64 = 2, WEFT_OPT_F64 = 3 };
enum weft_unit {
  WEFT_UNIT_NONE = 0,
  WEFT_UNIT_TIME = 1, /* ps */
  WEFT_UNIT_RATE = 2, /* bit/s */
  WEFT_UNIT_BYTES = 3,
  WEFT_UNIT_ENUM = 4, /* see weft_option.choices */
  WEFT_UNIT_BOOL = 5
};

/** What becomes of an option if the engine lacks what it needs. Without a flag it has no effect,
 *  and the program that was given it should say so. */
enum weft_option_flag {
  WEFT_OPTION_REFUSED = 1, /* weft_sim_create() fails, lest what comes without be taken for it */
  WEFT_OPTION_REPORTED = 2 /* the results of a run tell */
};

/** One field of weft_config, for programs that set it by name. */
typedef struct weft_option {
  const char *name; /* without the unit suffix: "rto", "buffer", "cc" */
  uint32_t type; /* enum weft_option_type: how the field is stored */
  uint32_t unit; /* enum weft_unit */
  uint32_t offset; /* in weft_config, bytes */
  uint32_t needs; /* enum weft_can: without it the option has no effect, or is refused */
  uint32_t flags; /* enum weft_option_flag */
  uint32_t cc; /* enum weft_cc_kind that alone reads it; WEFT_CC_COUNT: not of one alone */
  double min; /* inclusive, in the stored unit */
  double max; /* inclusive */
  const char *choices; /* names by value, separated by '|': WEFT_UNIT_ENUM: from 0 up;
                          WEFT_UNIT_TIME: of -1, -2 ...; or NULL */
  const char *brief; /* one sentence */
} weft_option;

/** What a link is, from best to worst: a way is no better than its worst link. */
enum weft_link_class {
  WEFT_LINK_BY_ENDS = 0, /* NVLINK with an end at an NVLink switch, else NET */
  WEFT_LINK_NVLINK = 1, /* between the GPUs of a server or of an NVLink domain */
  WEFT_LINK_PCIE = 2, /* inside a server otherwise */
  WEFT_LINK_NET = 3,
  WEFT_LINK_CLASS_COUNT = 4
};

/* What follows is passed to calls. Take each from its function weft_..._default() and change what
 * is meant: 0 is not what leaves every field as it is, and fields may be added. */

/** A full-duplex link between two nodes. Its two directed ports are 2*link (a to b) and
 *  2*link+1. */
typedef struct weft_link_def {
  uint32_t a, b; /* nodes */
  uint64_t rate_bps; /* of each direction, 1e6 (2.1e6 for 1000 B packets) to 1e14 */
  weft_time delay_ps; /* propagation, 0 to 1e13 */
  double loss; /* probability that a packet is lost on the wire, 0..1 */
  weft_time jitter_ps; /* a packet may be later by up to this, to 1e13; none overtakes another */
  uint32_t link_class; /* enum weft_link_class; with compat it decides nothing */
  uint32_t cost; /* 1 to WEFT_COST_MAX, 0: 1. Ways compare by their worst class, then by the sum of
                    costs, then by the number of links; with compat by the last alone */
  uint32_t apart; /* 1: b to a has values of its own, those below; 0: both directions are alike */
  uint64_t rate_back_bps;
  weft_time delay_back_ps, jitter_back_ps;
  double loss_back;
} weft_link_def;

enum weft_direction { WEFT_BOTH = 0, WEFT_A_TO_B = 1, WEFT_B_TO_A = 2 };

/** A change of a link at a time: gray failure, failure, repair. The packet in transmission keeps
 *  its rate; packets on the wire of a link that goes down, or queued for it, are lost. */
typedef struct weft_link_change {
  weft_time at_ps; /* not before the present */
  uint32_t link;
  uint32_t direction; /* enum weft_direction */
  double factor; /* new rate = factor x rate as built, at most 1000; 0: down, 1: repaired;
                    negative: as it was */
  double loss; /* new uniform loss probability; negative: as it was */
  /* weft_link_change_default() leaves both as they were; all zero is a failure. */
  weft_time detect_ps; /* failure and repair: from then until routes take it into account */
} weft_link_change;

/** What a wire does to packets besides uniform loss, from a time on. Packets on the wire at that
 *  time are subject to it; none overtakes another, and the far end receives no faster than at line
 *  rate. Burst loss is that of Gilbert and Elliott: two states, a draw per packet. All zero: as
 *  built; weft_link_impairment_default(): as it was. */
typedef struct weft_link_impairment {
  weft_time at_ps; /* not before the present */
  uint32_t link;
  uint32_t direction; /* enum weft_direction */
  weft_time delay_ps; /* added to the propagation, to 1e13; negative: both as they were */
  weft_time jitter_ps; /* each packet up to this much more, uniformly, to 1e13 */
  double enter; /* probability of good to bad after a packet; negative: burst loss as it was */
  double leave; /* of bad to good */
  double loss_good, loss_bad; /* probability of losing a packet in each state */
} weft_link_impairment;

/** A PFC storm: the far end of a port goes on sending it pause frames, so that it stands still. */
typedef struct weft_storm {
  weft_time at_ps; /* not before the present */
  uint32_t port; /* directed: the one that is paused */
  uint32_t reserved;
  weft_time duration_ps; /* 0: for ever, then period_ps must be 0 too */
  weft_time period_ps; /* 0: paused throughout; else for the first pause_ps of each period */
  weft_time pause_ps;
} weft_storm;

/** A change of how fast a host computes: a straggler. Compute tasks that begin from then on take
 *  factor x their duration; one that has begun keeps its end. */
typedef struct weft_host_change {
  weft_time at_ps; /* not before the present */
  uint32_t host;
  uint32_t reserved;
  double factor; /* 1: as it should be; 1e-3 to 1e6 */
} weft_host_change;

/** A transfer of bytes between two hosts. */
typedef struct weft_flow_def {
  uint32_t src, dst; /* hosts, different */
  uint64_t size_bytes; /* payload, at least 1 */
  weft_time start_ps; /* not before the present */
  uint32_t tag; /* the caller's, such as a job number; ends up in the results */
  uint32_t sport, dport; /* 16 bits, for the ns-3 ECMP hash; 0: 10000 + row mod 2^15, and 100 */
  uint32_t path_ports; /* ports of `path`; 0: routing finds the way */
  /* What follows needs an engine with WEFT_CAN_SHARES. */
  double weight; /* its share is as large as that of so many flows; 0: 1 */
  uint64_t rate_bps; /* it is never faster, on the wire; 0: no limit of its own */
  const uint32_t *path; /* directed ports from src to dst, whatever routing says; copied. Its ACKs
                           take the same links back */
} weft_flow_def;

enum weft_task_kind {
  WEFT_TASK_COMPUTE = 0, /* takes duration_ps */
  WEFT_TASK_SEND = 1, /* a flow from src to dst */
  WEFT_TASK_BARRIER = 2, /* takes no time: joins what it waits for */
  WEFT_TASK_COLLECTIVE = 3 /* weft_collective_add() */
};

/** A node of the task graph. It begins when all tasks it was put after are done, and not before
 *  start_ps. */
typedef struct weft_task_def {
  uint32_t kind; /* enum weft_task_kind */
  uint32_t src, dst; /* SEND: hosts; COMPUTE: src is the host that computes */
  uint32_t tag; /* the caller's; flows of the task inherit it */
  uint64_t size_bytes; /* SEND: at least 1 */
  weft_time duration_ps; /* COMPUTE */
  weft_time start_ps; /* earliest begin */
  uint32_t sport, dport; /* SEND: as in weft_flow_def */
} weft_task_def;

/** What a collective does. `size_bytes` is what nccl-tests call the size. */
enum weft_collective_kind {
  WEFT_ALLREDUCE = 0, /* every rank gets the sum of all buffers of size bytes */
  WEFT_ALL_TO_ALL = 1, /* of the size bytes of a rank each other one gets size/n, or `volumes` */
  WEFT_REDUCE_SCATTER = 2, /* of the sum of all buffers of size bytes each rank gets its size/n */
  WEFT_ALL_GATHER = 3, /* every rank gets the size/n bytes of each other one, size in all */
  WEFT_BROADCAST = 4, /* every rank gets the size bytes of the root */
  WEFT_REDUCE = 5, /* the root gets the sum of all buffers of size bytes */
  WEFT_COLLECTIVE_COUNT = 6
};

/** How it does it. Ranks are numbered by their place in `ranks`. */
enum weft_algorithm {
  WEFT_ALGORITHM_DEFAULT = 0, /* ring; all-to-all: direct */
  WEFT_RING = 1, /* from each rank to the next; not all-to-all */
  WEFT_DIRECT = 2, /* every ordered pair at once; all-to-all */
  WEFT_BIDIRECTIONAL = 3, /* ring, one half each way; AllReduce, ReduceScatter, AllGather */
  WEFT_TREE = 4, /* binary tree; AllReduce, Broadcast, Reduce */
  WEFT_DOUBLE_TREE = 5, /* two of them, one half each; AllReduce */
  WEFT_HALVING_DOUBLING = 6, /* recursive; AllReduce, ReduceScatter, AllGather */
  WEFT_HIERARCHICAL = 7, /* inside servers, then between them; AllReduce, all-to-all */
  WEFT_PAIRWISE = 8, /* n-1 steps, one partner each; all-to-all */
  WEFT_ALGORITHM_COUNT = 9
};

/** A collective: one task, whose sends are flows that come into being as it goes on. */
typedef struct weft_collective_def {
  uint32_t kind; /* enum weft_collective_kind */
  uint32_t tag;
  uint64_t size_bytes; /* per rank: the buffer that is reduced or exchanged */
  weft_time start_ps; /* not before */
  const uint32_t *ranks; /* hosts, all different; copied */
  uint32_t rank_count; /* 2 or more */
  uint32_t after; /* task that must be done first + 1, or 0 */
  uint64_t chunk_bytes; /* no message is larger: its parts follow one another; 0: no limit */
  uint32_t algorithm; /* enum weft_algorithm */
  uint32_t root; /* BROADCAST, REDUCE: rank */
  const uint64_t *volumes; /* ALL_TO_ALL: bytes, [src * rank_count + dst]; copied; or NULL */
  uint32_t local; /* ranks of a server, one after the other; 0: all (HIERARCHICAL), 1 (trees) */
  uint32_t forget; /* 1: rows of its flows are used again when they are over: memory stays small */
} weft_collective_def;

/** Totals of a run; over parts of it they add up, but for now_ps and max_queue_bytes, of which the
 *  largest counts. Packets count data and ACKs; injected = delivered + dropped + in flight. */
typedef struct weft_stats {
  weft_time now_ps;
  uint64_t events; /* handled; not those that found nothing to do any more */
  uint64_t packet_hops; /* a packet, data or ACK, that has crossed a link */
  uint64_t packets_injected, packets_delivered, packets_dropped, packets_in_flight;
  uint64_t bytes_injected, bytes_delivered, bytes_dropped, bytes_in_flight; /* on the wire */
  uint64_t payload_delivered; /* bytes of flows that arrived in order at receivers */
  uint64_t ecn_marks;
  uint64_t pfc_pauses; /* pause frames sent */
  uint64_t retransmits; /* data packets sent again */
  uint64_t retransmits_spurious; /* data packets that arrived again: they had not been lost */
  uint64_t timeouts; /* retransmission timers that ran out, and what was out was sent again */
  uint64_t timeouts_put_off; /* that ran out while all was on its way, and did nothing */
  uint64_t flows_added, flows_started, flows_done;
  uint64_t flows_failed; /* no progress for give_up_ps, or a loss that nothing mends */
  uint64_t tasks_added, tasks_done;
  uint64_t max_queue_bytes; /* over all ports and time */
  uint64_t memory_bytes; /* held by the simulation now */
  uint64_t fingerprint; /* of (time, kind, object, size) of all events so far */
} weft_stats;

/** Tables of results. */
enum weft_table {
  WEFT_TABLE_FLOWS = 0,
  WEFT_TABLE_PORTS = 1,
  WEFT_TABLE_TASKS = 2,
  WEFT_TABLE_ACKS = 3, /* empty without weft_trace_acks() */
  WEFT_TABLE_SPANS = 4, /* skipped spans of partitions; empty without weft_trace_spans() */
  WEFT_TABLE_COUNT = 5
};

enum weft_column_type { WEFT_COL_U32 = 0, WEFT_COL_I64 = 1, WEFT_COL_U64 = 2, WEFT_COL_F64 = 3 };

/** A column of a table: element i is at (const char *)data + i * stride, in host byte order.
 *  Valid until the next call that runs or changes the simulation. */
typedef struct weft_column {
  const char *name; /* with its unit: "fct_ps" */
  const char *brief;
  const void *data;
  uint32_t type; /* enum weft_column_type */
  uint32_t stride; /* bytes */
  uint64_t count; /* rows */
} weft_column;

/** What a flow has put on the links of its way, of what has arrived in order so far. Packets that
 *  were sent more than once count once. */
typedef struct weft_flow_traffic {
  uint64_t data_bytes; /* on the wire, headers included, on each port of data_ports */
  uint64_t ack_bytes; /* of their ACKs, on each port of ack_ports */
  uint32_t data_hops, ack_hops; /* 0 while nothing has arrived */
  uint32_t data_ports[WEFT_PATH_MAX], ack_ports[WEFT_PATH_MAX];
} weft_flow_traffic;

/** What a watch samples. */
enum weft_metric {
  WEFT_PORT_BYTES = 0, /* bytes that began transmission in the period */
  WEFT_PORT_QUEUE = 1, /* bytes queued at the sample; merged periods keep the larger */
  WEFT_FLOW_BYTES = 2 /* payload bytes that arrived in order in the period */
};

/** A sampled series. value[i] belongs to the period that ends at start_ps + (i + 1) * period_ps;
 *  the last one may be unfinished. */
typedef struct weft_series {
  weft_time start_ps;
  weft_time period_ps; /* doubles whenever the capacity is reached */
  uint64_t count;
  const uint64_t *value; /* valid until the next call that runs or changes the simulation */
} weft_series;

/** Which ACKs make flows contend: see weft_partitions_find(). */
enum weft_partition_acks {
  WEFT_ACKS_NONE = 0, /* none: flows contend where data meets data */
  WEFT_ACKS_DATA = 1, /* those that meet data */
  WEFT_ACKS_ALL = 2 /* also those that meet only other ACKs */
};

/** A flow at a port that it shares. */
typedef struct weft_partition_use {
  uint32_t flow; /* row in WEFT_TABLE_FLOWS */
  uint32_t port; /* directed */
  uint32_t ack; /* 1: its ACKs take it, 0: its data */
} weft_partition_use;

/** Flows that contend, directly or through others. */
typedef struct weft_partition {
  uint64_t key; /* of its pattern: equal for equal patterns, of any simulation */
  uint32_t pattern; /* 0, 1, ...: partitions of one pattern have been matched flow by flow */
  uint32_t flow_count, port_count;
  uint32_t shared_count; /* the first so many ports are those where flows meet */
  uint32_t use_count;
  uint32_t reserved;
  const uint32_t *flows; /* rows in WEFT_TABLE_FLOWS, ascending */
  const uint32_t *ports; /* directed; shared ones first, each part ascending */
  const weft_partition_use *uses; /* of shared ports, flow by flow, in the order of its path */
} weft_partition;

/** Why a partition whose rates were steady, or whose transient was known, was simulated. */
enum weft_refusal {
  WEFT_REFUSED_PAUSED = 0, /* a port of it is paused or was just now */
  WEFT_REFUSED_BUFFER = 1, /* a switch on its way is near a threshold of its buffer */
  WEFT_REFUSED_LOSSY = 2, /* a wire loses or delays packets at random, or is down */
  WEFT_REFUSED_RECOVERY = 3, /* a flow repairs a loss */
  WEFT_REFUSED_STRAYS = 4, /* packets of other flows, or on ways of the past, are on its ports */
  WEFT_REFUSED_TRACE = 5, /* every ACK is to be recorded */
  WEFT_REFUSED_SHORT = 6, /* a flow ends too soon */
  WEFT_REFUSED_CUT = 7, /* something known happens before a remembered transient is over */
  WEFT_REFUSED_MATCH = 8, /* the pattern is too symmetric to be matched in bounded time */
  WEFT_REFUSED_COUNT = 9
};

/** What acceleration has done so far. */
typedef struct weft_acceleration {
  uint64_t events_skipped; /* that skipped packets would have taken: hops, and departures of NICs */
  uint64_t packets_skipped; /* data and ACKs */
  uint64_t events_replayed; /* simulated late, because something came into a remembered span */
  uint64_t steady_spans, memo_spans; /* skipped, of partitions */
  uint64_t hits, misses; /* patterns looked up */
  uint64_t followers; /* hits of patterns that another partition was just recording */
  uint64_t left_to_chance; /* transients simulated anew each time, as marks are drawn in them */
  uint64_t interruptions; /* spans that ended before the time foreseen */
  uint64_t records, memo_bytes; /* in memory now */
  uint64_t refused[WEFT_REFUSED_COUNT]; /* enum weft_refusal: times */
  weft_time transient_ps; /* simulated, summed over partitions */
  weft_time steady_ps, memo_ps; /* skipped, likewise */
  uint64_t partitions; /* now */
  uint64_t largest_partition; /* most flows in one so far */
  double error_estimate; /* expected relative error of the rates that skips went by, mean */
  uint64_t audited; /* flows in audited spans */
  double audit_mean, audit_deviation, audit_largest; /* relative error of where a span puts them */
  double audit_bias; /* likewise with its sign: above 0 they are too far */
  uint64_t audited_flows; /* that were also simulated to their end, from before a span on */
  double flows_mean, flows_deviation, flows_largest, flows_bias; /* relative error of their FCT */
} weft_acceleration;

/** Why a simulation has worked with fewer threads than the option `threads` says. */
enum weft_threads_why {
  WEFT_THREADS_ENOUGH = 0, /* it has not, or nothing has run yet */
  WEFT_THREADS_COMPAT = 1, /* compat: the order of events of that model */
  WEFT_THREADS_SCRIPT = 2, /* a congestion control in Lua */
  WEFT_THREADS_SELECTIVE = 3, /* selective repeat or SACK: memory of both ends of a flow */
  WEFT_THREADS_TRACE = 4, /* every ACK is to be recorded, in order */
  WEFT_THREADS_ROUTES = 5, /* links have been down */
  WEFT_THREADS_WIRES = 6, /* wires lose or delay packets at random */
  WEFT_THREADS_TASKS = 7, /* tasks, or flows of tasks, wait for one another without delay */
  WEFT_THREADS_FABRIC = 8, /* the fabric has no parts of like work with links between them */
  WEFT_THREADS_BUDGET = 9, /* few events were allowed, to be counted exactly */
  WEFT_THREADS_LITTLE = 10, /* too little happens at a time to pay for it */
  WEFT_THREADS_SYSTEM = 11, /* the system gave no threads */
  WEFT_THREADS_ENGINE = 12, /* the engine works with one */
  WEFT_THREADS_WHY_COUNT = 13
};

/** What a partition does, as the phase of its flows. */
enum weft_phase {
  WEFT_PHASE_NONE = 0, /* the flow is not active */
  WEFT_PHASE_TRANSIENT = 1, /* simulated */
  WEFT_PHASE_STEADY = 2, /* skipped */
  WEFT_PHASE_MEMO = 3 /* skipped: its transient is known */
};

/** What packets carry for a congestion control from outside. */
enum weft_script_needs {
  WEFT_SCRIPT_NOTHING = 0,
  WEFT_SCRIPT_TELEMETRY = 1,
  WEFT_SCRIPT_TIMESTAMP = 2,
  WEFT_SCRIPT_NEEDS_COUNT = 3
};

/** What a congestion control from outside is called for. */
enum weft_script_call {
  WEFT_SCRIPT_START = 0, /* a flow starts, at line rate */
  WEFT_SCRIPT_ACK = 1,
  WEFT_SCRIPT_TIMER = 2
};

/** What it knows of a flow, and may set. */
typedef struct weft_script_flow {
  weft_time now_ps, base_rtt_ps;
  uint64_t line_bps; /* no flow goes above */
  uint64_t acked_bytes; /* before the next packet that the receiver expects */
  uint64_t sent_bytes; /* so far, less what is to be sent again */
  double rate_bps; /* to set: rounded down, and kept within min_rate and line_bps */
  weft_time timer_ps; /* to set: from now to a call for WEFT_SCRIPT_TIMER; negative: as it was */
  uint32_t flow; /* row in WEFT_TABLE_FLOWS */
  uint32_t slot; /* small number, used again when the flow is over: where to keep its state */
  uint32_t src, dst; /* hosts */
  uint32_t mtu_bytes;
  uint32_t switches; /* on the path */
} weft_script_flow;

/** What a switch wrote into a packet at its departure. */
typedef struct weft_script_hop {
  weft_time time_ps;
  uint64_t rate_bps; /* of the port */
  uint32_t tx_bytes; /* of the port before this packet, modulo 2^32 */
  uint32_t queue_bytes; /* left behind */
} weft_script_hop;

/** What an ACK tells. */
typedef struct weft_script_ack {
  weft_time rtt_ps; /* needs WEFT_SCRIPT_TIMESTAMP, else -1 */
  const weft_script_hop *hops; /* needs WEFT_SCRIPT_TELEMETRY; NULL while the path changes */
  uint32_t hop_count;
  uint32_t ecn, nack; /* the data packet was marked; the packet after acked_bytes is missing */
  uint32_t reserved;
} weft_script_ack;

/** A congestion control from outside. `call` is given an enum weft_script_call, and an
 *  ACK for WEFT_SCRIPT_ACK or NULL; it must not use the simulation. It returns 0, or another number
 *  to stop the run with WEFT_ESCRIPT after this event. */
typedef struct weft_script {
  int (*call)(void *user, int what, weft_script_flow *flow, const weft_script_ack *ack);
  void *user;
  uint32_t needs; /* enum weft_script_needs */
  uint32_t reserved;
} weft_script;

/** What a node, a link or a port is; for tables, pictures and messages. */
typedef struct weft_port_info {
  uint32_t link, from, to; /* from and to are nodes */
  uint32_t up; /* 1: carries traffic */
  uint64_t rate_bps; /* now */
  uint64_t built_rate_bps; /* as built */
  weft_time delay_ps; /* as built */
  double loss; /* uniform */
  double burst_loss; /* mean of the Gilbert-Elliott loss, 0 without */
  weft_time added_delay_ps, jitter_ps;
  weft_time paused_since_ps; /* by PFC, or -1 */
  uint32_t storms; /* PFC storms that pause it now */
  uint32_t link_class; /* enum weft_link_class, not BY_ENDS */
  uint32_t cost;
  uint32_t reserved;
} weft_port_info;

/* ---- learning --------------------------------------------------------------------------- */

/** What a model is. */
typedef struct weft_model_info {
  const char *architecture, *base, *version, *command; /* base: the engine that it corrects */
  uint32_t hidden, parameters;
  uint32_t flow_features, link_features, metrics;
  uint32_t unused;
  double limit; /* of the logarithm of the factor */
  uint64_t checksum; /* of its file; 0: it has none */
} weft_model_info;

/** A feature, and between which values training has seen it. */
typedef struct weft_model_feature {
  const char *name;
  double mean, deviation, low, high;
} weft_model_feature;

/** How long a flow took, in one unit: in truth, as the engine has it that is to be corrected, and
 *  alone on its path. */
typedef struct weft_example_times {
  double truth, base, ideal;
} weft_example_times;

/** How a network is trained. */
enum weft_schedule {
  WEFT_SCHEDULE_ONE_CYCLE = 0, /* the rate rises over a tenth of the steps, then falls to 0 */
  WEFT_SCHEDULE_PLATEAU = 1, /* it falls to a fifth when patience is over */
  WEFT_SCHEDULE_COUNT = 2
};

/** Of a training; weft_training_default(). The result does not depend on threads. */
typedef struct weft_training {
  uint64_t seed; /* of first weights, order, what is held out */
  double rate; /* of learning: the highest */
  double decay; /* of weights (AdamW) */
  double clip; /* the largest norm of a gradient; 0: any */
  double limit; /* of the logarithm of the factor: e^0.7 is 2 */
  double held_out; /* share of groups by which the network is judged, and not trained */
  uint32_t hidden; /* width of layers */
  uint32_t batch; /* examples in a step */
  uint32_t steps;
  uint32_t evaluations; /* how often it is judged, at most once a step */
  uint32_t patience; /* evaluations without a better one after which it ends (one cycle; 0: never)
                      * or the rate falls (plateau; it ends with the third time) */
  uint32_t schedule; /* enum weft_schedule */
  uint32_t threads; /* 0: as many as there are cores */
  uint32_t unused;
} weft_training;

/** Errors are shares: mean, 90th percentile, and that of the 99th percentile of slowdown; each the
 *  mean over groups that were held out. */
typedef struct weft_training_errors {
  double mean, p90, p99;
} weft_training_errors;

/** Where a training is. */
typedef struct weft_training_state {
  uint32_t step, steps; /* done, in all */
  uint32_t best_step; /* after which it was the best */
  uint32_t evaluations; /* so far */
  uint32_t parameters; /* weights */
  uint32_t examples, held_examples;
  uint32_t groups, held_groups;
  uint32_t is_over;
  double rate; /* now */
  double loss; /* error of late, of what it is trained on */
  weft_training_errors base; /* without a correction */
  weft_training_errors last, best;
} weft_training_state;

#endif
