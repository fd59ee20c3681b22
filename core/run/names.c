/* Names of enumerations, and what structs hold that a caller leaves as they are. */
#include <string.h>

#include "base/names_i.h"
#include "sim_i.h"

/* Every enumeration: X(enumerator, its own name, its list of names). */
#define ENUMS(X)                                                         \
  X(WEFT_ENUM_NODE_KIND, "node_kind", NODE_KIND_NAMES)                   \
  X(WEFT_ENUM_LINK_CLASS, "link_class", LINK_CLASS_NAMES)                \
  X(WEFT_ENUM_DIRECTION, "direction", DIRECTION_NAMES)                   \
  X(WEFT_ENUM_TASK_KIND, "task_kind", TASK_KIND_NAMES)                   \
  X(WEFT_ENUM_COLLECTIVE_KIND, "collective_kind", COLLECTIVE_KIND_NAMES) \
  X(WEFT_ENUM_ALGORITHM, "algorithm", ALGORITHM_NAMES)                   \
  X(WEFT_ENUM_METRIC, "metric", METRIC_NAMES)                            \
  X(WEFT_ENUM_TABLE, "table", TABLE_NAMES)                               \
  X(WEFT_ENUM_COLUMN_TYPE, "column_type", COLUMN_TYPE_NAMES)             \
  X(WEFT_ENUM_RUN_RESULT, "run_result", RUN_RESULT_NAMES)                \
  X(WEFT_ENUM_SCRIPT_NEEDS, "script_needs", SCRIPT_NEEDS_NAMES)          \
  X(WEFT_ENUM_PARTITION_ACKS, "partition_acks", PARTITION_ACKS_NAMES)    \
  X(WEFT_ENUM_REFUSAL, "refusal", REFUSAL_NAMES)                         \
  X(WEFT_ENUM_THREADS_WHY, "threads_why", THREADS_WHY_NAMES)             \
  X(WEFT_ENUM_PHASE, "phase", PHASE_NAMES)                               \
  X(WEFT_ENUM_UNIT, "unit", UNIT_NAMES)                                  \
  X(WEFT_ENUM_ENGINE, "engine", ENGINE_NAMES)                            \
  X(WEFT_ENUM_CAN, "can", CAN_NAMES)                                     \
  X(WEFT_ENUM_RESOURCE, "resource", RESOURCE_NAMES)                      \
  X(WEFT_ENUM_CC, "cc", CC_NAMES)                                        \
  X(WEFT_ENUM_SCHEDULE, "schedule", SCHEDULE_NAMES)

#define ENTRY(id, name, names) [id] = {name, NAMES_TEXT(names)},
static const struct { const char *name, *names; } enums[] = {ENUMS(ENTRY)};

/* Each name stands where its value says. */
#define PLACE(value, name) PLACE_##value,
#define SAME(value, name) _Static_assert((int)PLACE_##value == (int)(value), name);
#define IN_PLACE(names)  \
  enum { names(PLACE) }; \
  names(SAME)
#define ENUM_IN_PLACE(id, name, names) IN_PLACE(names)
ENUMS(ENUM_IN_PLACE)
IN_PLACE(COMPAT_NAMES)
IN_PLACE(ACK_PRIORITY_NAMES)
IN_PLACE(WINDOW_MODE_NAMES)
IN_PLACE(ECMP_NAMES)
IN_PLACE(RECOVERY_NAMES)
IN_PLACE(COMPLETION_NAMES)
IN_PLACE(FLUID_CAP_NAMES)
_Static_assert(WEFT_RTO_ADAPTIVE == -1 && WEFT_RTO_RFC6298 == -2,
               "names of times are from -1 down");

_Static_assert(sizeof enums / sizeof enums[0] == WEFT_ENUM_COUNT, "an enumeration without names");
_Static_assert(NAMES_COUNT(RESOURCE_NAMES) == WEFT_RESOURCE_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(CAN_NAMES) == WEFT_CAN_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(CC_NAMES) == WEFT_CC_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(RECOVERY_NAMES) == WEFT_RECOVERY_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(LINK_CLASS_NAMES) == WEFT_LINK_CLASS_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(COLLECTIVE_KIND_NAMES) == WEFT_COLLECTIVE_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(ALGORITHM_NAMES) == WEFT_ALGORITHM_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(TABLE_NAMES) == WEFT_TABLE_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(REFUSAL_NAMES) == WEFT_REFUSED_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(THREADS_WHY_NAMES) == WEFT_THREADS_WHY_COUNT, "a name is missing");
_Static_assert(NAMES_COUNT(SCRIPT_NEEDS_NAMES) == WEFT_SCRIPT_NEEDS_COUNT, "a name is missing");

const char *weft_enum_id(int which) {
  return which >= 0 && which < WEFT_ENUM_COUNT ? enums[which].name : NULL;
}

const char *weft_enum_names(int which) {
  return which >= 0 && which < WEFT_ENUM_COUNT ? enums[which].names : NULL;
}

int weft_enum_value(int which, const char *name) {
  const char *names = weft_enum_names(which);
  const size_t length = strlen(name);
  for (int value = 0; names != NULL; ++value) {
    const char *end = strchr(names, '|');
    const size_t size = end != NULL ? (size_t)(end - names) : strlen(names);
    if (size == length && memcmp(names, name, size) == 0) return value;
    names = end != NULL ? end + 1 : NULL;
  }
  return WEFT_EINVAL;
}

weft_link_def weft_link_def_default(void) {
  return (weft_link_def){.link_class = WEFT_LINK_BY_ENDS, .cost = 1};
}

weft_link_change weft_link_change_default(void) {
  return (weft_link_change){.direction = WEFT_BOTH, .factor = -1, .loss = -1};
}

weft_link_impairment weft_link_impairment_default(void) {
  return (weft_link_impairment){.direction = WEFT_BOTH, .delay_ps = -1, .enter = -1};
}

weft_storm weft_storm_default(void) {
  return (weft_storm){.duration_ps = 0};
}

weft_host_change weft_host_change_default(void) {
  return (weft_host_change){.factor = 1};
}

weft_flow_def weft_flow_def_default(void) {
  return (weft_flow_def){.size_bytes = 0};
}

weft_task_def weft_task_def_default(void) {
  return (weft_task_def){.kind = WEFT_TASK_COMPUTE};
}

weft_collective_def weft_collective_def_default(void) {
  return (weft_collective_def){.algorithm = WEFT_ALGORITHM_DEFAULT};
}
