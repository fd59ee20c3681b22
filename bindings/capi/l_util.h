/* Helpers of the Lua binding: checked numbers, enumerations as text, structs from and to tables.
 *
 * Everything here compiles against Lua 5.4 and against LuaJIT (5.1 ABI). Integers are Lua integers
 * on 5.4 and doubles on LuaJIT, exact up to 2^53 (2.5 hours in picoseconds). */
#ifndef L_UTIL_H
#define L_UTIL_H

#include <lauxlib.h>
#include <lua.h>

#include "l_api.h"

#if LUA_VERSION_NUM < 502
#define lua_rawlen lua_objlen
#endif

/* ---- numbers ---- */

void l_push_int(lua_State *L, int64_t value);
void l_push_uint(lua_State *L, uint64_t value);

/* The integer at `index`, or an error that names `what` and the range. Integral doubles pass. */
int64_t l_check_int(lua_State *L, int index, const char *what, int64_t min, int64_t max);
uint32_t l_check_u32(lua_State *L, int index, const char *what);
uint64_t l_check_u64(lua_State *L, int index, const char *what);
void l_check_table(lua_State *L, int index, const char *what);
double l_check_number(lua_State *L, int index, const char *what);

/* Raise "argument `what`: expected `wanted`, got <the value at index>". */
int l_wrong(lua_State *L, int index, const char *what, const char *wanted);

/* ---- names ----
 * A list of names is one string, "host|switch|nvswitch"; the first belongs to value 0. Those of
 * enumerations are the core's: weft_enum_names(). */

int l_choice_find(const char *choices, const char *name);
void l_push_choice(lua_State *L, const char *choices, uint32_t value);
void l_push_choices(lua_State *L, const char *choices); /* an array of all */
uint32_t l_check_choice(lua_State *L, int index, const char *what, const char *choices);

/* The nearest of `count` names to a mistyped one, or NULL when none is near. */
typedef struct l_near {
  const char *word;
  size_t length; /* of best, which need not end in NUL */
  const char *best;
  int distance;
} l_near;

void l_near_start(l_near *near, const char *word);
void l_near_try(l_near *near, const char *name, size_t length);
/* Push "; did you mean 'x'?", or "" when no name is near. */
void l_near_push(lua_State *L, const l_near *near);

/* ---- structs ---- */

enum l_type { L_U32, L_U64, L_I64, L_F64, L_ENUM, L_HEX, L_HIDDEN };

typedef struct l_field {
  const char *name;
  uint32_t type; /* enum l_type; L_HEX: u64 pushed as text; L_HIDDEN: not in tables */
  uint32_t offset;
  int64_t min; /* of integers */
  int which; /* L_ENUM: enum weft_enum */
} l_field;

typedef struct l_struct {
  const char *name; /* of the C type */
  uint32_t size;
  uint32_t count;
  const l_field *fields;
} l_struct;

extern const l_struct l_structs[]; /* every struct of the border; ends with a NULL name */
extern const l_struct l_link_def, l_link_change, l_flow_def, l_task_def, l_collective_def;
extern const l_struct l_link_impairment, l_storm, l_host_change, l_stats, l_port_info;
extern const l_struct l_partition, l_partition_use, l_acceleration;

/* Fill `data`, which has the defaults, from the table at `index`: an unknown key is an error. Keys
 * in the list `others` ("ranks|...", may be NULL) are the caller's to read. */
void l_read_struct(lua_State *L, int index, const l_struct *type, const char *others, void *data);
void l_push_struct(lua_State *L, const l_struct *type, const void *data);

/* ---- simulations ---- */

#define L_SIM "weft.core.sim"
#define L_CLOSED "argument `sim`: expected an open simulation, got a closed sim"

/* The box at an index, open or not, or an error. */
weft_lua_sim *l_check_box(lua_State *L, int index);

/* The open simulation at argument 1, or an error. */
weft_sim *l_check_sim(lua_State *L);
/* The same at another argument. */
weft_sim *l_check_sim_at(lua_State *L, int index);
/* A closed box on the stack, to be filled. */
weft_lua_sim *l_new_box(lua_State *L);
/* Turn a negative status into an error "WEFT_EINVAL: message"; passes others through. */
int l_status(lua_State *L, const weft_sim *sim, int status);
/* Return the index that a call gave, or raise its error. */
int l_push_status(lua_State *L, const weft_sim *sim, int status);

/* ---- parts of the module ---- */

extern const luaL_Reg l_sim_events[], l_sim_methods[], l_fabric_methods[], l_work_methods[];
extern const luaL_Reg l_run_methods[], l_results_methods[], l_script_methods[];
extern const luaL_Reg l_accel_methods[], l_learned_methods[], l_learn_functions[];

void l_push_options(lua_State *L);
void l_push_config(lua_State *L, const weft_config *config);
void l_read_config(lua_State *L, int index, weft_config *config);
int l_core_new(lua_State *L);
/* core._note_interrupted(sim): its run was interrupted between two calls of the engine. */
int l_core_note_interrupted(lua_State *L);
/* core._go_on(sim): before a run. An error once Ctrl-C has cut the run of another simulation, which
 * has not run on since: a loop over simulations ends. */
int l_core_go_on(lua_State *L);
/* core._interrupted(): whether Ctrl-C has stopped a simulation that has not run on since, or Lua
 * code, or would have stopped it soon. */
int l_core_interrupted(lua_State *L);
/* core._swap(sim, other): each gets what the other was, so that who holds `sim` sees it as another
 * moment. Both are of one script, or of none. */
int l_core_swap(lua_State *L);
int l_core_is_open(lua_State *L); /* core._is_open(value): a simulation that is not closed */
int l_output_open(lua_State *L);
int l_core_spool(lua_State *L);

#endif
