/* What a flow has put on the links of its way, worked out from what has arrived: no counter per
 * flow and port is kept while packets run. */
#include "flow/rows.h"
#include "packet/cc/cc.h"
#include "fabric/path.h"
#include "packet/transport/transport.h"

#include <inttypes.h>
#include <string.h>

/* The way in force while the flow is active, else the way that routing gives now. */
static int find_way(weft_sim *sim, uint32_t row, weft_flow_traffic *traffic) {
  const struct flow *flow = &sim->flow.rows.at[row];
  if (flow->state == FLOW_ACTIVE) {
    const uint32_t *path = slot_path(sim, flow->slot);
    traffic->data_hops = sim->packet.tx.at[flow->slot].hops;
    memcpy(traffic->data_ports, path, traffic->data_hops * sizeof *path);
    for (uint32_t i = traffic->data_hops; i < 2 * sim->flow.path_ports && path[i] != WEFT_NONE; ++i)
      traffic->ack_ports[traffic->ack_hops++] = path[i];
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
  const uint64_t payload = weft__flow_delivered(sim, row), mtu = sim->config.mtu_bytes;
  if (payload == 0) return WEFT_OK;
  const int status = find_way(sim, row, traffic);
  if (status != WEFT_OK) return status;
  const uint64_t packets = (payload + mtu - 1) / mtu;
  traffic->data_bytes = payload + packets * frame_headers(&sim->config, sim->packet.cc_header);
  traffic->ack_bytes = packets * weft__ack_size(sim);
  return WEFT_OK;
}
