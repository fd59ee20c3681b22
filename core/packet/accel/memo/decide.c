/* Whether classes say how a transient ends.
 *
 * What classes leave out need not matter in the long run, as congestion control brings flows to the
 * same rates wherever they came from. Where it does not, a record by classes is one outcome of
 * several, and who takes it has the wrong one for as long as its flows last. That shows in a record
 * by itself where no law is at work, and in two of the same classes whose ends are not the same. */
#include <math.h>

#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/record.h"

#define SAME_RATE 1e-3 /* besides what the rates may be off by themselves */

/* Is it settled by when its flows met how they share from its end on? Where congestion control asks
 * for line rate, or for what it has always asked for, no law of it brings together what began at
 * different times: packets take turns like clockwork, for as long as their flows last. A flow by
 * itself has nobody to take turns with. */
static int is_clockwork(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const struct record_parts parts = record_parts(sim, p->record - 1);
  if (p->flows < 2) return 0;
  FOR_MEMBERS(slot, sim, p) {
    const uint64_t asked = sim->packet.tx.at[slot].rate_bps;
    if (asked >= sim->packet.tx_warm.at[slot].line_bps ||
        asked == parts.begin[sim->accel.members.at[slot].as].rate_bps)
      return 1;
  }
  return 0;
}

static int is_steady_class(const struct memo_record *r) {
  return r->state == RECORD_READY && r->steady && !r->exact;
}

/* Do the rates of two steady records differ, flow by flow as `map` says? */
static int do_rates_differ(const weft_sim *sim, uint32_t a, uint32_t b, const uint32_t *map) {
  const struct memo_flow *of = record_parts(sim, a).flows, *other = record_parts(sim, b).flows;
  for (uint32_t f = 0; f < sim->accel.records.at[a].flows; ++f) {
    const struct memo_flow *x = &of[f], *y = &other[map[f]];
    if (fabs(x->rate / y->rate - 1) > SAME_RATE + x->uncertainty + y->uncertainty) return 1;
  }
  return 0;
}

/* Let a record and those of its pattern that end at other rates be undecided; and it also if that
 * is known of the pattern. `map` is room for a number a vertex. */
static void compare(weft_sim *sim, uint32_t record, uint32_t *map) {
  struct memo_record *r = &sim->accel.records.at[record];
  const struct conflict_graph graph = record_graph(sim, record);
  uint32_t next = weft__record_first(sim, r->key);
  for (; next != WEFT_NONE; next = weft__record_next(sim, next)) {
    struct memo_record *other = &sim->accel.records.at[next];
    if (next == record || !is_steady_class(other) || other->vertices != r->vertices) continue;
    const struct conflict_graph known = record_graph(sim, next);
    if (weft__graph_match(sim, &graph, &known, map) != 1) continue;
    if (other->undecided || do_rates_differ(sim, record, next, map))
      r->undecided = other->undecided = 1;
  }
}

void weft__memo_decide(weft_sim *sim, uint32_t partition) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  struct memo_record *r = &sim->accel.records.at[record];
  r->undecided = (uint32_t)is_clockwork(sim, partition);
  if (r->undecided || r->flows < 2 || !is_steady_class(r)) return;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint32_t *map = weft__arena_take(sim, &sim->arena, r->vertices * sizeof *map);
  if (map != NULL) compare(sim, record, map);
  weft__arena_reset(sim, &sim->arena, mark);
}
