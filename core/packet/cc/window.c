/* Fixed window: line rate, no reaction. For baselines, analytic cases and lossless fabrics. */
#include "packet/cc/algorithms.h"

static void start(weft_sim *sim, uint32_t slot) {
  (void)sim;
  (void)slot;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  (void)sim;
  (void)slot;
  (void)ack;
}

const struct cc_ops weft__cc_window[1] = {
    {.name = "window", .extra = CC_NOTHING, .clocked = 1, .start = start, .on_ack = on_ack}};
