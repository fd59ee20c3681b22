#include "test.h"
#include "weft.h"

static int64_t parse(const char *text, int unit) {
  char error[200] = "";
  int64_t value = -1;
  int status = weft_parse_quantity(text, unit, &value, error, sizeof error);
  if (status != WEFT_OK) test_fail(__FILE__, __LINE__, "'%s': %s", text, error);
  return value;
}

/* The message for a text that must not parse. */
static const char *refuse(const char *text, int unit) {
  static char error[200];
  int64_t value = 42;
  error[0] = '\0';
  ENSURE_EQ(weft_parse_quantity(text, unit, &value, error, sizeof error), WEFT_EINVAL);
  ENSURE_EQ(value, 42);
  ENSURE(strchr(error, '\n') == NULL);
  return error;
}

TEST(times_are_read_in_every_unit) {
  ENSURE_EQ(parse("1ps", WEFT_UNIT_TIME), 1);
  ENSURE_EQ(parse("500ns", WEFT_UNIT_TIME), 500000);
  ENSURE_EQ(parse("1us", WEFT_UNIT_TIME), 1000000);
  ENSURE_EQ(parse("1 \xc2\xb5s", WEFT_UNIT_TIME), 1000000);
  ENSURE_EQ(parse("0.000025ms", WEFT_UNIT_TIME), 25000);
  ENSURE_EQ(parse("1.5s", WEFT_UNIT_TIME), INT64_C(1500000000000));
  ENSURE_EQ(parse("2min", WEFT_UNIT_TIME), INT64_C(120000000000000));
  ENSURE_EQ(parse("0.5h", WEFT_UNIT_TIME), INT64_C(1800000000000000));
}

TEST(rates_are_read_in_bits_and_bytes) {
  ENSURE_EQ(parse("100Gbps", WEFT_UNIT_RATE), INT64_C(100000000000));
  ENSURE_EQ(parse("400 Gbit/s", WEFT_UNIT_RATE), INT64_C(400000000000));
  ENSURE_EQ(parse("10Gb/s", WEFT_UNIT_RATE), INT64_C(10000000000));
  ENSURE_EQ(parse("2.4Tbps", WEFT_UNIT_RATE), INT64_C(2400000000000));
  ENSURE_EQ(parse("12.5GB/s", WEFT_UNIT_RATE), INT64_C(100000000000));
  ENSURE_EQ(parse("9.6kbps", WEFT_UNIT_RATE), 9600);
}

TEST(sizes_are_decimal_or_binary_as_written) {
  ENSURE_EQ(parse("16MiB", WEFT_UNIT_BYTES), 16 << 20);
  ENSURE_EQ(parse("1MB", WEFT_UNIT_BYTES), 1000000);
  ENSURE_EQ(parse("4KiB", WEFT_UNIT_BYTES), 4096);
  ENSURE_EQ(parse("64KB", WEFT_UNIT_BYTES), 64000);
  ENSURE_EQ(parse("0.5 KiB", WEFT_UNIT_BYTES), 512);
  ENSURE_EQ(parse("7 bytes", WEFT_UNIT_BYTES), 7);
}

TEST(a_bare_number_is_in_seconds_bits_per_second_or_bytes) {
  ENSURE_EQ(parse("2e-6", WEFT_UNIT_TIME), 2000000);
  ENSURE_EQ(parse("1e9", WEFT_UNIT_RATE), 1000000000);
  ENSURE_EQ(parse(" 1048 ", WEFT_UNIT_BYTES), 1048);
  ENSURE_EQ(parse("-3", WEFT_UNIT_NONE), -3);
}

TEST(digits_are_exact_up_to_63_bits) {
  ENSURE_EQ(parse("9223372036854775807", WEFT_UNIT_NONE), INT64_MAX);
  ENSURE_EQ(parse("1020304050607080900", WEFT_UNIT_NONE), INT64_C(1020304050607080900));
  ENSURE_EQ(parse("0.1", WEFT_UNIT_TIME), INT64_C(100000000000));
  ENSURE_EQ(parse("1.0000000000000000000000000000000000ns", WEFT_UNIT_TIME), 1000);
  ENSURE_EQ(parse("10000000000000000000000000e-20", WEFT_UNIT_NONE), 100000);
  ENSURE_EQ(parse("0e99999999999999999999", WEFT_UNIT_NONE), 0);
}

TEST(what_is_not_a_whole_number_of_the_unit_is_refused) {
  ENSURE_HAS(refuse("0.1ps", WEFT_UNIT_TIME), "not a whole number of ps");
  ENSURE_HAS(refuse("0.3KiB", WEFT_UNIT_BYTES), "not a whole number of bytes");
  ENSURE_HAS(refuse("1e-400", WEFT_UNIT_NONE), "not a whole number");
}

TEST(what_64_bits_cannot_hold_is_refused) {
  ENSURE_HAS(refuse("9223372036854775808", WEFT_UNIT_NONE), "too large");
  ENSURE_HAS(refuse("1e30", WEFT_UNIT_RATE), "too large");
  ENSURE_HAS(refuse("107 000 h", WEFT_UNIT_TIME), "unit");
  ENSURE_HAS(refuse("3000000h", WEFT_UNIT_TIME), "too large");
  ENSURE_HAS(refuse("99999999999999999999999", WEFT_UNIT_NONE), "too many digits");
}

TEST(a_wrong_unit_is_answered_with_the_nearest) {
  ENSURE_STR(refuse("100Gbsp", WEFT_UNIT_RATE),
             "rate '100Gbsp': expected a number with a unit such as '100Gbps', got unit 'Gbsp'; "
             "nearest is 'Gbps'");
  ENSURE_HAS(refuse("100 gbps", WEFT_UNIT_RATE), "nearest is 'Gbps'");
  ENSURE_HAS(refuse("1 mB", WEFT_UNIT_BYTES), "nearest is 'MB'");
  ENSURE_HAS(refuse("3 usec", WEFT_UNIT_TIME), "nearest is 'us'");
  ENSURE_HAS(refuse("5us", WEFT_UNIT_NONE), "without a unit");
}

TEST(text_that_is_no_number_is_refused) {
  ENSURE_HAS(refuse("", WEFT_UNIT_TIME), "expected a number with a unit such as '1us'");
  ENSURE_HAS(refuse(".", WEFT_UNIT_NONE), "expected a number");
  ENSURE_HAS(refuse("fast\nand loose", WEFT_UNIT_RATE), "rate 'fast?and loose'");
  ENSURE_HAS(refuse("nan", WEFT_UNIT_NONE), "expected a number");
}

TEST(a_short_buffer_gets_a_short_message) {
  char error[8];
  int64_t value;
  ENSURE_EQ(weft_parse_quantity("x", WEFT_UNIT_TIME, &value, error, sizeof error), WEFT_EINVAL);
  ENSURE_STR(error, "time 'x");
}
