/* Flows that wait for their start: how they are added, and the start list, rows by start time and
 * ties by row. What has started is forgotten when more is added, so that a trace that is added
 * piece by piece takes no more than its rows. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "fabric/fabric.h"
#include "fabric/path.h"
#include "fabric/ways.h"
#include "flow/flow.h"

static int check_new(weft_sim *sim, const weft_flow_def *def) {
  int status = weft__flow_check(sim, def);
  if (status == WEFT_OK) status = weft__flow_check_terms(sim, def);
  if (status != WEFT_OK) return status;
  if (def->start_ps < sim->now || def->start_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "flow start_ps: expected %" PRId64 " (the present) to %" PRId64
                      ", got %" PRId64,
                      sim->now, (int64_t)LATEST_PS, def->start_ps);
  if (def->path_ports > 0) return WEFT_OK; /* links that are down may come back */
  const int hops = weft__route_hops(sim, def->src, def->dst);
  if (hops == WEFT_ENOROUTE && weft__ways_connect(sim, def->src, def->dst))
    return WEFT_OK; /* it may wait for a repair */
  return weft__path_check(sim, hops, def->src, def->dst);
}

static int make_room(weft_sim *sim, uint32_t count) {
  if (count > INT32_MAX - sim->flow.rows.n)
    return weft__fail(sim, WEFT_ELIMIT, "flow: expected at most %d in all, got %" PRIu64, INT32_MAX,
                      (uint64_t)sim->flow.rows.n + count);
  if (!pool_reserve(sim, sim->flow.starts, (uint64_t)sim->flow.starts.n + count) ||
      !pool_reserve(sim, sim->flow.rows, (uint64_t)sim->flow.rows.n + count))
    return weft__fail(sim, WEFT_ENOMEM, "flow: out of memory");
  return WEFT_OK;
}

/* There is room, but for terms. */
static int append(weft_sim *sim, const weft_flow_def *def) {
  if (!weft__flow_keep_terms(sim, sim->flow.rows.n, def))
    return weft__fail(sim, WEFT_ENOMEM, "flow: out of memory");
  const int row = weft__flow_row(sim, def, FLOW_OWNERLESS);
  sim->flow.starts.at[sim->flow.starts.n++] = (uint32_t)row;
  return row;
}

int weft_flow_add(weft_sim *sim, const weft_flow_def *def) {
  int status = check_new(sim, def);
  if (status >= 0) status = make_room(sim, 1);
  return status < 0 ? status : append(sim, def);
}

int weft_flows_add(weft_sim *sim, const weft_flow_def *defs, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const int status = check_new(sim, &defs[i]);
    if (status >= 0) continue;
    char message[sizeof sim->error];
    memcpy(message, sim->error, sizeof message);
    return weft__fail(sim, status, "flow %" PRIu32 ": %.200s", i, message);
  }
  const int status = make_room(sim, count);
  if (status < 0) return status;
  const uint32_t first = sim->flow.rows.n;
  for (uint32_t i = 0; i < count; ++i)
    if (append(sim, &defs[i]) < 0) return WEFT_ENOMEM;
  return (int)first;
}

/* ---- the start list ---- */

static int starts_before(const weft_sim *sim, uint32_t a, uint32_t b) {
  const weft_time ta = sim->flow.rows.at[a].start_ps, tb = sim->flow.rows.at[b].start_ps;
  return ta < tb || (ta == tb && a < b);
}

static void sift_start(const weft_sim *sim, uint32_t *at, uint32_t hole, uint32_t n) {
  const uint32_t row = at[hole];
  for (uint32_t child; (child = 2 * hole + 1) < n; hole = child) {
    if (child + 1 < n && starts_before(sim, at[child], at[child + 1])) ++child;
    if (!starts_before(sim, row, at[child])) break;
    at[hole] = at[child];
  }
  at[hole] = row;
}

int weft__flow_sort_starts(weft_sim *sim) {
  if (sim->flow.sorted_starts == sim->flow.starts.n) return WEFT_OK;
  uint32_t *at = sim->flow.starts.at;
  /* While any of them wait, there is an event for the first. */
  const weft_time armed = weft__flow_next_start(sim);
  /* Forget what has started, then heap sort in place the rest: no memory, no bad case. */
  const uint32_t n = sim->flow.starts.n - sim->flow.next_start;
  if (n > 0) memmove(at, at + sim->flow.next_start, n * sizeof *at);
  sim->flow.starts.n = sim->flow.sorted_starts = n;
  sim->flow.next_start = 0;
  uint32_t unsorted = 1;
  while (unsorted < n && starts_before(sim, at[unsorted - 1], at[unsorted])) ++unsorted;
  if (unsorted < n) {
    for (uint32_t i = n / 2; i-- > 0;) sift_start(sim, at, i, n);
    for (uint32_t end = n; end-- > 1;) {
      const uint32_t last = at[0];
      at[0] = at[end];
      at[end] = last;
      sift_start(sim, at, 0, end);
    }
  }
  if (n > 0 && sim->flow.rows.at[at[0]].start_ps != armed) weft__flow_arm_start(sim);
  return sim->failed;
}

void weft__flow_arm_start(weft_sim *sim) {
  const weft_time at = weft__flow_next_start(sim);
  if (at < INT64_MAX) event_at(sim, EV_START, 0, at);
}

weft_time weft__flow_next_start(const weft_sim *sim) {
  if (sim->flow.next_start == sim->flow.sorted_starts) return INT64_MAX;
  return sim->flow.rows.at[sim->flow.starts.at[sim->flow.next_start]].start_ps;
}

uint32_t weft__flow_take_start(weft_sim *sim) {
  return sim->flow.starts.at[sim->flow.next_start++];
}

void weft__flow_start_due(weft_sim *sim) {
  int started = 0;
  for (; weft__flow_next_start(sim) <= sim->now; started = 1)
    sim->engine->launch(sim, weft__flow_take_start(sim));
  if (started) weft__flow_arm_start(sim);
}
