/* Matching of conflict graphs with equal keys: a search for an isomorphism, in the manner of VF2
 * (Cordella et al., IEEE TPAMI 2004). Vertices of `a` are taken in breadth-first order from the
 * rarest colour, so each has a neighbour that is mapped already, and its candidates are that one's
 * neighbours of the right label and colour. Refined colours leave little to try; where flows are
 * interchangeable, any choice is right. Searches that turn out long are given up. */
#include "base/sort.h"
#include "packet/accel/contention/contention.h"

/* Steps of a search: candidates tried and arcs looked at. What is not symmetric takes about one for
 * each arc; a hard case ends after some 10 ms. */
enum { STEPS_PER_ARC = 16, STEPS_MORE = 1000000 };

/* A vertex of `a` in the order of the search, and its candidates: arcs of the image of `parent`,
 * or, without one, vertices. They are tried in a circle from where the last choice was made. */
struct place {
  uint32_t vertex, parent, label;
  uint32_t low, count, start, tried;
};

struct search {
  struct conflict_graph a, b;
  struct place *places;
  uint32_t *map, *taken; /* a to b; whether a vertex of b is an image */
  uint32_t *hint; /* of a vertex of b: the arc to try first */
  uint64_t steps, most;
};

static const struct conflict_arc *arcs_of(const struct conflict_graph *graph, uint32_t vertex) {
  return &graph->arcs[graph->vertices[vertex].first_arc];
}

/* First of a vertex's arcs that is not before (label, colour, to). */
static uint32_t lower_bound(const struct conflict_graph *graph, uint32_t vertex, uint32_t label,
                            uint64_t colour, uint32_t to) {
  const struct conflict_arc *arcs = arcs_of(graph, vertex);
  uint32_t low = 0;
  for (uint32_t high = graph->vertices[vertex].arcs; low < high;) {
    const uint32_t middle = low + (high - low) / 2;
    const uint64_t there = graph->vertices[arcs[middle].to].colour;
    const int before = arcs[middle].label != label ? arcs[middle].label < label
                       : there != colour           ? there < colour
                                                   : arcs[middle].to < to;
    if (before)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static int has_arc(const struct conflict_graph *graph, uint32_t from, uint32_t label, uint32_t to) {
  const uint32_t at = lower_bound(graph, from, label, graph->vertices[to].colour, to);
  const struct conflict_arc *arcs = arcs_of(graph, from);
  return at < graph->vertices[from].arcs && arcs[at].label == label && arcs[at].to == to;
}

static uint32_t rarest(const struct conflict_graph *graph, const uint64_t *sorted) {
  uint64_t colour = 0;
  uint32_t least = WEFT_NONE, v = 0;
  for (uint32_t i = 0, end; i < graph->n; i = end) {
    for (end = i + 1; end < graph->n && sorted[end] == sorted[i]; ++end) {
    }
    if (end - i >= least) continue;
    least = end - i;
    colour = sorted[i];
  }
  while (graph->vertices[v].colour != colour) ++v;
  return v;
}

/* Breadth first, `map` marks what has been seen. Returns how many vertices are reached. */
static uint32_t order(struct search *search, uint32_t first) {
  struct place *places = search->places;
  uint32_t n = 1;
  for (uint32_t v = 0; v < search->a.n; ++v) search->map[v] = WEFT_NONE;
  places[0] = (struct place){.vertex = first, .parent = WEFT_NONE};
  search->map[first] = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const struct conflict_arc *arcs = arcs_of(&search->a, places[i].vertex);
    for (uint32_t k = 0; k < search->a.vertices[places[i].vertex].arcs; ++k) {
      if (search->map[arcs[k].to] != WEFT_NONE) continue;
      search->map[arcs[k].to] = 0;
      places[n++] =
          (struct place){.vertex = arcs[k].to, .parent = places[i].vertex, .label = arcs[k].label};
    }
  }
  for (uint32_t v = 0; v < search->a.n; ++v) search->map[v] = WEFT_NONE;
  return n;
}

static void open_place(struct search *search, struct place *place) {
  place->tried = place->start = place->low = 0;
  place->count = search->b.n;
  if (place->parent == WEFT_NONE) return;
  const uint32_t image = search->map[place->parent];
  const uint64_t colour = search->a.vertices[place->vertex].colour;
  place->low = lower_bound(&search->b, image, place->label, colour, 0);
  place->count = lower_bound(&search->b, image, place->label, colour, WEFT_NONE) - place->low;
  const uint32_t hint = search->hint[image];
  if (hint >= place->low && hint - place->low < place->count) place->start = hint - place->low;
}

/* May vertex v of `a` become w of `b`, with what is mapped so far? */
static int fits(struct search *search, uint32_t v, uint32_t w) {
  const struct conflict_vertex *of_a = &search->a.vertices[v], *of_b = &search->b.vertices[w];
  ++search->steps;
  if (search->taken[w] || of_a->colour != of_b->colour || of_a->arcs != of_b->arcs) return 0;
  const struct conflict_arc *arcs = arcs_of(&search->a, v);
  search->steps += of_a->arcs;
  for (uint32_t i = 0; i < of_a->arcs; ++i) {
    const uint32_t image = search->map[arcs[i].to];
    if (image != WEFT_NONE && !has_arc(&search->b, w, arcs[i].label, image)) return 0;
  }
  return 1;
}

/* Give a place its next candidate; 0 when there is none left. */
static int choose(struct search *search, struct place *place) {
  while (place->tried < place->count && search->steps <= search->most) {
    const uint32_t at = place->low + (place->start + place->tried++) % place->count;
    uint32_t candidate = at;
    if (place->parent != WEFT_NONE) {
      const uint32_t image = search->map[place->parent];
      candidate = arcs_of(&search->b, image)[at].to;
      if (!fits(search, place->vertex, candidate)) continue;
      search->hint[image] = at + 1;
    } else if (!fits(search, place->vertex, candidate)) {
      continue;
    }
    search->map[place->vertex] = candidate;
    search->taken[candidate] = 1;
    return 1;
  }
  return 0;
}

static int backtrack(struct search *search) {
  const uint32_t n = search->a.n;
  uint32_t depth = 0;
  open_place(search, &search->places[0]);
  for (;;) {
    if (choose(search, &search->places[depth])) {
      if (++depth == n) return 1;
      open_place(search, &search->places[depth]);
      continue;
    }
    if (search->steps > search->most) return WEFT_ELIMIT;
    if (depth == 0) return 0;
    const uint32_t vertex = search->places[--depth].vertex;
    search->taken[search->map[vertex]] = 0;
    search->map[vertex] = WEFT_NONE;
  }
}

/* Have both the same colours? Those of `a` are left at `of_a`, sorted; it is room for both. */
static int same_colours(uint64_t *of_a, const struct conflict_graph *a,
                        const struct conflict_graph *b) {
  uint64_t *of_b = of_a + a->n;
  for (uint32_t v = 0; v < a->n; ++v) {
    of_a[v] = a->vertices[v].colour;
    of_b[v] = b->vertices[v].colour;
  }
  weft__sort_words(of_a, a->n);
  weft__sort_words(of_b, b->n);
  for (uint32_t v = 0; v < a->n; ++v)
    if (of_a[v] != of_b[v]) return 0;
  return 1;
}

/* `scratch` is room for two numbers a vertex. */
static int look_for(const struct conflict_graph *a, const struct conflict_graph *b, uint32_t *map,
                    const uint64_t *colours, struct place *places, uint32_t *scratch) {
  struct search search = {.a = *a,
                          .b = *b,
                          .map = map,
                          .taken = scratch,
                          .hint = scratch + a->n,
                          .places = places,
                          .most = (uint64_t)STEPS_PER_ARC * a->arc_count + STEPS_MORE};
  for (uint32_t v = 0; v < a->n; ++v) search.taken[v] = search.hint[v] = 0;
  if (order(&search, rarest(a, colours)) < a->n) return 0;
  return backtrack(&search);
}

int weft__graph_match(weft_sim *sim, const struct conflict_graph *a, const struct conflict_graph *b,
                      uint32_t *map) {
  const uint64_t n = a->n;
  if (a->n != b->n || a->arc_count != b->arc_count) return 0;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *colours = weft__arena_take(sim, &sim->arena, 2 * n * sizeof *colours);
  struct place *places = weft__arena_take(sim, &sim->arena, n * sizeof *places);
  uint32_t *scratch = weft__arena_take(sim, &sim->arena, 2 * n * sizeof *scratch);
  int status = WEFT_ENOMEM;
  if (colours != NULL && places != NULL && scratch != NULL)
    status = same_colours(colours, a, b) ? look_for(a, b, map, colours, places, scratch) : 0;
  weft__arena_reset(sim, &sim->arena, mark);
  return status;
}
