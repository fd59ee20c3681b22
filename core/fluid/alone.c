/* Classes that are alone on all ports of their way, which in a fabric that is not busy are most:
 * what they have follows from their ports, without filling, and nobody else has more or less of it.
 */
#include "fluid/fluid_i.h"

static struct fluid_port *port_of(const weft_sim *sim, uint32_t class, uint32_t hop) {
  return &sim->fluid.ports.at[fluid_members(sim, class)[hop].port];
}

int weft__fluid_is_alone(const weft_sim *sim, uint32_t class) {
  const uint32_t n = fluid_hops(&sim->fluid.shares.at[class]);
  uint32_t i = 0;
  while (i < n && port_of(sim, class, i)->count == 1) ++i;
  return i == n;
}

void weft__fluid_leave_empty(weft_sim *sim, uint32_t class) {
  for (uint32_t i = 0, n = fluid_hops(&sim->fluid.shares.at[class]); i < n; ++i) {
    struct fluid_port *port = port_of(sim, class, i);
    port->level = port->water = INFINITY;
    port->weights = port->rates = 0;
    port->rising = port->age = 0;
  }
}

/* What it asks of the port of a hop at level 1. */
static double load_of(const weft_sim *sim, const struct fluid_share *share, uint32_t hop) {
  return hop < share->hops ? share->load : share->load * sim->fluid.ack_load;
}

/* The port that is full first, if its cap is not before. */
static void bound(const weft_sim *sim, uint32_t class) {
  struct fluid_share *share = &sim->fluid.shares.at[class];
  const struct fluid_member *members = fluid_members(sim, class);
  double level = INFINITY;
  uint32_t at = FLUID_AT_CAP;
  for (uint32_t i = 0, n = fluid_hops(share); i < n; ++i) {
    const double own = port_of(sim, class, i)->rate / load_of(sim, share, i);
    if (own > level || (own == level && members[i].port > at)) continue;
    level = own;
    at = members[i].port;
  }
  const double cap = share->has_cap ? sim->fluid.classes.at[class].cap : INFINITY;
  share->at = cap <= level ? FLUID_AT_CAP : at;
  share->level = cap <= level ? cap : level;
}

void weft__fluid_fill_alone(weft_sim *sim, uint32_t class) {
  bound(sim, class);
  const struct fluid_share *share = &sim->fluid.shares.at[class];
  for (uint32_t i = 0, n = fluid_hops(share); i < n; ++i) {
    struct fluid_port *port = port_of(sim, class, i);
    const int is_full = share->at == fluid_members(sim, class)[i].port;
    const double load = load_of(sim, share, i);
    port->level = port->water = is_full ? share->level : INFINITY;
    port->weights = is_full ? load : 0;
    port->rates = is_full ? 0 : load * share->level;
    port->rising = (uint32_t)is_full;
    port->age = 0;
  }
}
