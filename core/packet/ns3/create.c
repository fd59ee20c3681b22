/* In what the ns-3 model differs, as values that others look at instead of at its name. */
#include "fabric/fabric.h"
#include "packet/ns3/ns3.h"

void weft__ns3_create(weft_sim *sim) {
  for (int i = 0; i < 2; ++i) sim->queues[i].whole_ns = 1;
  /* It has no timeout. What its runs show of this option stays what it was. */
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) sim->config.rto_ps = 1000000000;
  weft__fabric_restrict(sim, (struct fabric_limits){
                                 .fixed_by = "compat ns3",
                                 .counts_links = 1,
                                 .nvlink_first = sim->config.compat == WEFT_COMPAT_SIMAI,
                             });
}
