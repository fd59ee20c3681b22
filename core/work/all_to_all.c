/* All-to-all: every rank sends to every other what `volumes` says, or 1/n of its buffer.
 *
 * Direct: every ordered pair at once. Pairwise: n-1 steps; in step s rank i sends to rank i+s+1 and
 * receives from rank i-s-1, and goes on when both are done. Hierarchical: what goes to the NIC r of
 * other servers first goes to rank r of the own server, over NVLink, and from there in one message
 * per destination, on rail r (as NCCL's PXN does).
 *
 * A message carries pairs (src, dst) in place of pieces: see weft__all_to_all_carries(). */
#include "work/algorithms_i.h"

static uint64_t volume(const weft_sim *sim, const struct collective *c, uint32_t src, uint32_t dst,
                       uint32_t slice) {
  if (src == dst) return 0;
  if (c->volumes == WEFT_NONE) return weft__piece_bytes(c, slice, dst, 1);
  const uint64_t bytes = sim->work.volumes.at[c->volumes + (uint64_t)src * c->n + dst];
  return share(bytes, c->slices, slice);
}

/* ---- direct and pairwise ---- */

static void plan_pairs(struct collective *c) {
  const int direct = c->algorithm == WEFT_DIRECT;
  c->pieces = c->n;
  c->largest = 1;
  c->lanes = direct ? c->n - 1 : 1;
  c->steps = direct ? 1 : c->n - 1;
}

static uint32_t all_steps(const struct collective *c, uint32_t rank, uint32_t lane) {
  (void)rank;
  (void)lane;
  return c->steps;
}

/* The receiver of a message. Direct: so that no receiver is everyone's first. */
static uint32_t receiver(const struct collective *c, struct place at) {
  if (c->algorithm == WEFT_DIRECT) return (at.rank + c->n - at.lane - 1) % c->n;
  return (at.rank + at.step + 1) % c->n;
}

static struct message message_of_pair(const weft_sim *sim, const struct collective *c,
                                      struct place at) {
  const uint32_t to = receiver(c, at);
  return (struct message){.bytes = volume(sim, c, at.rank, to, at.slice),
                          .to = to,
                          .wakes = c->algorithm == WEFT_PAIRWISE};
}

static int ready_pair(const weft_sim *sim, const struct collective *c, struct place at) {
  if (c->algorithm == WEFT_DIRECT || at.step == 0) return 1;
  const struct place mine = {at.rank, 0, at.step - 1, at.slice};
  const struct place other = {(at.rank + c->n - at.step) % c->n, 0, at.step - 1, at.slice};
  if (!weft__message_arrived(sim, c, mine)) return 0;
  return volume(sim, c, other.rank, at.rank, at.slice) == 0 || weft__message_arrived(sim, c, other);
}

const struct algorithm weft__pairs = {plan_pairs, all_steps, message_of_pair, ready_pair,
                                      0,          1,         receiver};

/* ---- hierarchical ----
 * Ranks are listed server by server, `local` of each, maybe fewer of the last one. Lanes: one to
 * each rank of the server, with its own part and what it forwards; then `rails` for each server. */

struct shape {
  uint32_t local, servers;
  uint32_t rails; /* destinations in a server that a rank may have to serve: 1 if all are alike */
};

static struct shape shape_of(const struct collective *c) {
  struct shape s = {.local = c->local, .servers = (c->n - 1) / c->local + 1};
  const uint32_t last = c->n - (s.servers - 1) * s.local;
  s.rails = (s.local - 1) / last + 1;
  return s;
}

static uint32_t ranks_of(const struct collective *c, const struct shape *s, uint32_t server) {
  return server + 1 < s->servers ? s->local : c->n - server * s->local;
}

static void plan_tiers(struct collective *c) {
  const struct shape s = shape_of(c);
  c->pieces = c->n;
  c->largest = s.local > s.servers ? s.local : s.servers; /* pieces in one message */
  if (c->largest > c->n) c->largest = c->n;
  c->lanes = s.local + s.servers * s.rails;
  c->steps = 1;
}

/* The rank of server `server` that forwards to rank dst. */
static uint32_t forwarder(const struct collective *c, const struct shape *s, uint32_t server,
                          uint32_t dst) {
  return server * s->local + dst % s->local % ranks_of(c, s, server);
}

/* Receiver of a lane, or the sender itself if there is none. */
static uint32_t far_end(const struct collective *c, const struct shape *s, uint32_t rank,
                        uint32_t lane) {
  const uint32_t server = rank / s->local, mine = ranks_of(c, s, server);
  if (lane < s->local) return lane < mine ? server * s->local + lane : rank;
  const uint32_t to_server = (lane - s->local) / s->rails;
  const uint32_t index = rank % s->local + (lane - s->local) % s->rails * mine;
  if (to_server == server || index >= ranks_of(c, s, to_server)) return rank;
  return to_server * s->local + index;
}

static uint32_t steps_of_tiers(const struct collective *c, uint32_t rank, uint32_t lane) {
  const struct shape s = shape_of(c);
  return far_end(c, &s, rank, lane) != rank;
}

static uint32_t receiver_in_tiers(const struct collective *c, struct place at) {
  const struct shape s = shape_of(c);
  return far_end(c, &s, at.rank, at.lane);
}

/* Bytes of what rank `src` has for rank `via` of its server: its own, and what it forwards. */
static uint64_t first_hop(const weft_sim *sim, const struct collective *c, const struct shape *s,
                          uint32_t src, uint32_t via, uint32_t slice) {
  const uint32_t server = src / s->local;
  uint64_t bytes = 0;
  for (uint32_t dst = 0; dst < c->n; ++dst)
    if (forwarder(c, s, server, dst) == via) bytes += volume(sim, c, src, dst, slice);
  return bytes;
}

static struct message message_of_tiers(const weft_sim *sim, const struct collective *c,
                                       struct place at) {
  const struct shape s = shape_of(c);
  struct message message = {.to = far_end(c, &s, at.rank, at.lane)};
  if (at.lane < s.local) {
    message.bytes = first_hop(sim, c, &s, at.rank, message.to, at.slice);
    message.wake = s.local;
    message.wakes = s.servers * s.rails;
    return message;
  }
  const uint32_t first = at.rank - at.rank % s.local, server = first / s.local;
  for (uint32_t i = 0; i < ranks_of(c, &s, server); ++i)
    message.bytes += volume(sim, c, first + i, message.to, at.slice);
  return message;
}

static int ready_in_tiers(const weft_sim *sim, const struct collective *c, struct place at) {
  const struct shape s = shape_of(c);
  if (at.lane < s.local) return 1;
  const uint32_t me = at.rank % s.local, first = at.rank - me;
  for (uint32_t i = 0; i < ranks_of(c, &s, first / s.local); ++i) {
    const struct place from = {first + i, me, 0, at.slice};
    if (i == me || weft__message_arrived(sim, c, from)) continue;
    if (c->volumes == WEFT_NONE || first_hop(sim, c, &s, from.rank, at.rank, at.slice) > 0)
      return 0;
  }
  return 1;
}

const struct algorithm weft__tiers = {
    plan_tiers, steps_of_tiers, message_of_tiers, ready_in_tiers, 0, 0, receiver_in_tiers};

/* ---- what a message carries ---- */

int weft__all_to_all_carries(const struct collective *c, struct place at, uint32_t src,
                             uint32_t dst) {
  if (c->algorithm != WEFT_HIERARCHICAL) return src == at.rank && dst == receiver(c, at);
  const struct shape s = shape_of(c);
  const uint32_t to = far_end(c, &s, at.rank, at.lane);
  if (at.lane < s.local) return src == at.rank && forwarder(c, &s, src / s.local, dst) == to;
  return src / s.local == at.rank / s.local && dst == to;
}
