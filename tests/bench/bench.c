/* Benchmarks of the engine: prints "name value unit" rows, each the median of several runs.
 * `cbench [part of a name ...]` prints the rows whose names contain a part; with `--once` before
 * them, each is run once and says how many packet-hops it had, for tools that count instructions.
 * Runs from the top folder of the project. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char **parts;
static int part_count;

int once;

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double cpu_seconds(void) {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double wall_seconds(void) {
  return seconds_of(CLOCK_MONOTONIC);
}

double median(double *values, int count) {
  for (int i = 1; i < count; i++) {
    for (int j = i; j > 0 && values[j] < values[j - 1]; j--) {
      const double swap = values[j];
      values[j] = values[j - 1];
      values[j - 1] = swap;
    }
  }
  return values[count / 2];
}

int wanted(const char *name) {
  for (int i = 0; i < part_count; i++)
    if (strstr(name, parts[i]) != NULL) return 1;
  return part_count == 0;
}

void row(const char *name, double value, const char *unit) {
  printf("%-28s %10.*g %s\n", name, once ? 12 : 4, value, unit);
  fflush(stdout);
}

int must(weft_sim *sim, int status) {
  if (status >= 0) return status;
  fprintf(stderr, "bench: %s: %s\n", weft_error_name(status),
          sim == NULL ? "" : weft_sim_error(sim));
  exit(EXIT_FAILURE);
}

/* Value of a name in "first|second|third", or -1. */
static int choice(const char *choices, const char *name) {
  int value = 0;
  for (const char *at = choices; *at != '\0'; value++) {
    const size_t length = strcspn(at, "|");
    if (strlen(name) == length && strncmp(at, name, length) == 0) return value;
    at += length + (at[length] == '|');
  }
  return -1;
}

int set_option(weft_config *config, const char *name, const char *value) {
  uint32_t count;
  const weft_option *option = weft_options(&count);
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(option[i].name, name) != 0) continue;
    char *field = (char *)config + option[i].offset;
    const double number =
        option[i].choices != NULL ? choice(option[i].choices, value) : strtod(value, NULL);
    if (number < 0) return 0;
    const uint32_t u32 = (uint32_t)number;
    const int64_t i64 = (int64_t)number;
    if (option[i].type == WEFT_OPT_U32)
      memcpy(field, &u32, sizeof u32);
    else if (option[i].type == WEFT_OPT_F64)
      memcpy(field, &number, sizeof number);
    else
      memcpy(field, &i64, sizeof i64);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  once = argc > 1 && strcmp(argv[1], "--once") == 0;
  parts = argv + 1 + once;
  part_count = argc - 1 - once;
  bench_cases();
  bench_fluid();
  bench_memory();
  bench_parts();
  return EXIT_SUCCESS;
}
