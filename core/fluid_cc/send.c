/* NICs: which flow sends the next parcel. Round robin, as packet/transport/nic.c has it, over flows
 * whose window is open and whose pacing time has come; where several could send, each turn is as
 * much shorter, so that a round takes about as long as one parcel. */
#include "fluid_cc/fluid_cc.h"

/* A parcel is at most this part of what a flow has under way. */
enum { PARCELS_PER_WINDOW = 8 };

/* ... and at most this part of what it has sent before. */
enum { PARCELS_AT_FIRST = 4 };

/* A parcel of two has an inflow, and costs as much as two of one, which are exact. */
enum { PACKETS_WORTH_A_PARCEL = 3 };

static void wake_at(weft_sim *sim, uint32_t index, weft_time at) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->wake >= 0 && port->wake <= at) return;
  sim->fluid_cc.stale += port->wake >= 0;
  port->wake = at;
  event_at(sim, EV_FCC_NIC, index, at);
}

/* Packets of a parcel, of a flow that may send so many: a part of the window, and of what it sends
 * in an empty round trip if that is less, at an equal part of the NIC if that is; at first a part
 * of what it has sent, as the first ACKs of a burst decide what becomes of it. */
static uint32_t turn_of(const weft_sim *sim, const struct fcc_port *port,
                        const struct fcc_flow *flow, uint32_t room) {
  const double equal = port->rate / port->listed, own = flow->rate_bps / 8e12;
  const double trip = (own < equal ? own : equal) * (double)flow->base_rtt / sim->config.mtu_bytes;
  uint32_t n = flow->window;
  if (trip < n) n = (uint32_t)trip;
  n /= PARCELS_PER_WINDOW;
  if (n > flow->next / PARCELS_AT_FIRST) n = flow->next / PARCELS_AT_FIRST;
  if (n > sim->fluid_cc.most_n) n = sim->fluid_cc.most_n;
  if (n < PACKETS_WORTH_A_PARCEL) n = 1;
  return n < room ? n : room;
}

static uint32_t room_of(const struct fcc_flow *flow) {
  const uint32_t window = flow->window, out = flow->next - flow->una;
  const uint32_t left = flow->total - flow->next;
  const uint32_t room = window > out ? window - out : 0;
  return room < left ? room : left;
}

static int is_paced(const weft_sim *sim) {
  return !sim->fluid_cc.law->is_unpaced || sim->config.max_rate_bps != 0;
}

/* Time from packet to packet. */
static weft_time gap_of(const weft_sim *sim, const struct fcc_flow *flow, uint32_t port,
                        uint32_t room) {
  const uint32_t frame = sim->config.mtu_bytes + flow->headers;
  weft_time gap = fcc_wire_time(sim, port, frame);
  if (is_paced(sim)) {
    const weft_time grain = sim->fabric.limits.grain_ps;
    weft_time pace = fcc_time(frame * 8e12 / flow->rate_bps);
    if (grain != 0) pace -= pace % grain;
    if (pace > gap) gap = pace;
  }
  if (room <= flow->acked_n && flow->ack_gap > gap) gap = flow->ack_gap; /* by the ACK clock */
  return gap;
}

/* What a NIC is sending for others as a parcel joins them: packet after packet of each in turn,
 * until one has no more. */
struct sharing {
  weft_time left; /* to be sent of theirs, on the wire */
  uint32_t flows;
};

static struct sharing sharing_of(const weft_sim *sim, const struct fcc_port *port) {
  struct sharing with = {port->free_at > sim->now ? port->free_at - sim->now : 0, 0};
  uint32_t slot = port->last;
  for (uint32_t i = 0; with.left > 0 && i < port->listed; ++i) {
    slot = sim->fluid_cc.flows.at[slot].list_next;
    with.flows += sim->fluid_cc.flows.at[slot].busy_until > sim->now;
  }
  if (with.left > 0 && with.flows == 0) with.flows = 1; /* of one that has nothing more to send */
  return with;
}

/* Until its first packet has its turn: behind a packet of each other flow if its last one has just
 * been sent, else anywhere in the round: behind what is left of the packet on the wire and, on
 * average, a packet of half of the others. */
static weft_time wait_for_turn(const struct sharing *with, weft_time share, weft_time packet,
                               int goes_on) {
  const weft_time each = share < packet ? share : packet;
  if (with->flows == 0) return 0;
  if (goes_on) return each * with->flows;
  return with->left % packet + each * (with->flows - 1) / 2;
}

/* Others are so much later, for one that has joined them. */
static void delay_others(weft_sim *sim, const struct fcc_port *port, uint32_t but, weft_time by,
                         weft_time packet) {
  uint32_t slot = port->last;
  for (uint32_t i = 0; by > 0 && i < port->listed; ++i) {
    slot = sim->fluid_cc.flows.at[slot].list_next;
    struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
    if (slot == but || flow->busy_until <= sim->now + packet) continue; /* its last has its turn */
    flow->busy_until += by;
    struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[flow->parcel];
    if (parcel->generation != flow->generation || parcel->slot != slot) continue;
    if (parcel->hop == 1)
      parcel->tail += by;
    else if (parcel->hop == 2 && sim->flow.slots.at[slot].hops > 1)
      weft__fcc_stretch(sim, slot_path(sim, slot)[1], flow->parcel, by);
  }
}

static void send(weft_sim *sim, uint32_t index, uint32_t slot, uint32_t room) {
  const uint32_t p = weft__fcc_parcel_take(sim);
  if (p == WEFT_NONE) return;
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t n = turn_of(sim, port, flow, room), seq = flow->next;
  const uint32_t frame = sim->config.mtu_bytes + flow->headers;
  const uint32_t last = seq + n == flow->total ? flow->last_bytes + flow->headers : frame;
  const uint32_t first = n == 1 ? last : frame;
  const double bytes = weft__fcc_bytes(sim, flow, seq, n);
  const struct sharing with = sharing_of(sim, port);
  const weft_time own = fcc_wire_time(sim, index, bytes),
                  delay = sim->fabric.ports.at[index].delay_ps;
  weft_time share = with.flows > 0 ? with.left / with.flows : 0,
            gap = gap_of(sim, flow, index, room);
  if (share > own) share = own;
  const weft_time shared = own + share * with.flows;
  const weft_time start = sim->now + wait_for_turn(&with, share, fcc_wire_time(sim, index, frame),
                                                   flow->busy_until == sim->now);
  const weft_time next_at = start + gap * n;
  if (gap < shared / n) gap = shared / n;
  const weft_time head = start + fcc_wire_time(sim, index, first) + delay;
  const weft_time tail = start + gap * (n - 1) + fcc_wire_time(sim, index, last) + delay;
  sim->fluid_cc.parcels.at[p] = (struct fcc_parcel){.bytes = bytes,
                                                    .under_way = 1,
                                                    .unmarked = 1,
                                                    .sent_at = start,
                                                    .sent_gap = gap,
                                                    .tail = tail,
                                                    .tail_left = -1,
                                                    .slot = slot,
                                                    .generation = flow->generation,
                                                    .seq = seq,
                                                    .n = n,
                                                    .first_bytes = first,
                                                    .last_bytes = last,
                                                    .in_port = WEFT_NONE,
                                                    .hop = 1};
  delay_others(sim, port, slot, share, fcc_wire_time(sim, index, frame));
  flow->parcel = p;
  flow->next += n;
  flow->next_at = next_at;
  flow->sent_from = start;
  flow->sent_gap = gap;
  flow->sent_n = n;
  flow->busy_until = sim->now + shared;
  port->free_at = sim->now + with.left + own;
  port->served += bytes;
  port->last = slot;
  ++sim->fluid_cc.parcels_sent;
  sim->fluid_cc.packets_sent += n;
  sim->fluid_cc.sent += bytes;
  event_at(sim, EV_FCC_HOP, p, head);
  if (flow->next < flow->total) return;
  if (!flow->told) weft__flow_tell(sim, flow->row, NEWS_SENT);
  flow->told = 1;
}

void weft__fcc_nic_add(weft_sim *sim, uint32_t slot) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[slot_path(sim, slot)[0]];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (flow->listed) return;
  flow->listed = 1;
  if (port->listed++ == 0) {
    port->last = flow->list_next = flow->list_prev = slot;
    return;
  }
  /* behind the one whose turn was last: it is the next, as nobody has waited for less */
  struct fcc_flow *last = &sim->fluid_cc.flows.at[port->last];
  flow->list_prev = port->last;
  flow->list_next = last->list_next;
  sim->fluid_cc.flows.at[last->list_next].list_prev = slot;
  last->list_next = slot;
}

void weft__fcc_nic_remove(weft_sim *sim, uint32_t slot) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[slot_path(sim, slot)[0]];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (!flow->listed) return;
  flow->listed = 0;
  --port->listed;
  sim->fluid_cc.flows.at[flow->list_prev].list_next = flow->list_next;
  sim->fluid_cc.flows.at[flow->list_next].list_prev = flow->list_prev;
  if (port->last == slot) port->last = flow->list_prev;
}

static weft_time may_send_at(const weft_sim *sim, const struct fcc_flow *flow) {
  return is_paced(sim) && flow->next_at > flow->busy_until ? flow->next_at : flow->busy_until;
}

/* A flow sends if it may now; else, and for what follows, when it may: INT64_MAX: not as things
 * are. */
static weft_time try_to_send(weft_sim *sim, uint32_t index, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  weft__fcc_law_catch_up(sim, slot);
  const uint32_t room = room_of(flow);
  if (room == 0) return INT64_MAX;
  const weft_time at = may_send_at(sim, flow);
  if (at > sim->now) return at;
  send(sim, index, slot, room);
  if (flow->next == flow->total) return flow->busy_until; /* to leave the list */
  return room_of(flow) > 0 ? may_send_at(sim, flow) : INT64_MAX;
}

/* All that may send now do so, each a parcel. */
void weft__fcc_nic_kick(weft_sim *sim, uint32_t index) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->paused || port->down || port->listed == 0) return;
  weft_time earliest = INT64_MAX;
  uint32_t slot = sim->fluid_cc.flows.at[port->last].list_next;
  for (uint32_t left = port->listed; left > 0 && !sim->failed; --left) {
    const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
    const uint32_t this = slot;
    slot = flow->list_next;
    if (flow->next == flow->total && flow->busy_until <= sim->now) {
      weft__fcc_nic_remove(sim, this); /* until then it had its turns */
      continue;
    }
    const weft_time at =
        flow->next == flow->total ? flow->busy_until : try_to_send(sim, index, this);
    if (at < earliest) earliest = at;
  }
  if (earliest != INT64_MAX) wake_at(sim, index, earliest);
}

void weft__fcc_nic_kick_flow(weft_sim *sim, uint32_t slot) {
  const uint32_t index = slot_path(sim, slot)[0];
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (port->paused || port->down || !flow->listed || flow->next == flow->total) return;
  const weft_time at = try_to_send(sim, index, slot);
  if (at != INT64_MAX) wake_at(sim, index, at);
}

void weft__fcc_nic_event(weft_sim *sim, uint32_t index) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->wake != sim->now) {
    --sim->fluid_cc.stale;
    event_is_stale(sim);
    return;
  }
  port->wake = -1;
  weft__fcc_nic_kick(sim, index);
}
