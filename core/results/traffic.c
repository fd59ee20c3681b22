/* What a flow has put on the links of its way, worked out from what has arrived: no counter per
 * flow and port is kept while packets run. */
#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "fabric/fabric.h"
#include "flow/path.h"
#include "flow/flow.h"

/* The way in force while the flow is active, else the way that routing gives now. */
static int find_way(weft_sim *sim, uint32_t row, weft_flow_traffic *traffic) {
  const struct flow *flow = &sim->flow.rows.at[row];
  if (flow->state == FLOW_ACTIVE) {
    const uint32_t *path = slot_path(sim, flow->slot);
    const struct slot *slot = &sim->flow.slots.at[flow->slot];
    traffic->data_hops = slot->hops;
    traffic->ack_hops = slot->ack_hops;
    memcpy(traffic->data_ports, path, slot->hops * sizeof *path);
    memcpy(traffic->ack_ports, path + slot->hops, slot->ack_hops * sizeof *path);
    return WEFT_OK;
  }
  const int hops = weft__route(sim, flow->src, flow->dst, row, 0, traffic->data_ports);
  const int back = weft__route(sim, flow->src, flow->dst, row, 1, traffic->ack_ports);
  if (hops < 0 || back < 0)
    return weft__path_check(sim, hops < 0 ? hops : back, flow->src, flow->dst);
  traffic->data_hops = (uint32_t)hops;
  traffic->ack_hops = (uint32_t)back;
  return WEFT_OK;
}

int weft_flow_generation(weft_sim *sim, uint32_t row) {
  if (row >= sim->flow.rows.n)
    return weft__fail(sim, WEFT_EINVAL, "flow: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->flow.rows.n, row);
  return (int)(row_generation(sim, row) & INT32_MAX);
}

int weft_flow_traffic_get(weft_sim *sim, uint32_t row, weft_flow_traffic *traffic) {
  memset(traffic, 0, sizeof *traffic);
  if (row >= sim->flow.rows.n)
    return weft__fail(sim, WEFT_EINVAL, "flow: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->flow.rows.n, row);
  const uint64_t payload = weft__flow_delivered(sim, row);
  if (payload == 0) return WEFT_OK;
  const int status = find_way(sim, row, traffic);
  if (status != WEFT_OK) return status;
  traffic->data_bytes = frames_bytes(&sim->config, 0, payload);
  if (sim->engine->wire_bytes != NULL)
    sim->engine->wire_bytes(sim, row, payload, &traffic->data_bytes, &traffic->ack_bytes);
  return WEFT_OK;
}
