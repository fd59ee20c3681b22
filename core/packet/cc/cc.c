/* What all congestion controls share. */
#include "packet/cc/cc.h"

#include "base/options.h"
#include "packet/model.h"
#include "packet/sizes_i.h"

#define STEP_LINE_BPS ((uint64_t)100000000000) /* for which the default steps of rates are made */

__extension__ typedef unsigned __int128 wide;

void weft__cc_use(weft_sim *sim, const struct cc_ops *cc) {
  uint32_t size;
  const uint32_t due = weft__fields_find(&cc->state, FIELD_DUE, &size);
  sim->packet.cc = cc;
  sim->packet.cc_due = due / sizeof(uint64_t);
  sim->packet.cc_timers = size / sizeof(weft_time);
  const uint32_t header[] = {0, sim->config.int_bytes, TIMESTAMP_BYTES}; /* by enum cc_extra */
  sim->packet.cc_header = header[sim->packet.cc->extra];
  const weft_config *config = &sim->config;
  const int may_follow = !sim->packet.model->fixed_times; /* what the fabric is like */
  sim->packet.cc_stretches =
      may_follow && weft__options_are_default(config, config->cc, WEFT_UNIT_TIME);
  sim->packet.cc_step_grows =
      may_follow && weft__options_are_default(config, config->cc, WEFT_UNIT_RATE);
  sim->packet.ack_size = sim->packet.model->ack_size(sim);
}

/* A path has a port more than it has switches. */
uint32_t weft__cc_words(const struct cc_ops *cc, uint32_t path_ports) {
  const uint32_t switches = path_ports > 0 ? path_ports - 1 : 0;
  return (cc->state.size + switches * cc->hop.size) / (uint32_t)sizeof(uint64_t);
}

int weft__cc_is_described(const struct cc_ops *cc) {
  return weft__fields_add_up(&cc->state) && weft__fields_add_up(&cc->hop);
}

weft_time weft__cc_stretch(const weft_sim *sim, uint32_t slot, weft_time time,
                           weft_time reference) {
  const weft_time rtt = sim->packet.tx_warm.at[slot].base_rtt_ps;
  if (rtt <= reference || !sim->packet.cc_stretches) return time;
  return (weft_time)((wide)time * (wide)rtt / (wide)reference);
}

uint64_t weft__cc_step(const weft_sim *sim, uint32_t slot, uint64_t step_bps) {
  const uint64_t line = sim->packet.tx_warm.at[slot].line_bps;
  if (line <= STEP_LINE_BPS || !sim->packet.cc_step_grows) return step_bps;
  return (uint64_t)((wide)step_bps * line / STEP_LINE_BPS);
}

enum { STEPS_MOST = 1 << 20 }; /* behind which nothing is left */
#define ALPHA_NONE 1e-4 /* a cut of a rate by half of that is within any tolerance */

double weft__cc_decayed(double alpha, double g, double steps) {
  if (!(steps < STEPS_MOST)) return 0;
  double factor = 1 - g; /* its powers by squaring: the same wherever it is worked out */
  for (uint32_t left = (uint32_t)(steps + 0.5); left > 0; left /= 2, factor *= factor)
    if (left % 2) alpha *= factor;
  return alpha < ALPHA_NONE ? 0 : alpha;
}

void weft__cc_on_ack(weft_sim *sim, const struct packet *packet) {
  const struct cc_ops *cc = sim->packet.cc;
  const struct tx *tx = &sim->packet.tx.at[packet->flow];
  struct cc_ack ack = {.acked = seq_bytes(sim, tx, packet->seq),
                       .sent = seq_bytes(sim, tx, tx->next),
                       .ecn = packet->flags & PACKET_ECN,
                       .nack = packet->flags & PACKET_NACK};
  const int has_path_changed = packet->seq <= sim->packet.tx_warm.at[packet->flow].path_seq;
  const int has_stamp = cc->extra != CC_TIMESTAMP || !has_path_changed;
  if (!has_stamp && sim->packet.cc_swap != CC_SWAP_NONE) return; /* sent without, perhaps */
  if (packet->telemetry != 0) {
    const uint64_t block = (uint64_t)(packet->telemetry - 1) * sim->flow.path_ports;
    if (cc->extra == CC_TELEMETRY && !has_path_changed)
      ack.telemetry = &sim->packet.telemetry.at[block];
    ack.hops = tx->hops - 1u;
    ack.sent_at = sim->packet.telemetry.at[block].time;
  }
  cc->on_ack(sim, packet->flow, &ack);
}

/* Time of a full packet at a rate, ps. */
static weft_time packet_gap(const weft_sim *sim, uint64_t rate_bps) {
  const uint64_t bytes = full_frame(sim);
  return (weft_time)(8 * bytes * 1000000000000u / rate_bps);
}

void weft__cc_set_window(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  tx->window = warm->base_window;
  if (sim->config.window_mode != WEFT_WINDOW_RATE) return;
  uint64_t product; /* 128-bit division takes three times as long, and 16 Tbit x GB are rare */
  tx->window = __builtin_mul_overflow(warm->base_window, tx->rate_bps, &product)
                   ? (uint64_t)((wide)warm->base_window * tx->rate_bps / warm->line_bps)
                   : product / warm->line_bps;
  if (tx->window == 0) tx->window = 1;
}

uint64_t weft__cc_window_most(const weft_sim *sim) {
  const uint64_t memory = (uint64_t)sim->config.mtu_bytes << (BITMAP_CLASSES - 1);
  const uint64_t given = sim->config.window_bytes;
  return given != 0 && given < memory ? given : memory;
}

void weft__cc_set_cwnd(weft_sim *sim, uint32_t slot, uint64_t bytes) {
  const uint64_t most = weft__cc_window_most(sim);
  sim->packet.tx_warm.at[slot].base_window = bytes;
  sim->packet.tx.at[slot].window = bytes < most ? bytes : most; /* or more: weft__sack_permit() */
}

void weft__cc_pace(weft_sim *sim, uint32_t slot, uint64_t rate_bps) {
  struct tx *tx = &sim->packet.tx.at[slot];
  if (rate_bps == tx->rate_bps) return;
  tx->rate_bps = rate_bps;
  tx->gap_ps = packet_gap(sim, rate_bps);
}

void weft__cc_set_rate(weft_sim *sim, uint32_t slot, uint64_t rate_bps) {
  struct tx *tx = &sim->packet.tx.at[slot];
  if (rate_bps == tx->rate_bps) return;
  tx->rate_bps = rate_bps;
  tx->gap_ps = packet_gap(sim, rate_bps);
  weft__cc_set_window(sim, slot);
}

void weft__cc_rescale_rate(weft_sim *sim, uint32_t slot, uint64_t rate_bps) {
  struct tx *tx = &sim->packet.tx.at[slot];
  if (sim->packet.model->rescale != NULL) {
    sim->packet.model->rescale(sim, slot, rate_bps);
    weft__cc_set_rate(sim, slot, rate_bps);
    return;
  }
  const weft_time gap = tx->gap_ps;
  weft__cc_set_rate(sim, slot, rate_bps);
  if (tx->next_at > sim->now) tx->next_at += tx->gap_ps - gap;
}

void weft__cc_timer(weft_sim *sim, uint32_t slot, uint32_t timer, weft_time *due,
                    weft_time after_ps) {
  *due = sim->now + after_ps;
  ++sim->packet.cc_events;
  event_of_flow(sim, EV_CC, slot * CC_TIMERS + timer, sim->packet.tx.at[slot].row, *due);
}

void weft__cc_timer_event(weft_sim *sim, uint32_t slot, uint32_t timer) {
  --sim->packet.cc_events;
  const uint32_t flags = sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_PARKED);
  if (flags == TX_ACTIVE && timer < sim->packet.cc_timers && cc_due(sim, slot)[timer] == sim->now)
    sim->packet.cc->on_timer(sim, slot, timer);
  else
    event_is_stale(sim); /* restarted meanwhile, or of a former flow */
}
