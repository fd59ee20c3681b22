/* The C test harness. A test is TEST(it_states_a_fact) { ... ENSURE(...); ... }; the first check
 * that fails ends it. `ctest [part of a name ...]` runs the tests whose names contain a part. */
#ifndef WEFT_TEST_H
#define WEFT_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct test_case {
  const char *name;
  void (*run)(void);
  struct test_case *next;
} test_case;

void test_register(test_case *test);

/* Record a failure with a printf message and leave the running test. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Leave the running test without a failure, saying why. */
_Noreturn void test_skip(const char *reason);

#define TEST(name)                                                 \
  static void name(void);                                          \
  __attribute__((constructor)) static void register_##name(void) { \
    static test_case test = {#name, name, NULL};                   \
    test_register(&test);                                          \
  }                                                                \
  static void name(void)

#define ENSURE(condition)                                              \
  do {                                                                 \
    if (!(condition)) test_fail(__FILE__, __LINE__, "%s", #condition); \
  } while (0)

/* Integers of any type; compared and shown as int64_t. */
#define ENSURE_EQ(got, wanted)                                                                  \
  do {                                                                                          \
    int64_t got_ = (int64_t)(got);                                                              \
    int64_t wanted_ = (int64_t)(wanted);                                                        \
    if (got_ != wanted_) {                                                                      \
      test_fail(__FILE__, __LINE__, "%s: got %" PRId64 ", wanted %" PRId64 " (%s)", #got, got_, \
                wanted_, #wanted);                                                              \
    }                                                                                           \
  } while (0)

#define ENSURE_STR(got, wanted)                                                           \
  do {                                                                                    \
    const char *got_ = (got);                                                             \
    if (strcmp(got_, (wanted)) != 0) {                                                    \
      test_fail(__FILE__, __LINE__, "%s: got \"%s\", wanted \"%s\"", #got, got_, wanted); \
    }                                                                                     \
  } while (0)

/* `got` contains the text `part`. */
#define ENSURE_HAS(got, part)                                                                 \
  do {                                                                                        \
    const char *got_ = (got);                                                                 \
    if (strstr(got_, (part)) == NULL) {                                                       \
      test_fail(__FILE__, __LINE__, "%s: got \"%s\", wanted \"%s\" in it", #got, got_, part); \
    }                                                                                         \
  } while (0)

/* Real numbers within a relative tolerance. */
#define ENSURE_NEAR(got, wanted, tolerance)                                                     \
  do {                                                                                          \
    double got_ = (got);                                                                        \
    double wanted_ = (wanted);                                                                  \
    double error_ = wanted_ == 0 ? got_ : got_ / wanted_ - 1;                                   \
    if (!(error_ <= (tolerance) && error_ >= -(tolerance))) {                                   \
      test_fail(__FILE__, __LINE__, "%s: got %.9g, wanted %.9g within %g", #got, got_, wanted_, \
                (double)(tolerance));                                                           \
    }                                                                                           \
  } while (0)

#endif
