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

/* A packet goes the whole way; when it arrives. The NIC always has the next one ready. */
static weft_time pass(struct hop *hop, int hops, uint64_t bytes) {
  weft_time time = 0;
  for (int i = 0; i < hops; ++i) {
    const int idle = hop[i].free_at < time;
    const uint64_t sum = (idle ? 0 : hop[i].carry) + bytes * hop[i].residue;
    hop[i].idled |= idle;
    hop[i].carry = sum % hop[i].rate;
    hop[i].free_at =
        (idle ? time : hop[i].free_at) + (weft_time)(bytes * hop[i].byte_ps + sum / hop[i].rate);
    time = hop[i].free_at + hop[i].delay;
  }
  return time;
}

/* Follow every packet, until they go in periods. */
static weft_time ideal_stepped(const weft_sim *sim, const uint32_t *ports, int hops,
                               uint64_t packets, uint64_t full, uint64_t last) {
  struct hop hop[WEFT_PATH_MAX];
  for (int i = 0; i < hops; ++i) {
    const struct fabric_port *port = &sim->fabric.ports.at[ports[i]];
    hop[i] = (struct hop){.rate = port->rate_bps,
                          .byte_ps = PS_PER_BYTE_BPS / port->rate_bps,
                          .residue = PS_PER_BYTE_BPS % port->rate_bps,
                          .delay = port->delay_ps};
  }
  uint64_t period = packets > SHORT ? period_of(hop, hops, full) : 0;
  for (uint64_t k = 1, mark = period; k < packets; ++k) {
    pass(hop, hops, full);
    if (period == 0 || k != mark) continue;
    mark += period;
    if (!repeats(hop, hops)) continue;
    const uint64_t times = (packets - 1 - k) / period;
    for (int i = 0; i < hops; ++i)
      hop[i].free_at += (weft_time)times * (hop[i].free_at - hop[i].before);
    k += times * period;
    period = 0;
  }
  return pass(hop, hops, last);
}

weft_time weft__path_ideal(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t size) {
  const uint64_t mtu = sim->config.mtu_bytes, header = frame_headers(&sim->config, 0);
  const uint64_t packets = (size + mtu - 1) / mtu;
  const uint64_t full = mtu + header, last = size - (packets - 1) * mtu + header;
  int uneven = 0;
  for (int i = 0; i < hops && sim->fabric.limits.grain_ps == 0; ++i)
    uneven |= PS_PER_BYTE_BPS % sim->fabric.ports.at[ports[i]].rate_bps != 0;
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
