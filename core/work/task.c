/* The task graph: compute, send, barrier, collective; each begins when all it waits for is done. */
#include "work/work.h"

#include <inttypes.h>

#include "base/hash_i.h"
#include "engine.h"
#include "flow/flow.h"

static int check_task(weft_sim *sim, const weft_task_def *def) {
  const weft_flow_def flow = {.src = def->src,
                              .dst = def->dst,
                              .size_bytes = def->size_bytes,
                              .sport = def->sport,
                              .dport = def->dport};
  if (def->start_ps < 0 || def->start_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL, "task start_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS, def->start_ps);
  switch (def->kind) {
    case WEFT_TASK_COMPUTE:
      if (def->duration_ps < 0 || def->duration_ps > LATEST_PS)
        return weft__fail(sim, WEFT_EINVAL,
                          "task duration_ps: expected 0 to %" PRId64 ", got %" PRId64,
                          (int64_t)LATEST_PS, def->duration_ps);
      return WEFT_OK;
    case WEFT_TASK_SEND:
      return weft__flow_check(sim, &flow);
    case WEFT_TASK_BARRIER:
      return WEFT_OK;
    default:
      return weft__fail(sim, WEFT_EINVAL, "task kind: expected 0 to 2, got %" PRIu32, def->kind);
  }
}

int weft__task_push(weft_sim *sim, const weft_task_def *def, uint32_t collective) {
  const uint32_t n = sim->work.tasks.n;
  if (n >= EVENT_SOURCE_MASK) return weft__fail(sim, WEFT_ELIMIT, "task: too many tasks");
  if (!pool_reserve(sim, sim->work.tasks, n + 1u) ||
      !pool_reserve(sim, sim->work.ready_tasks, n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "task: out of memory");
  sim->work.tasks.at[n] = (struct task){.size_bytes = def->size_bytes,
                                        .duration_ps = def->duration_ps,
                                        .start_ps = def->start_ps,
                                        .begin_ps = -1,
                                        .end_ps = -1,
                                        .kind = def->kind,
                                        .src = def->src,
                                        .dst = def->dst,
                                        .tag = def->tag,
                                        .edges = WEFT_NONE,
                                        .behind = WEFT_NONE,
                                        .flow = WEFT_NONE,
                                        .sport = (uint16_t)def->sport,
                                        .dport = (uint16_t)def->dport,
                                        .collective = collective};
  ++sim->work.tasks.n;
  return (int)n;
}

int weft_task_add(weft_sim *sim, const weft_task_def *def) {
  const int status = check_task(sim, def);
  return status != WEFT_OK ? status : weft__task_push(sim, def, WEFT_NONE);
}

static void work_off_ready(weft_sim *sim);

/* A task that waits for one that has failed will never begin: it takes its only turn in the list of
 * those that are ready to hand that on. */
static void fail_unbegun(weft_sim *sim, uint32_t index) {
  if (sim->work.tasks.at[index].state == TASK_FAILED) return;
  sim->work.tasks.at[index].state = TASK_FAILED;
  sim->work.ready_tasks.at[sim->work.ready_tasks.n++] = index;
}

static void fail_list(weft_sim *sim, uint32_t e) {
  for (; e != WEFT_NONE; e = sim->work.task_edges.at[e].next)
    fail_unbegun(sim, sim->work.task_edges.at[e].task);
}

static void fail_what_waits(weft_sim *sim, uint32_t index) {
  fail_list(sim, sim->work.tasks.at[index].edges);
  fail_list(sim, sim->work.tasks.at[index].behind);
  sim->work.tasks.at[index].behind = WEFT_NONE;
}

static int check_pair(weft_sim *sim, uint32_t task, uint32_t dependency) {
  if (task >= sim->work.tasks.n || dependency >= task)
    return weft__fail(sim, WEFT_EINVAL,
                      "task %" PRIu32 " after %" PRIu32
                      ": expected an existing task and an earlier one",
                      task, dependency);
  if (task < sim->work.next_task)
    return weft__fail(sim, WEFT_ESTATE, "task %" PRIu32 ": a run has already begun it", task);
  if (!pool_reserve(sim, sim->work.task_edges, sim->work.task_edges.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "task: out of memory");
  return WEFT_OK;
}

/* Put a task into a list of those that wait for one that is not done. */
static void wait_in(weft_sim *sim, uint32_t *list, uint32_t task, int has_failed) {
  const uint32_t edge = sim->work.task_edges.n++;
  sim->work.task_edges.at[edge] = (struct task_edge){task, *list};
  *list = edge;
  ++sim->work.tasks.at[task].waits;
  if (!has_failed) return;
  fail_unbegun(sim, task);
  work_off_ready(sim);
}

int weft_task_after(weft_sim *sim, uint32_t task, uint32_t dependency) {
  const int status = check_pair(sim, task, dependency);
  if (status != WEFT_OK) return status;
  struct task *before = &sim->work.tasks.at[dependency];
  if (before->state != TASK_DONE) wait_in(sim, &before->edges, task, before->state == TASK_FAILED);
  return WEFT_OK;
}

int weft_task_behind(weft_sim *sim, uint32_t task, uint32_t dependency) {
  const int status = check_pair(sim, task, dependency);
  if (status != WEFT_OK) return status;
  struct task *before = &sim->work.tasks.at[dependency];
  if (before->kind != WEFT_TASK_SEND || before->state == TASK_RUNNING)
    return weft__fail(sim, WEFT_EINVAL,
                      "task %" PRIu32 " behind %" PRIu32 ": expected a send that has not begun",
                      task, dependency);
  if (before->state != TASK_DONE) wait_in(sim, &before->behind, task, before->state == TASK_FAILED);
  return WEFT_OK;
}

/* ---- running ---- */

static void release(weft_sim *sim, uint32_t e) {
  for (; e != WEFT_NONE; e = sim->work.task_edges.at[e].next) {
    const uint32_t next = sim->work.task_edges.at[e].task;
    if (--sim->work.tasks.at[next].waits == 0 && next < sim->work.next_task)
      sim->work.ready_tasks.at[sim->work.ready_tasks.n++] = next;
  }
}

/* All of a message has been sent. After a loss that may be told again. */
static void task_sent(weft_sim *sim, uint32_t index) {
  const uint32_t behind = sim->work.tasks.at[index].behind;
  sim->work.tasks.at[index].behind = WEFT_NONE;
  release(sim, behind);
}

static void task_done(weft_sim *sim, uint32_t index) {
  struct task *task = &sim->work.tasks.at[index];
  task->state = TASK_DONE;
  task->end_ps = sim->now;
  ++sim->stats.tasks_done;
  sim->fingerprint += hash_event(sim->now, EV_TASK, index);
  task_sent(sim, index);
  release(sim, task->edges);
}

static void send(weft_sim *sim, uint32_t index) {
  struct task *task = &sim->work.tasks.at[index];
  const weft_flow_def def = {.src = task->src,
                             .dst = task->dst,
                             .size_bytes = task->size_bytes,
                             .start_ps = sim->now,
                             .tag = task->tag,
                             .sport = task->sport,
                             .dport = task->dport};
  const uint32_t tells = FLOW_TELLS_END | (task->behind != WEFT_NONE ? FLOW_TELLS_SENT : 0);
  const int row = weft__flow_row(sim, &def, (struct flow_owner){index, 0, tells, 0});
  if (row < 0) {
    weft__no_memory(sim);
    return;
  }
  task->flow = (uint32_t)row;
  sim->engine->launch(sim, (uint32_t)row);
}

static void begin(weft_sim *sim, uint32_t index) {
  struct task *task = &sim->work.tasks.at[index];
  if (task->state == TASK_FAILED) {
    fail_what_waits(sim, index);
    return;
  }
  if (task->start_ps > sim->now) {
    task->state = TASK_SCHEDULED;
    event_at(sim, EV_TASK, index, task->start_ps);
    return;
  }
  task->state = TASK_RUNNING;
  task->begin_ps = sim->now;
  switch (task->kind) {
    case WEFT_TASK_COMPUTE:
      event_at(sim, EV_TASK, index, sim->now + weft__paced(sim, task->src, task->duration_ps));
      break;
    case WEFT_TASK_SEND:
      send(sim, index);
      break;
    case WEFT_TASK_COLLECTIVE:
      if (weft__collective_begin(sim, task->collective)) task_done(sim, index);
      break;
    default:
      task_done(sim, index);
      break;
  }
}

/* A list instead of recursion: a chain of barriers may be as long as the graph. It is worked off
 * in the order in which tasks became ready; what becomes ready meanwhile goes to its end. */
static void work_off_ready(weft_sim *sim) {
  for (uint32_t i = 0; i < sim->work.ready_tasks.n; ++i) begin(sim, sim->work.ready_tasks.at[i]);
  sim->work.ready_tasks.n = 0;
}

void weft__tasks_begin_new(weft_sim *sim) {
  for (; sim->work.next_task < sim->work.tasks.n; ++sim->work.next_task)
    if (sim->work.tasks.at[sim->work.next_task].waits == 0)
      sim->work.ready_tasks.at[sim->work.ready_tasks.n++] = sim->work.next_task;
  work_off_ready(sim);
}

/* ---- what flows tell ---- */

static void hear(weft_sim *sim, struct news news) {
  struct task *task = &sim->work.tasks.at[news.task];
  if (news.kind == NEWS_FAILED) {
    task->state = TASK_FAILED;
    fail_what_waits(sim, news.task);
  } else if (task->kind != WEFT_TASK_COLLECTIVE) {
    if (news.kind == NEWS_SENT)
      task_sent(sim, news.task);
    else
      task_done(sim, news.task);
  } else if (news.kind == NEWS_DONE) {
    if (weft__collective_arrived(sim, task->collective, news.part)) task_done(sim, news.task);
  } else {
    weft__collective_sent(sim, task->collective, news.part);
  }
}

/* What begins upon one may fail at once and tell: that is heard as well. */
void weft__work_hear(weft_sim *sim) {
  struct news news;
  for (uint32_t heard = 0; !sim->failed && flow_next_news(sim, &heard, &news);) {
    hear(sim, news);
    work_off_ready(sim);
  }
}

void weft__task_event(weft_sim *sim, uint32_t index) {
  if (sim->work.tasks.at[index].state == TASK_SCHEDULED)
    sim->work.ready_tasks.at[sim->work.ready_tasks.n++] = index;
  else
    task_done(sim, index);
  work_off_ready(sim);
}
