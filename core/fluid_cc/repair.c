/* The repair of losses, as packet/transport has it: a receiver drops what comes behind a gap and
 * reports it once, the sender goes back to it; what no report tells of is mended by the timer. That
 * of packets runs whenever something is out, and does nothing where nothing is lost; here it runs
 * from the first loss on. */
#include "base/rng_i.h"
#include "fluid_cc/fluid_cc.h"

/* packet/transport/rto.c */
enum { BACKOFF_MAX = 6 };
#define RTO_MIN ((weft_time)320000000)
#define RTO_FIRST ((weft_time)1000000000)

static weft_time later(weft_time a, weft_time b) {
  return a > b ? a : b;
}

static weft_time heard_at(const struct fcc_flow *flow) {
  return flow->una > 0 ? flow->fed_at : flow->since;
}

weft_time weft__fcc_timeout(const weft_sim *sim, const struct fcc_flow *flow) {
  const int fixed = sim->config.rto_ps > 0, heard = flow->una > 0;
  const weft_time given = fixed ? sim->config.rto_ps : heard ? RTO_MIN : RTO_FIRST;
  const weft_time least = later(given, (heard ? 2 : 3) * flow->empty_rtt);
  const weft_time rto = later(least, flow->rtt + 4 * flow->rtt_deviation);
  if (flow->retries == 0) return rto;
  const uint32_t doublings = flow->retries < BACKOFF_MAX ? flow->retries : BACKOFF_MAX;
  const uint64_t n = (uint64_t)flow->una << 16 | (flow->retries & 0xffff);
  const double part = rng_uniform(sim->config.seed, RNG_TIMEOUT, flow->row, n);
  return (rto << doublings) + (weft_time)(part * (double)((rto << doublings) / 2));
}

/* ---- the timer ---- */

static void arm(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_time since = later(heard_at(flow), flow->restarted_at);
  const weft_time look = sim->config.rto_ps > 0 ? sim->config.rto_ps : RTO_MIN;
  weft_time at = INT64_MAX;
  if (sim->config.rto_ps != 0 && !weft__fcc_fixed_times(&sim->config))
    at = since + weft__fcc_timeout(sim, flow);
  const weft_time end = heard_at(flow) + sim->config.give_up_ps;
  if (sim->config.give_up_ps != 0 && end < at) at = end;
  if (at == INT64_MAX) return;
  if (at > sim->now + look) at = sim->now + look; /* it is shorter once something has been heard */
  flow->rto_event = later(at, sim->now);
  event_of_flow(sim, EV_FCC_RTO, slot, flow->row, flow->rto_event);
}

void weft__fcc_has_lost(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  flow->gone = flow->lossy = 1;
  if (flow->rto_event < 0) arm(sim, slot);
}

void weft__fcc_disarm(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  sim->fluid_cc.stale += flow->rto_event >= 0;
  flow->rto_event = -1;
}

static void go_back(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (sim->config.recovery == WEFT_RECOVERY_NONE) return;
  if (flow->next > flow->lost_until) flow->lost_until = flow->next;
  flow->next = flow->una;
  flow->sent_n = 0;
  flow->gone = 0;
  weft__fcc_nic_add(sim, slot);
}

void weft__fcc_rto_event(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (!sim->flow.slots.at[slot].active || flow->rto_event != sim->now) {
    --sim->fluid_cc.stale;
    event_is_stale(sim);
    return;
  }
  flow->rto_event = -1;
  if (!flow->gone) {
    event_is_stale(sim);
    return;
  }
  if (sim->config.give_up_ps != 0 && heard_at(flow) + sim->config.give_up_ps <= sim->now) {
    weft__fcc_fail(sim, slot);
    return;
  }
  const weft_time since = later(heard_at(flow), flow->restarted_at);
  if (sim->config.rto_ps == 0 || since + weft__fcc_timeout(sim, flow) > sim->now) {
    event_is_stale(sim);
    arm(sim, slot);
    return;
  }
  ++sim->stats.timeouts;
  ++flow->retries;
  if (sim->config.recovery == WEFT_RECOVERY_NONE) {
    weft__fcc_fail(sim, slot);
    return;
  }
  flow->restarted_at = sim->now;
  go_back(sim, slot);
  weft__fcc_nic_kick_flow(sim, slot);
}

/* ---- the receiver ---- */

int weft__fcc_received(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  const uint32_t good = parcel->gap == 0 ? parcel->n : parcel->gap - 1;
  /* Parcels of a flow may pass one another by parts of a packet, which are no gaps. */
  const int is_late = flow->lossy && parcel->seq > flow->received;
  const int in_order = !is_late && good > 0;
  if (in_order && parcel->seq + good > flow->received) flow->received = parcel->seq + good;
  const int has_gap = parcel->n > good && parcel->seq + good >= flow->received;
  const int reports = (has_gap || is_late) && sim->config.recovery != WEFT_RECOVERY_NONE &&
                      flow->nack_for != flow->received + 1;
  parcel->acks = flow->received;
  parcel->nack = (uint8_t)reports;
  if (reports) flow->nack_for = flow->received + 1;
  parcel->n = in_order ? good : 1;
  return in_order || reports;
}

/* ---- the sender ---- */

/* One round trip at a time, smoothed as RFC 6298 has it; of what is sent again there is none. */
static void measure(struct fcc_flow *flow, weft_time rtt) {
  if (flow->una <= flow->rtt_seq) return;
  const weft_time off = rtt > flow->rtt ? rtt - flow->rtt : flow->rtt - rtt;
  const int first = flow->rtt == 0;
  flow->rtt_deviation = first ? rtt / 2 : (3 * flow->rtt_deviation + off) / 4;
  flow->rtt = first ? rtt : (7 * flow->rtt + rtt) / 8;
  flow->rtt_seq = flow->next;
}

void weft__fcc_acked(weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  if (parcel->acks > flow->una) {
    flow->una = parcel->acks;
    flow->fed_at = sim->now;
    flow->retries = 0;
    measure(flow, sim->now - parcel->sent_at);
    if (flow->next < flow->una) flow->next = flow->una; /* it had gone back too far */
    if (flow->next == flow->una) flow->gone = 0;
  }
  if (parcel->nack && parcel->acks == flow->una) go_back(sim, parcel->slot);
}
