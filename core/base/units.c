/* Quantities in text: "100Gbps", "0.5 ms", "16MiB". Arithmetic is exact, in integers: no quantity
 * passes through floating point, so a time read from a file is the time that was written.
 *
 * Case matters where it carries meaning: b is a bit and B a byte, M is mega and m milli. K and k
 * both mean 1000, as both are in use. A number without a unit is in s, bit/s or bytes. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "weft.h"

/* A unit is factor x 10^exponent of the stored unit (ps, bit/s, byte). */
typedef struct unit {
  const char *name;
  uint64_t factor;
  int exponent;
  int kind; /* enum weft_unit */
} unit;

#define TIME(name, factor, exponent) \
  { name, factor, exponent, WEFT_UNIT_TIME }
#define RATES(prefix, exponent)                                                                   \
  {prefix "bps", 1, exponent, WEFT_UNIT_RATE}, {prefix "bit/s", 1, exponent, WEFT_UNIT_RATE},     \
      {prefix "b/s", 1, exponent, WEFT_UNIT_RATE}, {prefix "B/s", 8, exponent, WEFT_UNIT_RATE}, { \
    prefix "Bps", 8, exponent, WEFT_UNIT_RATE                                                     \
  }
#define BYTES(prefix, factor, exponent) \
  { prefix "B", factor, exponent, WEFT_UNIT_BYTES }

/* The first unit of a kind that is as near as any other is the one suggested. */
static const unit units[] = {
    TIME("s", 1, 12),
    TIME("ms", 1, 9),
    TIME("us", 1, 6),
    TIME("\xc2\xb5s", 1, 6), /* micro sign, UTF-8 */
    TIME("\xce\xbcs", 1, 6), /* Greek mu, which looks the same */
    TIME("ns", 1, 3),
    TIME("ps", 1, 0),
    TIME("min", 60, 12),
    TIME("h", 3600, 12),
    RATES("G", 9),
    RATES("M", 6),
    RATES("T", 12),
    RATES("k", 3),
    RATES("K", 3),
    RATES("", 0),
    BYTES("", 1, 0),
    BYTES("k", 1, 3),
    BYTES("K", 1, 3),
    BYTES("M", 1, 6),
    BYTES("G", 1, 9),
    BYTES("T", 1, 12),
    BYTES("Ki", UINT64_C(1) << 10, 0),
    BYTES("Mi", UINT64_C(1) << 20, 0),
    BYTES("Gi", UINT64_C(1) << 30, 0),
    BYTES("Ti", UINT64_C(1) << 40, 0),
    {"byte", 1, 0, WEFT_UNIT_BYTES},
    {"bytes", 1, 0, WEFT_UNIT_BYTES},
};

enum {
  UNIT_COUNT = (int)(sizeof units / sizeof units[0]),
  NAME_MAX_BYTES = 24, /* longer words are near to no unit */
  SHOWN_BYTES = 40, /* of the caller's text in a message */
  EXPONENT_LIMIT = 10000 /* beyond it every nonzero number is out of range */
};

/* What messages say about a kind: its name, the stored unit with "of", an example. */
typedef struct kind_text {
  const char *name, *of_stored, *example;
} kind_text;

static kind_text kind_of(int kind) {
  switch (kind) {
    case WEFT_UNIT_TIME:
      return (kind_text){"time", " of ps", "a number with a unit such as '1us'"};
    case WEFT_UNIT_RATE:
      return (kind_text){"rate", " of bit/s", "a number with a unit such as '100Gbps'"};
    case WEFT_UNIT_BYTES:
      return (kind_text){"size", " of bytes", "a number with a unit such as '16MiB'"};
    default:
      return (kind_text){"number", "", "a number"};
  }
}

/* A decimal number: digits x 10^exponent. */
typedef struct decimal {
  uint64_t digits;
  int exponent;
  bool negative;
  bool overflow; /* more digits than 64 bits hold */
} decimal;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *p) {
  while (is_space(*p)) p++;
  return p;
}

/* value = value x factor, or false when that exceeds `limit`. */
static bool multiply(uint64_t *value, uint64_t factor, uint64_t limit) {
  if (factor != 0 && *value > limit / factor) return false;
  *value *= factor;
  return true;
}

/* Append a digit. Zeros are kept back in `exponent` until a digit follows, so that "1.000...0" is
 * short however many zeros it has. */
static void push_digit(decimal *number, int *zeros, int digit) {
  if (digit == 0) {
    *zeros += number->digits != 0;
    return;
  }
  for (; *zeros >= 0 && !number->overflow; (*zeros)--) {
    number->overflow = !multiply(&number->digits, 10, UINT64_MAX);
  }
  *zeros = 0;
  if (number->digits > UINT64_MAX - (uint64_t)digit) number->overflow = true;
  number->digits += (uint64_t)digit;
}

/* Read "e[+-]digits" if it is there; returns the end. */
static const char *read_exponent(const char *p, int *exponent) {
  const char *e = p + 1;
  *exponent = 0;
  if (*p != 'e' && *p != 'E') return p;
  bool down = *e == '-';
  if (*e == '+' || *e == '-') e++;
  if (!is_digit(*e)) return p;
  for (; is_digit(*e); e++) {
    if (*exponent < EXPONENT_LIMIT) *exponent = *exponent * 10 + (*e - '0');
  }
  if (down) *exponent = -*exponent;
  return e;
}

/* Read "[+-]digits[.digits][e[+-]digits]"; returns the end, or NULL if there is no number. */
static const char *read_decimal(const char *p, decimal *number) {
  *number = (decimal){0};
  int zeros = 0;
  int after_point = 0;
  bool seen = false;
  if (*p == '+' || *p == '-') number->negative = *p++ == '-';
  for (; is_digit(*p); p++, seen = true) push_digit(number, &zeros, *p - '0');
  if (*p == '.') {
    for (p++; is_digit(*p) && after_point < EXPONENT_LIMIT; p++, seen = true, after_point++) {
      push_digit(number, &zeros, *p - '0');
    }
  }
  if (!seen) return NULL;
  int exponent;
  p = read_exponent(p, &exponent);
  number->exponent = exponent + zeros - after_point;
  return p;
}

/* Divide one of a and b by a prime, if it can be. */
static bool cancel(uint64_t *a, uint64_t *b, uint64_t prime) {
  uint64_t *which = *a % prime == 0 ? a : b;
  if (*which % prime != 0) return false;
  *which /= prime;
  return true;
}

/* number x unit as an integer. Returns NULL, or what is wrong with it. */
static const char *scale(decimal number, unit of, int64_t *value) {
  uint64_t digits = number.digits;
  int exponent = number.exponent + of.exponent;
  if (number.overflow) return "too many digits for 64 bits";
  if (digits == 0) {
    *value = 0;
    return NULL;
  }
  for (; exponent < 0; exponent++) {
    if (!cancel(&digits, &of.factor, 2) || !cancel(&digits, &of.factor, 5)) {
      return "not a whole number";
    }
  }
  bool fits = multiply(&digits, of.factor, INT64_MAX);
  for (; fits && exponent > 0; exponent--) fits = multiply(&digits, 10, INT64_MAX);
  if (!fits) return "too large for 63 bits";
  *value = number.negative ? -(int64_t)digits : (int64_t)digits;
  return NULL;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int least(int a, int b) {
  return a < b ? a : b;
}

/* Edit distance between words, where a change of case costs 1 and any other edit 2. */
static int distance(const char *a, size_t a_size, const char *b) {
  int row[NAME_MAX_BYTES + 1];
  size_t b_size = strlen(b);
  for (size_t j = 0; j <= b_size; j++) row[j] = 2 * (int)j;
  for (size_t i = 1; i <= a_size; i++) {
    int diagonal = row[0];
    row[0] = 2 * (int)i;
    for (size_t j = 1; j <= b_size; j++) {
      char x = a[i - 1];
      char y = b[j - 1];
      int change = x == y ? 0 : lower(x) == lower(y) ? 1 : 2;
      int best = least(diagonal + change, least(row[j], row[j - 1]) + 2);
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b_size];
}

static const unit *find_unit(const char *word, size_t size, int kind) {
  for (int i = 0; i < UNIT_COUNT; i++) {
    const unit *u = &units[i];
    if (u->kind == kind && strlen(u->name) == size && memcmp(u->name, word, size) == 0) return u;
  }
  return NULL;
}

/* The valid unit that `word` most resembles. */
static const char *nearest_unit(const char *word, size_t size, int kind) {
  const char *nearest = NULL;
  int best = 0;
  for (int i = 0; i < UNIT_COUNT; i++) {
    if (units[i].kind != kind) continue;
    int d = distance(word, size, units[i].name);
    if (nearest == NULL || d < best) {
      nearest = units[i].name;
      best = d;
    }
  }
  return nearest;
}

/* Start a message: "rate '100Gbsp': ". Control characters are not passed on: one line it is. */
static void begin_message(char *out, size_t size, const char *name, const char *text) {
  char shown[SHOWN_BYTES + 4];
  size_t length = 0;
  for (; text[length] != '\0' && length < SHOWN_BYTES; length++) {
    unsigned char c = (unsigned char)text[length];
    shown[length] = c < ' ' || c == 127 ? '?' : (char)c;
  }
  memcpy(shown + length, text[length] != '\0' ? "..." : "", text[length] != '\0' ? 4 : 1);
  snprintf(out, size, "%s '%s': ", name, shown);
}

int weft_parse_quantity(const char *text, int kind, int64_t *value, char *error, size_t size) {
  char start[SHOWN_BYTES + 24];
  kind_text about = kind_of(kind);
  begin_message(start, sizeof start, about.name, text);

  decimal number;
  const char *word = read_decimal(skip_space(text), &number);
  if (word == NULL) {
    snprintf(error, size, "%sexpected %s", start, about.example);
    return WEFT_EINVAL;
  }
  word = skip_space(word);
  size_t length = strlen(word);
  while (length > 0 && is_space(word[length - 1])) length--;

  unit of = {"", 1, kind == WEFT_UNIT_TIME ? 12 : 0, kind};
  if (length > 0) {
    const unit *found = find_unit(word, length, kind);
    int shown = length < NAME_MAX_BYTES ? (int)length : NAME_MAX_BYTES;
    const char *nearest = found != NULL ? NULL : nearest_unit(word, (size_t)shown, kind);
    if (nearest != NULL) {
      snprintf(error, size, "%sexpected %s, got unit '%.*s'; nearest is '%s'", start, about.example,
               shown, word, nearest);
      return WEFT_EINVAL;
    }
    if (found == NULL) {
      snprintf(error, size, "%sexpected a number without a unit, got '%.*s' after it", start, shown,
               word);
      return WEFT_EINVAL;
    }
    of = *found;
  }
  const char *problem = scale(number, of, value);
  if (problem != NULL) {
    snprintf(error, size, "%s%s%s", start, problem, about.of_stored);
    return WEFT_EINVAL;
  }
  return WEFT_OK;
}
