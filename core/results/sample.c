/* Time series in bounded memory: all watches share one clock; when the bins are full, neighbours
 * are merged and the period doubles, so a run of any length fits and is covered from its
 * beginning. */
#include "results/results.h"

#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "flow/flow.h"

int weft_sample(weft_sim *sim, weft_time period_ps, uint32_t capacity) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "sample: call weft_fabric_ready first");
  if (sim->results.sample_period != 0)
    return weft__fail(sim, WEFT_ESTATE, "sample: already sampling");
  if (period_ps < 1)
    return weft__fail(sim, WEFT_EINVAL, "sample period_ps: expected 1 or more, got %" PRId64,
                      period_ps);
  if (capacity < 16 || capacity % 2 != 0 || capacity > 1u << 24)
    return weft__fail(sim, WEFT_EINVAL,
                      "sample capacity: expected an even number, 16 to 2^24, got %" PRIu32,
                      capacity);
  sim->results.sample_period = period_ps;
  sim->results.sample_start = sim->now;
  sim->results.sample_capacity = capacity;
  return WEFT_OK;
}

static uint64_t counter(weft_sim *sim, const struct watch *watch) {
  switch (watch->metric) {
    case WEFT_PORT_BYTES:
      return sim->engine->port_bytes(sim, watch->object);
    case WEFT_PORT_QUEUE:
      return sim->engine->port_queue(sim, watch->object);
    default:
      if (row_generation(sim, watch->object) != watch->generation)
        return watch->last; /* another flow's row by now */
      return weft__flow_delivered(sim, watch->object);
  }
}

int weft_watch(weft_sim *sim, int metric, uint32_t object) {
  if (sim->results.sample_period == 0)
    return weft__fail(sim, WEFT_ESTATE, "watch: call weft_sample first");
  if (metric < WEFT_PORT_BYTES || metric > WEFT_FLOW_BYTES)
    return weft__fail(sim, WEFT_EINVAL, "watch metric: expected 0 to 2, got %d", metric);
  if (metric == WEFT_PORT_QUEUE && !engine_can(sim, WEFT_CAN_QUEUES))
    return weft__engine_needs(sim, WEFT_CAN_QUEUES, "watch", "queues");
  const uint32_t count = metric == WEFT_FLOW_BYTES ? sim->flow.rows.n : 2 * weft_link_count(sim);
  if (object >= count)
    return weft__fail(sim, WEFT_EINVAL, "watch %s: expected less than %" PRIu32 ", got %" PRIu32,
                      metric == WEFT_FLOW_BYTES ? "flow" : "port", count, object);
  const uint32_t n = sim->results.watches.n;
  const uint64_t bins = (uint64_t)(n + 1) * sim->results.sample_capacity;
  if (bins > UINT32_MAX || !pool_reserve(sim, sim->results.watches, n + 1u) ||
      !pool_reserve(sim, sim->results.bins, bins))
    return weft__fail(sim, WEFT_ENOMEM, "watch: out of memory");
  const uint32_t first = sim->results.bins.n;
  memset(&sim->results.bins.at[first], 0, sim->results.sample_capacity * sizeof(uint64_t));
  sim->results.bins.n = (uint32_t)bins;
  struct watch watch = {.metric = (uint32_t)metric, .object = object, .first_bin = first};
  if (metric == WEFT_FLOW_BYTES) watch.generation = row_generation(sim, object);
  watch.last = counter(sim, &watch);
  sim->results.watches.at[n] = watch;
  sim->results.watches.n = n + 1;
  return (int)n;
}

/* Value of the running period up to now. */
static uint64_t sampled(weft_sim *sim, const struct watch *watch) {
  const uint64_t now = counter(sim, watch);
  if (watch->metric == WEFT_PORT_QUEUE) return now;
  return now > watch->last ? now - watch->last : 0; /* within a skip it was worked out */
}

static void merge_neighbours(weft_sim *sim) {
  const uint32_t half = sim->results.sample_capacity / 2;
  for (uint32_t w = 0; w < sim->results.watches.n; ++w) {
    uint64_t *bin = &sim->results.bins.at[sim->results.watches.at[w].first_bin];
    const int keep_larger = sim->results.watches.at[w].metric == WEFT_PORT_QUEUE;
    for (uint32_t i = 0; i < half; ++i) {
      const uint64_t a = bin[2 * i], b = bin[2 * i + 1];
      bin[i] = keep_larger ? (a > b ? a : b) : a + b;
    }
    memset(&bin[half], 0, half * sizeof *bin);
  }
  sim->results.sample_bins = half;
  sim->results.sample_period *= 2;
}

void weft__sample_arm(weft_sim *sim) {
  if (sim->results.sample_period == 0 || sim->results.sample_armed) return;
  weft_time next = sim->results.sample_start +
                   (weft_time)(sim->results.sample_bins + 1) * sim->results.sample_period;
  while (next < sim->now) { /* idle between two runs: empty bins */
    if (++sim->results.sample_bins == sim->results.sample_capacity) merge_neighbours(sim);
    next = sim->results.sample_start +
           (weft_time)(sim->results.sample_bins + 1) * sim->results.sample_period;
  }
  sim->results.sample_armed = 1;
  event_at(sim, EV_SAMPLE, 0, next);
}

void weft__sample_event(weft_sim *sim) {
  if (sim->engine->before_sample != NULL) sim->engine->before_sample(sim);
  for (uint32_t w = 0; w < sim->results.watches.n; ++w) {
    struct watch *watch = &sim->results.watches.at[w];
    sim->results.bins.at[watch->first_bin + sim->results.sample_bins] = sampled(sim, watch);
    const uint64_t now = counter(sim, watch);
    if (now > watch->last) watch->last = now;
  }
  if (++sim->results.sample_bins == sim->results.sample_capacity) merge_neighbours(sim);
  sim->results.sample_armed = 0;
  weft__sample_arm(sim);
}

int weft_series_get(weft_sim *sim, uint32_t index, weft_series *series) {
  if (index >= sim->results.watches.n)
    return weft__fail(sim, WEFT_EINVAL, "watch: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->results.watches.n, index);
  /* The period that has begun counts too; its sample will replace what is put here. */
  const weft_time closed =
      sim->results.sample_start + (weft_time)sim->results.sample_bins * sim->results.sample_period;
  struct watch *watch = &sim->results.watches.at[index];
  if (sim->now > closed)
    sim->results.bins.at[watch->first_bin + sim->results.sample_bins] = sampled(sim, watch);
  *series = (weft_series){.start_ps = sim->results.sample_start,
                          .period_ps = sim->results.sample_period,
                          .count = sim->results.sample_bins + (sim->now > closed),
                          .value = &sim->results.bins.at[sim->results.watches.at[index].first_bin]};
  return WEFT_OK;
}
