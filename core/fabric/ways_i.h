/* Lengths of ways, and by which links they lead. */
#ifndef WEFT_FABRIC_WAYS_I_H
#define WEFT_FABRIC_WAYS_I_H

#include <string.h>

#include "sim_i.h"

/* The length of a way: the sum of its links' costs, then how many links it has. Where all links
 * cost 1 both are the same number, and a byte holds it; else the number of links is the last 8
 * bits of 32. There is no way: WAY_NONE. */
#define WAY_NONE UINT32_MAX
enum { WAY_COST_SHIFT = 8, WAY_LINKS_MASK = (1 << WAY_COST_SHIFT) - 1 };

static inline size_t way_row_bytes(const weft_sim *sim) {
  return (size_t)sim->fabric.switch_count * sim->fabric.way_bytes;
}

/** From a switch; WAY_NONE if there is no way. */
static inline uint32_t way_length(const weft_sim *sim, const uint8_t *row, uint32_t node) {
  const uint32_t rank = sim->fabric.nodes.at[node].rank;
  if (sim->fabric.way_bytes == 1) return row[rank] == UINT8_MAX ? WAY_NONE : row[rank];
  uint32_t length;
  memcpy(&length, row + (size_t)rank * sizeof length, sizeof length);
  return length;
}

/** What a link adds to the length of a way. */
static inline uint32_t way_weight(const weft_sim *sim, uint32_t port) {
  if (sim->fabric.way_bytes == 1) return 1;
  return (uint32_t)sim->fabric.ports.at[port].cost << WAY_COST_SHIFT | 1;
}

/** Sum of lengths; what is too long for a length is the longest. */
static inline uint32_t way_add(const weft_sim *sim, uint32_t length, uint32_t weight) {
  const uint32_t longest = sim->fabric.way_bytes == 1 ? UINT8_MAX - 1 : WAY_NONE - 1;
  return length < longest - weight ? length + weight : longest;
}

/** How many links a way of that length has. */
static inline uint32_t way_links(const weft_sim *sim, uint32_t length) {
  return sim->fabric.way_bytes == 1 ? length : length & WAY_LINKS_MASK;
}

/** May ways of a level take a directed port? */
static inline int way_allows(const weft_sim *sim, uint32_t level, uint32_t port) {
  return sim->fabric.levels == 1 ||
         sim->fabric.ports.at[port].link_class <= sim->fabric.level_class[level];
}

/** Do routes keep off a port, because its failure has been noticed? */
static inline int way_avoids(const weft_sim *sim, uint32_t port) {
  return sim->fabric.ports.at[port].avoided && !sim->fabric.as_built;
}

#endif
