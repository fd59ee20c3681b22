/* Results that are collected during a run. */
#ifndef WEFT_RESULTS_H
#define WEFT_RESULTS_H

#include "sim_i.h"

/** Ask for the next sample if sampling is on and none is pending. */
void weft__sample_arm(weft_sim *sim);

/** EV_SAMPLE. */
void weft__sample_event(weft_sim *sim);

/** Put an ACK into the table of ACKs, if it is wanted there. */
void weft__trace_ack(weft_sim *sim, const struct packet *packet);

#endif
