/* The names of the values of each public enumeration, in this one place: X(value, "name"), from 0
 * up and without gaps. Options, bindings and tables get theirs from here; see weft_enum_names(). */
#ifndef WEFT_BASE_NAMES_H
#define WEFT_BASE_NAMES_H

#include "algorithms_i.h"
#include "engines_i.h"

/* clang-format off */
#define NODE_KIND_NAMES(X) \
  X(WEFT_HOST, "host") \
  X(WEFT_SWITCH, "switch") \
  X(WEFT_NVSWITCH, "nvswitch")

#define LINK_CLASS_NAMES(X) \
  X(WEFT_LINK_BY_ENDS, "by_ends") \
  X(WEFT_LINK_NVLINK, "nvlink") \
  X(WEFT_LINK_PCIE, "pcie") \
  X(WEFT_LINK_NET, "net")

#define DIRECTION_NAMES(X) \
  X(WEFT_BOTH, "both") \
  X(WEFT_A_TO_B, "a_to_b") \
  X(WEFT_B_TO_A, "b_to_a")

#define TASK_KIND_NAMES(X) \
  X(WEFT_TASK_COMPUTE, "compute") \
  X(WEFT_TASK_SEND, "send") \
  X(WEFT_TASK_BARRIER, "barrier") \
  X(WEFT_TASK_COLLECTIVE, "collective")

#define COLLECTIVE_KIND_NAMES(X) \
  X(WEFT_ALLREDUCE, "allreduce") \
  X(WEFT_ALL_TO_ALL, "all_to_all") \
  X(WEFT_REDUCE_SCATTER, "reduce_scatter") \
  X(WEFT_ALL_GATHER, "all_gather") \
  X(WEFT_BROADCAST, "broadcast") \
  X(WEFT_REDUCE, "reduce")

#define ALGORITHM_NAMES(X) \
  X(WEFT_ALGORITHM_DEFAULT, "default") \
  X(WEFT_RING, "ring") \
  X(WEFT_DIRECT, "direct") \
  X(WEFT_BIDIRECTIONAL, "bidirectional") \
  X(WEFT_TREE, "tree") \
  X(WEFT_DOUBLE_TREE, "double_tree") \
  X(WEFT_HALVING_DOUBLING, "halving_doubling") \
  X(WEFT_HIERARCHICAL, "hierarchical") \
  X(WEFT_PAIRWISE, "pairwise")

#define METRIC_NAMES(X) \
  X(WEFT_PORT_BYTES, "port_bytes") \
  X(WEFT_PORT_QUEUE, "port_queue") \
  X(WEFT_FLOW_BYTES, "flow_bytes")

#define TABLE_NAMES(X) \
  X(WEFT_TABLE_FLOWS, "flows") \
  X(WEFT_TABLE_PORTS, "ports") \
  X(WEFT_TABLE_TASKS, "tasks") \
  X(WEFT_TABLE_ACKS, "acks") \
  X(WEFT_TABLE_SPANS, "spans")

#define COLUMN_TYPE_NAMES(X) \
  X(WEFT_COL_U32, "u32") \
  X(WEFT_COL_I64, "i64") \
  X(WEFT_COL_U64, "u64") \
  X(WEFT_COL_F64, "f64")

#define RUN_RESULT_NAMES(X) \
  X(WEFT_RUN_DONE, "done") \
  X(WEFT_RUN_UNTIL, "until") \
  X(WEFT_RUN_BUDGET, "budget") \
  X(WEFT_RUN_INTERRUPTED, "interrupted")

#define SCRIPT_NEEDS_NAMES(X) \
  X(WEFT_SCRIPT_NOTHING, "nothing") \
  X(WEFT_SCRIPT_TELEMETRY, "telemetry") \
  X(WEFT_SCRIPT_TIMESTAMP, "timestamp")

#define PARTITION_ACKS_NAMES(X) \
  X(WEFT_ACKS_NONE, "none") \
  X(WEFT_ACKS_DATA, "data") \
  X(WEFT_ACKS_ALL, "all")

#define REFUSAL_NAMES(X) \
  X(WEFT_REFUSED_PAUSED, "paused") \
  X(WEFT_REFUSED_BUFFER, "buffer") \
  X(WEFT_REFUSED_LOSSY, "lossy") \
  X(WEFT_REFUSED_RECOVERY, "recovery") \
  X(WEFT_REFUSED_STRAYS, "strays") \
  X(WEFT_REFUSED_TRACE, "trace") \
  X(WEFT_REFUSED_SHORT, "short") \
  X(WEFT_REFUSED_CUT, "cut") \
  X(WEFT_REFUSED_MATCH, "match")

#define THREADS_WHY_NAMES(X) \
  X(WEFT_THREADS_ENOUGH, "enough") \
  X(WEFT_THREADS_COMPAT, "compat") \
  X(WEFT_THREADS_SCRIPT, "script") \
  X(WEFT_THREADS_SELECTIVE, "selective") \
  X(WEFT_THREADS_TRACE, "trace") \
  X(WEFT_THREADS_ROUTES, "routes") \
  X(WEFT_THREADS_WIRES, "wires") \
  X(WEFT_THREADS_TASKS, "tasks") \
  X(WEFT_THREADS_FABRIC, "fabric") \
  X(WEFT_THREADS_BUDGET, "budget") \
  X(WEFT_THREADS_LITTLE, "little") \
  X(WEFT_THREADS_SYSTEM, "system") \
  X(WEFT_THREADS_ENGINE, "engine")

#define PHASE_NAMES(X) \
  X(WEFT_PHASE_NONE, "none") \
  X(WEFT_PHASE_TRANSIENT, "transient") \
  X(WEFT_PHASE_STEADY, "steady") \
  X(WEFT_PHASE_MEMO, "memo")

#define UNIT_NAMES(X) \
  X(WEFT_UNIT_NONE, "none") \
  X(WEFT_UNIT_TIME, "time") \
  X(WEFT_UNIT_RATE, "rate") \
  X(WEFT_UNIT_BYTES, "bytes") \
  X(WEFT_UNIT_ENUM, "enum") \
  X(WEFT_UNIT_BOOL, "bool")

#define CC_NAME(X, NAME, name, table, variants) X(WEFT_CC_##NAME, #name)
#define CC_NAMES(X) ALGORITHMS(CC_NAME, X)

#define ENGINE_NAME(X, name, NAME, table, word) X(WEFT_ENGINE_##NAME, word)
#define ENGINE_NAMES(X) ENGINES(ENGINE_NAME, X)

#define CAN_NAMES(X) \
  X(WEFT_CAN_MOVE, "move") \
  X(WEFT_CAN_PACKETS, "packets") \
  X(WEFT_CAN_CC, "cc") \
  X(WEFT_CAN_COMPAT, "compat") \
  X(WEFT_CAN_THREADS, "threads") \
  X(WEFT_CAN_ACCELERATE, "accelerate") \
  X(WEFT_CAN_IMPAIR, "impair") \
  X(WEFT_CAN_STORM, "storm") \
  X(WEFT_CAN_TRACE_ACKS, "trace_acks") \
  X(WEFT_CAN_PARTITIONS, "partitions") \
  X(WEFT_CAN_CAPS, "caps") \
  X(WEFT_CAN_SHARES, "shares") \
  X(WEFT_CAN_QUEUES, "queues") \
  X(WEFT_CAN_LOSE, "lose") \
  X(WEFT_CAN_RATES, "rates")

#define RESOURCE_NAMES(X) \
  X(WEFT_RESOURCE_TABLE, "table") \
  X(WEFT_RESOURCE_WEIGHTS, "weights") \
  X(WEFT_RESOURCE_CODE, "code")

#define SCHEDULE_NAMES(X) \
  X(WEFT_SCHEDULE_ONE_CYCLE, "one_cycle") \
  X(WEFT_SCHEDULE_PLATEAU, "plateau")

#define COMPAT_NAMES(X) \
  X(WEFT_COMPAT_NONE, "none") \
  X(WEFT_COMPAT_NS3, "ns3") \
  X(WEFT_COMPAT_SIMAI, "simai") \
  X(WEFT_COMPAT_FLOWSIM, "flowsim")

#define FLUID_CAP_NAMES(X) \
  X(WEFT_FLUID_CAP_NONE, "none") \
  X(WEFT_FLUID_CAP_WINDOW, "window")

#define ACK_PRIORITY_NAMES(X) \
  X(WEFT_ACK_FIFO, "fifo") \
  X(WEFT_ACK_HOSTS, "hosts") \
  X(WEFT_ACK_ALL, "all")

#define WINDOW_MODE_NAMES(X) \
  X(WEFT_WINDOW_RATE, "rate") \
  X(WEFT_WINDOW_FIXED, "fixed") \
  X(WEFT_WINDOW_NONE, "none")

#define ECMP_NAMES(X) \
  X(WEFT_ECMP_MIX, "mix") \
  X(WEFT_ECMP_NS3, "ns3") \
  X(WEFT_ECMP_FIRST, "first") \
  X(WEFT_ECMP_PAIR, "pair")

#define RECOVERY_NAMES(X) \
  X(WEFT_RECOVERY_NONE, "none") \
  X(WEFT_RECOVERY_GO_BACK_N, "go_back_n") \
  X(WEFT_RECOVERY_SELECTIVE, "selective") \
  X(WEFT_RECOVERY_SACK, "sack") \
  X(WEFT_RECOVERY_AUTO, "auto")

#define COMPLETION_NAMES(X) \
  X(WEFT_AT_RECEIVER, "receiver") \
  X(WEFT_AT_SENDER, "sender")

/* From -1 down. */
#define RTO_NAMES(X) \
  X(WEFT_RTO_ADAPTIVE, "adaptive") \
  X(WEFT_RTO_RFC6298, "rfc6298")
/* clang-format on */

/* "host|switch|nvswitch": a constant expression. */
#define NAMES_BAR(value, name) "|" name
#define NAMES_TEXT(names) (("" names(NAMES_BAR)) + 1)

/* How many there are. */
#define NAMES_ONE(value, name) +1
#define NAMES_COUNT(names) (0 names(NAMES_ONE))

#endif
