/* Slots: small numbers for flows under way, and the paths that they take. They are used again, so
 * memory grows with the flows in flight. */
#include <string.h>

#include "engine.h"
#include "flow/path.h"
#include "flow/flow.h"

int weft__flow_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_hops) {
  const struct flow *flow = &sim->flow.rows.at[row];
  const int hops = weft__route(sim, flow->src, flow->dst, row, 0, data);
  *ack_hops = 0;
  if (sim->flow.is_one_way && sim->fabric.route_epoch == 0) return hops < 0 ? 0 : hops;
  *ack_hops = weft__route(sim, flow->src, flow->dst, row, 1, ack);
  return hops < 0 || *ack_hops < 0 ? 0 : hops;
}

/* A longer path than any before: rare, and only slots in use have one. */
int weft__slots_widen(weft_sim *sim, uint32_t path_ports) {
  const uint32_t old = sim->flow.path_ports;
  const uint64_t slots = sim->flow.slots.n;
  if (!pool_reserve(sim, sim->flow.paths, slots * 2 * path_ports) ||
      !sim->engine->slots(sim, (uint32_t)slots, path_ports))
    return 0;
  for (uint64_t i = slots; i-- > 0;) {
    uint32_t *path = &sim->flow.paths.at[i * 2 * path_ports];
    memmove(path, &sim->flow.paths.at[i * 2 * old], 2 * old * sizeof *path);
    memset(path + 2 * old, 0xff, 2 * (path_ports - old) * sizeof *path);
  }
  sim->flow.paths.n = (uint32_t)(slots * 2 * path_ports);
  sim->flow.path_ports = path_ports;
  return 1;
}

int weft__slot_take_path(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                         const uint32_t *ack, int ack_hops) {
  const uint32_t longest = (uint32_t)(hops > ack_hops ? hops : ack_hops);
  if (longest > sim->flow.path_ports && !weft__slots_widen(sim, longest)) return 0;
  uint32_t *path = slot_path(sim, slot);
  memset(path, 0xff, 2 * sim->flow.path_ports * sizeof *path); /* WEFT_NONE: nothing of an older */
  memcpy(path, data, (size_t)hops * sizeof *path);
  memcpy(path + hops, ack, (size_t)ack_hops * sizeof *path);
  sim->flow.slots.at[slot].hops = (uint8_t)hops;
  sim->flow.slots.at[slot].ack_hops = (uint8_t)ack_hops;
  return 1;
}

uint32_t weft__slot_take(weft_sim *sim, uint32_t row) {
  uint32_t slot;
  if (sim->flow.free_slots.n > 0) {
    slot = sim->flow.free_slots.at[--sim->flow.free_slots.n];
  } else {
    slot = sim->flow.slots.n;
    const uint64_t n = slot + 1ull;
    if (n > SLOTS_MOST) return WEFT_NONE;
    if (!pool_reserve(sim, sim->flow.slots, n) || !pool_reserve(sim, sim->flow.free_slots, n) ||
        !pool_reserve(sim, sim->flow.paths, n * 2 * sim->flow.path_ports) ||
        !sim->engine->slots(sim, (uint32_t)n, sim->flow.path_ports))
      return WEFT_NONE;
    sim->flow.slots.n = (uint32_t)n;
    sim->flow.paths.n = (uint32_t)n * 2 * sim->flow.path_ports;
  }
  sim->flow.slots.at[slot] = (struct slot){.row = row, .active = 1};
  return slot;
}

void weft__slot_free(weft_sim *sim, uint32_t slot) {
  sim->flow.free_slots.at[sim->flow.free_slots.n++] = slot;
  const uint32_t row = sim->flow.slots.at[slot].row;
  if ((flow_wants(sim, row) & FLOW_FORGETS) && sim->flow.rows.at[row].state != FLOW_FAILED)
    sim->flow.forgotten_rows.at[sim->flow.forgotten_rows.n++] = row;
}
