/* Congestion control: one interface, one file per algorithm, named for its paper.
 *
 * An algorithm sees the ACKs of a flow and its own timers, and sets its rate; window and pacing
 * follow. Its state is a block of 64-bit words per slot, cleared at the flow's start.
 *
 * Rates are whole bit/s and every change rounds down, times are counted in ticks (cc_tick): ps, or
 * whole ns with compat ns3. So one source gives both the model in ps and, to the last bit, the
 * arithmetic of the HPCC ns-3 simulator (its DataRate is an integer, its Time whole ns). */
#ifndef WEFT_CC_H
#define WEFT_CC_H

#include "sim_i.h"
#include "packet/transport/transport.h"

enum { CC_TIMERS = 4 };

/** What packets carry for the algorithm. */
enum cc_extra { CC_NOTHING = 0, CC_TELEMETRY = 1, CC_TIMESTAMP = 2 };

/** What an ACK or NACK tells. */
struct cc_ack {
  uint64_t acked; /* bytes before the next packet that the receiver expects */
  uint64_t sent; /* bytes sent so far (that are not to be sent again) */
  int ecn; /* the data packet was marked */
  int nack; /* the packet after `acked` is missing */
  const struct telemetry *telemetry; /* CC_TELEMETRY: per switch of the present path, or NULL */
  uint32_t hops; /* entries of telemetry */
  weft_time sent_at; /* CC_TIMESTAMP: when the data packet was sent */
};

struct cc_ops {
  const char *name;
  enum cc_extra extra;
  int paced; /* packets leave no faster than the rate, besides the window */
  uint32_t (*state_words)(const weft_sim *sim, uint32_t path_ports); /* per slot */
  void (*start)(weft_sim *sim, uint32_t slot); /* rate is line rate, window is full */
  void (*on_ack)(weft_sim *sim, uint32_t slot, const struct cc_ack *ack);
  void (*on_timer)(weft_sim *sim, uint32_t slot, uint32_t timer); /* NULL: has none */

  /* For acceleration. What the state knows of the past moves: times by `time`, byte numbers of the
   * flow by `bytes`, counters of ports by port_shares[].bytes; NULL: it knows nothing of that. */
  void (*shift)(weft_sim *sim, uint32_t slot, weft_time time, uint64_t bytes);
  weft_time *(*due)(const weft_sim *sim, uint32_t slot); /* of its timers, NULL: has none */
  uint32_t timers;
};

extern const struct cc_ops weft__cc_window, weft__cc_dctcp, weft__cc_hpcc, weft__cc_dcqcn,
    weft__cc_timely, weft__cc_swift, weft__cc_script[WEFT_SCRIPT_NEEDS_COUNT];

/** Set sim->packet.cc and cc_header by the configuration and the script. */
void weft__cc_choose(weft_sim *sim);

/** Hand an ACK that has arrived to the algorithm. */
void weft__cc_on_ack(weft_sim *sim, const struct packet *packet);

/** Set the window that base_window and the rate call for. */
void weft__cc_set_window(weft_sim *sim, uint32_t slot);

/** Set the rate; the window follows. The caller has bounded it. */
void weft__cc_set_rate(weft_sim *sim, uint32_t slot, uint64_t rate_bps);

/** The same, and a pacing wait in progress is rescaled to the new rate. */
void weft__cc_rescale_rate(weft_sim *sim, uint32_t slot, uint64_t rate_bps);

/** Let a timer of the algorithm run out after `after_ps`; replaces one that is running. `due` is
 *  the algorithm's record of it, -1 when none runs. */
void weft__cc_timer(weft_sim *sim, uint32_t slot, uint32_t timer, weft_time *due,
                    weft_time after_ps);

/** EV_CC. */
void weft__cc_timer_event(weft_sim *sim, uint32_t slot, uint32_t timer);

static inline void *cc_state(const weft_sim *sim, uint32_t slot) {
  return &sim->packet.cc_state.at[(uint64_t)slot * sim->packet.cc_words];
}

/** Where a rate begins and ends: line rate, but the ns-3 model forgets max_rate in these places. */
static inline uint64_t cc_nic_rate(const weft_sim *sim, uint32_t slot) {
  return is_ns3(sim) ? sim->fabric.ports.at[sim->packet.tx.at[slot].port].rate_bps
                     : sim->packet.tx_warm.at[slot].line_bps;
}

/** A default time of an algorithm, which is right for round trips up to `reference`: where the
 *  flow's base RTT is longer, longer in proportion. Times that were given stay as given. */
weft_time weft__cc_stretch(const weft_sim *sim, uint32_t slot, weft_time time, weft_time reference);

/** ps per tick. */
static inline weft_time cc_tick(const weft_sim *sim) {
  return is_ns3(sim) ? 1000 : 1;
}

/** A rate from a product or quotient, rounded down. What is no number or beyond all rates becomes
 *  one that every bound cuts, as the conversion does on x86-64. */
static inline uint64_t cc_whole(double rate_bps) {
  if (!(rate_bps < 0x1p63)) return 1ull << 63;
  return rate_bps > 0 ? (uint64_t)rate_bps : 0;
}

static inline uint64_t cc_at_least(uint64_t rate_bps, uint64_t least) {
  return rate_bps < least ? least : rate_bps;
}

static inline uint64_t cc_at_most(uint64_t rate_bps, uint64_t most) {
  return rate_bps > most ? most : rate_bps;
}

#endif
