/* A fixed window does not react, and paces nothing but to max_rate. */
#include "fluid_cc/law.h"

const struct fcc_law_ops weft__fcc_window = {.is_unpaced = 1};
