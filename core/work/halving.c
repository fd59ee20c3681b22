/* Recursive halving and doubling (Rabenseifner, ICCS 2004; Thakur et al., IJHPCA 2005).
 *
 * With n = 2^k ranks, reduce-scatter takes k rounds: partners exchange the halves of what they
 * have, each adds what it gets and goes on with its half. All-gather is the same backwards.
 * AllReduce is one after the other, with the nearest partner first, so that the largest messages go
 * the shortest way; ReduceScatter and AllGather have the farthest first, which leaves block i with
 * rank i.
 *
 * With other n, the first 2r ranks of n = 2^k + r work in pairs: the even one gives what it has to
 * the odd one, which takes part for both, and gets its result from it in the end. Steps: [one of
 * the pairs], rounds, [one of the pairs]. */
#include "work/algorithms_i.h"

struct shape {
  uint32_t log2; /* k */
  uint32_t members; /* 2^k */
  uint32_t pairs; /* r */
  uint32_t pre; /* steps before the rounds */
  uint32_t rounds;
};

static struct shape shape_of(const struct collective *c) {
  struct shape s = {.members = 1};
  for (; 2 * s.members <= c->n; s.members *= 2) ++s.log2;
  s.pairs = c->n - s.members;
  s.pre = s.pairs > 0;
  s.rounds = c->kind == WEFT_ALLREDUCE ? 2 * s.log2 : s.log2;
  return s;
}

static void plan(struct collective *c) {
  const struct shape s = shape_of(c);
  c->lanes = 1;
  c->steps = s.rounds + 2 * s.pre;
  c->pieces = c->kind == WEFT_ALLREDUCE ? s.members : c->n;
  c->largest = s.pairs > 0 ? c->pieces : c->pieces / 2;
}

static uint32_t steps(const struct collective *c, uint32_t rank, uint32_t lane) {
  (void)rank;
  (void)lane;
  return c->steps;
}

/* Who takes part, by number among the members, and back. */
static int is_member(const struct shape *s, uint32_t rank) {
  return rank >= 2 * s->pairs || rank % 2 == 1;
}

static uint32_t member_of(const struct shape *s, uint32_t rank) {
  return rank < 2 * s->pairs ? rank / 2 : rank - s->pairs;
}

static uint32_t rank_of(const struct shape *s, uint32_t member) {
  return member < s->pairs ? 2 * member + 1 : member + s->pairs;
}

/* The bit of a member's number in which partners differ at a level of halving, 0 for the first. */
static uint32_t bit_at(const struct collective *c, const struct shape *s, uint32_t level) {
  return 1u << (c->kind == WEFT_ALLREDUCE ? level : s->log2 - 1 - level);
}

/* The level of a round, and whether it halves or doubles. */
static uint32_t level_of(const struct collective *c, const struct shape *s, uint32_t round,
                         int *halves) {
  *halves = c->kind != WEFT_ALL_GATHER && round < s->log2;
  if (*halves) return round;
  return s->log2 - 1 - (c->kind == WEFT_ALLREDUCE ? round - s->log2 : round);
}

static uint32_t partner(const struct collective *c, const struct shape *s, uint32_t member,
                        uint32_t round) {
  int halves;
  return member ^ bit_at(c, s, level_of(c, s, round, &halves));
}

/* Pieces before those of a member: it stands for one rank or two. */
static uint32_t piece_of(const struct collective *c, const struct shape *s, uint32_t member) {
  if (c->kind == WEFT_ALLREDUCE) return member;
  return member < s->pairs ? 2 * member : member + s->pairs;
}

/* What a member has left after `levels` halvings. */
static void carry_block(const struct collective *c, const struct shape *s, uint32_t member,
                        uint32_t levels, struct message *message) {
  uint32_t start = 0;
  for (uint32_t level = 0; level < levels; ++level)
    if (member & bit_at(c, s, level)) start |= s->members >> (level + 1);
  message->first = piece_of(c, s, start);
  message->count = piece_of(c, s, start + (s->members >> levels)) - message->first;
}

/* Before the rounds: the even rank of a pair gives all that it has. After: it gets its result. */
static struct message message_of_pair(const struct collective *c, const struct shape *s,
                                      struct place at) {
  struct message message = {.count = c->pieces};
  if (at.step == 0) {
    message.to = at.rank + 1;
    message.reduce = c->kind != WEFT_ALL_GATHER;
  } else {
    message.to = at.rank - 1;
  }
  const int sends = at.rank < 2 * s->pairs && (at.rank % 2 == 0) == (at.step == 0);
  const uint32_t even = at.rank - at.rank % 2;
  if (c->kind == (at.step == 0 ? WEFT_ALL_GATHER : WEFT_REDUCE_SCATTER)) {
    message.first = even;
    message.count = 1;
  } else if (c->kind == WEFT_ALL_GATHER) { /* all but what it has given */
    message.first = even + 1;
    message.count = c->n - 1;
  }
  if (!sends) message.count = 0;
  return message;
}

static struct message message_of(const weft_sim *sim, const struct collective *c, struct place at) {
  (void)sim;
  const struct shape s = shape_of(c);
  struct message message = {.count = 0};
  if (at.step < s.pre || at.step >= s.pre + s.rounds) {
    message = message_of_pair(c, &s, at);
  } else if (is_member(&s, at.rank)) {
    int halves;
    const uint32_t round = at.step - s.pre, level = level_of(c, &s, round, &halves);
    const uint32_t me = member_of(&s, at.rank), other = partner(c, &s, me, round);
    carry_block(c, &s, halves ? other : me, level + 1, &message);
    message.to = rank_of(&s, other);
    message.reduce = (uint32_t)halves;
  }
  if (message.count > 0)
    message.bytes = weft__piece_bytes(c, at.slice, message.first, message.count);
  message.wakes = 1;
  return message;
}

/* Partners exchange: a round is over when the own message has arrived and the partner's has come.
 * Rounds follow one another, so only those of the step before are to be looked at. */
static int ready(const weft_sim *sim, const struct collective *c, struct place at) {
  const struct shape s = shape_of(c);
  if (at.step == 0 || !is_member(&s, at.rank)) return 1;
  struct place from = {at.rank, 0, at.step - 1, at.slice};
  if (!weft__message_arrived(sim, c, from)) return 0;
  if (at.step > s.pre)
    from.rank = rank_of(&s, partner(c, &s, member_of(&s, at.rank), at.step - s.pre - 1));
  else if (at.rank < 2 * s.pairs)
    from.rank = at.rank - 1;
  else
    return 1;
  return weft__message_arrived(sim, c, from);
}

const struct algorithm weft__halving_doubling = {plan, steps, message_of, ready, 0, 1, NULL};
