/* How soon can a flow of a partition be through, and is that near?
 *
 * Tasks answer to the end of a flow at once, so a partition must not be simulated beyond it, and
 * what is remembered ends right before it. Until the last packet is on its last wire only a bound
 * is known: line rate for what is not sent, propagation for the hops that are left. Asking again at
 * that bound finds the time after as many questions as there are hops, at most. Where a task waits
 * for the last packet to be sent there is no such exact time: then the present is the answer. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/memo.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

enum {
  CLOSE_PACKETS = 32, /* left when a record ends before a flow does: more than a hit asks for */
  NEXT_PACKETS = 16 /* of a port, among which one is looked for; behind them is later */
};

/* ---- at line rate ---- */

weft_time weft__line_time(const weft_sim *sim, uint32_t slot, double packets) {
  const double bits = 8.0 * full_frame(sim);
  const double line = (double)sim->fabric.ports.at[sim->packet.tx.at[slot].port].rate_bps;
  return sim->now + (weft_time)(packets > 0 ? packets * bits / line * 1e12 : 0);
}

weft_time weft__close_time(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  return weft__line_time(sim, slot, (double)(tx->total - tx->next) - CLOSE_PACKETS);
}

int weft__is_near_end(const weft_sim *sim, uint32_t slot) {
  return sim->flow.rows.at[sim->packet.tx.at[slot].row].received_ps >= 0 ||
         weft__close_time(sim, slot) < sim->now + sim->accel.steady_period;
}

int weft__has_near_end(const weft_sim *sim, uint32_t partition) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (weft__is_near_end(sim, slot)) return 1;
  return 0;
}

/* ---- by its last packet ---- */

/* The propagation of a part of a flow's path. */
static weft_time delay_of(const weft_sim *sim, const uint32_t *path, uint32_t from, uint32_t end) {
  weft_time sum = 0;
  for (uint32_t h = from; h < end; ++h) sum += sim->packet.ports.at[path[h]].delay_ps;
  return sum;
}

/* When a packet that is somewhere on path[from, end) will have crossed it, at the earliest: exactly
 * if it is among the next that a port delivers. */
static weft_time crossing(const weft_sim *sim, uint32_t slot, uint32_t from, uint32_t end,
                          uint32_t seq, uint32_t ack) {
  const uint32_t *path = slot_path(sim, slot);
  weft_time bound = LATEST_PS, behind = 0; /* propagation of the hops behind */
  for (uint32_t h = end; h-- > from; behind += sim->packet.ports.at[path[h]].delay_ps) {
    const struct port *port = &sim->packet.ports.at[path[h]];
    weft_time there = sim->now;
    for (uint32_t i = 0; i < port->tail - port->head; ++i) {
      const struct packet *packet = port_packet(sim, port, port->head + i);
      const int found =
          packet->flow == slot && packet->seq == seq && (packet->flags & PACKET_ACK) == ack;
      if (packet->arrive > there) there = packet->arrive;
      if (!found && i + 1 < NEXT_PACKETS) continue;
      if (there + behind < bound) bound = there + behind;
      if (found) return bound;
      break;
    }
  }
  return bound < LATEST_PS ? bound : sim->now; /* lost, or about to be sent again */
}

static weft_time flow_tail(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t hops = tx->hops;
  if (sim->flow.rows.at[tx->row].received_ps >= 0)
    return crossing(sim, slot, hops, weft__flow_ports(sim, slot, WEFT_ACKS_ALL), tx->total,
                    PACKET_ACK);
  if (tx->next == tx->total) return crossing(sim, slot, 0, hops, tx->total - 1, 0);
  const weft_time last = weft__line_time(sim, slot, (double)(tx->total - tx->next) - 1);
  if ((flow_wants(sim, tx->row) & FLOW_TELLS_SENT)) return last;
  return last + delay_of(sim, slot_path(sim, slot), 0, hops);
}

weft_time weft__tail_time(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  weft_time end = LATEST_PS;
  FOR_MEMBERS(slot, sim, p) {
    const weft_time at = flow_tail(sim, slot);
    if (at < end) end = at;
    if (end <= sim->now + 1) break; /* nothing could be done before */
  }
  return end;
}
