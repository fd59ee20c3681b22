/* Methods that run the simulation and look at it as a whole. */
#include "l_util.h"

/* The program keeps a `weft_sim *` at this registry key's pointer, for its Ctrl-C handler: the
 * simulation that is running now, or NULL. In other hosts the key is absent. */
static weft_sim *volatile *running_slot(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "weft.running");
  weft_sim *volatile *slot = (weft_sim *volatile *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  return slot;
}

/* sim:run(until_ps = -1, max_events = 0) */
static int run(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int64_t until =
    lua_isnoneornil(L, 2) ? -1 : l_check_int(L, 2, "until_ps", INT64_MIN, INT64_MAX);
  uint64_t max_events = lua_isnoneornil(L, 3) ? 0 : l_check_u64(L, 3, "max_events");
  weft_sim *volatile *slot = running_slot(L);
  if (slot) *slot = sim;
  int result = weft_run(sim, until, max_events);
  if (slot) *slot = NULL;
  l_push_choice(L, l_run_results, (uint32_t)l_status(L, sim, result));
  return 1;
}

static int interrupt(lua_State *L) {
  weft_interrupt(l_check_sim(L));
  return 0;
}

static int stats(lua_State *L) {
  weft_stats totals;
  weft_stats_get(l_check_sim(L), &totals);
  l_push_struct(L, &l_stats, &totals);
  return 1;
}

static int check(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_check(sim));
  lua_pushboolean(L, 1);
  return 1;
}

const luaL_Reg l_run_methods[] = {
  {"run", run}, {"interrupt", interrupt}, {"stats", stats}, {"check", check}, {NULL, NULL},
};
