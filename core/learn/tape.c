/* The tape: its memory, its leaves and the way back. The operations are in tape_ops.c and
 * tape_rows.c. */
#include "learn/tape_i.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_FLOATS = 1 << 18, FIRST_NODES = 64, ALIGNED = 16 };

struct tape_block {
  struct tape_block *next;
  uint64_t used, size;
  float at[];
};

void weft__tape_reset(struct tape *tape) {
  for (struct tape_block *b = tape->first; b != NULL; b = b->next) b->used = 0;
  tape->now = tape->first;
  tape->n = 0;
  tape->failed = 0;
}

void weft__tape_free(struct tape *tape) {
  while (tape->first != NULL) {
    struct tape_block *next = tape->first->next;
    free(tape->first);
    tape->first = next;
  }
  free(tape->nodes);
  *tape = (struct tape){.n = 0};
}

static struct tape_block *new_block(struct tape *tape, uint64_t n) {
  const uint64_t size = n > BLOCK_FLOATS ? n : BLOCK_FLOATS;
  if (size > SIZE_MAX / sizeof(float) / 2) return NULL;
  struct tape_block *block = malloc(sizeof *block + (size_t)size * sizeof(float));
  if (block == NULL) return NULL;
  *block = (struct tape_block){.size = size};
  struct tape_block **at = tape->now != NULL ? &tape->now->next : &tape->first;
  block->next = *at;
  *at = block;
  return block;
}

float *weft__tape_floats(struct tape *tape, uint64_t n) {
  n = (n + ALIGNED - 1) / ALIGNED * ALIGNED;
  while (tape->now != NULL && tape->now->size - tape->now->used < n && tape->now->next != NULL)
    tape->now = tape->now->next;
  if (tape->now == NULL || tape->now->size - tape->now->used < n) {
    struct tape_block *block = new_block(tape, n);
    if (block == NULL) {
      tape->failed = 1;
      return NULL;
    }
    tape->now = block;
  }
  float *at = tape->now->at + tape->now->used;
  tape->now->used += n;
  return at;
}

static uint32_t add(struct tape *tape, struct tape_node node) {
  if (tape->failed) return 0;
  if (tape->n + 2 > tape->capacity) {
    const uint32_t capacity = tape->capacity != 0 ? 2 * tape->capacity : FIRST_NODES;
    struct tape_node *nodes = realloc(tape->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) {
      tape->failed = 1;
      return 0;
    }
    tape->nodes = nodes;
    tape->capacity = capacity;
  }
  tape->nodes[++tape->n] = node;
  return tape->n;
}

uint32_t weft__tape_node(struct tape *tape, const struct tape_op *op, uint32_t rows,
                         uint32_t columns, uint32_t a, uint32_t b, uint32_t c) {
  if (tape->failed) return 0;
  struct tape_node node = {.op = op, .rows = rows, .columns = columns, .a = a, .b = b, .c = c};
  const size_t size = tape_size(&node);
  node.value = weft__tape_floats(tape, size);
  const uint32_t from[3] = {a, b, c};
  int asked = 0;
  for (int i = 0; i < 3; ++i)
    asked = asked || (from[i] != 0 && tape_at(tape, from[i])->gradient != NULL);
  if (asked) node.gradient = weft__tape_floats(tape, size);
  if (tape->failed) return 0;
  if (asked) memset(node.gradient, 0, size * sizeof(float));
  return add(tape, node);
}

uint32_t weft__tape_input(struct tape *tape, uint32_t rows, uint32_t columns) {
  const uint32_t node = weft__tape_node(tape, NULL, rows, columns, 0, 0, 0);
  if (node != 0) memset(tape_at(tape, node)->value, 0, (size_t)rows * columns * sizeof(float));
  return node;
}

uint32_t weft__tape_parameter(struct tape *tape, uint32_t rows, uint32_t columns, float *value,
                              float *gradient) {
  return add(tape, (struct tape_node){
                       .rows = rows, .columns = columns, .value = value, .gradient = gradient});
}

void weft__tape_backward(struct tape *tape, uint32_t node) {
  if (tape->failed || node == 0 || tape_at(tape, node)->gradient == NULL) return;
  tape_at(tape, node)->gradient[0] = 1;
  for (uint32_t i = node; i > 0 && !tape->failed; --i) {
    const struct tape_node *its = tape_at(tape, i);
    if (its->op != NULL && its->gradient != NULL) its->op->backward(tape, its);
  }
}
