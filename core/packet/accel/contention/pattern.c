/* Patterns: a key for a conflict graph that does not depend on how its flows and ports are
 * numbered, by colour refinement (1-dimensional Weisfeiler-Leman): in each round a vertex takes the
 * hash of its colour and of the colours of its neighbours. Graphs with equal keys are then matched
 * vertex by vertex, so what refinement cannot tell apart is told apart all the same. */
#include "base/sort.h"
#include "packet/accel/contention/contention.h"
#include "base/hash_i.h"

/* ---- refinement ---- */

/* Long chains of flows would take a round for each; what is not told apart by then is left to the
 * matching. */
enum { ROUNDS_MOST = 32 };

/* The colours of all vertices, sorted; returns how many different ones. */
static uint32_t sorted_colours(const struct conflict_vertex *vertices, uint32_t n, uint64_t *out) {
  for (uint32_t v = 0; v < n; ++v) out[v] = vertices[v].colour;
  weft__sort_words(out, n);
  uint32_t classes = n > 0;
  for (uint32_t v = 1; v < n; ++v) classes += out[v] != out[v - 1];
  return classes;
}

/* Neighbours are summed, so their order does not matter and none has to be sorted. */
static void refine_once(struct conflict_vertex *vertices, uint32_t n,
                        const struct conflict_arc *arcs, uint64_t *next) {
  for (uint32_t v = 0; v < n; ++v) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < vertices[v].arcs; ++i) {
      const struct conflict_arc arc = arcs[vertices[v].first_arc + i];
      sum += hash_mix(vertices[arc.to].colour + arc.label * 0x9e3779b97f4a7c15u);
    }
    next[v] = hash_mix(hash_mix(vertices[v].colour) + sum);
  }
  for (uint32_t v = 0; v < n; ++v) vertices[v].colour = next[v];
}

static uint32_t rank_of(const uint64_t *sorted, uint32_t n, uint64_t colour) {
  uint32_t low = 0;
  for (uint32_t high = n; low < high;) {
    const uint32_t middle = low + (high - low) / 2;
    if (sorted[middle] < colour)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* A word of a sort: label (8 bits), rank of the far end's colour, far end. */
enum { VERTEX_BITS = 28 };

static void sort_arcs(const struct conflict_vertex *vertices, uint32_t n, struct conflict_arc *arcs,
                      const uint64_t *sorted, uint64_t *words) {
  const uint64_t mask = (1u << VERTEX_BITS) - 1;
  for (uint32_t v = 0; v < n; ++v) {
    struct conflict_arc *of = &arcs[vertices[v].first_arc];
    for (uint32_t i = 0; i < vertices[v].arcs; ++i) {
      const uint64_t rank = rank_of(sorted, n, vertices[of[i].to].colour);
      words[i] = ((uint64_t)of[i].label << VERTEX_BITS | rank) << VERTEX_BITS | of[i].to;
    }
    weft__sort_words(words, vertices[v].arcs);
    for (uint32_t i = 0; i < vertices[v].arcs; ++i)
      of[i] = (struct conflict_arc){(uint32_t)(words[i] & mask),
                                    (uint32_t)(words[i] >> 2 * VERTEX_BITS)};
  }
}

/* `sorted` and `words` are room for a word a vertex. */
static uint64_t refine(struct conflict_vertex *vertices, uint32_t n, struct conflict_arc *arcs,
                       uint64_t *sorted, uint64_t *words) {
  uint32_t classes = sorted_colours(vertices, n, sorted), before = 0;
  for (uint32_t round = 0; round < ROUNDS_MOST && classes > before && classes < n; ++round) {
    before = classes;
    refine_once(vertices, n, arcs, words);
    classes = sorted_colours(vertices, n, sorted);
  }
  sort_arcs(vertices, n, arcs, sorted, words);
  uint64_t hash = hash_mix(((uint64_t)n << 32 | classes) + 1);
  for (uint32_t v = 0; v < n; ++v) hash = hash_mix(hash ^ hash_mix(sorted[v]));
  return hash;
}

int weft__graph_refine(weft_sim *sim, struct conflict_vertex *vertices, uint32_t n,
                       struct conflict_arc *arcs, uint64_t *key) {
  if (n >> VERTEX_BITS != 0) return 0;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *words = weft__arena_take(sim, &sim->arena, 2 * (uint64_t)n * sizeof *words);
  if (words != NULL) *key = refine(vertices, n, arcs, words, words + n);
  weft__arena_reset(sim, &sim->arena, mark);
  return words != NULL;
}

/* ---- numbers ---- */

/* The pattern of a conflict among those before it; WEFT_NONE if it is new. 0 when out of memory.
 * What the matching gives up counts as another pattern: safe, and the same every time. `map` is
 * room for a number a vertex. */
static int find_pattern(weft_sim *sim, struct conflict_set *set, uint32_t index, uint32_t head,
                        uint32_t *map) {
  const struct conflict_graph graph = conflict_graph_of(set, index);
  struct conflict *conflict = &set->conflicts.at[index];
  conflict->pattern = WEFT_NONE;
  for (uint32_t next = head; next != 0; next = set->conflicts.at[next - 1].next) {
    const struct conflict *known = &set->conflicts.at[next - 1];
    if (known->key != conflict->key) continue;
    const struct conflict_graph other = conflict_graph_of(set, next - 1);
    const int status = weft__graph_match(sim, &graph, &other, map);
    if (status == WEFT_ENOMEM) return 0;
    if (status != 1) continue;
    conflict->pattern = known->pattern;
    break;
  }
  return 1;
}

/* `heads` are those of lists of conflicts that stand for a pattern, by `mask` of their keys. */
static int number(weft_sim *sim, struct conflict_set *set, uint32_t *heads, uint32_t mask,
                  uint32_t *map) {
  uint32_t count = 0;
  for (uint32_t p = 0; p < set->conflicts.n; ++p) {
    struct conflict *conflict = &set->conflicts.at[p];
    uint32_t *head = &heads[conflict->key & mask];
    if (!find_pattern(sim, set, p, *head, map)) return 0;
    if (conflict->pattern != WEFT_NONE) continue;
    conflict->pattern = count++;
    conflict->next = *head;
    *head = p + 1;
  }
  return 1;
}

int weft__patterns_number(weft_sim *sim, struct conflict_set *set) {
  uint32_t count = 1;
  while (count < set->conflicts.n) count *= 2;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint32_t *heads = weft__arena_take(sim, &sim->arena, count * sizeof *heads);
  uint32_t *map = weft__arena_take(sim, &sim->arena, set->vertices.n * sizeof *map);
  for (uint32_t i = 0; heads != NULL && i < count; ++i) heads[i] = 0;
  const int all = heads != NULL && map != NULL && number(sim, set, heads, count - 1, map);
  weft__arena_reset(sim, &sim->arena, mark);
  return all;
}
