/* What Reno and CUBIC share.
 *
 * RFC 5681 with appropriate byte counting (RFC 3465, L = 8 as in RFC 9406), HyStart++ (RFC 9406),
 * loss as selective acknowledgement tells of it (transport/sack.c), or a NACK with the other
 * recoveries. The window grows only while it is what bounds the flow (RFC 7661, RFC 9438 section
 * 5.8): in slow start while more than half of it is used, later while all is. Deviations: every
 * packet is acknowledged; a flow always has something to send, so it never restarts from idle; and
 * a mark counts as a loss where tcp_ecn says so (RFC 3168; not RFC 8511's smaller reduction). */
#include "packet/cc/tcp.h"

#include <math.h>

#include "packet/sizes_i.h"

enum { GROWTH_MOST = 8, CONSERVATIVE_PART = 4, CONSERVATIVE_ROUNDS = 5, SAMPLES_LEAST = 8 };
#define THRESHOLD_LEAST ((weft_time)4000000000) /* 4 ms */
#define THRESHOLD_MOST ((weft_time)16000000000)
#define CWND_LEAST 2.0

int weft__tcp_ready(weft_sim *sim) {
  if (sim->packet.model->asked_order)
    return weft__fail(sim, WEFT_EINVAL,
                      "option cc: no simulator that compat stands for has %s; expected compat = "
                      "none",
                      sim->packet.cc->name);
  return WEFT_OK;
}

void weft__tcp_start(weft_sim *sim, uint32_t slot, struct tcp *tcp) {
  tcp->cwnd = sim->config.initial_window;
  tcp->ssthresh = INFINITY;
  weft__tcp_apply(sim, slot, tcp);
}

void weft__tcp_apply(weft_sim *sim, uint32_t slot, const struct tcp *tcp) {
  /* Of whole packets: part of one more would let it go. */
  weft__cc_set_cwnd(sim, slot, (uint64_t)tcp->cwnd * sim->config.mtu_bytes);
}

/* The first part holds for recoveries that count from the oldest packet not acknowledged. */
static double flight_before(const weft_sim *sim, uint32_t slot, const struct tcp *tcp,
                            const struct cc_ack *ack, double *fresh) {
  const double mtu = sim->config.mtu_bytes;
  if (sim->packet.recovery != WEFT_RECOVERY_SACK) {
    *fresh = (double)(ack->acked - tcp->acked) / mtu;
    return (double)(ack->sent - tcp->acked) / mtu;
  }
  const struct sack *sack = &sim->packet.sack.at[slot];
  *fresh = sack->fresh;
  return sack->flight;
}

/* In a round trip there are moments at which the window is not full, as its NIC is busy. So it
 * bounds the flow for a round trip behind each at which it is. */
static void note_peak(struct tcp *tcp, const struct cc_ack *ack, double flight) {
  if (ack->acked > tcp->peak_end) {
    tcp->last_peak = tcp->peak;
    tcp->peak = 0;
    tcp->peak_end = ack->sent;
  }
  if (flight > tcp->peak) tcp->peak = flight;
  if (flight + 2 > tcp->cwnd) tcp->full_end = ack->sent;
}

struct tcp_ack weft__tcp_read(const weft_sim *sim, uint32_t slot, struct tcp *tcp,
                              const struct cc_ack *ack) {
  struct tcp_ack news = {.rtt = ack->sent_at > 0 ? sim->now - ack->sent_at : 0};
  const double flight = flight_before(sim, slot, tcp, ack, &news.fresh);
  const int is_lost =
      sim->packet.recovery == WEFT_RECOVERY_SACK ? sim->packet.sack.at[slot].found > 0 : ack->nack;
  if (ack->acked > tcp->acked) tcp->timeouts = 0;
  tcp->acked = ack->acked;
  if (news.rtt > 0) tcp->rtt = tcp->rtt == 0 ? news.rtt : (7 * tcp->rtt + news.rtt) / 8;
  const int is_new = ack->acked >= tcp->recovery_end;
  if (is_new) tcp->recovers = 0;
  news.congested = is_new && (is_lost || (ack->ecn && sim->config.tcp_ecn));
  note_peak(tcp, ack, flight);
  news.limited = tcp->cwnd < tcp->ssthresh ? tcp->cwnd < 2 * fmax(tcp->peak, tcp->last_peak)
                                           : ack->acked <= tcp->full_end;
  return news;
}

/* ---- slow start ---- */

static weft_time threshold(const struct hystart *hystart) {
  const weft_time part = hystart->last_min / 8;
  if (part < THRESHOLD_LEAST) return THRESHOLD_LEAST;
  return part < THRESHOLD_MOST ? part : THRESHOLD_MOST;
}

/* A round is over: returns whether slow start is. */
static int next_round(struct hystart *hystart, const struct cc_ack *ack) {
  hystart->round_end = ack->sent;
  hystart->last_min = hystart->now_min;
  hystart->now_min = 0;
  hystart->samples = 0;
  return hystart->conservative > 0 && --hystart->conservative == 0;
}

static int is_over(struct hystart *hystart, const struct cc_ack *ack, weft_time rtt) {
  if (rtt <= 0) return 0;
  if (ack->acked > hystart->round_end && next_round(hystart, ack)) return 1;
  if (hystart->now_min == 0 || rtt < hystart->now_min) hystart->now_min = rtt;
  ++hystart->samples;
  if (hystart->samples < SAMPLES_LEAST || hystart->last_min == 0) return 0;
  if (hystart->conservative > 0) {
    if (hystart->now_min < hystart->baseline) hystart->conservative = 0; /* it was a mistake */
  } else if (hystart->now_min >= hystart->last_min + threshold(hystart)) {
    hystart->baseline = hystart->now_min;
    hystart->conservative = CONSERVATIVE_ROUNDS;
  }
  return 0;
}

int weft__tcp_slow_start(const weft_sim *sim, struct tcp *tcp, const struct cc_ack *ack,
                         const struct tcp_ack *news) {
  struct hystart *hystart = &tcp->hystart;
  if (tcp->cwnd >= tcp->ssthresh) return 0;
  if (sim->config.hystart && isinf(tcp->ssthresh) && is_over(hystart, ack, news->rtt)) {
    tcp->ssthresh = tcp->cwnd;
    return 0;
  }
  if (tcp->recovers || !news->limited) return 1;
  const double growth = news->fresh < GROWTH_MOST ? news->fresh : GROWTH_MOST;
  tcp->cwnd += hystart->conservative > 0 ? growth / CONSERVATIVE_PART : growth;
  if (tcp->cwnd > tcp->ssthresh) tcp->cwnd = tcp->ssthresh;
  return 1;
}

/* ---- congestion ---- */

void weft__tcp_reduce(struct tcp *tcp, const struct cc_ack *ack, double part) {
  tcp->ssthresh = fmax(tcp->cwnd * part, CWND_LEAST);
  tcp->cwnd = tcp->ssthresh;
  tcp->recovers = 1;
  tcp->recovery_end = ack->sent;
}

void weft__tcp_timeout(const weft_sim *sim, uint32_t slot, struct tcp *tcp, double part) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  if (tcp->timeouts++ == 0) tcp->ssthresh = fmax(tcp->cwnd * part, CWND_LEAST);
  tcp->cwnd = 1;
  tcp->recovers = 0;
  tcp->recovery_end = seq_bytes(sim, tx, tx->next);
}
