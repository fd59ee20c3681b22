/* The set of partitions: their numbers, the flows of each, whose the ports are, and when each is to
 * be looked at. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/transport/transport.h"

/* ---- when it is looked at ---- */

void weft__partition_call(weft_sim *sim, uint32_t partition, weft_time at) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->event == at || p->phase == PARTITION_FREE || sim->packet.replaying) return;
  p->event = at;
  ++sim->accel.events;
  event_at(sim, EV_PARTITION, partition, at);
}

void weft__partition_ask(weft_sim *sim, uint32_t partition, weft_time at) {
  sim->accel.partitions.at[partition].look = at;
  weft__partition_call(sim, partition, at);
}

void weft__partition_resume(weft_sim *sim, uint32_t partition, weft_time look) {
  sim->accel.partitions.at[partition].look = look;
  weft__partition_call(sim, partition, sim->now);
}

/* ---- numbers ---- */

uint32_t weft__partition_new(weft_sim *sim) {
  uint32_t partition = sim->accel.partitions.n;
  if (sim->accel.free_partitions.n > 0) {
    partition = sim->accel.free_partitions.at[--sim->accel.free_partitions.n];
  } else {
    if (!pool_reserve(sim, sim->accel.partitions, partition + 1u) ||
        !pool_reserve(sim, sim->accel.free_partitions, partition + 1u) ||
        !pool_reserve(sim, sim->accel.apart, partition + 1u)) {
      weft__no_memory(sim);
      return WEFT_NONE;
    }
    sim->accel.partitions.n = partition + 1;
  }
  sim->accel.partitions.at[partition] = (struct partition){.event = -1,
                                                           .look = LATEST_PS,
                                                           .first = WEFT_NONE,
                                                           .serial = sim->accel.serials++,
                                                           .phase = PARTITION_FREE};
  weft__partition_become(sim, partition, PARTITION_LIVE);
  return partition;
}

void weft__partition_free(weft_sim *sim, uint32_t partition) {
  weft__partition_become(sim, partition, PARTITION_FREE);
  sim->accel.free_partitions.at[sim->accel.free_partitions.n++] = partition;
}

/* ---- members and ports ---- */

void weft__partition_link(weft_sim *sim, uint32_t partition, uint32_t slot) {
  struct partition *p = &sim->accel.partitions.at[partition];
  struct member *m = &sim->accel.members.at[slot];
  m->partition = partition;
  if (p->first == WEFT_NONE) {
    p->first = m->next = m->prev = slot;
  } else {
    struct member *first = &sim->accel.members.at[p->first];
    m->next = p->first;
    m->prev = first->prev;
    sim->accel.members.at[first->prev].next = slot;
    first->prev = slot;
  }
  ++p->flows;
  p->draining += sim->flow.rows.at[sim->packet.tx.at[slot].row].received_ps >= 0;
  if (p->flows > sim->accel.totals.largest_partition)
    sim->accel.totals.largest_partition = p->flows;
}

void weft__partition_unlink(weft_sim *sim, uint32_t slot) {
  struct member *m = &sim->accel.members.at[slot];
  struct partition *p = &sim->accel.partitions.at[m->partition];
  if (m->next == slot) {
    p->first = WEFT_NONE;
  } else {
    if (p->first == slot) p->first = m->next;
    sim->accel.members.at[m->prev].next = m->next;
    sim->accel.members.at[m->next].prev = m->prev;
  }
  m->partition = WEFT_NONE;
  --p->flows;
  p->draining -= sim->flow.rows.at[sim->packet.tx.at[slot].row].received_ps >= 0;
}

/* Say whose the ports of a flow are. */
void weft__partition_own(weft_sim *sim, uint32_t slot, uint32_t partition, int users) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  for (uint32_t h = 0; h < n; ++h) {
    struct port_share *share = &sim->accel.port_shares.at[path[h]];
    share->partition = partition;
    share->users += (uint32_t)users;
  }
}

void weft__partition_take(weft_sim *sim, uint32_t slot, uint32_t partition) {
  weft__partition_unlink(sim, slot);
  weft__partition_link(sim, partition, slot);
  weft__partition_own(sim, slot, partition, 0);
}

void weft__partition_mark(weft_sim *sim, uint32_t partition, int parked) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    port->flags = (uint16_t)(parked ? port->flags | PORT_PARKED : port->flags & ~PORT_PARKED);
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    struct tx *tx = &sim->packet.tx.at[slot];
    tx->flags = (uint8_t)(parked ? tx->flags | TX_PARKED : tx->flags & ~TX_PARKED);
  }
}

void weft__partition_go_live(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase != PARTITION_LIVE || !p->unarmed || sim->failed) return;
  weft__partition_set_unarmed(sim, p, 0);
  weft__partition_list_ports(sim, partition);
  weft__partition_arm(sim, partition);
}
