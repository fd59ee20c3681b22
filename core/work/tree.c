/* Binary trees, and two of them at once.
 *
 * The tree of n nodes has the in-order numbers 1 to n-1 below root 0, which has one child: the
 * lowest bit set of a number is its height, so odd numbers are leaves. In the second tree of a
 * double binary tree (Sanders, Speck and Traeff, Parallel Computing 2009) ranks are mirrored, or
 * shifted by one where n is odd, so that a leaf of one tree is an inner node of the other and every
 * link carries as much; each tree has one half of the buffer.
 *
 * AllReduce goes up to the root and down again, Reduce up, Broadcast down. Lanes of a rank: per
 * tree one up, and one down to each of two children. */
#include "work/collective_i.h"

enum { UP = 0, DOWN = 1, LANES = 3, NOBODY = UINT32_MAX };

struct relatives {
  uint32_t parent, child[2]; /* NOBODY: none */
};

/* In the tree of nodes 0 .. n-1. */
static struct relatives relatives_of(uint32_t n, uint32_t node) {
  struct relatives found = {NOBODY, {NOBODY, NOBODY}};
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

/* Node of a rank in a tree, and back. */
static uint32_t node_of(const struct collective *c, uint32_t tree, uint32_t rank) {
  const uint32_t from_root = (rank + c->n - c->root) % c->n;
  if (tree == 0) return from_root;
  return c->n % 2 == 0 ? c->n - 1 - from_root : (from_root + c->n - 1) % c->n;
}

static uint32_t rank_of(const struct collective *c, uint32_t tree, uint32_t node) {
  uint32_t from_root = node;
  if (tree == 1) from_root = c->n % 2 == 0 ? c->n - 1 - node : (node + 1) % c->n;
  return (from_root + c->root) % c->n;
}

static void plan(struct collective *c) {
  c->pieces = c->algorithm == WEFT_DOUBLE_TREE ? 2 : 1;
  c->lanes = LANES * c->pieces;
  c->largest = c->steps = 1;
}

/* The node that a lane leads to. */
static uint32_t far_end(const struct collective *c, uint32_t rank, uint32_t lane) {
  const struct relatives my = relatives_of(c->n, node_of(c, lane / LANES, rank));
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
      .to = rank_of(c, tree, far_end(c, at.rank, at.lane)),
      .first = tree,
      .count = 1,
      .reduce = (uint32_t)up,
      .wake = tree * LANES + (up ? UP : DOWN), /* the root turns round */
      .wakes = up ? LANES : LANES - DOWN,
  };
}

/* Going up a node needs what its children send; coming down, what its parent sends; and the root
 * turns round what its children sent. */
static int ready(const weft_sim *sim, const struct collective *c, struct place at) {
  const uint32_t tree = at.lane / LANES, node = node_of(c, tree, at.rank);
  const struct relatives my = relatives_of(c->n, node);
  if (at.lane % LANES != UP && my.parent != NOBODY) {
    const struct relatives parents = relatives_of(c->n, my.parent);
    const uint32_t lane = tree * LANES + DOWN + (parents.child[1] == node);
    const struct place from = {rank_of(c, tree, my.parent), lane, 0, at.slice};
    return weft__message_arrived(sim, c, from);
  }
  for (int k = 0; k < 2 && c->kind != WEFT_BROADCAST; ++k) {
    if (my.child[k] == NOBODY) continue;
    const struct place from = {rank_of(c, tree, my.child[k]), tree * LANES + UP, 0, at.slice};
    if (!weft__message_arrived(sim, c, from)) return 0;
  }
  return 1;
}

const struct algorithm weft__tree = {plan, steps, message, ready, 0};
