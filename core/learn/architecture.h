/* Architectures: what tensors a network has, and how it goes from features to an answer. Each is a
 * file with a table of these functions. */
#ifndef WEFT_LEARN_ARCHITECTURE_H
#define WEFT_LEARN_ARCHITECTURE_H

#include "learn/model.h"

enum learn_architecture { LEARN_SETS = 0, LEARN_ARCHITECTURES = 1 };

/* What the sizes of all tensors follow from. */
struct learn_shape {
  uint32_t architecture, hidden;
  uint32_t n[LEARN_SIDES]; /* features */
};

/* A batch on a tape: nodes of normalised features, a row for each flow and for each link; owner[i]
 * is the flow of link i. */
struct learn_batch {
  uint32_t flow, link;
  const uint32_t *owner;
};

struct learn_network {
  const char *name;
  /** Lists the tensors, with their sizes; returns how many. */
  uint32_t (*tensors)(const struct learn_shape *shape, struct learn_tensor *list);
  /** Puts the network on a tape; `parameters`: the node of the first tensor, the others follow.
   *  Returns the node of its answer, a column. */
  uint32_t (*forward)(struct tape *tape, uint32_t parameters, const struct learn_batch *batch);
};

extern const struct learn_network weft__learn_sets;

/** The architecture of a number below LEARN_ARCHITECTURES. */
const struct learn_network *weft__learn_network(uint32_t architecture);

/** The number of an architecture, or -1; the names of all, "sets|m4". */
int weft__learn_architecture(const char *name);
const char *weft__learn_architectures(void);

/** A model of a shape, all numbers 0, which is the caller's to fill. NULL: out of memory. */
weft_model *weft__model_new(const struct learn_shape *shape);
struct learn_shape weft__model_shape(const weft_model *model);

/** What may be written to while a model is made: names, the four rows of a side, all weights. */
learn_name *weft__model_names(weft_model *model, uint32_t side);
float *weft__model_rows(weft_model *model, uint32_t side); /* mean, scale, low, high */
float *weft__model_weights(weft_model *model, uint64_t *count);

/** Features as the network sees them. */
void weft__model_normalise(const weft_model *model, uint32_t side, const float *in, float *out);

/** The floats of a model's file in their order: rows of sides, weights. */
uint64_t weft__model_floats(const weft_model *model);

/** Whether a text is a name: letters, digits, '_', fewer than LEARN_NAME_MAX. */
int weft__learn_is_name(const char *text, size_t length);

#endif
