/* Rows of the flow table that are used again: those of flows of a collective that forgets. */
#ifndef WEFT_FLOW_ROWS_H
#define WEFT_FLOW_ROWS_H

#include "sim_i.h"

/** Room for one more row to be forgotten. 0 when out of memory. */
static inline int row_forget_reserve(weft_sim *sim) {
  return pool_reserve(sim, sim->flow.forgotten_rows, sim->flow.rows.n + 1u) &&
         pool_reserve(sim, sim->flow.generations, sim->flow.rows.n + 1u);
}

/** Take a forgotten row for another flow, or WEFT_NONE if there is none. */
static inline uint32_t row_again(weft_sim *sim) {
  if (sim->flow.forgotten_rows.n == 0) return WEFT_NONE;
  const uint32_t row = sim->flow.forgotten_rows.at[--sim->flow.forgotten_rows.n];
  while (sim->flow.generations.n <= row) /* room was made when the row was */
    sim->flow.generations.at[sim->flow.generations.n++] = 0;
  ++sim->flow.generations.at[row];
  return row;
}

/** How many flows had the row before. */
static inline uint32_t row_generation(const weft_sim *sim, uint32_t row) {
  return row < sim->flow.generations.n ? sim->flow.generations.at[row] : 0;
}

#endif
