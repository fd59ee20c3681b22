/* Runs the registered tests in the order of their names, one line each, and a summary line. */
#include "test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum outcome { PASSED = 0, FAILED = 1, SKIPPED = 2 };

static test_case *tests;
static jmp_buf leave;

/* Kept sorted by name, whatever the order of linking. */
void test_register(test_case *test) {
  test_case **at = &tests;
  while (*at != NULL && strcmp((*at)->name, test->name) < 0) at = &(*at)->next;
  test->next = *at;
  *at = test;
}

void test_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("  %s:%d: ", file, line);
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
  longjmp(leave, FAILED + 1);
}

void test_skip(const char *reason) {
  printf("  skipped: %s\n", reason);
  longjmp(leave, SKIPPED + 1);
}

static enum outcome run(const test_case *test) {
  int how = setjmp(leave);
  if (how != 0) return (enum outcome)(how - 1);
  test->run();
  return PASSED;
}

static bool wanted(const char *name, int count, char **parts) {
  bool found = count == 0;
  for (int i = 0; i < count; i++) found = found || strstr(name, parts[i]) != NULL;
  return found;
}

int main(int argc, char **argv) {
  static const char *const words[] = {"ok", "not ok", "skip"};
  int counts[3] = {0, 0, 0};
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (const test_case *test = tests; test != NULL; test = test->next) {
    if (!wanted(test->name, argc - 1, argv + 1)) continue;
    enum outcome outcome = run(test);
    counts[outcome]++;
    printf("%s %s\n", words[outcome], test->name);
  }
  printf("%d passed, %d failed\n", counts[PASSED], counts[FAILED]);
  return counts[FAILED] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
