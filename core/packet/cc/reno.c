/* Reno (RFC 5681) with selective acknowledgement: the yardstick. Half the window at a loss, a
 * packet more in each round trip without one. With random loss p its rate is that of Mathis et al.
 * (CCR 1997): packets of 1 / RTT sqrt(3 / 2 p). What it shares with CUBIC is in tcp.c. */
#include "packet/cc/algorithms.h"
#include "packet/cc/tcp.h"

#define RENO_PART 0.5

static void start(weft_sim *sim, uint32_t slot) {
  weft__tcp_start(sim, slot, cc_state(sim, slot));
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct tcp *tcp = cc_state(sim, slot);
  const struct tcp_ack news = weft__tcp_read(sim, slot, tcp, ack);
  if (news.congested)
    weft__tcp_reduce(tcp, ack, RENO_PART);
  else if (!weft__tcp_slow_start(sim, tcp, ack, &news) && !tcp->recovers && news.limited)
    tcp->cwnd += news.fresh / tcp->cwnd;
  weft__tcp_apply(sim, slot, tcp);
}

static void on_timeout(weft_sim *sim, uint32_t slot) {
  struct tcp *tcp = cc_state(sim, slot);
  weft__tcp_timeout(sim, slot, tcp, RENO_PART);
  weft__tcp_apply(sim, slot, tcp);
}

/* The state is not described, so it cannot be accelerated: the window moves while the rate stands
 * still, and by the rate steady states are told. */
const struct cc_ops weft__cc_reno[1] = {{.name = "reno",
                                         .extra = CC_TIMESTAMP,
                                         .windowed = 1,
                                         .ready = weft__tcp_ready,
                                         .state = {.name = "reno", .size = sizeof(struct tcp)},
                                         .start = start,
                                         .on_ack = on_ack,
                                         .on_timeout = on_timeout}};
