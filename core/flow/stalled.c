/* The watchdog: which flows make no progress. It compares what has arrived with the last time that
 * it was asked, so that packets pay nothing for it. */
#include <inttypes.h>

#include "packet/hooks.h"
#include "packet/transport/transport.h"

int weft_stalled(weft_sim *sim, weft_time patience_ps, uint32_t *rows, uint32_t capacity) {
  if (patience_ps < 1)
    return weft__fail(sim, WEFT_EINVAL, "stalled patience_ps: expected 1 or more, got %" PRId64,
                      patience_ps);
  if (!pool_reserve(sim, sim->flow.sightings, sim->packet.tx.n))
    return weft__fail(sim, WEFT_ENOMEM, "stalled: out of memory");
  for (; sim->flow.sightings.n < sim->packet.tx.n; ++sim->flow.sightings.n)
    sim->flow.sightings.at[sim->flow.sightings.n] = (struct sighting){.row = WEFT_NONE};
  uint32_t count = 0;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    if (!(sim->packet.tx.at[slot].flags & TX_ACTIVE)) continue;
    struct sighting *last = &sim->flow.sightings.at[slot];
    const struct rx *rx = &sim->packet.rx.at[slot];
    /* Slots are used again, and rows that are not kept: another flow has started since. */
    const int other = last->row != rx->row || sim->flow.rows.at[rx->row].start_ps > last->since;
    const int parked = accel_goes_on_unseen(sim, slot);
    if (other || parked || last->next != rx->next)
      *last = (struct sighting){sim->now, rx->row, rx->next};
    /* All there, and only ACKs are missing: that is the sender's trouble, but trouble as well. */
    /* A row and its slot may be those of a former flow (weft__flow_row_to_forget). */
    const weft_time start = sim->flow.rows.at[rx->row].start_ps;
    if (sim->now - (last->since > start ? last->since : start) < patience_ps) continue;
    if (count < capacity) rows[count] = rx->row;
    ++count;
  }
  return (int)count;
}
