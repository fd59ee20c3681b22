/* Binary trees, and two of them at once.
 *
 * The tree of n nodes has the in-order numbers 1 to n-1 below root 0, which has one child: the
 * lowest bit set of a number is its height, so odd numbers are leaves. In the second tree of a
 * double binary tree (Sanders, Speck and Traeff, Parallel Computing 2009) nodes are mirrored, or
 * shifted by one where n is odd, so that a leaf of one tree is an inner node of the other and every
 * link carries as much; each tree has one half of the buffer.
 *
 * A node is a rank, or with `local` > 1 the first of so many ranks, which are a server: the others
 * hang on it in a chain, as NCCL has it.
 *
 * AllReduce goes up to the root and down again, Reduce up, Broadcast down. Lanes of a rank: per
 * tree one up, and one down to each of two children and to the next of the chain. */
#include "work/algorithms_i.h"

enum { UP = 0, DOWN = 1, CHILDREN = 3, LANES = DOWN + CHILDREN, NOBODY = UINT32_MAX };

struct relatives {
  uint32_t parent, child[CHILDREN]; /* NOBODY: none */
};

/* In the tree of nodes 0 .. n-1. */
static struct relatives relatives_in_tree(uint32_t n, uint32_t node) {
  struct relatives found = {NOBODY, {NOBODY, NOBODY, NOBODY}};
  uint32_t height = 1; /* lowest bit set; of the root, the least that is not below n */
  while (height < n && !(node & height)) height <<= 1;
  if (node != 0) {
    found.parent = (node ^ height) | height << 1;
    if (found.parent >= n) found.parent = node ^ height;
    if (height > 1) found.child[0] = node - height / 2;
  }
  uint32_t step = height / 2;
  while (step > 0 && node + step >= n) step /= 2;
  if (step > 0) found.child[1] = node + step;
  return found;
}

/* Node of a server in a tree, and back. */
static uint32_t node_of(uint32_t n, uint32_t tree, uint32_t server) {
  if (tree == 0) return server;
  return n % 2 == 0 ? n - 1 - server : (server + n - 1) % n;
}

static uint32_t server_of(uint32_t n, uint32_t tree, uint32_t node) {
  if (tree == 0) return node;
  return n % 2 == 0 ? n - 1 - node : (node + 1) % n;
}

/* The rank at a place counted from the root; with servers the root is rank 0. */
static uint32_t rank_at(const struct collective *c, uint32_t place) {
  return place == NOBODY ? NOBODY : (place + c->root) % c->n;
}

static struct relatives relatives_of(const struct collective *c, uint32_t tree, uint32_t rank) {
  const uint32_t place = (rank + c->n - c->root) % c->n, local = c->local;
  const uint32_t n = (c->n - 1) / local + 1;
  struct relatives found = {rank_at(c, place - 1), {NOBODY, NOBODY, NOBODY}};
  if (place % local == 0) { /* the first of its server */
    found = relatives_in_tree(n, node_of(n, tree, place / local));
    uint32_t *const all[] = {&found.parent, &found.child[0], &found.child[1]};
    for (int i = 0; i < 3; ++i)
      if (*all[i] != NOBODY) *all[i] = rank_at(c, server_of(n, tree, *all[i]) * local);
  }
  if ((place + 1) % local != 0 && place + 1 < c->n) found.child[2] = rank_at(c, place + 1);
  return found;
}

static void plan(struct collective *c) {
  c->pieces = c->algorithm == WEFT_DOUBLE_TREE ? 2 : 1;
  c->lanes = LANES * c->pieces;
  c->largest = c->steps = 1;
}

/* The rank that a lane leads to. */
static uint32_t far_end(const struct collective *c, uint32_t rank, uint32_t lane) {
  const struct relatives my = relatives_of(c, lane / LANES, rank);
  return lane % LANES == UP ? my.parent : my.child[lane % LANES - DOWN];
}

static uint32_t steps(const struct collective *c, uint32_t rank, uint32_t lane) {
  if (c->kind == (lane % LANES == UP ? WEFT_BROADCAST : WEFT_REDUCE)) return 0;
  return far_end(c, rank, lane) != NOBODY;
}

static struct message message(const weft_sim *sim, const struct collective *c, struct place at) {
  (void)sim;
  const uint32_t tree = at.lane / LANES;
  const int up = at.lane % LANES == UP;
  return (struct message){
      .bytes = weft__piece_bytes(c, at.slice, tree, 1),
      .to = far_end(c, at.rank, at.lane),
      .first = tree,
      .count = 1,
      .reduce = (uint32_t)up,
      .wake = tree * LANES + (up ? UP : DOWN), /* the root turns round */
      .wakes = up ? LANES : LANES - DOWN,
  };
}

/* Going up a rank needs what its children send; coming down, what its parent sends; and the root
 * turns round what its children sent. */
static int ready(const weft_sim *sim, const struct collective *c, struct place at) {
  const uint32_t first = at.lane / LANES * LANES; /* lane of the tree */
  const struct relatives my = relatives_of(c, at.lane / LANES, at.rank);
  if (at.lane != first + UP && my.parent != NOBODY) {
    struct place from = {my.parent, first + DOWN, 0, at.slice};
    while (far_end(c, my.parent, from.lane) != at.rank) ++from.lane;
    return weft__message_arrived(sim, c, from);
  }
  for (int k = 0; k < CHILDREN && c->kind != WEFT_BROADCAST; ++k) {
    const struct place from = {my.child[k], first + UP, 0, at.slice};
    if (my.child[k] != NOBODY && !weft__message_arrived(sim, c, from)) return 0;
  }
  return 1;
}

const struct algorithm weft__tree = {plan, steps, message, ready, 0, 0, NULL};
