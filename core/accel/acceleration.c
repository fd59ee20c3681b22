/* What acceleration tells of itself. */
#include <string.h>

#include "accel/accel.h"

void weft_acceleration_get(const weft_sim *sim, weft_acceleration *out) {
  (void)sim;
  memset(out, 0, sizeof *out);
}

int weft_trace_spans(weft_sim *sim, uint32_t capacity) {
  (void)sim;
  (void)capacity;
  return WEFT_OK;
}

int weft_flow_phase(const weft_sim *sim, uint32_t flow, weft_time *since_ps) {
  (void)sim;
  (void)flow;
  (void)since_ps;
  return WEFT_PHASE_NONE;
}

int weft_memo_save(weft_sim *sim, const char *path) {
  (void)sim;
  (void)path;
  return WEFT_OK;
}

int weft_memo_load(weft_sim *sim, const char *path) {
  (void)sim;
  (void)path;
  return 0;
}

int weft_memo_copy(weft_sim *sim, const weft_sim *from) {
  (void)sim;
  (void)from;
  return 0;
}
