/* The configuration by its table of options. */
#ifndef WEFT_BASE_OPTIONS_H
#define WEFT_BASE_OPTIONS_H

#include "sim_i.h"

/** The value of an option, as a number. */
double weft__option_value(const weft_option *option, const weft_config *config);

/** Has every option of a quantity (enum weft_unit) that only this congestion control reads its
 *  default? */
int weft__options_are_default(const weft_config *config, uint32_t cc, uint32_t unit);

/** WEFT_OK, or a value out of its range, or two that contradict each other. */
int weft__options_check(weft_sim *sim);

#endif
