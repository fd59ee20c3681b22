/* Differentiation backwards: a tape of operations on matrices, each of which knows its derivative.
 * A tape is played for a part of a batch: inputs and parameters are put on it, operations append
 * nodes, and weft__tape_backward() goes from the last node to the first. Gradients of parameters
 * are added to where the caller wants them. All sums have one order.
 *
 * Nodes are numbers. Once memory has run out, all operations give 0 and do nothing: see
 * `failed`. */
#ifndef WEFT_LEARN_TAPE_H
#define WEFT_LEARN_TAPE_H

#include <stddef.h>
#include <stdint.h>

struct tape_node {
  const struct tape_op *op; /* NULL: a leaf */
  uint32_t rows, columns;
  uint32_t a, b, c; /* nodes that it is made of */
  uint32_t count; /* op's own */
  float *value, *gradient; /* gradient NULL: nobody asks for it */
  const uint32_t *index; /* op's own */
  float *kept; /* what the op wants to know again when it goes backwards */
};

struct tape_block;

struct tape {
  struct tape_node *nodes; /* from 1 on */
  uint32_t n, capacity;
  int failed; /* out of memory */
  struct tape_block *first, *now; /* memory of values, used again after a reset */
};

/** Forget all nodes, and keep the memory. A tape begins as zeros. */
void weft__tape_reset(struct tape *tape);
void weft__tape_free(struct tape *tape);

/** So many floats until the reset, not initialised; NULL: out of memory. */
float *weft__tape_floats(struct tape *tape, uint64_t n);

/* ---- leaves ---- */

/** A matrix of zeros to be filled: inputs. */
uint32_t weft__tape_input(struct tape *tape, uint32_t rows, uint32_t columns);

/** A parameter; its gradient is added to `gradient`. */
uint32_t weft__tape_parameter(struct tape *tape, uint32_t rows, uint32_t columns, float *value,
                              float *gradient);

/* ---- operations ---- */

/** x w + bias (a row; 0: none). */
uint32_t weft__tape_linear(struct tape *tape, uint32_t x, uint32_t w, uint32_t bias);

/** Element by element. In the product and the sum b may be a single row, used for each of a. */
uint32_t weft__tape_add(struct tape *tape, uint32_t a, uint32_t b);
uint32_t weft__tape_multiply(struct tape *tape, uint32_t a, uint32_t b);
uint32_t weft__tape_relu(struct tape *tape, uint32_t a);
uint32_t weft__tape_tanh(struct tape *tape, uint32_t a);
uint32_t weft__tape_sigmoid(struct tape *tape, uint32_t a);

/** a * factor. */
uint32_t weft__tape_scale(struct tape *tape, uint32_t a, float factor);

/** Columns of a, then those of b. */
uint32_t weft__tape_concat(struct tape *tape, uint32_t a, uint32_t b);

/** `count` columns of a from `first` on. */
uint32_t weft__tape_columns(struct tape *tape, uint32_t a, uint32_t first, uint32_t count);

/** Rows index[0..n) of a. The index is the caller's until the reset, here and below. */
uint32_t weft__tape_gather(struct tape *tape, uint32_t a, const uint32_t *index, uint32_t n);

/** `rows` rows: row index[i] is the sum of rows i of a. */
uint32_t weft__tape_scatter(struct tape *tape, uint32_t a, const uint32_t *index, uint32_t rows);

/** (x - mean) / deviation * gain + bias, of each row. */
uint32_t weft__tape_layer_norm(struct tape *tape, uint32_t a, uint32_t gain, uint32_t bias);

/** x / root of the mean square * gain, of each row. */
uint32_t weft__tape_rms_norm(struct tape *tape, uint32_t a, uint32_t gain);

/** Attention with one head in each of `count` segments: segment i is rows [ends[i-1], ends[i]) of
 *  query, key and value; softmax(query key^T / sqrt(columns)) value. */
uint32_t weft__tape_attention(struct tape *tape, uint32_t query, uint32_t key, uint32_t value,
                              const uint32_t *ends, uint32_t count);

/** The mean of all elements, 1 x 1. */
uint32_t weft__tape_mean(struct tape *tape, uint32_t a);

/** 1 x 1: the sum over rows of weight |e^(limit tanh(z / limit) - target) - 1|: by what share a
 *  time is off that is to be multiplied by e^target. z: one column. */
uint32_t weft__tape_error(struct tape *tape, uint32_t z, const float *target, float weight,
                          float limit);

/* ---- backwards ---- */

/** Add the derivative of a 1 x 1 node by each parameter to its gradient. */
void weft__tape_backward(struct tape *tape, uint32_t node);

#endif
