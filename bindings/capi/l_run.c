/* Methods that run the simulation and look at it as a whole. */
#include "l_running.h"
#include "l_script.h"
#include "l_util.h"

/* Times of results are exact in Lua up to here: a run has to end before. */
#define TIME_MAX (INT64_C(1) << 53)

static l_running *get_running(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, L_RUNNING);
  l_running *running = (l_running *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  return running;
}

/* Note whether the last run of the simulation at argument 1 was interrupted. Those that are gone
 * since stay counted. */
static void note_interrupted(lua_State *L, l_running *running, int is) {
  lua_getfield(L, LUA_REGISTRYINDEX, L_INTERRUPTED);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    if (!is) return;
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, L_INTERRUPTED);
  }
  lua_pushvalue(L, 1);
  lua_rawget(L, -2);
  const int was = !lua_isnil(L, -1);
  lua_pop(L, 1);
  running->interrupted += is - was;
  lua_pushvalue(L, 1);
  if (is)
    lua_pushboolean(L, 1);
  else
    lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Push the place of the script's line, "file:line: ", as stdlib/weft/fail.lua has it: weft's own
 * files are none of the script. */
static void push_place(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(L, -1, "weft.fail");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "place");
    if (lua_pcall(L, 0, 1, 0) == 0 && lua_isstring(L, -1)) {
      lua_pushliteral(L, ": ");
      lua_concat(L, 2);
      return;
    }
  }
  luaL_where(L, 1);
}

int l_raise_interruption(lua_State *L, l_running *running) {
  running->pending = 0;
  running->stopped = 1;
  push_place(L);
  lua_pushliteral(L, "interrupted");
  lua_concat(L, 2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, L_INTERRUPTION);
  return lua_error(L);
}

int l_core_go_on(lua_State *L) {
  l_check_box(L, 1);
  l_running *running = get_running(L);
  if (!running || !running->came || running->interrupted == 0) return 0;
  lua_getfield(L, LUA_REGISTRYINDEX, L_INTERRUPTED);
  lua_pushvalue(L, 1);
  lua_rawget(L, -2);
  return lua_isnil(L, -1) ? l_raise_interruption(L, running) : 0;
}

int l_core_note_interrupted(lua_State *L) {
  l_check_box(L, 1);
  l_running *running = get_running(L);
  if (!running) return 0;
  running->stopped = 0;
  note_interrupted(L, running, 1);
  return 0;
}

int l_core_interrupted(lua_State *L) {
  const l_running *running = get_running(L);
  lua_pushboolean(L, running && (running->stopped || running->pending || running->interrupted > 0));
  return 1;
}

/* weft_run(), announced to the handler of Ctrl-C. Scripts run in slices to show progress, so a
 * Ctrl-C between two slices is meant for the second. */
static int announced_run(lua_State *L, weft_sim *sim, weft_time until, uint64_t max_events) {
  l_running *running = get_running(L);
  if (!running) return weft_run(sim, until, max_events);
  running->sim = sim;
  int result = running->pending ? WEFT_RUN_INTERRUPTED : weft_run(sim, until, max_events);
  running->sim = NULL;
  running->pending = 0;
  note_interrupted(L, running, result == WEFT_RUN_INTERRUPTED);
  return result;
}

/* sim:run(until_ps = -1, max_events = 0) */
static int run(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int64_t until = lua_isnoneornil(L, 2) ? -1 : l_check_int(L, 2, "until_ps", INT64_MIN, INT64_MAX);
  const int has_end = until >= 0;
  if (!has_end) until = TIME_MAX;
  uint64_t max_events = lua_isnoneornil(L, 3) ? 0 : l_check_u64(L, 3, "max_events");
  weft_lua_sim *box = (weft_lua_sim *)lua_touserdata(L, 1);
  const int has_script = l_script_enter(L), top = lua_gettop(L);
  box->running = 1;
  int result = announced_run(L, sim, until, max_events);
  box->running = 0;
  if (has_script && lua_gettop(L) > top) return lua_error(L); /* that of a callback */
  l_status(L, sim, result);
  if (result == WEFT_RUN_UNTIL && !has_end) {
    return luaL_error(L,
                      "WEFT_ELIMIT: run: expected an end before 2^53 ps (9007 s), beyond which "
                      "times are not exact; got more to do then");
  }
  l_push_choice(L, weft_enum_names(WEFT_ENUM_RUN_RESULT), (uint32_t)result);
  return 1;
}

/* Callbacks may call it. */
static int interrupt(lua_State *L) {
  const weft_lua_sim *box = l_check_box(L, 1);
  if (!box->sim) return luaL_error(L, L_CLOSED);
  weft_interrupt(box->sim);
  return 0;
}

static int stats(lua_State *L) {
  weft_stats totals;
  weft_stats_get(l_check_sim(L), &totals);
  l_push_struct(L, &l_stats, &totals);
  return 1;
}

static int stalled(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  const weft_time patience = l_check_int(L, 2, "patience_ps", 1, INT64_MAX);
  const int count = l_status(L, sim, weft_stalled(sim, patience, NULL, 0));
  uint32_t *rows = lua_newuserdata(L, (size_t)count * sizeof *rows + 1);
  weft_stalled(sim, patience, rows, (uint32_t)count);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    l_push_int(L, rows[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int threads_used(lua_State *L) {
  uint32_t why;
  l_push_int(L, weft_threads_used(l_check_sim(L), &why));
  l_push_choice(L, weft_enum_names(WEFT_ENUM_THREADS_WHY), why);
  return 2;
}

static int check(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_check(sim));
  lua_pushboolean(L, 1);
  return 1;
}

const luaL_Reg l_run_methods[] = {
    {"run", run},     {"interrupt", interrupt},       {"stats", stats}, {"stalled", stalled},
    {"check", check}, {"threads_used", threads_used}, {NULL, NULL},
};
