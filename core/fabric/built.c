/* Ways in the fabric as it was built, whatever has failed since: for flows that start while there
 * is no way for them, and wait on the one that they would have.
 *
 * Rare, so nothing is kept between calls: a breadth-first search from the destination, against the
 * direction of travel, through switches only, ends at the source. The first of several ways. */
#include "fabric/fabric.h"
#include "fabric/path.h"

#include <string.h>

/* What the search knows of a node: the port that leads on from there, + 1. */
static int search(const weft_sim *sim, uint32_t from, uint32_t to, uint32_t *onward,
                  uint32_t *fifo) {
  uint32_t first = 0, last = 0;
  fifo[last++] = to;
  while (first < last && onward[from] == 0) {
    const uint32_t at = fifo[first++];
    if (at != to && sim->nodes.at[at].kind == WEFT_HOST) continue; /* hosts don't forward */
    const struct node *node = &sim->nodes.at[at];
    for (uint32_t i = 0; i < node->port_count; ++i) {
      const uint32_t out = sim->adjacency.at[node->first_port + i];
      const uint32_t next = sim->ports.at[out].to_node;
      if (next == to || onward[next] != 0) continue;
      onward[next] = (out ^ 1) + 1;
      fifo[last++] = next;
    }
  }
  return onward[from] != 0;
}

int weft__route_as_built(weft_sim *sim, uint32_t from, uint32_t to, uint32_t *ports) {
  const size_t bytes = 2ull * sim->nodes.n * sizeof(uint32_t);
  uint32_t *onward = weft__resize(sim, NULL, 0, bytes);
  if (onward == NULL) return WEFT_ENOMEM;
  memset(onward, 0, bytes);
  int hops = WEFT_ENOROUTE;
  if (search(sim, from, to, onward, onward + sim->nodes.n)) {
    hops = 0;
    for (uint32_t at = from; at != to && hops >= 0; at = sim->ports.at[onward[at] - 1].to_node) {
      if (hops == WEFT_PATH_MAX)
        hops = WEFT_ELIMIT;
      else
        ports[hops++] = onward[at] - 1;
    }
  }
  weft__resize(sim, onward, bytes, 0);
  return hops;
}

int weft_built_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports) {
  const int now = weft_path(sim, src, dst, flow, ports);
  if (now != WEFT_ENOROUTE) return now;
  const int hops = weft__route_as_built(sim, src, dst, ports);
  if (hops == WEFT_ENOMEM) return weft__fail(sim, hops, "path: out of memory");
  return weft__path_check(sim, hops, src, dst);
}
