/* Exponential, hyperbolic tangent and logarithm that are the same on every machine: polynomials
 * (of Cephes, S. L. Moshier) in operations that IEEE 754 rounds in one way. Those of a C library
 * differ in the last bit, and a completion time depends on them. */
#ifndef WEFT_LEARN_MATH_I_H
#define WEFT_LEARN_MATH_I_H

#include <stdint.h>
#include <string.h>

/* e^x, within 2e-7 of it; x beyond +-87 as if it were there. */
static inline float learn_exp(float x) {
  x = x > -87 ? x : -87;
  x = x < 87 ? x : 87;
  const int32_t n = (int32_t)(x * 1.44269504088896341f + (x < 0 ? -0.5f : 0.5f));
  const float r = (x - (float)n * 0.693359375f) - (float)n * -2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1;
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return y * power;
}

/* tanh x, within 2e-7 of it, and of 0 near 0. */
static inline float learn_tanh(float x) {
  const float size = x < 0 ? -x : x;
  if (size < 0.625f) {
    const float s = x * x;
    float y = -5.70498872745e-3f;
    y = y * s + 2.06390887954e-2f;
    y = y * s - 5.37397155531e-2f;
    y = y * s + 1.33314422036e-1f;
    y = y * s - 3.33332819422e-1f;
    return y * s * x + x;
  }
  const float y = 1 - 2 / (learn_exp(2 * size) + 1);
  return x < 0 ? -y : y;
}

static inline float learn_sigmoid(float x) {
  return 1 / (1 + learn_exp(-x));
}

/* ln x for x > 0, within 1e-15 or so: 2 artanh of (m - 1) / (m + 1) for m in [0.7, 1.4]. */
static inline double learn_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t exponent = (int64_t)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double y = 0;
  for (int k = 21; k >= 1; k -= 2) y = y * s2 + 1.0 / k;
  return (double)exponent * 0.6931471805599453 + 2 * s * y;
}

#endif
