/* Examples: what is known of flows, and how long they took. They come in groups, such as the flows
 * of one run: what is held out to judge by is whole groups. */
#ifndef WEFT_LEARN_EXAMPLES_H
#define WEFT_LEARN_EXAMPLES_H

#include "learn/model.h"

struct weft_examples {
  uint32_t width[LEARN_SIDES]; /* features */
  learn_name *names[LEARN_SIDES];
  uint32_t n, capacity;
  uint64_t links, link_capacity;
  float *flow; /* n rows */
  float *link; /* `links` rows */
  uint64_t *first; /* n + 1: the first link of each */
  float *target; /* ln(truth / base) */
  float *base; /* ln(base / ideal), 0 or more */
  uint32_t *group;
};

/** Split names at blanks; returns how many there are, or a status with an error told. `names` may
 *  be NULL. */
struct learn_error;
int weft__learn_split(const char *text, size_t length, learn_name *names, const char *what,
                      const struct learn_error *error);

/** A number that changes with any of the examples. */
uint64_t weft__examples_digest(const weft_examples *examples);

#endif
