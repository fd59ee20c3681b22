/* Congestion control: one interface, one file per algorithm, named for its paper.
 *
 * An algorithm sees the ACKs of a flow and its own timers, and sets its rate; window and pacing
 * follow. Its state is a block of 64-bit words per slot, cleared at the flow's start, and described
 * (base/fields.h): who does not say what it holds cannot be accelerated.
 *
 * Rates are whole bit/s and every change rounds down, times are counted in ticks (cc_tick): ps, or
 * whole ns with compat ns3. So one source gives both the model in ps and, to the last bit, the
 * arithmetic of the HPCC ns-3 simulator (its DataRate is an integer, its Time whole ns). */
#ifndef WEFT_CC_H
#define WEFT_CC_H

#include "sim_i.h"
#include "base/fields.h"
#include "flow/flow.h"
#include "packet/model.h"
#include "packet/sizes_i.h"

enum { CC_TIMERS = 4 };

#define CC_THETA 0.05
#define CC_SWING 2

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
  int windowed; /* it sets the window itself, weft__cc_set_cwnd(); a rate of it is for pacing */
  int outside; /* it also knows what is not part of the simulation, and asks for it in order: so it
                  can't be remembered, nor run on several threads */
  uint32_t (*variant)(const weft_sim *sim); /* which of its tables, by the first; NULL: that */
  int (*ready)(weft_sim *sim); /* the fabric is closed: WEFT_OK or an error; NULL: always is */
  struct fields state; /* per slot */
  struct fields hop; /* behind it, per switch of the longest path; SENT: by that switch's port */
  void (*start)(weft_sim *sim, uint32_t slot); /* rate is line rate, window is full */
  void (*on_ack)(weft_sim *sim, uint32_t slot, const struct cc_ack *ack);
  void (*on_timeout)(weft_sim *sim, uint32_t slot); /* of the retransmission timer; NULL: nothing */
  void (*on_timer)(weft_sim *sim, uint32_t slot, uint32_t timer); /* NULL: has none */

  /* What acceleration asks; see docs/acceleration.md. */
  int clocked; /* rates never change, and what the window holds leaves as ACKs come back: in bursts,
                  if that is less than the way */
  int counts_hops; /* it reacts to how many switches a way has, besides its round trip */
  double theta; /* a rate that varies by less is steady; 0: CC_THETA */
  /* The time in which a rate swings, in base round trips of so many ps, at line rate with so many
   * packets in each; NULL: CC_SWING. */
  double (*swing)(const weft_config *config, double rtt_ps, double window_packets);
  /* What goes on in the state while rates stand still, for a time in which a flow sends so many
   * bytes; NULL: nothing. */
  void (*relax)(weft_sim *sim, uint32_t slot, weft_time time, uint64_t bytes);
};

/** Set sim->packet.cc, and what follows from it. */
void weft__cc_use(weft_sim *sim, const struct cc_ops *cc);

/** 64-bit words of state per slot, if paths have so many ports. */
uint32_t weft__cc_words(const struct cc_ops *cc, uint32_t path_ports);

/** Does it say what all of its state is? */
int weft__cc_is_described(const struct cc_ops *cc);

/** Hand an ACK that has arrived to the algorithm. */
void weft__cc_on_ack(weft_sim *sim, const struct packet *packet);

/** Set the window that base_window and the rate call for. */
void weft__cc_set_window(weft_sim *sim, uint32_t slot);

/** Set the window, bytes, of who is windowed; and the rate at which packets are paced. */
void weft__cc_set_cwnd(weft_sim *sim, uint32_t slot, uint64_t bytes);
void weft__cc_pace(weft_sim *sim, uint32_t slot, uint64_t rate_bps);

/** How many bytes from the oldest not acknowledged on a windowed flow may have sent: what `window`
 *  says, and what there is memory for. */
uint64_t weft__cc_window_most(const weft_sim *sim);

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

/** When its timers run out, cc_timers of them; -1: not running. */
static inline weft_time *cc_due(const weft_sim *sim, uint32_t slot) {
  return (weft_time *)cc_state(sim, slot) + sim->packet.cc_due;
}

/** Where a rate begins and ends: line rate, but a model may forget max_rate in these places. */
static inline uint64_t cc_nic_rate(const weft_sim *sim, uint32_t slot) {
  return sim->packet.model->forgets_max_rate
             ? sim->fabric.ports.at[sim->packet.tx.at[slot].port].rate_bps
             : sim->packet.tx_warm.at[slot].line_bps;
}

/** A default time of an algorithm, which is right for round trips up to `reference`: where the
 *  flow's base RTT is longer, longer in proportion. Times that were given stay as given. */
weft_time weft__cc_stretch(const weft_sim *sim, uint32_t slot, weft_time time, weft_time reference);

/** A default additive increase of TIMELY, which is for NICs up to 100 Gbit/s: of a faster one
 *  larger in proportion. Steps that were given stay as given. */
uint64_t weft__cc_step(const weft_sim *sim, uint32_t slot, uint64_t step_bps);

/** A memory of marks that decays by (1 - g) at each of so many steps. What is too little to matter
 *  to any rate is nothing, so that states become the same again. */
double weft__cc_decayed(double alpha, double g, double steps);

/** ps per tick. */
static inline weft_time cc_tick(const weft_sim *sim) {
  return sim->packet.model->tick_ps;
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
