/* Another congestion control from now on: flows under way begin anew with it, at line rate and with
 * a full window, as they do at their start. What is in the network stays; ACKs of packets that were
 * sent for the former one tell the new one nothing of the way (see path_seq). */
#include <string.h>

#include "engine.h"
#include "packet/cc/algorithms.h"
#include "packet/domains/domains.h"
#include "packet/hooks.h"
#include "packet/model.h"
#include "packet/packet.h"
#include "packet/transport/transport.h"

static int refuse(weft_sim *sim, int cc) {
  if (cc < 0 || cc >= WEFT_CC_COUNT)
    return weft__fail(sim, WEFT_EINVAL, "cc: expected 0 to %d, got %d", WEFT_CC_COUNT - 1, cc);
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "cc: call weft_fabric_ready first");
  if (!engine_can(sim, WEFT_CAN_PACKETS))
    return weft__engine_needs(sim, WEFT_CAN_PACKETS, "cc", "packets");
  if (sim->packet.model->fixed_times)
    return weft__fail(sim, WEFT_ESTATE, "cc: it cannot change with compat");
  if (accel_is_on(sim))
    return weft__fail(sim, WEFT_ESTATE, "cc: it cannot change with fast_forward or memoize");
  return WEFT_OK;
}

static void use(weft_sim *sim, int cc) {
  sim->config.cc = (uint32_t)cc;
  weft__cc_choose(sim);
}

int weft_sim_set_cc(weft_sim *sim, int cc) {
  int status = refuse(sim, cc);
  if (status != WEFT_OK) return status;
  const int before = (int)sim->config.cc;
  use(sim, cc);
  if (sim->packet.cc->ready != NULL) status = sim->packet.cc->ready(sim);
  if (status == WEFT_OK && !weft__senders_renew_cc(sim))
    status = weft__fail(sim, WEFT_ENOMEM, "cc: out of memory");
  if (status != WEFT_OK) {
    use(sim, before);
    return status;
  }
  weft__domains_free(sim); /* views know the former one; the next run makes new ones */
  weft__domains_forget(sim);
  sim->packet.cc_swap = CC_SWAP_DUE;
  sim->packet.fabric_rtt = 0; /* packets have another size */
  return WEFT_OK;
}

void weft__packet_swap_cc(weft_sim *sim) {
  if (sim->packet.cc_swap != CC_SWAP_DUE) return;
  sim->packet.cc_swap = CC_SWAP_DONE;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot)
    if (sim->packet.tx.at[slot].flags & TX_ACTIVE) weft__flow_renew_cc(sim, slot);
}
