/* Fixed window: line rate, no reaction. For baselines, analytic cases and lossless fabrics. */
#include "packet/cc/cc.h"

static uint32_t state_words(const weft_sim *sim, uint32_t path_ports) {
  (void)sim;
  (void)path_ports;
  return 0;
}

static void start(weft_sim *sim, uint32_t slot) {
  (void)sim;
  (void)slot;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  (void)sim;
  (void)slot;
  (void)ack;
}

const struct cc_ops weft__cc_window = {.name = "window",
                                       .extra = CC_NOTHING,
                                       .paced = 0,
                                       .state_words = state_words,
                                       .start = start,
                                       .on_ack = on_ack};
