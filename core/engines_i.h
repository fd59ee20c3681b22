/* The engines. Each is a folder with its state and a table of functions, its number in enum
 * weft_engine, and here a line for its state and one for its names. */
#ifndef WEFT_ENGINES_I_H
#define WEFT_ENGINES_I_H

#include "fluid/state_i.h"
#include "fluid_cc/state_i.h"
#include "ideal/state_i.h"
#include "learned/state_i.h"
#include "packet/state_i.h"

/* X(with, name, NAME, table, word) for each; the word is what users call it. */
#define ENGINES(X, with)                                         \
  X(with, packet, PACKET, weft__packet_engine, "packet")         \
  X(with, ideal, IDEAL, weft__ideal_engine, "ideal")             \
  X(with, fluid, FLUID, weft__fluid_engine, "fluid")             \
  X(with, fluid_cc, FLUID_CC, weft__fluid_cc_engine, "fluid-cc") \
  X(with, learned, LEARNED, weft__learned_engine, "learned")

#endif
