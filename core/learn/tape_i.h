/* What the files of the tape give each other. */
#ifndef WEFT_LEARN_TAPE_I_H
#define WEFT_LEARN_TAPE_I_H

#include "learn/tape.h"

struct tape_op {
  void (*backward)(struct tape *tape, const struct tape_node *node);
};

static inline struct tape_node *tape_at(const struct tape *tape, uint32_t node) {
  return &tape->nodes[node];
}

/** A node with room for its value, and for a gradient if a, b or c has one. 0: out of memory. */
uint32_t weft__tape_node(struct tape *tape, const struct tape_op *op, uint32_t rows,
                         uint32_t columns, uint32_t a, uint32_t b, uint32_t c);

static inline size_t tape_size(const struct tape_node *node) {
  return (size_t)node->rows * node->columns;
}

#endif
