/* Collectives as data movement: every rank ends with exactly the right pieces.
 *
 * A piece of a rank's buffer is the list of how often each rank has contributed to it. A message
 * takes a copy of what its sender has when it goes; when it has arrived, that is added to what the
 * receiver has, or takes its place. The simulation goes on event by event, so what goes and what
 * arrives is seen in the order in which it happens, on links of uneven rates and delays. */
#include <stdlib.h>

#include "fixture.h"
#include "work/algorithms_i.h"

enum { MOST = 32 };

typedef struct trial {
  uint32_t kind, algorithm, n, root, local;
  uint64_t size, chunk;
  bool skewed;
} trial;

typedef struct buffers {
  const trial *trial;
  weft_sim *sim;
  const struct collective *c;
  uint8_t *held; /* [rank][slice][piece][contributor]; all-to-all: a piece is a pair */
  uint8_t **sent; /* by flow: [piece][contributor] of its slice, as it was at the sender */
  uint8_t *arrived; /* by flow */
  uint32_t flows; /* seen */
  uint32_t oldest; /* flows before this one have all arrived */
} buffers;

#define FAIL(b, format, ...)                                                                       \
  test_fail(                                                                                       \
      __FILE__, __LINE__,                                                                          \
      "kind %u algorithm %u n %u root %u local %u size %" PRIu64 " chunk %" PRIu64 "%s: " format,  \
      (b)->trial->kind, (b)->trial->algorithm, (b)->trial->n, (b)->trial->root, (b)->trial->local, \
      (b)->trial->size, (b)->trial->chunk, (b)->trial->skewed ? " skewed" : "", __VA_ARGS__)

static weft_sim *uneven_star(uint32_t n) {
  weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  for (uint32_t i = 0; i < n; i++) add_node(sim, WEFT_HOST);
  const uint32_t hub = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < n; i++) {
    const uint64_t rate = 10 + (uint64_t)(90 * uniform(1, i));
    add_link(sim, i, hub, rate * GBPS, (weft_time)(1 + US * uniform(2, i)));
  }
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

static uint64_t volume_of(const trial *t, uint32_t src, uint32_t dst) {
  if (!t->skewed) return 1;
  const uint64_t draw = (uint64_t)(100 * uniform(3, src * t->n + dst));
  return draw < 40 ? 0 : draw * draw;
}

static uint32_t pieces_of(const buffers *b) {
  return b->trial->kind == WEFT_ALL_TO_ALL ? b->trial->n * b->trial->n : b->c->pieces;
}

static uint8_t *piece_at(const buffers *b, uint32_t rank, uint32_t slice, uint32_t piece) {
  const uint32_t n = b->trial->n;
  return &b->held[(((size_t)rank * b->c->slices + slice) * pieces_of(b) + piece) * n];
}

/* The rank to whose block a piece of ReduceScatter or AllGather belongs. */
static uint32_t owner(const buffers *b, uint32_t piece) {
  return piece / (b->c->pieces / b->trial->n);
}

static bool has_at_first(const buffers *b, uint32_t rank, uint32_t piece) {
  switch (b->trial->kind) {
    case WEFT_ALL_GATHER:
      return owner(b, piece) == rank;
    case WEFT_BROADCAST:
      return rank == b->trial->root;
    case WEFT_ALL_TO_ALL:
      return piece / b->trial->n == rank;
    default:
      return true;
  }
}

/* What a rank is to have of a contributor's in the end; -1: anything. */
static int wanted(const buffers *b, uint32_t rank, uint32_t piece, uint32_t contributor) {
  const trial *t = b->trial;
  switch (t->kind) {
    case WEFT_ALLREDUCE:
      return 1;
    case WEFT_REDUCE_SCATTER:
      return owner(b, piece) == rank ? 1 : -1;
    case WEFT_ALL_GATHER:
      return owner(b, piece) == contributor;
    case WEFT_BROADCAST:
      return contributor == t->root;
    case WEFT_REDUCE:
      return rank == t->root ? 1 : -1;
    default:
      if (piece % t->n != rank) return -1;
      return piece / t->n == contributor;
  }
}

static bool carries(const buffers *b, const struct message *m, struct place at, uint32_t piece) {
  const uint32_t n = b->trial->n;
  if (b->trial->kind == WEFT_ALL_TO_ALL)
    return weft__all_to_all_carries(b->c, at, piece / n, piece % n) && piece / n != piece % n &&
           volume_of(b->trial, piece / n, piece % n) > 0;
  return (piece + b->c->pieces - m->first) % b->c->pieces < m->count;
}

static struct message message_of(const buffers *b, uint32_t flow, struct place *at) {
  *at = weft__collective_place(b->c, b->sim->flow.rows.at[flow].part);
  return weft__collective_algorithm(b->c)->message(b->sim, b->c, *at);
}

static void take(buffers *b, uint32_t flow) {
  const uint32_t n = b->trial->n;
  struct place at;
  const struct message m = message_of(b, flow, &at);
  if (b->sim->flow.rows.at[flow].dst != m.to || m.bytes != b->sim->flow.rows.at[flow].size_bytes)
    FAIL(b, "flow %u is not its message", flow);
  const size_t bytes = (size_t)pieces_of(b) * n;
  b->sent[flow] = malloc(bytes);
  b->arrived[flow] = 0;
  memcpy(b->sent[flow], piece_at(b, at.rank, at.slice, 0), bytes);
}

static void deliver(buffers *b, uint32_t flow) {
  const uint32_t n = b->trial->n;
  struct place at;
  const struct message m = message_of(b, flow, &at);
  for (uint32_t p = 0; p < pieces_of(b); p++) {
    if (!carries(b, &m, at, p)) continue;
    const uint8_t *from = &b->sent[flow][(size_t)p * n];
    uint8_t *to = piece_at(b, m.to, at.slice, p);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
      sum += from[i];
      to[i] = (uint8_t)((m.reduce ? to[i] : 0) + from[i]);
      if (to[i] > 1) FAIL(b, "rank %u has %u of rank %u in piece %u", m.to, to[i], i, p);
    }
    if (sum == 0) FAIL(b, "rank %u sends piece %u, which it does not have", at.rank, p);
  }
  free(b->sent[flow]);
  b->sent[flow] = NULL;
  b->arrived[flow] = 1;
}

/* What has arrived since the last event, then what has gone. */
static void follow(buffers *b) {
  for (uint32_t f = b->oldest; f < b->flows; f++)
    if (!b->arrived[f] && b->sim->flow.rows.at[f].fct_ps >= 0) deliver(b, f);
  while (b->oldest < b->flows && b->arrived[b->oldest]) b->oldest++;
  for (; b->flows < b->sim->flow.rows.n; b->flows++) take(b, b->flows);
}

static void check_end(const buffers *b) {
  for (uint32_t r = 0; r < b->trial->n; r++)
    for (uint32_t s = 0; s < b->c->slices; s++)
      for (uint32_t p = 0; p < pieces_of(b); p++)
        for (uint32_t i = 0; i < b->trial->n; i++) {
          int want = wanted(b, r, p, i);
          if (b->trial->skewed && volume_of(b->trial, p / b->trial->n, p % b->trial->n) == 0)
            continue;
          const int got = piece_at(b, r, s, p)[i];
          if (want >= 0 && got != want)
            FAIL(b, "rank %u has %d of rank %u in piece %u of slice %u", r, got, i, p, s);
        }
}

static weft_sim *start(const trial *t) {
  uint32_t ranks[MOST];
  uint64_t volumes[MOST * MOST];
  weft_sim *sim = uneven_star(t->n);
  for (uint32_t i = 0; i < t->n; i++) ranks[i] = i;
  for (uint32_t i = 0; i < t->n * t->n; i++) volumes[i] = volume_of(t, i / t->n, i % t->n);
  const weft_collective_def def = {.kind = t->kind,
                                   .algorithm = t->algorithm,
                                   .ranks = ranks,
                                   .rank_count = t->n,
                                   .root = t->root,
                                   .local = t->local,
                                   .size_bytes = t->size,
                                   .chunk_bytes = t->chunk,
                                   .volumes = t->skewed ? volumes : NULL};
  MUST(sim, weft_collective_add(sim, &def));
  return sim;
}

static void move(const trial *t) {
  weft_sim *sim = start(t);
  buffers b = {.trial = t, .sim = sim, .c = &sim->work.collectives.at[0]};
  const uint32_t n = t->n, slices = b.c->slices, pieces = pieces_of(&b);
  const uint32_t most = n * b.c->lanes * b.c->steps * slices;
  b.held = calloc((size_t)n * slices * pieces * n, 1);
  b.sent = calloc(most, sizeof *b.sent);
  b.arrived = calloc(most, 1);
  for (uint32_t r = 0; r < n; r++)
    for (uint32_t s = 0; s < slices; s++)
      for (uint32_t p = 0; p < pieces; p++) piece_at(&b, r, s, p)[r] = has_at_first(&b, r, p);
  while (MUST(sim, weft_run(sim, -1, 1)) == WEFT_RUN_BUDGET) follow(&b);
  follow(&b);
  if (stats_of(sim).tasks_done != 1) FAIL(&b, "%d of it is left", (int)b.c->left);
  if (b.oldest != sim->flow.rows.n)
    FAIL(&b, "%u flows did not arrive", sim->flow.rows.n - b.oldest);
  check_end(&b);
  free(b.held);
  free(b.sent);
  free(b.arrived);
  weft_sim_destroy(sim);
}

/* At 2 to 17 and 32 ranks, in one piece and cut into chunks. */
static void move_all(uint32_t kind, uint32_t algorithm, bool rooted) {
  for (uint32_t n = 2; n <= MOST; n = n == 17 ? MOST : n + 1) {
    trial t = {.kind = kind, .algorithm = algorithm, .n = n, .root = rooted ? n * 2 / 3 : 0};
    t.size = 40 * n + n / 2;
    move(&t);
    t.chunk = n == MOST ? 0 : 17;
    if (t.chunk > 0) move(&t);
  }
}

TEST(ring_allreduce_moves_the_right_pieces) {
  move_all(WEFT_ALLREDUCE, WEFT_RING, false);
}
TEST(bidirectional_allreduce_moves_the_right_pieces) {
  move_all(WEFT_ALLREDUCE, WEFT_BIDIRECTIONAL, false);
}
TEST(tree_allreduce_moves_the_right_pieces) {
  move_all(WEFT_ALLREDUCE, WEFT_TREE, false);
}
TEST(double_tree_allreduce_moves_the_right_pieces) {
  move_all(WEFT_ALLREDUCE, WEFT_DOUBLE_TREE, false);
}
TEST(halving_doubling_allreduce_moves_the_right_pieces) {
  move_all(WEFT_ALLREDUCE, WEFT_HALVING_DOUBLING, false);
}
TEST(reduce_scatter_moves_the_right_pieces) {
  move_all(WEFT_REDUCE_SCATTER, WEFT_RING, false);
  move_all(WEFT_REDUCE_SCATTER, WEFT_BIDIRECTIONAL, false);
  move_all(WEFT_REDUCE_SCATTER, WEFT_HALVING_DOUBLING, false);
}
TEST(all_gather_moves_the_right_pieces) {
  move_all(WEFT_ALL_GATHER, WEFT_RING, false);
  move_all(WEFT_ALL_GATHER, WEFT_BIDIRECTIONAL, false);
  move_all(WEFT_ALL_GATHER, WEFT_HALVING_DOUBLING, false);
}
TEST(broadcast_and_reduce_move_the_right_pieces) {
  move_all(WEFT_BROADCAST, WEFT_RING, true);
  move_all(WEFT_BROADCAST, WEFT_TREE, true);
  move_all(WEFT_REDUCE, WEFT_RING, true);
  move_all(WEFT_REDUCE, WEFT_TREE, true);
}

/* Servers of one to all ranks, the last one not always full. */
static void move_by_server(uint32_t algorithm) {
  static const uint32_t locals[] = {1, 2, 3, 4, 8, MOST};
  for (uint32_t n = 2; n <= MOST; n = n == 17 ? MOST : n + 1)
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
      trial t = {.kind = WEFT_ALLREDUCE,
                 .algorithm = algorithm,
                 .n = n,
                 .local = locals[i] < n ? locals[i] : n,
                 .size = 40 * n};
      t.chunk = i % 2 == 0 || n == MOST ? 0 : 50;
      move(&t);
    }
}

TEST(hierarchical_allreduce_moves_the_right_pieces) {
  move_by_server(WEFT_HIERARCHICAL);
}
TEST(a_tree_of_servers_moves_the_right_pieces) {
  move_by_server(WEFT_TREE);
  move_by_server(WEFT_DOUBLE_TREE);
}

static void exchange(uint32_t algorithm, uint32_t n, uint32_t local, bool skewed) {
  trial t = {.kind = WEFT_ALL_TO_ALL,
             .algorithm = algorithm,
             .n = n,
             .local = local,
             .size = 40 * n,
             .skewed = skewed};
  move(&t);
  t.chunk = skewed ? 3000 : 30;
  if (n <= 12) move(&t);
}

TEST(all_to_all_moves_the_right_pieces) {
  for (uint32_t n = 2; n <= MOST; n = n == 17 ? MOST : n + 1)
    for (int skewed = 0; skewed < 2; skewed++) {
      exchange(WEFT_DIRECT, n, 0, skewed);
      exchange(WEFT_PAIRWISE, n, 0, skewed);
      exchange(WEFT_HIERARCHICAL, n, 1 + n / 4, skewed);
      exchange(WEFT_HIERARCHICAL, n, 1 + n / 2, skewed);
    }
}
