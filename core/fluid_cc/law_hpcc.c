/* HPCC, ACK by ACK in packet/cc/hpcc.c: the average over the ACKs of a parcel in one step. */
#include "fluid_cc/law.h"

/* (1 - part)^n, by squaring: the same wherever it is worked out. */
static double kept(double part, uint32_t n) {
  double result = 1;
  for (double factor = 1 - part; n > 0; n /= 2, factor *= factor)
    if (n % 2) result *= factor;
  return result;
}

/* The largest utilisation of a hop since the telemetry before, and over how long. */
static double measure(weft_sim *sim, uint32_t slot, uint32_t p, weft_time *over) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t *ports = slot_path(sim, slot);
  const uint32_t hops = sim->flow.slots.at[slot].hops - 1u, stride = sim->fluid_cc.path_ports;
  const double window = flow->base_window * 8 / flow->line_bps; /* T, s */
  double worst = 0;
  *over = 0;
  for (uint32_t i = 0; i < hops; ++i) {
    const struct fcc_telemetry *now = &sim->fluid_cc.telemetry.at[(uint64_t)p * stride + i];
    struct fcc_telemetry *last = &sim->fluid_cc.last_seen.at[(uint64_t)slot * stride + i];
    const double bps = (double)sim->fabric.ports.at[ports[i + 1]].rate_bps;
    const weft_time time = now->time - last->time;
    const double queue = now->queue < last->queue ? now->queue : last->queue;
    const double sent = (now->served - last->served) * 8e12 / (double)(time > 0 ? time : 1);
    const double u = sent / bps + queue * 8 / bps / window;
    *last = *now;
    if (flow->law.has_last && time > 0 && u > worst) {
      worst = u;
      *over = time;
    }
  }
  return worst;
}

static void feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  const int renew = flow->una > law->window_end || !law->begun;
  if (!renew && !config->hpcc_fast_react) return;
  weft_time over;
  const double u = measure(sim, slot, back->parcel, &over);
  if (!law->has_last) {
    law->has_last = law->begun = 1;
    law->window_end = fcc_sent(sim, flow);
    return;
  }
  const double rtt = (double)flow->own_rtt;
  double part = (double)over / rtt / back->n; /* of the average, by each of its ACKs */
  if (part > 1) part = 1;
  const double before = kept(part, back->n);
  law->u = law->u * before + u * (1 - before);
  const double excess = law->u / config->hpcc_eta;
  const int decrease = excess >= 1 || law->stage >= config->hpcc_max_stage;
  weft__fcc_set_rate(sim, flow,
                     (decrease ? law->target / excess : law->target) + (double)config->hpcc_ai_bps);
  if (!renew) return;
  law->target = flow->rate_bps;
  law->stage = decrease ? 0 : law->stage + 1;
  law->window_end = fcc_sent(sim, flow);
}

static void start(weft_sim *sim, uint32_t slot) {
  sim->fluid_cc.flows.at[slot].law.u = 1;
}

const struct fcc_law_ops weft__fcc_hpcc = {.start = start, .feed = feed, .header = FCC_TELEMETRY};
