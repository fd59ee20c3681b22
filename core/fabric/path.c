/* What a path costs when nothing else is on it: ideal completion time, base round-trip time. */
#include "fabric/path.h"

#include <inttypes.h>

#include "fabric/fabric.h"
#include "fabric/ways.h"

__extension__ typedef unsigned __int128 wide;

/* Time of `bytes` back to back on a port, with the remainders carried: rounded down once. */
static weft_time serialisation(const weft_sim *sim, uint32_t port, uint64_t bytes) {
  return (weft_time)((wide)bytes * PS_PER_BYTE_BPS / sim->fabric.ports.at[port].rate_bps);
}

/* The same for `packets` alike, one after another, where the time of each may be rounded down. */
static weft_time in_a_row(const weft_sim *sim, uint32_t port, uint64_t packets, uint64_t bytes) {
  const weft_time grain = sim->fabric.limits.grain_ps;
  if (grain == 0) return serialisation(sim, port, packets * bytes);
  return (weft_time)packets * (serialisation(sim, port, bytes) / grain * grain);
}

/* With whole ps per byte, or a grain: the last packet leaves each hop after its own arrival there
 * and after the packet before it, which the slowest hop so far has spaced. Max-plus recursion for
 * the last two packets. */
static weft_time ideal_closed(const weft_sim *sim, const uint32_t *ports, int hops,
                              uint64_t packets, uint64_t full, uint64_t last) {
  uint32_t slowest = ports[0];
  weft_time first_arrival = 0; /* of a first full packet at hop i */
  weft_time last_arrival = 0;
  for (int i = 0; i < hops; ++i) {
    if (sim->fabric.ports.at[ports[i]].rate_bps < sim->fabric.ports.at[slowest].rate_bps)
      slowest = ports[i];
    weft_time start = last_arrival;
    if (packets > 1) {
      const weft_time before = first_arrival + in_a_row(sim, ports[i], 1, full) +
                               in_a_row(sim, slowest, packets - 2, full);
      if (before > start) start = before;
    }
    const weft_time delay = sim->fabric.ports.at[ports[i]].delay_ps;
    last_arrival = start + in_a_row(sim, ports[i], 1, last) + delay;
    first_arrival += in_a_row(sim, ports[i], 1, full) + delay;
  }
  return last_arrival;
}

/* ---- with fractions of ps per byte: how remainders fall decides the last ps ---- */

/* A port on the path, after some packets. */
struct hop {
  weft_time free_at, before; /* and a period before */
  uint64_t carry, carry_before; /* what is left of ps, in parts of the rate */
  uint64_t rate, byte_ps, residue;
  weft_time delay;
  int idled; /* since then */
};

/* Packets: of fewer, and of a longer period, each is followed. */
enum { SHORT = 64, PERIOD_MOST = 1 << 16 };

static uint64_t divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* After so many full packets all remainders of ports that stay busy are what they were; 0: late. */
static uint64_t period_of(const struct hop *hop, int hops, uint64_t full) {
  uint64_t all = 1;
  for (int i = 0; i < hops; ++i) {
    const uint64_t own = hop[i].rate / divisor(hop[i].rate, full * hop[i].residue % hop[i].rate);
    if (own > PERIOD_MOST) return 0;
    all *= own / divisor(all, own);
    if (all > PERIOD_MOST) return 0;
  }
  return all;
}

/* Will the next period be like the last? So it is if each port keeps step with the one before it,
 * or has fallen behind without ever having been idle, which it then never is. Else remember. */
static int repeats(struct hop *hop, int hops) {
  int does = 1;
  for (int i = 0; i < hops; ++i) {
    const weft_time lag =
        i == 0 ? 0 : hop[i].free_at - hop[i].before - (hop[i - 1].free_at - hop[i - 1].before);
    does &= hop[i].carry == hop[i].carry_before && (lag == 0 || (lag > 0 && !hop[i].idled));
  }
  for (int i = 0; i < hops && !does; ++i) {
    hop[i].before = hop[i].free_at;
    hop[i].carry_before = hop[i].carry;
    hop[i].idled = 0;
  }
  return does;
}

/* What packets of one size take of a port: whole ps, and what is left. */
struct share {
  weft_time ps;
  uint64_t carry;
};

static struct share share_of(const struct hop *hop, uint64_t bytes) {
  const uint64_t parts = bytes * hop->residue;
  if (parts == 0) return (struct share){(weft_time)(bytes * hop->byte_ps), 0};
  return (struct share){(weft_time)(bytes * hop->byte_ps + parts / hop->rate), parts % hop->rate};
}

/* A packet goes the whole way; when it arrives. The NIC always has the next one ready. */
static weft_time pass(struct hop *hop, int hops, const struct share *share) {
  weft_time time = 0;
  for (int i = 0; i < hops; ++i) {
    const int idle = hop[i].free_at < time;
    uint64_t carry = (idle ? 0 : hop[i].carry) + share[i].carry;
    const int more = carry >= hop[i].rate;
    if (more) carry -= hop[i].rate;
    hop[i].idled |= idle;
    hop[i].carry = carry;
    hop[i].free_at = (idle ? time : hop[i].free_at) + share[i].ps + more;
    time = hop[i].free_at + hop[i].delay;
  }
  return time;
}

/* Let `packets` alike pass at once, where it is known of each port how they do: it is idle before
 * each, as they come at more than its time, or after the first one never; there fractions add up.
 * 0: of some port it is not known. Arrivals are `least` to `most` apart. */
static int pass_at_once(struct hop *hop, int hops, const struct share *share, uint64_t packets) {
  weft_time first = 0, last = 0, least = 0, most = 0;
  for (int i = 0; i < hops; ++i) {
    const weft_time ps = share[i].ps;
    const uint64_t carry = share[i].carry;
    if (i > 0 && (ps < least || (ps == least && carry == 0))) {
      hop[i].free_at = last + ps;
      hop[i].carry = carry;
    } else if (i == 0 || ps >= most) {
      const wide parts = (wide)packets * carry;
      hop[i].free_at = first + (weft_time)packets * ps;
      hop[i].carry = 0;
      if (parts > 0) {
        hop[i].free_at += (weft_time)(parts / hop[i].rate);
        hop[i].carry = (uint64_t)(parts % hop[i].rate);
      }
      least = ps;
      most = ps + (carry > 0);
    } else {
      return 0;
    }
    first += ps + hop[i].delay;
    last = hop[i].free_at + hop[i].delay;
  }
  return 1;
}

/* Follow every packet, until they go in periods. */
static void pass_all(struct hop *hop, int hops, const struct share *share, uint64_t full,
                     uint64_t packets) {
  uint64_t period = packets >= SHORT ? period_of(hop, hops, full) : 0;
  for (uint64_t k = 1, mark = period; k <= packets; ++k) {
    pass(hop, hops, share);
    if (period == 0 || k != mark) continue;
    mark += period;
    if (!repeats(hop, hops)) continue;
    const uint64_t times = (packets - k) / period;
    for (int i = 0; i < hops; ++i)
      hop[i].free_at += (weft_time)times * (hop[i].free_at - hop[i].before);
    k += times * period;
    period = 0;
  }
}

static weft_time ideal_stepped(const weft_sim *sim, const uint32_t *ports, int hops,
                               uint64_t packets, uint64_t full, uint64_t last) {
  struct hop hop[WEFT_PATH_MAX];
  struct share each[WEFT_PATH_MAX], end[WEFT_PATH_MAX];
  for (int i = 0; i < hops; ++i) {
    const struct fabric_port *port = &sim->fabric.ports.at[ports[i]];
    hop[i] = (struct hop){.rate = port->rate_bps,
                          .byte_ps = PS_PER_BYTE_BPS / port->rate_bps,
                          .residue = PS_PER_BYTE_BPS % port->rate_bps,
                          .delay = port->delay_ps};
    each[i] = share_of(&hop[i], full);
    end[i] = share_of(&hop[i], last);
  }
  if (packets > 1 && !pass_at_once(hop, hops, each, packets - 1)) {
    for (int i = 0; i < hops; ++i) hop[i].free_at = 0;
    for (int i = 0; i < hops; ++i) hop[i].carry = 0;
    pass_all(hop, hops, each, full, packets - 1);
  }
  return pass(hop, hops, end);
}

weft_time weft__path_ideal(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t size) {
  const uint64_t mtu = sim->config.mtu_bytes, header = frame_headers(&sim->config, 0);
  const uint64_t packets = (size + mtu - 1) / mtu;
  const uint64_t full = mtu + header, last = size - (packets - 1) * mtu + header;
  int uneven = 0;
  for (int i = 0; i < hops && !uneven && sim->fabric.limits.grain_ps == 0; ++i)
    uneven = PS_PER_BYTE_BPS % sim->fabric.ports.at[ports[i]].rate_bps != 0;
  return uneven ? ideal_stepped(sim, ports, hops, packets, full, last)
                : ideal_closed(sim, ports, hops, packets, full, last);
}

weft_time weft__path_one_way(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t bytes) {
  weft_time time = 0;
  for (int i = 0; i < hops; ++i)
    time += serialisation(sim, ports[i], bytes) + sim->fabric.ports.at[ports[i]].delay_ps;
  return time;
}

weft_time weft__path_as_built(const weft_sim *sim, const uint32_t *ports, int hops,
                              uint64_t bytes) {
  weft_time time = 0;
  for (int i = 0; i < hops; ++i)
    time +=
        (weft_time)((wide)bytes * PS_PER_BYTE_BPS / sim->fabric.ports.at[ports[i]].built_rate_bps) +
        sim->fabric.ports.at[ports[i]].delay_ps;
  return time;
}

int weft__path_check(weft_sim *sim, int hops, uint32_t src, uint32_t dst) {
  if (hops == WEFT_ENOROUTE)
    return weft__fail(sim, hops, "no route from host %" PRIu32 " to host %" PRIu32, src, dst);
  if (hops == WEFT_ELIMIT)
    return weft__fail(sim, hops,
                      "route from host %" PRIu32 " to host %" PRIu32 ": expected at most %d links",
                      src, dst, WEFT_PATH_MAX);
  return hops;
}
