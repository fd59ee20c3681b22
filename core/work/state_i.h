/* Tasks and collectives: the state of work. */
#ifndef WEFT_WORK_STATE_H
#define WEFT_WORK_STATE_H

#include "base/alloc.h"

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
  uint32_t behind; /* SEND: the same of tasks that wait until all of it has been sent */
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
  uint32_t merge; /* steps of a ring that are one here */
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
  uint64_t sound; /* kinds and algorithms whose messages all have ways, with local and root as: */
  uint32_t local, root;
  uint32_t first, n; /* in ranks */
  uint32_t next1; /* of those with a similar hash, + 1; 0: none */
};

enum { LANE_CLASSES = 33, RANK_GROUP_HEADS = 64 };

#define WORK_POOLS(X)                     \
  X(work, paces, double)                  \
  X(work, tasks, struct task)             \
  X(work, task_edges, struct task_edge)   \
  X(work, ready_tasks, uint32_t)          \
  X(work, collectives, struct collective) \
  X(work, lanes, struct lane)             \
  X(work, ranks, uint32_t)                \
  X(work, rank_groups, struct rank_group) \
  X(work, rank_marks, uint32_t)           \
  X(work, volumes, uint64_t)

struct work_room {
  WORK_POOLS(WEFT_POOL_MEMBER)
  uint32_t next_task; /* tasks behind this have not been looked at */
  uint32_t lanes_free[LANE_CLASSES]; /* freed blocks by log2 size, + 1, chained through arrived */
  uint32_t rank_group_heads[RANK_GROUP_HEADS]; /* + 1 */
};

#endif
