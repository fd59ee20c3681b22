/* A model: a network that has been trained, what it was trained on, and how good it is. Nobody
 * changes one once it is whole, so simulations, forks and threads share it; it is counted, and the
 * last who lets go frees it. Nothing here knows of simulations.
 *
 * The architecture `sets` corrects a completion time: of a flow it gets features of the flow and of
 * each link of its way, in any order, and gives the logarithm of a factor, less than `limit` in
 * size. Features are given as they are: normalisation is the model's, and what is outside of what
 * it was trained on is taken as the nearest value that was inside. */
#ifndef WEFT_LEARN_MODEL_H
#define WEFT_LEARN_MODEL_H

#include "learn/tape.h"
#include "weft_types.h"

enum learn_side { LEARN_FLOW = 0, LEARN_LINK = 1, LEARN_SIDES = 2 };

enum {
  LEARN_NAME_MAX = 32, /* bytes of a name, with the 0 at its end */
  LEARN_FEATURES_MAX = 256, /* of a side */
  LEARN_HIDDEN_MAX = 512,
  LEARN_LAYERS_MAX = 8,
  LEARN_TENSORS_MAX = 96,
  LEARN_TEXT_MAX = 1024, /* bytes of a text, with its 0 */
  LEARN_METRICS_MAX = 32
};

typedef char learn_name[LEARN_NAME_MAX];

/* Features of a flow or of a link. `low` and `high` bound what training has seen. */
struct learn_features {
  uint32_t n, unused;
  const learn_name *name;
  const float *mean, *scale, *low, *high; /* (x - mean) * scale is what the network sees */
};

struct learn_tensor {
  const char *name;
  uint32_t rows, columns;
  float *at; /* row by row */
};

struct weft_model {
  uint32_t architecture; /* enum learn_architecture */
  uint32_t hidden, layers;
  uint32_t tensor_count;
  uint32_t metric_count;
  float limit; /* of the logarithm of the factor */
  struct learn_features side[LEARN_SIDES];
  struct learn_tensor tensors[LEARN_TENSORS_MAX]; /* of the network, in the order of the file */
  char base[LEARN_NAME_MAX]; /* the engine whose times it corrects */
  char version[LEARN_NAME_MAX]; /* of the weft that trained it */
  char command[LEARN_TEXT_MAX]; /* that made it */
  char metric_name[LEARN_METRICS_MAX][LEARN_NAME_MAX];
  double metric[LEARN_METRICS_MAX];
  uint64_t checksum; /* of its file; 0: none yet */
  struct learn_owned *owned;
};

/** Hold it once more; returns it. weft_model_free() lets go. Safe on several threads. */
weft_model *weft__model_retain(weft_model *model);

/** Read a model from the bytes of its file. On errors *model is NULL and `error` has one line. */
int weft__model_read(const void *bytes, uint64_t size, weft_model **model, char *error,
                     size_t error_size);

/** The index of a feature of that name on a side, or -1. */
int weft__model_feature(const weft_model *model, uint32_t side, const char *name);

/** The first feature of a side that is outside of what training has seen, by more than a hundredth
 *  of its range; or -1. */
int weft__model_outside(const weft_model *model, uint32_t side, const float *features);

/** How many floats weft__model_sets() wants as scratch for a way of so many links. */
uint64_t weft__model_scratch(const weft_model *model, uint32_t links);

/** The logarithm of the factor by which a flow's time is to be multiplied. `flow`: its features, as
 *  many as side[LEARN_FLOW].n; `links`: those of n_links links, one behind the other. What is no
 *  finite number among them counts as the mean. WEFT_EINVAL: the model has another architecture. */
int weft__model_sets(const weft_model *model, const float *flow, const float *links,
                     uint32_t n_links, float *scratch, float *log_factor);

#endif
