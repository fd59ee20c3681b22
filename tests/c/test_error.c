#include "test.h"
#include "weft.h"

#include <ctype.h>

TEST(every_status_has_a_name_and_a_text) {
  for (int status = WEFT_OK; status >= WEFT_ESCRIPT; status--) {
    ENSURE(strncmp(weft_error_name(status), "WEFT_", 5) == 0);
    ENSURE(strcmp(weft_error_text(status), "unknown") != 0);
  }
  ENSURE_STR(weft_error_name(WEFT_EINVAL), "WEFT_EINVAL");
  ENSURE_STR(weft_error_name(WEFT_ENOROUTE), "WEFT_ENOROUTE");
}

TEST(other_numbers_are_unknown_statuses) {
  ENSURE_STR(weft_error_name(WEFT_ESCRIPT - 1), "unknown");
  ENSURE_STR(weft_error_text(1), "unknown");
}

TEST(the_version_is_three_numbers) {
  int dots = 0;
  for (const char *p = weft_version(); *p != '\0'; p++) {
    ENSURE(isdigit((unsigned char)*p) || *p == '.');
    dots += *p == '.';
  }
  ENSURE_EQ(dots, 2);
}
