/* Zones apart: what is simulated is simulated zone by zone.
 *
 * A zone owns its ports and flows, so until something else comes to it, it can be simulated by
 * itself, and when does not matter: it is left where it is, and simulated in one go up to where it
 * is looked at, or up to the present when something comes to it. So its few flows stay in cache,
 * the main queue holds none of its events, and several zones can be simulated at the same time, on
 * several cores (crew.c). The result does not depend on how far which zone was taken when.
 *
 * Two things are in the way. Tasks answer to the end of a flow: so it is looked at not later than
 * one can end (tail.c). And zones share the buffers of switches, which count only near a threshold:
 * so no zone is apart at a switch that could come near one, if all its flows had all that their
 * windows allow there. */
#include "accel/accel.h"
#include "accel/zone.h"
#include "transport/transport.h"

enum {
  SHORTEST = 8, /* of a base round trip, for what is in the main queue already */
  LONGEST = 16, /* sample periods, so that a run can be interrupted */
  PAYS = 8 /* events for one that is made anew: then it was no loss */
};

/* ---- what may come together in a switch ---- */

/* All that a flow can have in the network, or too much for any switch. A packet is under way as
 * data or as its ACK, and the window is tested before a packet is sent. */
static uint64_t flow_load(const weft_sim *sim, uint32_t slot) {
  const uint64_t window = sim->tx_warm.at[slot].base_window, most = 1ull << 40;
  if (window >= most) return most;
  return (window / sim->config.mtu_bytes + 2) * full_frame(sim);
}

/* Does a path come through a node before its hop h? */
static int is_counted(const weft_sim *sim, const uint32_t *path, uint32_t h, uint32_t node) {
  while (h-- > 0)
    if (sim->ports.at[path[h]].from_node == node) return 1;
  return 0;
}

/* Its zones can no longer be sure of a switch. */
static void wake_apart(weft_sim *sim, const struct node *node) {
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->adjacency.at[node->first_port + i];
    const struct port_share *share = &sim->port_shares.at[out];
    if (share->users > 0 && sim->zones.at[share->zone].phase == ZONE_APART)
      weft__zone_wake_port(sim, out);
  }
}

void weft__node_loads_add(weft_sim *sim, uint32_t slot, int sign) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const uint64_t load = flow_load(sim, slot);
  for (uint32_t h = 0; h < n; ++h) {
    const uint32_t index = sim->ports.at[path[h]].from_node;
    const struct node *node = &sim->nodes.at[index];
    if (node->kind == WEFT_HOST || is_counted(sim, path, h, index)) continue;
    uint64_t *sum = &sim->node_loads.at[index];
    const int was_safe = *sum <= node->safe;
    *sum += sign > 0 ? load : -load;
    if (was_safe && *sum > node->safe && sim->apart_zones.n > 0) wake_apart(sim, node);
  }
}

/* ---- may it be apart? ---- */

static int is_calm_port(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->ports.at[index];
  const struct port_cold *cold = &sim->port_cold.at[index];
  const struct node *node = &sim->nodes.at[port->from_node];
  if (port->flags & (PORT_LOSSY | PORT_DOWN | PORT_PAUSED) || cold->wire != 0) return 0;
  if (cold->pausing || cold->storms > 0 || node->tracked) return 0;
  return node->kind == WEFT_HOST || sim->node_loads.at[port->from_node] <= node->safe;
}

/* Nothing is lost, all is where it belongs. */
static int is_calm(weft_sim *sim, uint32_t zone) {
  const uint32_t first = sim->zones.at[zone].first;
  weft__zone_settle(sim, zone, sim->now);
  for (uint32_t i = 0; i < sim->zone_ports.n; ++i)
    if (!is_calm_port(sim, sim->zone_ports.at[i])) return 0;
  uint32_t slot = first;
  do {
    if (weft__is_recovering(sim, slot)) return 0;
    slot = sim->members.at[slot].next;
  } while (slot != first);
  return 1;
}

static int is_possible(const weft_sim *sim) {
  return sim->config.cc != WEFT_CC_SCRIPT && sim->route_epoch <= 1 && sim->ack_capacity == 0 &&
         !is_selective(sim);
}

/* ---- apart ---- */

int weft__apart_begin(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (!is_possible(sim)) return 0;
  weft_time end = sim->now + LONGEST * sim->steady_period;
  if (z->look < end) end = z->look;
  const weft_time least = z->unarmed ? 1 : base_rtt(sim) / SHORTEST;
  if (end - sim->now < least) return 0;
  const weft_time tail = weft__tail_time(sim, zone);
  if (tail < end) end = tail;
  if (end - sim->now < least || !is_calm(sim, zone)) return 0;
  z->apart_cost = sim->zone_ports.n + z->flows; /* so many events are made anew */
  if (!weft__afford(sim, z->apart_cost)) return 0;
  weft__zone_mark(sim, zone, 1);
  z->phase = ZONE_APART;
  z->parked_at = sim->now;
  zone_set_unarmed(sim, z, 0);
  ++sim->parked;
  z->apart_index = sim->apart_zones.n;
  sim->apart_zones.at[sim->apart_zones.n++] = zone; /* there is room for all zones */
  weft__zone_call(sim, zone, end);
  return 1;
}

void weft__apart_catch_up(weft_sim *sim, uint32_t zone, weft_time last) {
  struct zone *z = &sim->zones.at[zone];
  if (z->phase != ZONE_APART || z->parked_at >= last) return;
  const uint64_t before = sim->stats.packet_hops;
  weft__zone_list_ports(sim, zone);
  weft__zone_mark(sim, zone, 0);
  z->phase = ZONE_LIVE;
  weft__replay(sim, zone, last);
  z = &sim->zones.at[zone];
  z->apart_hops += sim->stats.packet_hops - before;
  sim->apart_hops += sim->stats.packet_hops - before;
  if (z->phase == ZONE_FREE) {
    weft__apart_end(sim, zone);
    --sim->parked;
    return;
  }
  weft__zone_settle(sim, zone, last); /* ports may be fewer */
  weft__zone_mark(sim, zone, 1);
  z->phase = ZONE_APART;
  z->parked_at = last;
}

void weft__apart_end(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (z->apart_hops >= PAYS * z->apart_cost) sim->accel_credit += z->apart_cost;
  sim->apart_hops -= z->apart_hops;
  z->apart_hops = 0;
  const uint32_t last = sim->apart_zones.at[--sim->apart_zones.n];
  sim->apart_zones.at[z->apart_index] = last;
  sim->zones.at[last].apart_index = z->apart_index;
}

void weft__apart_catch_up_all(weft_sim *sim) {
  weft__crew_advance(sim, sim->now - 1);
  for (uint32_t i = sim->apart_zones.n; i-- > 0 && !sim->failed;)
    weft__apart_catch_up(sim, sim->apart_zones.at[i], sim->now);
}
