/* Flows of a simulation that is worked on in parts (packet/domains): the view of a part has its own
 * count of flows under way and its own free slots; rows, slots and paths are the simulation's. */
#include "flow/flow.h"

void weft__flow_view_begin(weft_sim *view) {
  view->flow.active = 0;
}

int weft__flow_view_see(const weft_sim *sim, weft_sim *view) {
  view->flow.path_ports = sim->flow.path_ports;
  return pool_reserve(view, view->flow.free_slots, sim->flow.slots.n);
}

void weft__flow_move_active(weft_sim *from, weft_sim *to, uint32_t count) {
  from->flow.active -= count;
  to->flow.active += count;
}

uint32_t weft__flow_free_slot(const weft_sim *sim) {
  const uint32_t n = sim->flow.free_slots.n;
  return n > 0 ? sim->flow.free_slots.at[n - 1] : WEFT_NONE;
}

void weft__flow_move_free_slot(weft_sim *from, weft_sim *to) {
  if (from->flow.free_slots.n == 0) return;
  to->flow.free_slots.at[to->flow.free_slots.n++] =
      from->flow.free_slots.at[--from->flow.free_slots.n];
}
