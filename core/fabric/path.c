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

/* With whole ps per byte: the last packet leaves each hop after its own arrival there and after
 * the packet before it, which the slowest hop so far has spaced. Max-plus recursion for the last
 * two packets. */
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
      const weft_time before = first_arrival + serialisation(sim, ports[i], full) +
                               serialisation(sim, slowest, (packets - 2) * full);
      if (before > start) start = before;
    }
    const weft_time delay = sim->fabric.ports.at[ports[i]].delay_ps;
    last_arrival = start + serialisation(sim, ports[i], last) + delay;
    first_arrival += serialisation(sim, ports[i], full) + delay;
  }
  return last_arrival;
}

/* With fractions of ps per byte, how remainders fall decides the last ps: follow every packet.
 * That is a hundredth of what simulating the flow costs. */
static weft_time ideal_stepped(const weft_sim *sim, const uint32_t *ports, int hops,
                               uint64_t packets, uint64_t full, uint64_t last) {
  struct {
    weft_time free_at, whole, delay; /* whole: ps of a packet, its fraction is part / rate */
    uint64_t carry, part, rate;
  } hop[WEFT_PATH_MAX];
  for (int i = 0; i < hops; ++i) {
    const struct fabric_port *port = &sim->fabric.ports.at[ports[i]];
    hop[i].free_at = 0;
    hop[i].carry = 0;
    hop[i].delay = port->delay_ps;
    hop[i].rate = port->rate_bps;
  }
  weft_time time = 0;
  for (uint64_t k = 0; k < packets; ++k) {
    const uint64_t bytes = k + 1 == packets ? last : full;
    for (int i = 0; i < hops && (k == 0 || k + 1 == packets); ++i) { /* another size */
      const wide ps = (wide)bytes * PS_PER_BYTE_BPS;
      hop[i].whole = (weft_time)(ps / hop[i].rate);
      hop[i].part = (uint64_t)(ps % hop[i].rate);
    }
    time = 0; /* the NIC always has the next packet ready */
    for (int i = 0; i < hops; ++i) {
      const int idle = hop[i].free_at < time;
      const uint64_t sum = (idle ? 0 : hop[i].carry) + hop[i].part;
      const int is_over = sum >= hop[i].rate;
      hop[i].carry = is_over ? sum - hop[i].rate : sum;
      hop[i].free_at = (idle ? time : hop[i].free_at) + hop[i].whole + is_over;
      time = hop[i].free_at + hop[i].delay;
    }
  }
  return time;
}

weft_time weft__path_ideal(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t size) {
  const uint64_t mtu = sim->config.mtu_bytes, header = frame_headers(&sim->config, 0);
  const uint64_t packets = (size + mtu - 1) / mtu;
  const uint64_t full = mtu + header, last = size - (packets - 1) * mtu + header;
  int uneven = 0;
  for (int i = 0; i < hops; ++i)
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
