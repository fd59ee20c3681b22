/* A training. What its files give each other. */
#ifndef WEFT_LEARN_TRAIN_H
#define WEFT_LEARN_TRAIN_H

#include "learn/architecture.h"
#include "learn/examples.h"
#include "learn/optim.h"

/* A batch is always worked on in so many parts, whose sums are added in their order: so nothing
 * depends on how many threads there are. */
enum { LEARN_SHARDS = 8 };

struct learn_shard {
  struct tape tape;
  float *gradient; /* of all weights */
  double loss; /* of the last step */
};

struct weft_trainer {
  const weft_examples *examples;
  weft_training training;
  weft_training_state state;
  weft_model *model; /* that is trained */
  float *best; /* weights */
  struct learn_optim optim;
  struct learn_shard shards[LEARN_SHARDS];
  uint32_t *chosen; /* examples to train from; in the order of their epoch */
  uint32_t *held; /* the others, group by group */
  uint32_t *held_ends; /* of groups, in `held` */
  float *answers; /* of the model for `held` */
  double loss_weight; /* of the mean behind state.loss */
  double plateau; /* share of the rate */
  uint32_t epoch; /* in whose order `chosen` is, counted from 1; 0: in none */
  uint32_t waited, falls; /* evaluations since a better one; how often the rate has fallen */
  uint64_t digest; /* of examples and settings */
};

/** Divide the examples: whole groups are held out. Enum weft_status. */
int weft__train_divide(weft_trainer *trainer);

/** Put `chosen` into the order of an epoch. */
void weft__train_shuffle(weft_trainer *trainer, uint32_t epoch);

/** Means, scales and bounds of the features of examples to train from. */
void weft__train_normalise(weft_trainer *trainer);

/** How far off `answers` are. */
int weft__train_errors(const weft_trainer *trainer, weft_training_errors *errors);

/** Judge the model as it is by what is held out. */
int weft__train_judge(weft_trainer *trainer, weft_training_errors *errors);

/** Put examples on a tape, as a batch; 0: out of memory. */
int weft__train_batch(const weft_trainer *trainer, struct tape *tape, const uint32_t *which,
                      uint32_t n, struct learn_batch *batch);

/** Call work(trainer, shard) for each shard, on threads. */
void weft__train_shards(weft_trainer *trainer, void (*work)(weft_trainer *, uint32_t));

#endif
