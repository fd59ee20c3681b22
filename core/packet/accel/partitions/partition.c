/* Partitions: the partitions of the active flows, kept up to date as flows start, end and change
 * their ways.
 *
 * Two flows are in one partition if they meet at a directed port, with data or ACKs: a partition
 * owns its ports, so that all packets there are its own and it can be simulated, or skipped, by
 * itself (Wormhole, Long et al., NSDI 2026, has data paths only, and thereby neglects that ACKs
 * take 6 to 9 % of a port). A start joins partitions, the smaller to the larger; an end only notes
 * that its partition may have come apart, which is found out when the partition is next looked at
 * (look.c). */
#include "packet/accel/partitions/partitions.h"

#include "packet/accel/contention/contention.h"
#include "packet/cc/cc.h"
#include "packet/transport/transport.h"

/* Two partitions that have met; returns what they are now. */
static uint32_t merge(weft_sim *sim, uint32_t a, uint32_t b) {
  const int a_stays = sim->accel.partitions.at[a].flows >= sim->accel.partitions.at[b].flows;
  const uint32_t to = a_stays ? a : b, from = a_stays ? b : a;
  while (sim->accel.partitions.at[from].flows > 0)
    weft__partition_take(sim, sim->accel.partitions.at[from].first, to);
  sim->accel.partitions.at[to].may_split |= sim->accel.partitions.at[from].may_split;
  sim->accel.partitions.at[to].disturbed |= sim->accel.partitions.at[from].disturbed;
  sim->accel.partitions.at[to].plain |= sim->accel.partitions.at[from].plain;
  if (sim->accel.partitions.at[from].unarmed)
    weft__partition_set_unarmed(sim, &sim->accel.partitions.at[to], 1);
  weft__known_drop(sim, from);
  weft__partition_free(sim, from);
  return to;
}

/* Its flows are not what they were: forget samples and records under way, and look at it again. */
static void partition_changed(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase == PARTITION_FREE) return; /* its flows have ended in a replay */
  WEFT_ASSERT(p->phase == PARTITION_LIVE);
  weft__steady_begin(sim, partition);
  p->looked_up = 0;
  p->exact = 0;
  weft__known_drop(sim, partition);
  weft__partition_ask(sim, partition, sim->now);
}

static int make_room(weft_sim *sim) {
  const uint32_t n = sim->packet.tx.n, before = sim->accel.members.n;
  const uint64_t samples = (uint64_t)n * (sim->accel.steady_samples + 1);
  if (before >= n) return 1;
  if (!pool_reserve(sim, sim->accel.members, n) ||
      !pool_reserve(sim, sim->accel.samples, samples)) {
    weft__no_memory(sim);
    return 0;
  }
  for (uint32_t i = before; i < n; ++i)
    sim->accel.members.at[i] = (struct member){.partition = WEFT_NONE};
  sim->accel.members.n = n;
  sim->accel.samples.n = (uint32_t)samples;
  return 1;
}

/* Something has come to a partition that is parked. Its events up to `last` are handled by itself.
 */
static void wake(weft_sim *sim, uint32_t partition, weft_time last) {
  const uint32_t phase = sim->accel.partitions.at[partition].phase;
  if (phase == PARTITION_FREE || phase == PARTITION_LIVE) return;
  sim->accel.totals.interruptions += phase != PARTITION_APART;
  weft__partition_let_go(sim, partition, last);
}

void weft__partition_join(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  uint32_t partition = WEFT_NONE;
  if (sim->accel.steady_samples == 0) weft__steady_defaults(sim);
  if (!make_room(sim)) return;
  for (uint32_t h = 0; h < n; ++h) {
    const struct port_share *share = &sim->accel.port_shares.at[path[h]];
    if (share->users == 0 || share->partition == partition) continue;
    wake(sim, share->partition, sim->now);
    if (share->users == 0) continue; /* all its flows have ended in a replay */
    weft__known_close(sim, share->partition, 0);
    partition = partition == WEFT_NONE ? share->partition : merge(sim, partition, share->partition);
  }
  if (partition == WEFT_NONE) partition = weft__partition_new(sim);
  if (partition == WEFT_NONE) return;
  weft__partition_link(sim, partition, slot);
  weft__partition_own(sim, slot, partition, 1);
  partition_changed(sim, partition);
}

void weft__partition_received(weft_sim *sim, uint32_t slot) {
  if (slot >= sim->accel.members.n || sim->accel.members.at[slot].partition == WEFT_NONE) return;
  struct partition *p = &sim->accel.partitions.at[sim->accel.members.at[slot].partition];
  ++p->draining;
  partition_changed(sim, sim->accel.members.at[slot].partition);
}

/* In a replay what is left in the private queue is asked for again, but not for ports that nobody
 * takes any more. The event of such a NIC would find nothing to send; a time of one that never
 * comes would keep the next flow from asking for its own. */
static void forget_wake(weft_sim *sim, uint32_t port) {
  if (sim->packet.replaying && sim->accel.port_shares.at[port].users == 0)
    sim->packet.nics.at[port].wake = -1;
}

void weft__partition_leave(weft_sim *sim, uint32_t slot) {
  if (slot >= sim->accel.members.n || sim->accel.members.at[slot].partition == WEFT_NONE) return;
  const uint32_t partition = sim->accel.members.at[slot].partition;
  weft__partition_own(sim, slot, partition, -1);
  weft__partition_unlink(sim, slot);
  forget_wake(sim, sim->packet.tx.at[slot].port);
  if (sim->accel.partitions.at[partition].flows == 0) {
    weft__known_drop(sim, partition);
    weft__partition_free(sim, partition);
    return;
  }
  sim->accel.partitions.at[partition].may_split = 1;
  partition_changed(sim, partition);
}

void weft__partition_wake_port(weft_sim *sim, uint32_t port) {
  if (!(sim->packet.ports.at[port].flags & PORT_PARKED) || sim->packet.replaying) return;
  const uint32_t partition = sim->accel.port_shares.at[port].partition;
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase != PARTITION_APART) p->look = sim->now + sim->accel.steady_period;
  wake(sim, partition, sim->now - 1);
  p = &sim->accel.partitions.at[partition];
  weft__partition_go_live(sim, partition);
  if (p->look < LATEST_PS)
    weft__partition_call(sim, partition, p->look > sim->now ? p->look : sim->now);
}

void weft__partitions_wake_all(weft_sim *sim) {
  for (uint32_t partition = 0; partition < sim->accel.partitions.n; ++partition) {
    wake(sim, partition, sim->now - 1);
    if (sim->accel.partitions.at[partition].phase == PARTITION_FREE) continue;
    weft__partition_go_live(sim, partition);
    partition_changed(sim, partition);
    sim->accel.partitions.at[partition].disturbed = 1;
  }
}

void weft__partition_disturbed(weft_sim *sim, uint32_t port) {
  if (sim->accel.port_shares.at[port].users == 0) return;
  weft__partition_wake_port(sim, port);
  const uint32_t partition = sim->accel.port_shares.at[port].partition;
  sim->accel.partitions.at[partition].disturbed = 1;
  weft__known_drop(sim, partition);
}
