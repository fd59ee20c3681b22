/* Ways of flows. A flow's number and the UDP ports that its row was given choose among ways that
 * are as good; a number without a row has a way too. */
#include <inttypes.h>

#include "fabric/ways.h"
#include "flow/flow.h"
#include "flow/path.h"

static struct flow_key key_of(const weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow,
                              int ack) {
  struct flow_key key = {src, dst, flow, 0, 0, ack};
  if (flow >= sim->flow.rows.n) return key;
  key.sport = sim->flow.rows.at[flow].sport;
  key.dport = sim->flow.rows.at[flow].dport;
  return key;
}

/* The way that a flow was given, or 0: none. Its ACKs take the other directions of its links. */
static int given_way(const weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                     uint32_t *ports) {
  const struct flow_terms *terms = weft__flow_terms(sim, flow);
  if (terms == NULL || sim->flow.rows.at[flow].src != src || sim->flow.rows.at[flow].dst != dst)
    return 0;
  const uint32_t *given = &sim->flow.given_ports.at[terms->first_port], n = terms->ports;
  for (uint32_t i = 0; i < n; ++i) ports[i] = ack ? given[n - 1 - i] ^ 1 : given[i];
  return (int)n;
}

int weft__route(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                uint32_t *ports) {
  if (sim->flow.terms.n > 0) {
    const int given = given_way(sim, src, dst, flow, ack, ports);
    if (given > 0) return given;
  }
  const struct flow_key key = key_of(sim, src, dst, flow, ack);
  return weft__ecmp_route(sim, &key, ports);
}

int weft__route_as_built(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                         uint32_t *ports) {
  const struct flow_key key = key_of(sim, src, dst, flow, ack);
  return weft__ecmp_route_as_built(sim, &key, ports);
}

uint32_t weft__route_next(weft_sim *sim, uint32_t node, uint32_t src, uint32_t dst, uint32_t flow,
                          int ack) {
  const struct flow_key key = key_of(sim, src, dst, flow, ack);
  return weft__ecmp_next(sim, &key, node);
}

/* ---- as asked for from outside ---- */

static int check_ends(weft_sim *sim, uint32_t src, uint32_t dst) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "path: call weft_fabric_ready first");
  const uint32_t ends[2] = {src, dst};
  for (int i = 0; i < 2; ++i)
    if (ends[i] >= sim->fabric.nodes.n || sim->fabric.nodes.at[ends[i]].kind != WEFT_HOST)
      return weft__fail(sim, WEFT_EINVAL, "%s: expected a host, got node %" PRIu32,
                        i == 0 ? "src" : "dst", ends[i]);
  if (src == dst)
    return weft__fail(sim, WEFT_EINVAL, "dst: expected another host than src %" PRIu32, src);
  return WEFT_OK;
}

int weft_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports) {
  const int status = check_ends(sim, src, dst);
  if (status != WEFT_OK) return status;
  return weft__path_check(sim, weft__route(sim, src, dst, flow, 0, ports), src, dst);
}

int weft_ack_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports) {
  const int status = check_ends(sim, src, dst);
  if (status != WEFT_OK) return status;
  return weft__path_check(sim, weft__route(sim, src, dst, flow, 1, ports), dst, src);
}

int weft_ideal_fct(weft_sim *sim, uint32_t src, uint32_t dst, uint64_t size, weft_time *fct_ps) {
  uint32_t ports[WEFT_PATH_MAX];
  if (size < 1) return weft__fail(sim, WEFT_EINVAL, "size_bytes: expected 1 or more, got 0");
  const int hops = weft_path(sim, src, dst, 0, ports);
  if (hops < 0) return hops;
  *fct_ps = weft__path_ideal(sim, ports, hops, size);
  return WEFT_OK;
}

int weft_built_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports) {
  const int now = weft_path(sim, src, dst, flow, ports);
  if (now != WEFT_ENOROUTE) return now;
  const int hops = weft__route_as_built(sim, src, dst, flow, 0, ports);
  if (hops == WEFT_ENOMEM) return weft__fail(sim, hops, "path: out of memory");
  return weft__path_check(sim, hops, src, dst);
}

int weft_reachable(weft_sim *sim, uint32_t src, uint32_t dst) {
  const int status = check_ends(sim, src, dst);
  return status != WEFT_OK ? status : weft__ways_connect(sim, src, dst);
}
