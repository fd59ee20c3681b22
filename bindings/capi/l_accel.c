/* Methods for what acceleration does: memoized transients and skipped steady states. */
#include "l_util.h"

/* sim:acceleration() -> {events_skipped=, ..., refused={paused=, ...}} */
static int acceleration(lua_State *L) {
  weft_acceleration done;
  weft_acceleration_get(l_check_sim(L), &done);
  l_push_struct(L, &l_acceleration, &done);
  lua_createtable(L, 0, WEFT_REFUSED_COUNT);
  for (uint32_t why = 0; why < WEFT_REFUSED_COUNT; why++) {
    l_push_choice(L, weft_enum_names(WEFT_ENUM_REFUSAL), why);
    l_push_uint(L, done.refused[why]);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "refused");
  return 1;
}

static int trace_spans(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_trace_spans(sim, l_check_u32(L, 2, "capacity")));
  return 0;
}

/* sim:flow_phase(flow) -> name of the phase, since_ps */
static int flow_phase(lua_State *L) {
  const weft_sim *sim = l_check_sim(L);
  weft_time since = 0;
  int phase = l_status(L, sim, weft_flow_phase(sim, l_check_u32(L, 2, "flow"), &since));
  l_push_choice(L, weft_enum_names(WEFT_ENUM_PHASE), (uint32_t)phase);
  l_push_int(L, since);
  return 2;
}

static const char *check_path(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) l_wrong(L, 2, "path", "string");
  return lua_tostring(L, 2);
}

static int memo_save(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_memo_save(sim, check_path(L)));
  return 0;
}

static int memo_load(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  return l_push_status(L, sim, weft_memo_load(sim, check_path(L)));
}

/* sim:memo_copy(from) -> how many records came */
static int memo_copy(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  const weft_sim *from = l_check_sim_at(L, 2);
  return l_push_status(L, sim, weft_memo_copy(sim, from));
}

const luaL_Reg l_accel_methods[] = {
    {"acceleration", acceleration},
    {"trace_spans", trace_spans},
    {"flow_phase", flow_phase},
    {"memo_save", memo_save},
    {"memo_load", memo_load},
    {"memo_copy", memo_copy},
    {NULL, NULL},
};
