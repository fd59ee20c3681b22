/* Errors: the message that a simulation keeps, and the names and texts of enum weft_status, from
 * one list. A status that the list lacks fails the static assertions below or the C test that walks
 * the enumeration. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_i.h"

#if WEFT_CHECK
void weft__assert_failed(const char *what, const char *file, int line) {
  fprintf(stderr, "weft: %s:%d: broken invariant: %s\n", file, line, what);
  abort();
}
#endif

int weft__fail(weft_sim *sim, int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(sim->error, sizeof sim->error, format, args);
  va_end(args);
  return status;
}

const char *weft_sim_error(const weft_sim *sim) {
  return sim->error;
}

#define WEFT_ERRORS(X)                                       \
  X(OK, 0, "success")                                        \
  X(EINVAL, -1, "invalid argument")                          \
  X(ENOMEM, -2, "out of memory")                             \
  X(ESTATE, -3, "call not allowed in this state")            \
  X(ENOROUTE, -4, "destination unreachable")                 \
  X(ELIMIT, -5, "limit exceeded")                            \
  X(EINTERNAL, -6, "internal error: please report this bug") \
  X(ESCRIPT, -7, "a script failed")

#define CHECK_VALUE(name, value, text) \
  _Static_assert(WEFT_##name == (value), "weft_types.h and WEFT_ERRORS differ");
WEFT_ERRORS(CHECK_VALUE)
#undef CHECK_VALUE

const char *weft_error_name(int status) {
  switch (status) {
#define NAME(name, value, text) \
  case value:                   \
    return "WEFT_" #name;
    WEFT_ERRORS(NAME)
#undef NAME
    default:
      return "unknown";
  }
}

const char *weft_error_text(int status) {
  switch (status) {
#define TEXT(name, value, text) \
  case value:                   \
    return text;
    WEFT_ERRORS(TEXT)
#undef TEXT
    default:
      return "unknown";
  }
}
