/* Acceleration: what need not be simulated is skipped.
 *
 * contention/  which flows contend, and which groups of flows contend in the same way
 * memo/        transients that are known, and the state of a group of flows as a value
 * partitions/  the groups that flows are in just now, and what is done with each
 *
 * The engine knows none of it: it calls hooks (packet/hooks.h), which are installed here. */
#ifndef WEFT_ACCEL_H
#define WEFT_ACCEL_H

#include "sim_i.h"

/** Prepare for acceleration, if the configuration asks for it. The fabric is closed. */
int weft__acceleration_init(weft_sim *sim);

#endif
