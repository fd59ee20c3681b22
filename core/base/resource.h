/* Resources that a simulation holds. */
#ifndef WEFT_BASE_RESOURCE_H
#define WEFT_BASE_RESOURCE_H

#include "sim_i.h"

/** A copy of a simulation holds what that holds. */
void weft__resources_retain(const weft_sim *copy);

/** A simulation ends: give back what it holds. */
void weft__resources_release(const weft_sim *sim);

#endif
