/* What single flows are given: weights, rates that they never exceed, ways. */
#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "flow/flow.h"

static int has_terms(const weft_flow_def *def) {
  return def->path_ports != 0 || def->rate_bps != 0 || (def->weight != 0 && def->weight != 1);
}

/* One link after the other, from src to dst. */
static int check_path(weft_sim *sim, const weft_flow_def *def) {
  if (def->path_ports > WEFT_PATH_MAX)
    return weft__fail(sim, WEFT_ELIMIT, "flow path: expected at most %d links, got %" PRIu32,
                      WEFT_PATH_MAX, def->path_ports);
  uint32_t at = def->src;
  for (uint32_t i = 0; i < def->path_ports; ++i) {
    if (def->path[i] >= sim->fabric.ports.n)
      return weft__fail(sim, WEFT_EINVAL,
                        "flow path: expected a port below %" PRIu32 ", got %" PRIu32,
                        sim->fabric.ports.n, def->path[i]);
    const struct fabric_port *port = &sim->fabric.ports.at[def->path[i]];
    const int is_host = sim->fabric.nodes.at[at].kind == WEFT_HOST;
    if (port->from_node != at || (i > 0 && is_host))
      return weft__fail(sim, WEFT_EINVAL,
                        "flow path: expected port %" PRIu32 " to go on from %s %" PRIu32
                        ", got one of node %" PRIu32,
                        i + 1, is_host ? "host" : "node", at, port->from_node);
    at = port->to_node;
  }
  if (at == def->dst) return WEFT_OK;
  return weft__fail(sim, WEFT_EINVAL, "flow path: expected it to end at %" PRIu32 ", got %" PRIu32,
                    def->dst, at);
}

int weft__flow_check_terms(weft_sim *sim, const weft_flow_def *def) {
  if (!(def->weight == 0 || (def->weight >= 1e-6 && def->weight <= 1e6)))
    return weft__fail(sim, WEFT_EINVAL, "flow weight: expected 1e-06 to 1e+06, got %g",
                      def->weight);
  if (!has_terms(def)) return WEFT_OK;
  const char *what = def->path_ports != 0 ? "flow path"
                     : def->rate_bps != 0 ? "flow rate_bps"
                                          : "flow weight";
  const int status = weft__engine_needs(sim, WEFT_CAN_SHARES, what, "terms of single flows");
  if (status != WEFT_OK || def->path_ports == 0) return status;
  return check_path(sim, def);
}

int weft__flow_keep_terms(weft_sim *sim, uint32_t row, const weft_flow_def *def) {
  if (!has_terms(def)) return 1;
  const uint32_t first = sim->flow.given_ports.n;
  if (!pool_reserve(sim, sim->flow.terms, sim->flow.terms.n + 1u) ||
      !pool_reserve(sim, sim->flow.given_ports, (uint64_t)first + def->path_ports))
    return 0;
  if (def->path_ports > 0)
    memcpy(&sim->flow.given_ports.at[first], def->path, def->path_ports * sizeof *def->path);
  sim->flow.given_ports.n += def->path_ports;
  sim->flow.terms.at[sim->flow.terms.n++] =
      (struct flow_terms){.weight = def->weight == 0 ? 1 : def->weight,
                          .rate_bps = def->rate_bps,
                          .row = row,
                          .first_port = first,
                          .ports = def->path_ports};
  return 1;
}

const struct flow_terms *weft__flow_terms(const weft_sim *sim, uint32_t row) {
  uint32_t low = 0, high = sim->flow.terms.n;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (sim->flow.terms.at[middle].row < row)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == sim->flow.terms.n || sim->flow.terms.at[low].row != row) return NULL;
  return &sim->flow.terms.at[low];
}
