/* AllReduce in two tiers: inside servers, over NVLink, and between them, on rails.
 *
 * Ranks are listed server by server, `local` of each, maybe fewer of the last one. First the ranks
 * of a server reduce the buffer among them, all at once: rank r of each gets shard r. Then the
 * ranks r of all servers make a ring AllReduce of shard r, which stays on rail r where NIC r does.
 * Last each of them gives its shard to the others of its server. The number of shards is that of
 * ranks in the smallest server; a server's further ranks own none.
 *
 * Lanes: one to the owner of each shard; one along the ring; one to each rank of the server. */
#include "work/algorithms_i.h"

struct shape {
  uint32_t local, servers, shards, ring, spread; /* ring, spread: first lane of that kind */
};

static struct shape shape_of(const struct collective *c) {
  struct shape s = {.local = c->local, .servers = (c->n - 1) / c->local + 1};
  const uint32_t last = c->n - (s.servers - 1) * s.local;
  s.shards = s.ring = last;
  s.spread = s.ring + 1;
  return s;
}

static void plan(struct collective *c) {
  const struct shape s = shape_of(c);
  c->lanes = s.spread + s.local;
  c->pieces = s.shards * s.servers;
  c->largest = s.servers;
  c->steps = s.servers > 1 ? 2 * (s.servers - 1) : 1;
}

static uint32_t ranks_of(const struct collective *c, const struct shape *s, uint32_t server) {
  return server + 1 < s->servers ? s->local : c->n - server * s->local;
}

static uint32_t steps(const struct collective *c, uint32_t rank, uint32_t lane) {
  const struct shape s = shape_of(c);
  const uint32_t me = rank % s.local;
  if (lane < s.ring) return lane != me;
  if (me >= s.shards) return 0;
  if (lane == s.ring) return 2 * (s.servers - 1);
  return lane - s.spread != me && lane - s.spread < ranks_of(c, &s, rank / s.local);
}

static struct message message(const weft_sim *sim, const struct collective *c, struct place at) {
  (void)sim;
  const struct shape s = shape_of(c);
  const uint32_t me = at.rank % s.local, server = at.rank / s.local;
  struct message message = {.count = s.servers};
  if (at.lane == s.ring) {
    const uint32_t block = (server + 2 * s.servers - at.step % s.servers) % s.servers;
    message.to = (server + 1) % s.servers * s.local + me;
    message.first = me * s.servers + block;
    message.count = 1;
    message.reduce = at.step < s.servers - 1;
  } else if (at.lane < s.ring) {
    message.to = server * s.local + at.lane;
    message.first = at.lane * s.servers;
    message.reduce = 1;
  } else {
    message.to = server * s.local + at.lane - s.spread;
    message.first = me * s.servers;
  }
  if (at.lane <= s.ring) {
    message.wake = s.ring;
    message.wakes = s.local + 1;
  }
  message.bytes = weft__piece_bytes(c, at.slice, message.first, message.count);
  return message;
}

/* Has the shard been reduced inside the server? */
static int reduced(const weft_sim *sim, const struct collective *c, const struct shape *s,
                   struct place at) {
  const uint32_t me = at.rank % s->local, first = at.rank - me;
  for (uint32_t i = 0; i < ranks_of(c, s, first / s->local); ++i) {
    const struct place from = {first + i, me, 0, at.slice};
    if (i != me && !weft__message_arrived(sim, c, from)) return 0;
  }
  return 1;
}

static int ready(const weft_sim *sim, const struct collective *c, struct place at) {
  const struct shape s = shape_of(c);
  if (at.lane < s.ring) return 1;
  if (s.servers == 1 || (at.lane == s.ring && at.step == 0)) return reduced(sim, c, &s, at);
  const uint32_t before = (at.rank / s.local + s.servers - 1) % s.servers;
  struct place from = {before * s.local + at.rank % s.local, s.ring, at.step - 1, at.slice};
  if (at.lane == s.ring) return weft__message_arrived(sim, c, from);
  /* All of the shard, the last block first: it is the one that is mostly missing. */
  for (uint32_t step = 2 * (s.servers - 1); step-- > s.servers - 2;) {
    from.step = step;
    if (!weft__message_arrived(sim, c, from)) return 0;
  }
  return 1;
}

const struct algorithm weft__hierarchical = {plan, steps, message, ready, 0, 0, NULL};
