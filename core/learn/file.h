/* Files of models, examples and trainings: a text of lines `key = value` for people, then floats
 * for the machine.
 *
 *   weft model 1          what it is, and the version of its format
 *   key = value           any number of lines; a key may come once
 *   floats = N
 *   data:
 *   N floats of 4 bytes, IEEE 754, least byte first; then 8 bytes, least first: a checksum of all
 *   before. Nothing follows. */
#ifndef WEFT_LEARN_FILE_H
#define WEFT_LEARN_FILE_H

#include <stddef.h>
#include <stdint.h>

/* ---- writing ---- */

/** A file as it grows in memory; begins as zeros. Once memory has run out it stays as it is. */
struct learn_out {
  char *at;
  size_t n, capacity;
  int failed;
};

void weft__out_text(struct learn_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void weft__out_data(struct learn_out *out, uint64_t floats); /* the last lines of the text */
void weft__out_floats(struct learn_out *out, const float *at, uint64_t n);
uint64_t weft__out_end(struct learn_out *out); /* adds the checksum, and returns it */

/** Write what there is to a file, whole or not at all, and free it: enum weft_status. */
int weft__out_commit(struct learn_out *out, const char *path, char *error, size_t error_size);

/* ---- reading ---- */

/** Where an error is told: one line. */
struct learn_error {
  char *at;
  size_t size;
};

/** Tell one; returns the status. */
int weft__learn_fail(const struct learn_error *error, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** A file that has been looked over: its lines are well formed, its length is what it says, its
 *  checksum is right, all floats are finite. */
struct learn_in {
  const char *text, *text_end; /* lines of keys */
  const unsigned char *floats; /* those not taken yet */
  uint64_t left;
  uint64_t checksum;
  struct learn_error error;
};

/** All bytes of a file, to be freed; NULL with an error told. */
char *weft__in_read(const char *path, uint64_t *size, int *status, const struct learn_error *error);

int weft__in_open(struct learn_in *in, const char *what, const char *bytes, uint64_t size,
                  const struct learn_error *error);

/** The value of a key and its length; NULL: there is no such line. */
const char *weft__in_value(const struct learn_in *in, const char *key, size_t *length);

/** The next line whose key begins so, behind `after` (NULL: from the first). Its key's rest and its
 *  value are given with their lengths; NULL: there is none. */
const char *weft__in_next(const struct learn_in *in, const char *after, const char *prefix,
                          const char **rest, size_t *rest_length, const char **value,
                          size_t *length);

/** Values that have to be there: enum weft_status. */
int weft__in_count(const struct learn_in *in, const char *key, uint64_t min, uint64_t max,
                   uint64_t *value);
int weft__in_number(const struct learn_in *in, const char *key, double min, double max,
                    double *value);
int weft__in_word(const struct learn_in *in, const char *key, char *to, size_t size);

/** Take so many floats; there must be as many: enum weft_status. */
int weft__in_floats(struct learn_in *in, float *to, uint64_t n);

#endif
