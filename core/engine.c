/* The list of engines, and what is said where one cannot do what is asked of it. */
#include "engine.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/names_i.h"

#define TABLE_OF(_, name, NAME, table, word) [WEFT_ENGINE_##NAME] = &table,
static const struct engine_ops *const engines[] = {ENGINES(TABLE_OF, )};

#define NAME_OF(_, name, NAME, table, word) [WEFT_ENGINE_##NAME] = word,
static const char *const names[] = {ENGINES(NAME_OF, )};

enum { ENGINES_COUNT = sizeof engines / sizeof engines[0] };

const struct engine_ops *weft__engine(uint32_t number) {
  return number < ENGINES_COUNT ? engines[number] : NULL;
}

/* Members by what makes them necessary: any of these bits, or none. Every engine moves flows. */
enum {
  MAY = 0,
  MUST = CAN(MOVE),
  WITHOUT_RUN = 1u << 30 /* `run` is not there */
};

#define MEMBERS(X)                            \
  X(create, MAY)                              \
  X(link_added, MAY)                          \
  X(ready, MAY)                               \
  X(begin, MAY)                               \
  X(run, MAY)                                 \
  X(event, WITHOUT_RUN)                       \
  X(stale, WITHOUT_RUN)                       \
  X(end, MAY)                                 \
  X(copied, MAY)                              \
  X(destroy, MAY)                             \
  X(change_begins, MAY)                       \
  X(port_changed, MUST)                       \
  X(rerouted, MUST)                           \
  X(storm, CAN(STORM))                        \
  X(change_ends, MAY)                         \
  X(set_ecn, CAN(QUEUES))                     \
  X(port_info, MAY)                           \
  X(launch, MUST)                             \
  X(slots, MUST)                              \
  X(delivered, MUST)                          \
  X(progress, MAY)                            \
  X(settle, MUST)                             \
  X(before_sample, MAY)                       \
  X(flow_rows, MAY)                           \
  X(port_row, MAY)                            \
  X(port_bytes, MUST)                         \
  X(port_queue, CAN(QUEUES))                  \
  X(table, CAN(TRACE_ACKS) | CAN(ACCELERATE)) \
  X(wire_bytes, MAY)                          \
  X(stats, MAY)                               \
  X(check, MUST)

static const struct engine_member {
  const char *name;
  uint32_t offset;
  uint32_t needed_by;
} members[] = {
#define MEMBER(name, needed_by) {#name, (uint32_t)offsetof(struct engine_ops, name), needed_by},
    MEMBERS(MEMBER)};

typedef void (*function)(void);
_Static_assert(offsetof(struct engine_ops, create) +
                       sizeof members / sizeof members[0] * sizeof(function) ==
                   sizeof(struct engine_ops),
               "a member of struct engine_ops is not in the list");

const char *weft__engine_lacks(const struct engine_ops *engine) {
  const uint32_t has = engine->can | CAN(MOVE) | (engine->run == NULL ? WITHOUT_RUN : 0);
  for (uint32_t i = 0; i < sizeof members / sizeof members[0]; ++i) {
    function at;
    memcpy(&at, (const char *)engine + members[i].offset, sizeof at);
    if (at == NULL && members[i].needed_by & has) return members[i].name;
  }
  return NULL;
}

int weft_engine_can(int engine, int what) {
  if (engine < 0 || engine >= ENGINES_COUNT || what < 0 || what >= WEFT_CAN_COUNT)
    return WEFT_EINVAL;
  return what == WEFT_CAN_MOVE || (engines[engine]->can >> what & 1);
}

int weft__engine_needs(weft_sim *sim, uint32_t can, const char *what, const char *part) {
  if (engine_can(sim, can)) return WEFT_OK;
  const char *other = NULL;
  for (int i = 0; i < ENGINES_COUNT && other == NULL; ++i)
    if (weft_engine_can(i, (int)can) == 1) other = names[i];
  return weft__fail(sim, WEFT_EINVAL, "%s: engine '%s' has no %s%s%s%s", what,
                    names[sim->config.engine], part, other != NULL ? "; expected engine = '" : "",
                    other != NULL ? other : "", other != NULL ? "'" : "");
}

int weft_port_set_ecn(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax) {
  if (!engine_can(sim, WEFT_CAN_QUEUES))
    return weft__engine_needs(sim, WEFT_CAN_QUEUES, "port ECN", "marks");
  if (port >= sim->fabric.ports.n)
    return weft__fail(sim, WEFT_EINVAL, "port: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->fabric.ports.n, port);
  if (kmin > kmax || !(pmax >= 0 && pmax <= 1))
    return weft__fail(sim, WEFT_EINVAL,
                      "port ECN: expected kmin <= kmax and pmax 0 to 1, got %" PRIu64 ", %" PRIu64
                      ", %g",
                      kmin, kmax, pmax);
  return sim->engine->set_ecn(sim, port, kmin, kmax, pmax);
}
