/* Module weft.core: the core in Lua, call by call as weft.h has it. Numbers are stored units
 * (ps, bit/s, bytes), indices count from 0; names and units for people are stdlib's business. */
#include <string.h>
#include <time.h>

#include "l_running.h"
#include "l_script.h"
#include "l_util.h"

#define EXPORT __attribute__((visibility("default")))

static int core_version(lua_State *L) {
  lua_pushstring(L, weft_version());
  return 1;
}

static int core_options(lua_State *L) {
  l_push_options(L);
  return 1;
}

/* core.parse(text, unit): the number, or nil and a message, as the text may come from a file. */
static int core_parse(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) l_wrong(L, 1, "text", "string");
  int unit = (int)l_check_choice(L, 2, "unit", "none|time|rate|bytes");
  int64_t value;
  char error[256];
  if (weft_parse_quantity(lua_tostring(L, 1), unit, &value, error, sizeof error) < 0) {
    lua_pushnil(L);
    lua_pushstring(L, error);
    return 2;
  }
  /* Beyond it LuaJIT would get another number. */
  if (value > (INT64_C(1) << 53) || value < -(INT64_C(1) << 53)) {
    static const char *const limits[] = {"2^53", "2^53 ps, 9007 s", "2^53 bit/s", "2^53 bytes"};
    lua_pushnil(L);
    lua_pushfstring(L, "expected at most %s, got '%s'", limits[unit], lua_tostring(L, 1));
    return 2;
  }
  l_push_int(L, value);
  return 1;
}

/* core.engine_can(engine, what) -> boolean */
static int core_engine_can(lua_State *L) {
  int engine = (int)l_check_choice(L, 1, "engine", weft_enum_names(WEFT_ENUM_ENGINE));
  int what = (int)l_check_choice(L, 2, "what", weft_enum_names(WEFT_ENUM_CAN));
  lua_pushboolean(L, weft_engine_can(engine, what));
  return 1;
}

/* core.column_needs(table, column) -> a name of enum weft_can, or nil */
static int core_column_needs(lua_State *L) {
  int table = (int)l_check_choice(L, 1, "table", weft_enum_names(WEFT_ENUM_TABLE));
  if (lua_type(L, 2) != LUA_TSTRING) l_wrong(L, 2, "column", "string");
  int needs = weft_column_needs(table, lua_tostring(L, 2));
  if (needs < 0) {
    lua_pushnil(L);
  } else {
    l_push_choice(L, weft_enum_names(WEFT_ENUM_CAN), (uint32_t)needs);
  }
  return 1;
}

/* Arrays of names, the first for value 0. Those of options are in core.options(). */
static void push_constants(lua_State *L) {
  lua_newtable(L);
  for (int which = 0; which < WEFT_ENUM_COUNT; which++) {
    l_push_choices(L, weft_enum_names(which));
    lua_setfield(L, -2, weft_enum_id(which));
  }
  lua_pushinteger(L, WEFT_PATH_MAX);
  lua_setfield(L, -2, "path_max");
  lua_pushinteger(L, WEFT_API_VERSION);
  lua_setfield(L, -2, "api_version");
}

/* core._layout(): {weft_flow_def = {size =, offsets = {src = 0, ...}}, ...} as compiled. */
static int core_layout(lua_State *L) {
  lua_newtable(L);
  for (const l_struct *type = l_structs; type->name; type++) {
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)type->size);
    lua_setfield(L, -2, "size");
    lua_newtable(L);
    for (uint32_t i = 0; i < type->count; i++) {
      lua_pushinteger(L, (lua_Integer)type->fields[i].offset);
      lua_setfield(L, -2, type->fields[i].name);
    }
    lua_setfield(L, -2, "offsets");
    lua_setfield(L, -2, type->name);
  }
  return 1;
}

static const weft_api api = {
    .size = sizeof(weft_api),
    .version = WEFT_API_VERSION,
    .column_get = weft_column_get,
    .series_get = weft_series_get,
};

/* core._api(): a pointer to struct weft_api, for the LuaJIT overlay. */
static int core_api(lua_State *L) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)&api);
  return 1;
}

/* core._clock(): seconds since some moment, for how long a run takes; Lua's own clock is that of
 * the processor, of all threads. */
static int core_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
  return 1;
}

/* core._is_interruption(err): whether Ctrl-C raised it; callbacks add a traceback. */
static int core_is_interruption(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, L_INTERRUPTION);
  size_t length;
  const char *err = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  const char *raised = lua_tolstring(L, 2, &length);
  lua_pushboolean(L, err && raised && strncmp(err, raised, length) == 0);
  return 1;
}

static const luaL_Reg functions[] = {
    {"version", core_version},
    {"options", core_options},
    {"parse", core_parse},
    {"engine_can", core_engine_can},
    {"column_needs", core_column_needs},
    {"new", l_core_new},
    {"_layout", core_layout},
    {"_api", core_api},
    {"_clock", core_clock},
    {"_output", l_output_open},
    {"_is_interruption", core_is_interruption},
    {"_is_open", l_core_is_open},
    {"_swap", l_core_swap},
    {"_script", l_core_script},
    {"_attach", l_core_attach},
    {"_note_interrupted", l_core_note_interrupted},
    {"_interrupted", l_core_interrupted},
    {"_go_on", l_core_go_on},
    {"_spool", l_core_spool},
    {NULL, NULL},
};

/* The metatable of simulations; also core._sim, where the overlay replaces methods. */
static void push_sim_metatable(lua_State *L) {
  if (luaL_newmetatable(L, L_SIM)) {
    lua_newtable(L);
    luaL_setfuncs(L, l_sim_methods, 0);
    luaL_setfuncs(L, l_fabric_methods, 0);
    luaL_setfuncs(L, l_work_methods, 0);
    luaL_setfuncs(L, l_run_methods, 0);
    luaL_setfuncs(L, l_results_methods, 0);
    luaL_setfuncs(L, l_script_methods, 0);
    luaL_setfuncs(L, l_accel_methods, 0);
    luaL_setfuncs(L, l_learned_methods, 0);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, l_sim_events, 0);
  }
}

EXPORT int luaopen_weft_core(lua_State *L);
int luaopen_weft_core(lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  luaL_setfuncs(L, l_learn_functions, 0);
  push_constants(L);
  lua_setfield(L, -2, "constants");
  push_sim_metatable(L);
  lua_setfield(L, -2, "_sim");
  return 1;
}
