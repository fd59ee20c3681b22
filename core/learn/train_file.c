/* Where a training is, as a file: weights, the best ones, and what AdamW keeps of gradients. Its
 * examples and settings are known by their digest only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/file.h"
#include "learn/train.h"
#include "weft.h"

/* Numbers that are kept, by their names in the file. */
struct kept {
  const char *name;
  double *number;
  uint32_t *count;
};

enum { NUMBERS = 18, DIGEST = 17 };

static void list(weft_trainer *t, struct kept *all) {
  weft_training_state *s = &t->state;
  const struct kept its[NUMBERS] = {{"step", NULL, &s->step},
                                    {"best_step", NULL, &s->best_step},
                                    {"evaluations", NULL, &s->evaluations},
                                    {"is_over", NULL, &s->is_over},
                                    {"waited", NULL, &t->waited},
                                    {"falls", NULL, &t->falls},
                                    {"rate", &s->rate, NULL},
                                    {"loss", &s->loss, NULL},
                                    {"loss_weight", &t->loss_weight, NULL},
                                    {"plateau", &t->plateau, NULL},
                                    {"first", &t->optim.first, NULL},
                                    {"second", &t->optim.second, NULL},
                                    {"last_mean", &s->last.mean, NULL},
                                    {"last_p90", &s->last.p90, NULL},
                                    {"last_p99", &s->last.p99, NULL},
                                    {"best_mean", &s->best.mean, NULL},
                                    {"best_p90", &s->best.p90, NULL},
                                    {"best_p99", &s->best.p99, NULL}};
  memcpy(all, its, sizeof its);
}

static void print_digest(const weft_trainer *trainer, char text[DIGEST]) {
  snprintf(text, DIGEST, "%016llx", (unsigned long long)trainer->digest);
}

int weft_trainer_save(const weft_trainer *trainer, const char *path, char *error, size_t size) {
  struct learn_out out = {.n = 0};
  weft_trainer view = *trainer; /* the list names what may be written to */
  struct kept all[NUMBERS];
  list(&view, all);
  char digest[DIGEST];
  print_digest(trainer, digest);
  weft__out_text(&out, "weft training 1\ndigest = %s\n", digest);
  for (int i = 0; i < NUMBERS; ++i) {
    if (all[i].count != NULL) {
      weft__out_text(&out, "%s = %u\n", all[i].name, *all[i].count);
    } else {
      weft__out_text(&out, "%s = %.17g\n", all[i].name, *all[i].number);
    }
  }
  const struct learn_optim *o = &trainer->optim;
  weft__out_data(&out, 4 * o->n);
  weft__out_floats(&out, o->weights, o->n);
  weft__out_floats(&out, trainer->best, o->n);
  weft__out_floats(&out, o->mean, o->n);
  weft__out_floats(&out, o->square, o->n);
  weft__out_end(&out);
  return weft__out_commit(&out, path, error, size);
}

static int read_numbers(const struct learn_in *in, const struct kept *all) {
  for (int i = 0; i < NUMBERS; ++i) {
    uint64_t count = 0;
    const int status = all[i].count != NULL
                           ? weft__in_count(in, all[i].name, 0, INT32_MAX, &count)
                           : weft__in_number(in, all[i].name, -1e300, 1e300, all[i].number);
    if (status < 0) return status;
    if (all[i].count != NULL) *all[i].count = (uint32_t)count;
  }
  return WEFT_OK;
}

static int read_into(struct learn_in *in, weft_trainer *trainer) {
  char digest[DIGEST], wanted[DIGEST];
  struct kept all[NUMBERS];
  struct learn_optim *o = &trainer->optim;
  print_digest(trainer, wanted);
  int status = weft__in_word(in, "digest", digest, sizeof digest);
  if (status < 0) return status;
  if (strcmp(digest, wanted) != 0)
    return weft__learn_fail(&in->error, WEFT_EINVAL,
                            "the training had other examples or other settings");
  weft_trainer copy = *trainer;
  list(&copy, all);
  status = read_numbers(in, all);
  if (status < 0) return status;
  if (in->left != 4 * o->n || copy.state.step > copy.training.steps)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "the training had another network");
  list(trainer, all);
  read_numbers(in, all);
  weft__in_floats(in, o->weights, o->n);
  weft__in_floats(in, trainer->best, o->n);
  weft__in_floats(in, o->mean, o->n);
  weft__in_floats(in, o->square, o->n);
  return WEFT_OK;
}

int weft_trainer_resume(weft_trainer *trainer, const char *path, char *error, size_t size) {
  const struct learn_error told = {error, size};
  struct learn_in in;
  uint64_t length;
  int status;
  char *bytes = weft__in_read(path, &length, &status, &told);
  if (bytes == NULL) return status;
  status = weft__in_open(&in, "training", bytes, length, &told);
  if (status >= 0) status = read_into(&in, trainer);
  free(bytes);
  return status;
}
