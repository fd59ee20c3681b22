/* Whether a partition can be parked, and until when.
 *
 * What is skipped must be all there and nothing else, and nothing may be under way to it: no pause,
 * no loss, no buffer near its threshold. How long is a matter of its own flows alone: their last
 * packets are simulated. */
#include <math.h>

#include "packet/accel/partitions/partitions.h"
#include "flow/flow.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "packet/rtt.h"

#define WHOLE 0.01 /* of a ps: how near to a whole number a time is that is one */

enum { LAST_PACKETS = 4 }; /* of a flow, sent packet by packet behind those under way */

/* ---- may it be parked? ---- */

static int port_refusal(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  const struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (port->flags & (PORT_LOSSY | PORT_DOWN) || cold->wire != 0) return WEFT_REFUSED_LOSSY;
  if (port->flags & PORT_PAUSED || cold->pausing || cold->storms > 0) return WEFT_REFUSED_PAUSED;
  if (sim->packet.buffers.at[port->from_node].tracked ||
      sim->packet.buffers.at[port->to_node].tracked)
    return WEFT_REFUSED_BUFFER;
  return -1;
}

/* All packets on the ports are the partition's, and all of the partition's are there. */
static int has_strays(const weft_sim *sim, uint32_t partition) {
  uint64_t there = 0, out = 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    there += port->tail - port->head;
    for (uint32_t k = port->head; k != port->tail; ++k) {
      const struct packet *packet = port_packet(sim, port, k);
      const int is_off = packet->hop == HOP_OFF_PATH || packet->flags & PACKET_NACK;
      if (is_off || sim->accel.members.at[packet->flow].partition != partition) return 1;
    }
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  out += sim->packet.tx_warm.at[slot].packets_out;
  return there != out;
}

static int is_recovering(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  /* What is lost is not known at once, but each packet under way makes one ACK that has to come. */
  const int lost = tx->next - tx->una != warm->packets_out;
  return lost || tx->flags & (TX_RESEND | TX_CUT_OFF) || tx->next < warm->highest ||
         warm->retries + warm->backoff > 0;
}

int weft__park_refusal(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  weft__partition_settle(sim, partition, sim->now);
  if (sim->packet.ack_capacity > 0 || p->plain) return WEFT_REFUSED_TRACE;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const int refusal = port_refusal(sim, sim->accel.partition_ports.at[i]);
    if (refusal >= 0) return refusal;
  }
  FOR_MEMBERS(slot, sim, p)
  if (is_recovering(sim, slot)) return WEFT_REFUSED_RECOVERY;
  return has_strays(sim, partition) ? WEFT_REFUSED_STRAYS : -1;
}

/* ---- how long? ---- */

/* When a flow that sends at its rate from `from` on, with so many packets sent until then, has only
 * its last ones left. */
static weft_time flow_end(const weft_sim *sim, uint32_t slot, weft_time from, uint32_t sent) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint64_t left = (uint64_t)tx->total - tx->next, keep = (uint64_t)sent + LAST_PACKETS;
  if (left <= keep) return from;
  const double time = (double)(left - keep) / sim->accel.members.at[slot].rate;
  return time < (double)(LATEST_PS - from) ? from + (weft_time)time : LATEST_PS;
}

weft_time weft__burst_rtt(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct tx *tx = &sim->packet.tx.at[slot];
  if (!sim->packet.cc->clocked) return 0;
  const weft_time rtt =
      weft__path_rtt(sim, path, tx->hops, path + tx->hops, sim->flow.slots.at[slot].ack_hops);
  const double line = (double)sim->packet.tx_warm.at[slot].line_bps / 8e12;
  return (double)tx->window < line * (double)rtt ? rtt : 0;
}

/* The time in which a flow sends its window once, or 0 if its packets don't come like a clock. */
static weft_time window_time(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->accel.members.at[slot];
  const uint32_t mtu = sim->config.mtu_bytes;
  const double time = (double)((sim->packet.tx.at[slot].window + mtu - 1) / mtu) / m->rate;
  return m->uncertainty > CLOCKWORK || fabs(time - round(time)) > WHOLE ? 0
                                                                        : (weft_time)round(time);
}

weft_time weft__park_beat(const weft_sim *sim, uint32_t partition) {
  weft_time beat = 0;
  int has_bursts = 0;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const weft_time time = window_time(sim, slot);
    if (time == 0 || (beat > 0 && time != beat)) return 0;
    beat = time;
    has_bursts |= weft__burst_rtt(sim, slot) > 0;
  }
  return has_bursts ? beat : 0;
}

weft_time weft__park_end(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const int by_memo = p->phase == PARTITION_MEMO;
  if (by_memo && (!sim->config.fast_forward || !weft__memo_is_steady(sim, partition)))
    return weft__memo_end(sim, partition);
  const weft_time from = by_memo                        ? weft__memo_end(sim, partition)
                         : p->phase == PARTITION_STEADY ? p->parked_at
                                                        : sim->now;
  weft_time end = LATEST_PS;
  FOR_MEMBERS(slot, sim, p) {
    const weft_time at = flow_end(sim, slot, from, by_memo ? weft__memo_sent(sim, slot) : 0);
    if (at < end) end = at;
  }
  const weft_time beat = end < LATEST_PS ? weft__park_beat(sim, partition) : 0;
  return beat > 0 ? end - (end - from) % beat : end;
}
