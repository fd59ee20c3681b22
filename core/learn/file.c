/* Files of models, examples and trainings (file.h): what is common to them. */
#include "learn/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_i.h"
#include "weft_output.h"
#include "weft_types.h"

enum { TEXT_MAX = 1 << 18, LINES_MAX = 500, CHECK_BYTES = 8, FLOAT_BYTES = 4, NUMBER_MAX = 40 };

static const char DATA[] = "data:\n";

/* ---- writing ---- */

static char *room(struct learn_out *out, size_t n) {
  if (out->failed) return NULL;
  if (out->capacity - out->n < n) {
    size_t capacity = out->capacity != 0 ? out->capacity : 4096;
    while (capacity - out->n < n && capacity < SIZE_MAX / 2) capacity *= 2;
    char *at = capacity - out->n < n ? NULL : realloc(out->at, capacity);
    if (at == NULL) {
      out->failed = 1;
      return NULL;
    }
    out->at = at;
    out->capacity = capacity;
  }
  char *at = out->at + out->n;
  out->n += n;
  return at;
}

void weft__out_text(struct learn_out *out, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, format, args);
  char *at = length >= 0 ? room(out, (size_t)length + 1) : NULL;
  if (at != NULL) {
    vsnprintf(at, (size_t)length + 1, format, again);
    out->n -= 1; /* the 0 at its end */
  }
  va_end(again);
  va_end(args);
}

void weft__out_data(struct learn_out *out, uint64_t floats) {
  weft__out_text(out, "floats = %llu\n%s", (unsigned long long)floats, DATA);
}

void weft__out_floats(struct learn_out *out, const float *at, uint64_t n) {
  unsigned char *to = (unsigned char *)room(out, (size_t)n * FLOAT_BYTES);
  if (to == NULL) return;
  for (uint64_t i = 0; i < n; ++i, to += FLOAT_BYTES) {
    uint32_t bits;
    memcpy(&bits, &at[i], sizeof bits);
    for (int k = 0; k < FLOAT_BYTES; ++k) to[k] = (unsigned char)(bits >> (8 * k));
  }
}

static uint64_t word_at(const unsigned char *at, size_t n) {
  uint64_t word = 0;
  for (size_t k = 0; k < n; ++k) word |= (uint64_t)at[k] << (8 * k);
  return word;
}

/* Words of 8 bytes folded by the mixing function; the last is filled up with 0, and the length goes
 * in, too. */
static uint64_t checksum(const char *bytes, size_t size) {
  const unsigned char *at = (const unsigned char *)bytes;
  uint64_t sum = hash_mix(size + 1);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) sum = hash_mix(sum ^ word_at(at + i, 8));
  if (i < size) sum = hash_mix(sum ^ word_at(at + i, size - i));
  return sum;
}

uint64_t weft__out_end(struct learn_out *out) {
  const size_t size = out->n;
  unsigned char *to = (unsigned char *)room(out, CHECK_BYTES);
  if (to == NULL) return 0;
  const uint64_t sum = checksum(out->at, size);
  for (int k = 0; k < CHECK_BYTES; ++k) to[k] = (unsigned char)(sum >> (8 * k));
  return sum;
}

int weft__out_commit(struct learn_out *out, const char *path, char *error, size_t error_size) {
  const struct learn_error told = {error, error_size};
  weft_output file;
  int reason = out->failed ? ENOMEM : weft__output_open(&file, path);
  if (reason == 0) {
    errno = 0;
    if (fwrite(out->at, 1, out->n, file.file) != out->n) {
      reason = errno != 0 ? errno : EIO;
      weft__output_discard(&file);
    } else {
      reason = weft__output_commit(&file);
    }
  }
  free(out->at);
  *out = (struct learn_out){.n = 0};
  if (reason == 0) return WEFT_OK;
  return weft__learn_fail(&told, reason == ENOMEM ? WEFT_ENOMEM : WEFT_EINVAL,
                          "cannot write '%s': %s", path, strerror(reason));
}

/* ---- reading ---- */

int weft__learn_fail(const struct learn_error *error, int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (error->size > 0) vsnprintf(error->at, error->size, format, args);
  va_end(args);
  return status;
}

static char *read_all(FILE *file, uint64_t *size, int *reason) {
  size_t capacity = 1 << 16, n = 0;
  char *bytes = malloc(capacity);
  while (bytes != NULL) {
    errno = 0;
    n += fread(bytes + n, 1, capacity - n, file);
    if (n < capacity) break;
    char *more = capacity < SIZE_MAX / 2 ? realloc(bytes, 2 * capacity) : NULL;
    if (more == NULL) free(bytes);
    bytes = more;
    capacity *= 2;
  }
  *reason = bytes == NULL ? ENOMEM : ferror(file) ? (errno != 0 ? errno : EIO) : 0;
  if (*reason != 0) {
    free(bytes);
    return NULL;
  }
  *size = n;
  return bytes;
}

char *weft__in_read(const char *path, uint64_t *size, int *status,
                    const struct learn_error *error) {
  FILE *file = fopen(path, "rb");
  int reason = errno;
  char *bytes = file != NULL ? read_all(file, size, &reason) : NULL;
  if (file != NULL) fclose(file);
  *status = WEFT_OK;
  if (bytes == NULL)
    *status = weft__learn_fail(error, reason == ENOMEM ? WEFT_ENOMEM : WEFT_EINVAL,
                               "cannot read it: %s", strerror(reason));
  return bytes;
}

static int is_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ' ';
}

/* One line of the text: key, " = ", value without control characters. */
static int check_line(const char *line, const char *end) {
  const char *at = line;
  while (at < end && is_key(*at)) ++at;
  if (at - line < 2 || at == end || *at != '=' || at[-1] != ' ') return 0;
  if (end - at < 2 || at[1] != ' ') return 0;
  for (const char *c = at; c < end; ++c)
    if ((unsigned char)*c < ' ' || *c == 127) return 0;
  return 1;
}

/* Lines up to "data:"; a key once. */
static int check_text(struct learn_in *in, const char *bytes, uint64_t size) {
  const char *limit = bytes + (size < TEXT_MAX ? size : TEXT_MAX);
  int number = 2;
  for (const char *line = in->text; line < limit && number < LINES_MAX; ++number) {
    const char *end = memchr(line, '\n', (size_t)(limit - line));
    if (end == NULL) break;
    if ((size_t)(end - line) + 1 == sizeof DATA - 1 && memcmp(line, DATA, sizeof DATA - 1) == 0) {
      in->text_end = line;
      in->floats = (const unsigned char *)end + 1;
      return WEFT_OK;
    }
    if (!check_line(line, end))
      return weft__learn_fail(&in->error, WEFT_EINVAL, "line %d: expected 'key = value'", number);
    const char *equals = memchr(line, '=', (size_t)(end - line));
    for (const char *other = in->text; other < line;) {
      if (memcmp(other, line, (size_t)(equals - line) + 1) == 0)
        return weft__learn_fail(&in->error, WEFT_EINVAL, "line %d: '%.*s' comes twice", number,
                                (int)(equals - line - 1), line);
      other = (const char *)memchr(other, '\n', (size_t)(line - other)) + 1;
    }
    line = end + 1;
  }
  return weft__learn_fail(&in->error, WEFT_EINVAL, "line %d: the text ends without 'data:'",
                          number);
}

static int check_data(struct learn_in *in, const char *bytes, uint64_t size) {
  const uint64_t before = (uint64_t)((const char *)in->floats - bytes), rest = size - before;
  uint64_t floats;
  const int status = weft__in_count(in, "floats", 0, UINT32_MAX * (uint64_t)16, &floats);
  if (status < 0) return status;
  if (rest != floats * FLOAT_BYTES + CHECK_BYTES)
    return weft__learn_fail(
        &in->error, WEFT_EINVAL, "%s: expected %llu bytes behind the text, got %llu",
        rest < floats * FLOAT_BYTES + CHECK_BYTES ? "cut off" : "too long",
        (unsigned long long)(floats * FLOAT_BYTES + CHECK_BYTES), (unsigned long long)rest);
  in->left = floats;
  in->checksum = word_at(in->floats + floats * FLOAT_BYTES, CHECK_BYTES);
  if (in->checksum != checksum(bytes, (size_t)(size - CHECK_BYTES)))
    return weft__learn_fail(&in->error, WEFT_EINVAL, "damaged: its checksum does not agree");
  for (uint64_t i = 0; i < floats; ++i) {
    const uint64_t bits = word_at(in->floats + i * FLOAT_BYTES, FLOAT_BYTES);
    if ((bits >> 23 & 0xff) == 0xff)
      return weft__learn_fail(&in->error, WEFT_EINVAL, "float %llu of its data is no finite number",
                              (unsigned long long)i);
  }
  return WEFT_OK;
}

int weft__in_open(struct learn_in *in, const char *what, const char *bytes, uint64_t size,
                  const struct learn_error *error) {
  *in = (struct learn_in){.error = *error};
  char first[64];
  const size_t length = (size_t)snprintf(first, sizeof first, "weft %s ", what);
  if (size < length + 2 || memcmp(bytes, first, length) != 0)
    return weft__learn_fail(error, WEFT_EINVAL,
                            "no weft %s: expected a file that begins with '%s1'", what, first);
  if (bytes[length] != '1' || bytes[length + 1] != '\n')
    return weft__learn_fail(error, WEFT_EINVAL, "a weft %s of another version: expected 1", what);
  in->text = bytes + length + 2;
  const int status = check_text(in, bytes, size);
  return status < 0 ? status : check_data(in, bytes, size);
}

const char *weft__in_next(const struct learn_in *in, const char *after, const char *prefix,
                          const char **rest, size_t *rest_length, const char **value,
                          size_t *length) {
  const size_t n = strlen(prefix);
  const char *line = in->text;
  if (after != NULL) line = (const char *)memchr(after, '\n', (size_t)(in->text_end - after)) + 1;
  while (line < in->text_end) {
    const char *end = memchr(line, '\n', (size_t)(in->text_end - line));
    const char *equals = memchr(line, '=', (size_t)(end - line));
    if ((size_t)(equals - line) > n && memcmp(line, prefix, n) == 0) {
      *rest = line + n;
      *rest_length = (size_t)(equals - 1 - *rest);
      *value = equals + 2;
      *length = (size_t)(end - *value);
      return line;
    }
    line = end + 1;
  }
  return NULL;
}

const char *weft__in_value(const struct learn_in *in, const char *key, size_t *length) {
  const char *line = NULL, *rest, *value;
  size_t rest_length;
  while ((line = weft__in_next(in, line, key, &rest, &rest_length, &value, length)) != NULL)
    if (rest_length == 0) return value;
  return NULL;
}

/* A value as text with an end. */
static int short_value(const struct learn_in *in, const char *key, char *to, size_t size) {
  size_t length;
  const char *value = weft__in_value(in, key, &length);
  if (value == NULL) return weft__learn_fail(&in->error, WEFT_EINVAL, "no line '%s = '", key);
  if (length >= size)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "%s: expected less than %zu bytes, got %zu",
                            key, size, length);
  memcpy(to, value, length);
  to[length] = '\0';
  return WEFT_OK;
}

int weft__in_word(const struct learn_in *in, const char *key, char *to, size_t size) {
  return short_value(in, key, to, size);
}

int weft__in_number(const struct learn_in *in, const char *key, double min, double max,
                    double *value) {
  char text[NUMBER_MAX], *end;
  const int status = short_value(in, key, text, sizeof text);
  if (status < 0) return status;
  *value = strtod(text, &end);
  const int is_number = end != text && *end == '\0';
  if (!is_number || !(*value >= min && *value <= max))
    return weft__learn_fail(&in->error, WEFT_EINVAL, "%s: expected %.15g to %.15g, got '%s'", key,
                            min, max, text);
  return WEFT_OK;
}

int weft__in_count(const struct learn_in *in, const char *key, uint64_t min, uint64_t max,
                   uint64_t *value) {
  char text[NUMBER_MAX], *end;
  const int status = short_value(in, key, text, sizeof text);
  if (status < 0) return status;
  errno = 0;
  *value = strtoull(text, &end, 10);
  const int is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
  if (!is_number || *value < min || *value > max)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "%s: expected %llu to %llu, got '%s'", key,
                            (unsigned long long)min, (unsigned long long)max, text);
  return WEFT_OK;
}

int weft__in_floats(struct learn_in *in, float *to, uint64_t n) {
  if (n > in->left)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "expected %llu more floats, %llu are left",
                            (unsigned long long)n, (unsigned long long)in->left);
  for (uint64_t i = 0; i < n; ++i, in->floats += FLOAT_BYTES) {
    const uint32_t bits = (uint32_t)word_at(in->floats, FLOAT_BYTES);
    memcpy(&to[i], &bits, sizeof bits);
  }
  in->left -= n;
  return WEFT_OK;
}
