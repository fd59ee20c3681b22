/* Zones: the partitions of the active flows, kept up to date as flows start, end and change their
 * ways.
 *
 * Two flows are in one zone if they meet at a directed port, with data or ACKs: a zone owns its
 * ports, so that all packets there are its own and it can be simulated, or skipped, by itself
 * (Wormhole, Long et al., NSDI 2026, has data paths only, and thereby neglects that ACKs take 6 to
 * 9 % of a port). A start joins zones, the smaller to the larger; an end only notes that its zone
 * may have come apart, which is found out when the zone is next looked at (look.c). */
#include "accel/zone.h"

#include <string.h>

#include "accel/accel.h"
#include "transport/transport.h"

int weft__zones_init(weft_sim *sim) {
  const weft_config *config = &sim->config;
  if (!config->memoize && !config->fast_forward) return WEFT_OK;
  if (is_ns3(sim))
    return weft__fail(sim, WEFT_EINVAL,
                      "option %s: expected compat = none, whose events can be foreseen",
                      config->memoize ? "memoize" : "fast_forward");
  if (config->memoize && config->cc == WEFT_CC_SCRIPT)
    return weft__fail(sim, WEFT_EINVAL,
                      "option memoize: the state of a congestion control from outside cannot be "
                      "kept; expected an algorithm of the engine, or fast_forward alone");
  if (config->steady_samples > 0 && config->steady_samples < 4)
    return weft__fail(sim, WEFT_EINVAL, "option steady_samples: expected 0 or 4 to 64, got %u",
                      config->steady_samples);
  if (!pool_reserve(sim, sim->port_shares, sim->ports.n) ||
      !pool_reserve(sim, sim->zone_ports, sim->ports.n) ||
      !pool_reserve(sim, sim->node_visits, sim->nodes.n))
    return weft__fail(sim, WEFT_ENOMEM, "fabric: out of memory");
  memset(sim->port_shares.at, 0, sim->ports.n * sizeof *sim->port_shares.at);
  sim->port_shares.n = sim->ports.n;
  memset(sim->node_visits.at, 0, sim->nodes.n * sizeof *sim->node_visits.at);
  sim->node_visits.n = sim->nodes.n;
  weft__credit_init(sim);
  const struct colouring colouring = {.acks = WEFT_ACKS_ALL, .kept = 1};
  sim->memo_namespace = weft__graph_namespace(sim, &colouring);
  sim->accelerated = config->theta != 0;
  return WEFT_OK;
}

/* ---- zones and their members ---- */

void weft__zone_call(weft_sim *sim, uint32_t zone, weft_time at) {
  struct zone *z = &sim->zones.at[zone];
  if (z->event == at || z->phase == ZONE_FREE || sim->replaying) return;
  z->event = at;
  ++sim->zone_events;
  event_at(sim, EV_ZONE, zone, at);
}

void weft__zone_ask(weft_sim *sim, uint32_t zone, weft_time at) {
  sim->zones.at[zone].look = at;
  weft__zone_call(sim, zone, at);
}

void weft__zone_resume(weft_sim *sim, uint32_t zone, weft_time look) {
  sim->zones.at[zone].look = look;
  weft__zone_call(sim, zone, sim->now);
}

uint32_t weft__zone_new(weft_sim *sim) {
  uint32_t zone = sim->zones.n;
  if (sim->free_zones.n > 0) {
    zone = sim->free_zones.at[--sim->free_zones.n];
  } else {
    if (!pool_reserve(sim, sim->zones, zone + 1u) ||
        !pool_reserve(sim, sim->free_zones, zone + 1u) ||
        !pool_reserve(sim, sim->apart_zones, zone + 1u)) {
      weft__no_memory(sim);
      return WEFT_NONE;
    }
    sim->zones.n = zone + 1;
  }
  sim->zones.at[zone] = (struct zone){.since = sim->now,
                                      .event = -1,
                                      .look = LATEST_PS,
                                      .first = WEFT_NONE,
                                      .serial = sim->serials++,
                                      .phase = ZONE_LIVE};
  ++sim->acceleration.partitions;
  return zone;
}

static void free_zone(weft_sim *sim, uint32_t zone) {
  weft__memo_drop(sim, zone);
  sim->acceleration.transient_ps += sim->now - sim->zones.at[zone].since;
  zone_set_unarmed(sim, &sim->zones.at[zone], 0);
  sim->zones.at[zone].phase = ZONE_FREE;
  sim->zones.at[zone].event = -1;
  sim->free_zones.at[sim->free_zones.n++] = zone;
  --sim->acceleration.partitions;
}

static void link_member(weft_sim *sim, uint32_t zone, uint32_t slot) {
  struct zone *z = &sim->zones.at[zone];
  struct member *m = &sim->members.at[slot];
  m->zone = zone;
  if (z->first == WEFT_NONE) {
    z->first = m->next = m->prev = slot;
  } else {
    struct member *first = &sim->members.at[z->first];
    m->next = z->first;
    m->prev = first->prev;
    sim->members.at[first->prev].next = slot;
    first->prev = slot;
  }
  ++z->flows;
  z->draining += sim->flows.at[sim->tx.at[slot].row].received_ps >= 0;
  if (z->flows > sim->acceleration.largest_partition)
    sim->acceleration.largest_partition = z->flows;
}

static void unlink_member(weft_sim *sim, uint32_t slot) {
  struct member *m = &sim->members.at[slot];
  struct zone *z = &sim->zones.at[m->zone];
  if (m->next == slot) {
    z->first = WEFT_NONE;
  } else {
    if (z->first == slot) z->first = m->next;
    sim->members.at[m->prev].next = m->next;
    sim->members.at[m->next].prev = m->prev;
  }
  m->zone = WEFT_NONE;
  --z->flows;
  z->draining -= sim->flows.at[sim->tx.at[slot].row].received_ps >= 0;
}

/* Say whose the ports of a flow are. */
static void own_ports(weft_sim *sim, uint32_t slot, uint32_t zone, int users) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  for (uint32_t h = 0; h < n; ++h) {
    struct port_share *share = &sim->port_shares.at[path[h]];
    share->zone = zone;
    share->users += (uint32_t)users;
  }
}

void weft__zone_take(weft_sim *sim, uint32_t slot, uint32_t zone) {
  unlink_member(sim, slot);
  link_member(sim, zone, slot);
  own_ports(sim, slot, zone, 0);
}

/* Two zones that have met; returns what they are now. */
static uint32_t merge(weft_sim *sim, uint32_t a, uint32_t b) {
  const int a_stays = sim->zones.at[a].flows >= sim->zones.at[b].flows;
  const uint32_t to = a_stays ? a : b, from = a_stays ? b : a;
  while (sim->zones.at[from].flows > 0) weft__zone_take(sim, sim->zones.at[from].first, to);
  sim->zones.at[to].may_split |= sim->zones.at[from].may_split;
  sim->zones.at[to].disturbed |= sim->zones.at[from].disturbed;
  sim->zones.at[to].plain |= sim->zones.at[from].plain;
  if (sim->zones.at[from].unarmed) zone_set_unarmed(sim, &sim->zones.at[to], 1);
  free_zone(sim, from);
  return to;
}

/* Its flows are not what they were: forget samples and records under way, and look at it again. */
static void zone_changed(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (z->phase == ZONE_FREE) return; /* its flows have ended in a replay */
  WEFT_ASSERT(z->phase == ZONE_LIVE);
  weft__steady_begin(sim, zone);
  z->looked_up = 0;
  z->exact = 0;
  weft__memo_drop(sim, zone);
  weft__zone_ask(sim, zone, sim->now);
}

static int make_room(weft_sim *sim) {
  const uint32_t n = sim->tx.n, before = sim->members.n;
  const uint64_t samples = (uint64_t)n * (sim->steady_samples + 1);
  if (before >= n) return 1;
  if (!pool_reserve(sim, sim->members, n) || !pool_reserve(sim, sim->samples, samples)) {
    weft__no_memory(sim);
    return 0;
  }
  for (uint32_t i = before; i < n; ++i) sim->members.at[i] = (struct member){.zone = WEFT_NONE};
  sim->members.n = n;
  sim->samples.n = (uint32_t)samples;
  return 1;
}

/* Something has come to a zone that is parked. Its events up to `last` are handled by itself. */
static void wake(weft_sim *sim, uint32_t zone, weft_time last) {
  const uint32_t phase = sim->zones.at[zone].phase;
  if (phase == ZONE_FREE || phase == ZONE_LIVE) return;
  sim->acceleration.interruptions += phase != ZONE_APART;
  weft__unpark(sim, zone, last);
}

void weft__zone_join(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  uint32_t zone = WEFT_NONE;
  if (sim->steady_samples == 0) weft__steady_defaults(sim);
  if (!make_room(sim)) return;
  for (uint32_t h = 0; h < n; ++h) {
    const struct port_share *share = &sim->port_shares.at[path[h]];
    if (share->users == 0 || share->zone == zone) continue;
    wake(sim, share->zone, sim->now);
    if (share->users == 0) continue; /* all its flows have ended in a replay */
    weft__memo_close(sim, share->zone, 0);
    zone = zone == WEFT_NONE ? share->zone : merge(sim, zone, share->zone);
  }
  if (zone == WEFT_NONE) zone = weft__zone_new(sim);
  if (zone == WEFT_NONE) return;
  link_member(sim, zone, slot);
  own_ports(sim, slot, zone, 1);
  zone_changed(sim, zone);
}

void weft__zone_received(weft_sim *sim, uint32_t slot) {
  if (slot >= sim->members.n || sim->members.at[slot].zone == WEFT_NONE) return;
  struct zone *z = &sim->zones.at[sim->members.at[slot].zone];
  ++z->draining;
  zone_changed(sim, sim->members.at[slot].zone);
}

/* In a replay what is left in the private queue is asked for again, but not for ports that nobody
 * takes any more. The event of such a NIC would find nothing to send; a time of one that never
 * comes would keep the next flow from asking for its own. */
static void forget_wake(weft_sim *sim, uint32_t port) {
  if (sim->replaying && sim->port_shares.at[port].users == 0) sim->nics.at[port].wake = -1;
}

void weft__zone_leave(weft_sim *sim, uint32_t slot) {
  if (slot >= sim->members.n || sim->members.at[slot].zone == WEFT_NONE) return;
  const uint32_t zone = sim->members.at[slot].zone;
  own_ports(sim, slot, zone, -1);
  unlink_member(sim, slot);
  forget_wake(sim, sim->tx.at[slot].port);
  if (sim->zones.at[zone].flows == 0) {
    free_zone(sim, zone);
    return;
  }
  sim->zones.at[zone].may_split = 1;
  zone_changed(sim, zone);
}

void weft__zone_go_live(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (z->phase != ZONE_LIVE || !z->unarmed || sim->failed) return;
  zone_set_unarmed(sim, z, 0);
  weft__zone_list_ports(sim, zone);
  weft__zone_arm(sim, zone);
}

void weft__zone_wake_port(weft_sim *sim, uint32_t port) {
  if (!(sim->ports.at[port].flags & PORT_PARKED) || sim->replaying) return;
  const uint32_t zone = sim->port_shares.at[port].zone;
  struct zone *z = &sim->zones.at[zone];
  if (z->phase != ZONE_APART) z->look = sim->now + sim->steady_period;
  wake(sim, zone, sim->now - 1);
  z = &sim->zones.at[zone];
  weft__zone_go_live(sim, zone);
  if (z->look < LATEST_PS) weft__zone_call(sim, zone, z->look > sim->now ? z->look : sim->now);
}

void weft__zones_wake_all(weft_sim *sim) {
  for (uint32_t zone = 0; zone < sim->zones.n; ++zone) {
    wake(sim, zone, sim->now - 1);
    if (sim->zones.at[zone].phase == ZONE_FREE) continue;
    weft__zone_go_live(sim, zone);
    zone_changed(sim, zone);
    sim->zones.at[zone].disturbed = 1;
  }
}

void weft__zone_disturbed(weft_sim *sim, uint32_t port) {
  if (!sim->accelerated || sim->port_shares.at[port].users == 0) return;
  weft__zone_wake_port(sim, port);
  const uint32_t zone = sim->port_shares.at[port].zone;
  sim->zones.at[zone].disturbed = 1;
  weft__memo_drop(sim, zone);
}
