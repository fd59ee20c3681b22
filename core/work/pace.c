/* How fast hosts compute: stragglers. */
#include <inttypes.h>

#include "fabric/fabric.h"
#include "work/work.h"

weft_time weft__paced(const weft_sim *sim, uint32_t host, weft_time duration_ps) {
  if (host >= sim->work.paces.n || sim->work.paces.at[host] == 1) return duration_ps;
  const double time = sim->work.paces.at[host] * (double)duration_ps;
  return time < (double)(LATEST_PS / 2) ? (weft_time)(time + 0.5) : LATEST_PS / 2;
}

void weft__pace_change(weft_sim *sim, const weft_host_change *change) {
  sim->work.paces.at[change->host] = change->factor;
}

int weft_host_schedule(weft_sim *sim, const weft_host_change *host) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "host change: call weft_fabric_ready first");
  if (host->host >= sim->fabric.nodes.n || sim->fabric.nodes.at[host->host].kind != WEFT_HOST)
    return weft__fail(sim, WEFT_EINVAL, "host change: expected a host, got node %" PRIu32,
                      host->host);
  if (!(host->factor >= 1e-3 && host->factor <= 1e6))
    return weft__fail(sim, WEFT_EINVAL, "host change: expected factor 1e-3 to 1e6, got %g",
                      host->factor);
  if (!pool_reserve(sim, sim->work.paces, sim->fabric.nodes.n))
    return weft__fail(sim, WEFT_ENOMEM, "host change: out of memory");
  for (; sim->work.paces.n < sim->fabric.nodes.n; ++sim->work.paces.n)
    sim->work.paces.at[sim->work.paces.n] = 1;
  const struct change change = {.kind = CHANGE_HOST, .of.host = *host};
  return weft__change_add(sim, &change, host->at_ps, 1);
}
