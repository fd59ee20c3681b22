/* The version: the build reads it from here. */
#include "weft.h"

const char *weft_version(void) {
  return "0.1.0";
}
