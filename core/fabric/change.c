/* Changes during a run: the list of those to come, and links that change their rate and loss, are
 * impaired, fail and are repaired. What becomes of traffic is the engine's: it hears of each port
 * that has changed.
 *
 * A link that fails loses at once what is on it and what is sent into it. Routing may notice later
 * (detect_ps): until then paths lead into the dead link, a black hole, and after a repair they keep
 * off a link that would carry them. A failure that is over before it is noticed changes no path. */
#include <inttypes.h>

#include "engine.h"
#include "fabric/fabric.h"

enum { MOST_DELAY_S = 10 };

/* ---- requests ---- */

static int concerns(uint32_t direction, uint32_t side) {
  return direction != (side == 0 ? WEFT_B_TO_A : WEFT_A_TO_B);
}

static int check_ports(weft_sim *sim, uint32_t link, uint32_t direction) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "link change: call weft_fabric_ready first");
  if (link >= sim->fabric.ports.n / 2)
    return weft__fail(sim, WEFT_EINVAL, "link: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->fabric.ports.n / 2, link);
  if (direction > WEFT_B_TO_A)
    return weft__fail(sim, WEFT_EINVAL, "direction: expected 0 to 2, got %" PRIu32, direction);
  return WEFT_OK;
}

int weft__change_add(weft_sim *sim, const struct change *change, weft_time at_ps, uint32_t count) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "change: call weft_fabric_ready first");
  if (at_ps < sim->now || at_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "change at_ps: expected %" PRId64 " (the present) to %" PRId64
                      ", got %" PRId64,
                      sim->now, (int64_t)LATEST_PS, at_ps);
  if (sim->fabric.changes.n + count > EVENT_SOURCE_MASK)
    return weft__fail(sim, WEFT_ELIMIT, "change: too many changes");
  if (!pool_reserve(sim, sim->fabric.changes, sim->fabric.changes.n + count))
    return weft__fail(sim, WEFT_ENOMEM, "change: out of memory");
  sim->fabric.changes.at[sim->fabric.changes.n] = *change;
  event_at(sim, EV_CHANGE, sim->fabric.changes.n++, at_ps);
  return sim->failed;
}

int weft_link_schedule(weft_sim *sim, const weft_link_change *link) {
  int status = check_ports(sim, link->link, link->direction);
  if (status != WEFT_OK) return status;
  if (!(link->factor <= 1000) || !(link->loss <= 1))
    return weft__fail(sim, WEFT_EINVAL,
                      "link change: expected factor at most 1000 and loss at most 1, got "
                      "%g, %g",
                      link->factor, link->loss);
  if (link->loss > 0) {
    status = weft__engine_needs(sim, WEFT_CAN_LOSE, "link change", "loss");
    if (status != WEFT_OK) return status;
  }
  if (sim->fabric.limits.fixed_by != NULL && link->factor == 0)
    return weft__fail(sim, WEFT_EINVAL, "link change: links cannot fail with %s",
                      sim->fabric.limits.fixed_by);
  for (uint32_t side = 0; side < 2 && link->factor > 0; ++side) {
    const uint32_t port = 2 * link->link + side;
    const double rate = link->factor * (double)sim->fabric.ports.at[port].built_rate_bps;
    if (concerns(link->direction, side) && (rate < (double)weft__min_rate(sim) || rate > 1e14))
      return weft__fail(sim, WEFT_EINVAL,
                        "link change: expected a rate of %" PRIu64 " to 1e14 bit/s, got %g",
                        weft__min_rate(sim), rate);
  }
  if (link->detect_ps < 0 || link->detect_ps > LATEST_PS / 2)
    return weft__fail(sim, WEFT_EINVAL,
                      "link change detect_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS / 2, link->detect_ps);
  struct change change = {.kind = CHANGE_LINK, .of.link = *link};
  status = weft__change_add(sim, &change, link->at_ps, 2); /* room for both, so that both come */
  if (status != WEFT_OK || link->detect_ps == 0) return status;
  change.kind = CHANGE_NOTICED;
  sim->fabric.changes.at[sim->fabric.changes.n] = change;
  event_at(sim, EV_CHANGE, sim->fabric.changes.n++, link->at_ps + link->detect_ps);
  return sim->failed;
}

static int probability(double p) {
  return p >= 0 && p <= 1;
}

/* None, or the end of one. */
static int is_no_impairment(const weft_link_impairment *impairment) {
  const int loses =
      impairment->enter >= 0 && (impairment->loss_good != 0 || impairment->loss_bad != 0);
  return impairment->delay_ps <= 0 && impairment->jitter_ps <= 0 && !loses;
}

int weft_link_impair(weft_sim *sim, const weft_link_impairment *impairment) {
  int status = check_ports(sim, impairment->link, impairment->direction);
  const int is_none = is_no_impairment(impairment);
  if (status == WEFT_OK && !is_none)
    status = weft__engine_needs(sim, WEFT_CAN_IMPAIR, "link impairment", "added delay and loss");
  if (status != WEFT_OK) return status;
  const weft_time most = (weft_time)MOST_DELAY_S * 1000000000000;
  if (impairment->delay_ps > most || impairment->jitter_ps > most ||
      (impairment->delay_ps >= 0 && impairment->jitter_ps < 0))
    return weft__fail(sim, WEFT_EINVAL,
                      "link delay_ps, jitter_ps: expected 0 to %" PRId64 ", got %" PRId64
                      ", %" PRId64,
                      most, impairment->delay_ps, impairment->jitter_ps);
  if (!(impairment->enter < 0) &&
      !(probability(impairment->enter) && probability(impairment->leave) &&
        probability(impairment->loss_good) && probability(impairment->loss_bad)))
    return weft__fail(
        sim, WEFT_EINVAL, "link burst loss: expected probabilities 0 to 1, got %g, %g, %g, %g",
        impairment->enter, impairment->leave, impairment->loss_good, impairment->loss_bad);
  if (is_none && !engine_can(sim, WEFT_CAN_IMPAIR)) return WEFT_OK; /* nothing to undo */
  if (sim->fabric.limits.fixed_by != NULL)
    return weft__fail(sim, WEFT_EINVAL,
                      "link impairment: %s has neither added delay nor burst loss",
                      sim->fabric.limits.fixed_by);
  /* So that the change itself needs no memory. */
  uint64_t most_ports = sim->fabric.impairments.n + 2ull * (sim->fabric.changes.n + 1);
  if (most_ports > sim->fabric.ports.n) most_ports = sim->fabric.ports.n;
  if (!pool_reserve(sim, sim->fabric.impairments, most_ports))
    return weft__fail(sim, WEFT_ENOMEM, "link impairment: out of memory");
  const struct change change = {.kind = CHANGE_IMPAIRMENT, .of.impairment = *impairment};
  return weft__change_add(sim, &change, impairment->at_ps, 1);
}

/* ---- the changes themselves ---- */

static void change_port(weft_sim *sim, uint32_t index, const weft_link_change *change) {
  struct fabric_port *port = &sim->fabric.ports.at[index];
  unsigned what = 0;
  if (change->loss >= 0) {
    port->loss = change->loss;
    what |= CHANGED_LOSS;
  }
  if (change->factor >= 0) {
    const uint8_t down = change->factor == 0;
    if (down) port->down_at = sim->now;
    if (down || port->down) port->turned_at = sim->now;
    if (!down) port->rate_bps = (uint64_t)(change->factor * (double)port->built_rate_bps + 0.5);
    port->down = down;
    what |= CHANGED_RATE;
  }
  sim->engine->port_changed(sim, index, what);
}

/* Routing takes note of what the change has done, if that still is the last to have happened. */
static void notice(weft_sim *sim, const weft_link_change *change) {
  int news = 0;
  for (uint32_t side = 0; side < 2; ++side) {
    if (!concerns(change->direction, side)) continue;
    struct fabric_port *port = &sim->fabric.ports.at[2 * change->link + side];
    if (port->turned_at > change->at_ps || port->avoided == port->down) continue;
    port->avoided = port->down;
    news = 1;
  }
  if (!news) return;
  sim->fabric.noticed = change->link;
  weft__route_reset(sim);
  sim->engine->rerouted(sim);
}

static void change_link(weft_sim *sim, const weft_link_change *change) {
  ++sim->fabric.rate_epoch;
  for (uint32_t side = 0; side < 2; ++side)
    if (concerns(change->direction, side)) change_port(sim, 2 * change->link + side, change);
  if (change->detect_ps == 0) notice(sim, change);
}

/* Never taken away. */
struct impairment *weft__impairment_of(weft_sim *sim, uint32_t index) {
  struct fabric_port *port = &sim->fabric.ports.at[index];
  if (port->impairment == 0) {
    sim->fabric.impairments.at[sim->fabric.impairments.n] = (struct impairment){0};
    port->impairment = ++sim->fabric.impairments.n;
  }
  return &sim->fabric.impairments.at[port->impairment - 1];
}

static void impair_port(weft_sim *sim, uint32_t index, const weft_link_impairment *change) {
  const int as_built = change->delay_ps <= 0 && change->jitter_ps <= 0 && change->enter <= 0 &&
                       change->loss_good <= 0;
  if (as_built && sim->fabric.ports.at[index].impairment == 0) return;
  struct impairment *impairment = weft__impairment_of(sim, index);
  unsigned what = 0;
  if (change->delay_ps >= 0) {
    impairment->delay_ps = change->delay_ps;
    impairment->jitter_ps = impairment->built_jitter_ps + change->jitter_ps;
    what |= CHANGED_DELAY;
  }
  if (change->enter >= 0) {
    impairment->enter = change->enter;
    impairment->leave = change->leave;
    impairment->loss_good = change->loss_good;
    impairment->loss_bad = change->loss_bad;
    what |= CHANGED_BURSTS;
  }
  sim->engine->port_changed(sim, index, what);
}

static void change_impairment(weft_sim *sim, const weft_link_impairment *change) {
  for (uint32_t side = 0; side < 2; ++side)
    if (concerns(change->direction, side)) impair_port(sim, 2 * change->link + side, change);
}

void weft__change_event(weft_sim *sim, uint32_t index) {
  const struct change change = sim->fabric.changes.at[index];
  const int of_link = change.kind == CHANGE_LINK || change.kind == CHANGE_NOTICED;
  if (sim->engine->change_begins != NULL) sim->engine->change_begins(sim);
  switch (change.kind) {
    case CHANGE_LINK:
      change_link(sim, &change.of.link);
      break;
    case CHANGE_NOTICED:
      notice(sim, &change.of.link);
      break;
    case CHANGE_IMPAIRMENT:
      change_impairment(sim, &change.of.impairment);
      break;
    default:
      sim->engine->storm(sim, index);
      break;
  }
  if (sim->engine->change_ends != NULL)
    sim->engine->change_ends(sim, of_link ? change.of.link.link : WEFT_NONE);
}
