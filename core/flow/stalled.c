/* The watchdog: which flows make no progress. It compares what engines say of their progress with
 * the last time that it was asked, so that packets pay nothing for it. */
#include <inttypes.h>

#include "engine.h"
#include "flow/flow.h"

int weft_stalled(weft_sim *sim, weft_time patience_ps, uint32_t *rows, uint32_t capacity) {
  if (patience_ps < 1)
    return weft__fail(sim, WEFT_EINVAL, "stalled patience_ps: expected 1 or more, got %" PRId64,
                      patience_ps);
  if (!pool_reserve(sim, sim->flow.sightings, sim->flow.slots.n))
    return weft__fail(sim, WEFT_ENOMEM, "stalled: out of memory");
  for (; sim->flow.sightings.n < sim->flow.slots.n; ++sim->flow.sightings.n)
    sim->flow.sightings.at[sim->flow.sightings.n] = (struct sighting){.row = WEFT_NONE};
  uint32_t count = 0;
  for (uint32_t slot = 0; slot < sim->flow.slots.n; ++slot) {
    if (!sim->flow.slots.at[slot].active) continue;
    struct sighting *last = &sim->flow.sightings.at[slot];
    const uint32_t row = sim->flow.slots.at[slot].row;
    if (sim->flow.rows.at[row].fct_ps >= 0) continue; /* complete: only ACKs are missing */
    const uint64_t progress = sim->engine->progress != NULL ? sim->engine->progress(sim, slot)
                                                            : sim->engine->delivered(sim, slot);
    /* Slots are used again, and rows that are not kept: another flow has started since. */
    const weft_time start = sim->flow.rows.at[row].start_ps;
    if (last->row != row || start > last->since || last->progress != progress)
      *last = (struct sighting){sim->now, progress, row, 0};
    if (sim->now - (last->since > start ? last->since : start) < patience_ps) continue;
    if (count < capacity) rows[count] = row;
    ++count;
  }
  return (int)count;
}
