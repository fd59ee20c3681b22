/* The retransmission timer: when it runs, for how long, and what happens when it runs out.
 *
 * It runs while something of the flow is on its way: from the packet that left when nothing was, or
 * from the last progress. What waits in the flow's own NIC is not on its way.
 *
 * How long: RFC 6298 with the constants of a data centre. RTO = SRTT + 4 RTTVAR, at least RTO_MIN
 * and two empty round trips of the flow's own path; before the first sample three of these (what
 * the RFC makes of a first sample of one) and RTO_FIRST. RTO_MIN is the high timeout of IRN (Mittal
 * et al., SIGCOMM 2018): its longest path with one full buffer. Each repetition doubles it, up to
 * 64 times, and adds up to a half of it, drawn from the seed, so that retries don't keep step with
 * a link that flaps. A fixed rto is the least of SRTT + 4 RTTVAR instead.
 *
 * What happens (adaptive): a sender of ours can be told what a real one has to guess, whether
 * anything of what it has out is gone. The network holds a packet of the flow, data or ACK, for
 * each one that is not acknowledged; if it holds fewer, something was lost, and the flow sends
 * again. If not, the timer is put off until there is news: an ACK that is progress, or a packet of
 * the flow that goes without being any. So it never fires where nothing is lost, however long a
 * queue or a pause, and a flow that waits for ever costs no events.
 *
 * With several threads the news of a packet that is gone comes to the sender's domain at the end of
 * a window, which is no longer than any link of the path that leads to another domain. So the
 * question is put at one time and answered the longest delay of a link later, by what was gone at
 * the time of the question; the same for any number of threads.
 *
 * A flow whose way loses everything, as a link of it is down, has no use for its retries. They are
 * not simulated: it is cut off, and goes on within a timeout of the change that opens it again.
 * The same holds for one whose retries have come to nothing for long enough, such as those of a
 * sender by the clock into a deadlock. So flows that wait for ever don't keep a run alive. */
#include "base/rng_i.h"
#include "packet/port/port.h"
#include "packet/transport/selective.h"

enum {
  BACKOFF_MAX = 6, /* doublings ... */
  RETRIES_MAX = 12, /* ... up to so many retries without progress; then one more for each, */
  CHANCES = 256, /* or for so many where packets are lost by chance, */
  DOUBLINGS_MAX = 14, /* which end: 10 s of rto are 2 days */
  RETRIES_LAST = 18 /* retries where none are */
};

#define NEVER INT64_MAX
#define RTO_MIN ((weft_time)320000000) /* 320 us */
#define RTO_FIRST ((weft_time)1000000000) /* 1 ms */

static int is_fixed(const weft_sim *sim) {
  return sim->config.rto_ps >= 0;
}

/* ---- how long ---- */

static weft_time empty_rtt(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int hops = sim->packet.tx.at[slot].hops;
  return weft__path_rtt(sim, path, hops, path + hops, sim->flow.slots.at[slot].ack_hops);
}

static weft_time longest(weft_time a, weft_time b) {
  return a > b ? a : b;
}

static weft_time adaptive_rto(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const weft_time empty = empty_rtt(sim, slot);
  if (warm->rtt == 0) return longest(RTO_FIRST, 3 * empty);
  return longest(longest(RTO_MIN, 2 * empty), warm->rtt + 4 * warm->rtt_deviation);
}

/* Whether a packet may be lost on its way by chance. */
static int may_lose(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int ports = sim->packet.tx.at[slot].hops + sim->flow.slots.at[slot].ack_hops;
  for (int i = 0; i < ports; ++i) {
    const struct fabric_port *port = &sim->fabric.ports.at[path[i]];
    if (port->loss > 0 || port->impairment != 0) return 1;
  }
  return 0;
}

/* A function of where the flow is, so that neither threads nor forks need a counter for it. */
static double draw(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint64_t n = (uint64_t)tx->una << 16 | (sim->packet.tx_warm.at[slot].retries & 0xffff);
  return rng_uniform(sim->config.seed, RNG_TIMEOUT, tx->row, n);
}

static uint32_t doublings(const weft_sim *sim, uint32_t slot) {
  const uint32_t retries = sim->packet.tx_warm.at[slot].retries;
  if (retries < BACKOFF_MAX) return retries;
  if (retries <= RETRIES_MAX) return BACKOFF_MAX;
  const uint32_t more = retries - RETRIES_MAX;
  return BACKOFF_MAX + (may_lose(sim, slot) ? more / CHANCES : more);
}

static weft_time timeout_of(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t backoff = doublings(sim, slot);
  if (backoff > DOUBLINGS_MAX) return LATEST_PS;
  const weft_time least = is_fixed(sim)
                              ? longest(sim->config.rto_ps, warm->rtt + 4 * warm->rtt_deviation)
                              : adaptive_rto(sim, slot);
  const weft_time rto = least << backoff;
  if (backoff == 0) return rto;
  return rto + (weft_time)(draw(sim, slot) * (double)(rto / 2));
}

/* ---- when ---- */

/* Since when it has been running. */
static weft_time since(const struct tx_warm *warm) {
  return longest(warm->progress_at, warm->restarted_at);
}

/* Whether it ran out, and nothing has come of that yet. */
static int is_asked(const struct tx_warm *warm) {
  return warm->asked_at > since(warm);
}

/* Whether nothing is on its way that it could run for: the flow waits for its NIC. */
static int waits_to_send(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  if (tx->next == tx->una) return 1;
  return (tx->flags & TX_RESEND) && sim->packet.selective.at[slot].resend <= tx->una;
}

/* When it runs out, or what it waits for is due. */
static weft_time deadline(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps == 0) return NEVER;
  const int is_cut_off = sim->packet.tx.at[slot].flags & TX_CUT_OFF;
  if (is_cut_off || (is_asked(warm) && warm->answer_at >= 0))
    return warm->answer_at >= 0 ? warm->answer_at : NEVER;
  if (waits_to_send(sim, slot)) return NEVER;
  if (!is_asked(warm)) return since(warm) + timeout_of(sim, slot);
  return warm->gone_at >= 0 ? warm->gone_at + timeout_of(sim, slot) : NEVER;
}

weft_time weft__rto_deadline(const weft_sim *sim, uint32_t slot) {
  return deadline(sim, slot);
}

static weft_time gives_up_at(const weft_sim *sim, uint32_t slot) {
  if (sim->config.give_up_ps == 0) return NEVER;
  return sim->packet.tx_warm.at[slot].progress_at + sim->config.give_up_ps;
}

weft_time weft__rto_harms_at(const weft_sim *sim, uint32_t slot) {
  const weft_time end = gives_up_at(sim, slot);
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) return end;
  const weft_time at = deadline(sim, slot);
  return at < end ? at : end;
}

static void look_at(weft_sim *sim, uint32_t slot, weft_time at) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (at == NEVER || (warm->rto_event >= 0 && warm->rto_event <= at)) return;
  warm->rto_event = at; /* an event for later is stale */
  ++sim->packet.rto_events;
  event_of_flow(sim, EV_RTO, slot, sim->packet.tx.at[slot].row, at);
}

static void arm(weft_sim *sim, uint32_t slot) {
  const weft_time at = deadline(sim, slot), end = gives_up_at(sim, slot);
  const weft_time next = at < end ? at : end;
  look_at(sim, slot, next <= LATEST_PS ? next : NEVER);
}

/* No timeout is shorter, and what it exactly is need not be worked out before. */
void weft__rto_arm(weft_sim *sim, uint32_t slot) {
  if (is_ns3(sim)) return; /* that model has no timeout */
  if (sim->config.rto_ps == 0 || sim->config.give_up_ps != 0)
    arm(sim, slot);
  else
    look_at(sim, slot, sim->now + (is_fixed(sim) ? sim->config.rto_ps : RTO_MIN));
}

void weft__rto_shorten(weft_sim *sim, uint32_t slot) {
  if (sim->packet.tx_warm.at[slot].rto_event >= 0) arm(sim, slot);
}

/* ---- what happens ---- */

/* Send again what is not acknowledged. */
void weft__resend(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  if (sim->config.recovery == WEFT_RECOVERY_NONE) return;
  if (is_selective(sim)) {
    weft__selective_timeout(sim, slot);
    return;
  }
  tx->next = tx->una;
  if (!(tx->flags & TX_IN_LIST)) weft__nic_add(sim, slot);
}

/* Whether every packet of a port is lost, until something of it is changed. */
static int is_dead(const weft_sim *sim, uint32_t port) {
  return sim->fabric.ports.at[port].down || weft__wire_loses_all(sim, port);
}

static int has_dead(const weft_sim *sim, const uint32_t *ports, int count) {
  for (int i = 0; i < count; ++i)
    if (is_dead(sim, ports[i])) return 1;
  return 0;
}

/* A way back that is dead does not keep data from arriving: after some retries all of it has. */
static int is_way_dead(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int hops = sim->packet.tx.at[slot].hops;
  if (has_dead(sim, path, hops)) return 1;
  return sim->packet.tx_warm.at[slot].retries > RETRIES_MAX &&
         has_dead(sim, path + hops, sim->flow.slots.at[slot].ack_hops);
}

/* Whether retries are of no use. What a NIC holds while its link is down is sent at the repair. */
static int is_cut(const weft_sim *sim, uint32_t slot) {
  if (sim->fabric.ports.at[slot_path(sim, slot)[0]].down) return 0;
  if (is_way_dead(sim, slot)) return 1;
  return sim->packet.tx_warm.at[slot].retries > RETRIES_LAST && !may_lose(sim, slot);
}

void weft__rto_cut_off(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (!(tx->flags & TX_CUT_OFF)) ++sim->packet.cut_off;
  tx->flags |= TX_CUT_OFF;
  if (tx->flags & TX_IN_LIST) weft__nic_remove(sim, slot);
  warm->restarted_at = sim->now;
  warm->answer_at = -1;
}

void weft__rto_rejoin(weft_sim *sim, uint32_t slot) {
  if (sim->packet.tx.at[slot].flags & TX_CUT_OFF) --sim->packet.cut_off;
  sim->packet.tx.at[slot].flags &= (uint8_t)~TX_CUT_OFF;
}

static void go_on(weft_sim *sim, uint32_t slot) {
  weft__rto_rejoin(sim, slot);
  sim->packet.tx_warm.at[slot].restarted_at = sim->now;
  weft__resend(sim, slot);
  weft__nic_kick_flow(sim, slot);
}

static void time_out(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  ++sim->stats.timeouts;
  sim->fingerprint += hash_event(sim->now, EV_RTO, sim->packet.tx.at[slot].row);
  ++warm->retries;
  if (sim->config.recovery == WEFT_RECOVERY_NONE &&
      (sim->config.rto_ps == WEFT_RTO_ADAPTIVE || warm->retries > RETRIES_MAX))
    weft__flow_fail(sim, slot);
  else if (is_cut(sim, slot))
    weft__rto_cut_off(sim, slot);
  else
    go_on(sim, slot);
  if (sim->packet.tx.at[slot].flags & TX_ACTIVE) arm(sim, slot);
}

/* ---- whether anything is gone (adaptive) ---- */

static weft_time longest_delay(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int ports = sim->packet.tx.at[slot].hops + sim->flow.slots.at[slot].ack_hops;
  weft_time delay = 1;
  for (int i = 0; i < ports; ++i) delay = longest(delay, sim->packet.ports.at[path[i]].delay_ps);
  return delay;
}

static void ask(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t out = is_selective(sim) ? weft__selective_out(sim, slot) : tx->next - tx->una;
  warm->asked_at = sim->now;
  warm->answer_at = sim->now + longest_delay(sim, slot);
  warm->gone_at = -1;
  warm->missing = (int32_t)(out - warm->packets_out);
  arm(sim, slot);
}

static void answer(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  warm->answer_at = -1;
  if (warm->missing > 0) {
    time_out(sim, slot);
    return;
  }
  ++sim->stats.timeouts_put_off;
  arm(sim, slot);
}

void weft__rto_gone(weft_sim *sim, uint32_t slot, weft_time time) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t flags = sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_CUT_OFF);
  if (flags != TX_ACTIVE || !is_asked(warm)) return;
  if (time <= warm->asked_at) { /* late news, from another thread */
    ++warm->missing;
    return;
  }
  if (warm->gone_at >= 0 && warm->gone_at <= time) return;
  warm->gone_at = time;
  if (warm->answer_at < 0) arm(sim, slot);
}

/* ---- events ---- */

static int is_over(weft_sim *sim, uint32_t slot) {
  if (gives_up_at(sim, slot) > sim->now) return 0;
  sim->fingerprint += hash_event(sim->now, EV_RTO, sim->packet.tx.at[slot].row);
  weft__flow_fail(sim, slot);
  return 1;
}

void weft__rto_event(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  --sim->packet.rto_events;
  const int is_former = warm->rto_event != sim->now; /* of the slot's former flow, or put forward */
  if (is_former || (tx->flags & (TX_ACTIVE | TX_PARKED)) != TX_ACTIVE) {
    if (!is_former && !(tx->flags & TX_PARKED)) warm->rto_event = -1;
    event_is_stale(sim);
    return;
  }
  warm->rto_event = -1;
  if (is_over(sim, slot)) return;
  if (deadline(sim, slot) > sim->now) {
    event_is_stale(sim);
    arm(sim, slot);
  } else if (tx->flags & TX_CUT_OFF) {
    time_out(sim, slot);
  } else if (is_asked(warm) && warm->answer_at >= 0) {
    answer(sim, slot);
  } else if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) {
    ask(sim, slot);
  } else {
    time_out(sim, slot);
  }
}

/* ---- flows that are cut off ---- */

/* A flow that has never had a way begins when routing has found one. */
static int may_begin(weft_sim *sim, uint32_t slot) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  int hops;
  if (sim->packet.tx_warm.at[slot].highest > 0) return 0;
  return weft__flow_paths(sim, sim->packet.tx.at[slot].row, data, ack, &hops) > 0;
}

static void begin_all(weft_sim *sim, uint32_t first) {
  for (uint32_t slot = first, next; slot != WEFT_NONE; slot = next) {
    next = sim->packet.tx.at[slot].list_next;
    weft__rto_rejoin(sim, slot);
    weft__nic_add(sim, slot);
    weft__nic_kick_flow(sim, slot);
  }
}

/* The retries that were not simulated have been made; the next one is to come. A sender that can be
 * told of its way has not doubled its timeout for them: it is somewhere within one. */
static void wake(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    const double part = rng_uniform(sim->config.seed, RNG_TIMEOUT, row, (uint64_t)sim->now);
    warm->retries = 0;
    warm->answer_at = sim->now + 1 + (weft_time)(part * (double)adaptive_rto(sim, slot));
    arm(sim, slot);
    return;
  }
  if (warm->retries > RETRIES_MAX) warm->retries = RETRIES_MAX;
  weft_time at = warm->restarted_at + timeout_of(sim, slot);
  while (at <= sim->now) {
    warm->restarted_at = at;
    if (warm->retries < RETRIES_MAX) ++warm->retries;
    at += timeout_of(sim, slot);
  }
  warm->answer_at = at;
  arm(sim, slot);
}

void weft__rto_wake_all(weft_sim *sim) {
  uint32_t first = WEFT_NONE, last = WEFT_NONE;
  for (uint32_t slot = 0; sim->packet.cut_off > 0 && slot < sim->packet.tx.n; ++slot) {
    const int waits =
        (sim->packet.tx.at[slot].flags & TX_CUT_OFF) && sim->packet.tx_warm.at[slot].answer_at < 0;
    if (!waits || is_way_dead(sim, slot)) continue;
    if (may_begin(sim, slot))
      weft__list_by_row(sim, &first, &last, slot);
    else if (sim->packet.tx_warm.at[slot].highest > 0)
      wake(sim, slot);
  }
  begin_all(sim, first);
}
