/* Messages of a collective: where each is, what it carries, whether it has arrived. */
#include "work/collective_i.h"

struct place weft__collective_place(const struct collective *collective, uint32_t part) {
  const uint32_t per_lane = collective->steps * collective->slices;
  const uint32_t lane = part / per_lane, index = part % per_lane;
  return (struct place){lane / collective->lanes, lane % collective->lanes,
                        index / collective->slices, index % collective->slices};
}

static uint64_t pieces_before(const struct collective *collective, uint32_t slice, uint32_t piece) {
  const uint64_t bytes = share(collective->size_bytes, collective->slices, slice);
  return share_before(bytes, collective->pieces, piece);
}

uint64_t weft__piece_bytes(const struct collective *collective, uint32_t slice, uint32_t first,
                           uint32_t count) {
  const uint32_t pieces = collective->pieces, end = first + count;
  const uint64_t before = pieces_before(collective, slice, first);
  if (end <= pieces) return pieces_before(collective, slice, end) - before;
  return pieces_before(collective, slice, pieces) - before +
         pieces_before(collective, slice, end - pieces);
}

int weft__message_arrived(const weft_sim *sim, const struct collective *collective,
                          struct place at) {
  const struct lane *lane = collective_lane(sim, collective, at.rank, at.lane);
  const uint32_t index = at.step * collective->slices + at.slice;
  if (index < lane->arrived) return 1;
  return index - lane->arrived < LANE_WINDOW && (lane->ahead >> (index - lane->arrived) & 1);
}
