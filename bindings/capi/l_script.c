/* Congestion control in Lua: sim:set_script{ needs =, start =, on_ack =, on_timer = }.
 *
 * The core calls call() below, which goes through one lua_pcall into step(); everything that can
 * raise an error happens inside. While the simulation runs, step and the handler of errors stand on
 * the stack of sim:run. A flow is a table that lives until its slot is used again. */
#include <math.h>

#include "l_script.h"
#include "l_util.h"

#define KEY "weft.script"

struct l_script {
  lua_State *L; /* of the sim:run in progress */
  int handler; /* index on its stack; step is the next */
  uint32_t needs;
};

/* A call of the core, on its way to step(). */
struct step {
  int what; /* enum weft_script_call */
  weft_script_flow *flow;
  const weft_script_ack *ack;
};

/* Upvalues of step. Functions are in the order of enum weft_script_call. */
enum { ON_START = 1, ON_ACK, ON_TIMER, FLOWS, ACK, UPVALUES = ACK };

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_int(lua_State *L, const char *name, uint64_t value) {
  l_push_uint(L, value);
  lua_setfield(L, -2, name);
}

static double seconds(weft_time ps) {
  return (double)ps / 1e12;
}

/* What does not change in the life of a flow. */
static void push_new_flow(lua_State *L, const weft_script_flow *flow) {
  lua_createtable(L, 0, 16);
  set_int(L, "id", flow->flow);
  set_int(L, "src", flow->src);
  set_int(L, "dst", flow->dst);
  set_int(L, "mtu", flow->mtu_bytes);
  set_int(L, "line_rate", flow->line_bps);
  set_number(L, "base_rtt", seconds(flow->base_rtt_ps));
  lua_pushvalue(L, -1);
  lua_rawseti(L, lua_upvalueindex(FLOWS), (int)flow->slot + 1);
}

static void push_hops(lua_State *L, const weft_script_ack *ack) {
  lua_createtable(L, (int)ack->hop_count, 0);
  for (uint32_t i = 0; i < ack->hop_count; i++) {
    lua_createtable(L, 0, 4);
    set_number(L, "time", seconds(ack->hops[i].time_ps));
    set_int(L, "rate", ack->hops[i].rate_bps);
    set_int(L, "tx_bytes", ack->hops[i].tx_bytes);
    set_int(L, "queue", ack->hops[i].queue_bytes);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

/* The one table of ACKs; a field that the script did not ask for stays nil. */
static void push_ack(lua_State *L, const weft_script_ack *ack) {
  lua_pushvalue(L, lua_upvalueindex(ACK));
  lua_pushboolean(L, (int)ack->ecn);
  lua_setfield(L, -2, "ecn");
  lua_pushboolean(L, (int)ack->nack);
  lua_setfield(L, -2, "nack");
  if (ack->rtt_ps >= 0) set_number(L, "rtt", seconds(ack->rtt_ps));
  if (ack->hops == NULL)
    lua_pushnil(L); /* the path has changed, or not asked for */
  else
    push_hops(L, ack);
  lua_setfield(L, -2, "hops");
}

/* Read what the callback left in the flow on top of the stack. */
static void read_flow(lua_State *L, weft_script_flow *flow) {
  lua_getfield(L, -1, "rate");
  const double rate = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  if (isnan(rate)) l_wrong(L, lua_gettop(L), "f.rate", "number of bit/s");
  flow->rate_bps = rate;
  lua_pop(L, 1);
  lua_getfield(L, -1, "timer");
  if (!lua_isnil(L, -1)) {
    const double after = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    if (!(after > 0 && after < 1e6)) l_wrong(L, lua_gettop(L), "f.timer", "seconds > 0");
    flow->timer_ps = (weft_time)(after * 1e12 + 0.5);
    lua_pushnil(L);
    lua_setfield(L, -3, "timer");
  }
  lua_pop(L, 1);
}

static int step(lua_State *L) {
  const struct step *now = (const struct step *)lua_touserdata(L, 1);
  weft_script_flow *flow = now->flow;
  if (now->what == WEFT_SCRIPT_START)
    push_new_flow(L, flow);
  else
    lua_rawgeti(L, lua_upvalueindex(FLOWS), (int)flow->slot + 1);
  const int callback = ON_START + now->what;
  if (lua_isnil(L, lua_upvalueindex(callback))) return 0;
  set_number(L, "now", seconds(flow->now_ps));
  set_int(L, "acked", flow->acked_bytes);
  set_int(L, "sent", flow->sent_bytes);
  set_int(L, "rate", (uint64_t)flow->rate_bps);
  lua_pushvalue(L, lua_upvalueindex(callback));
  lua_pushvalue(L, -2);
  if (now->ack) push_ack(L, now->ack);
  lua_call(L, now->ack ? 2 : 1, 0);
  read_flow(L, flow);
  return 0;
}

/* An error in text gets the callback's traceback; other objects pass as they are. */
static int traceback(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* weft_script.call. On failure the error stays on the stack of sim:run. */
static int call(void *user, int what, weft_script_flow *flow, const weft_script_ack *ack) {
  const struct l_script *script = (const struct l_script *)user;
  struct step now = {what, flow, ack};
  lua_State *L = script->L;
  lua_pushvalue(L, script->handler + 1);
  lua_pushlightuserdata(L, &now);
  return lua_pcall(L, 1, 0, script->handler);
}

/* The table that hangs on the simulation's userdata at `index`, or nothing. */
static int push_anchor(lua_State *L, int index) {
#if LUA_VERSION_NUM >= 504
  lua_getiuservalue(L, index, 1);
#else
  lua_getfenv(L, index); /* without a script: a table that others share */
#endif
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, KEY);
    if (!lua_isnil(L, -1)) {
      lua_pop(L, 1);
      return 1;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 0;
}

int l_script_enter(lua_State *L) {
  if (!push_anchor(L, 1)) return 0;
  const int anchor = lua_gettop(L);
  lua_getfield(L, anchor, KEY);
  struct l_script *script = (struct l_script *)lua_touserdata(L, -1);
  lua_pushcfunction(L, traceback);
  script->L = L;
  script->handler = lua_gettop(L);
  lua_getfield(L, anchor, "step");
  return 1;
}

/* Take an anchor from the top of the stack to the userdata at `index`, whose simulation then calls
 * through it. */
static int attach(lua_State *L, int index, weft_sim *sim) {
  lua_getfield(L, -1, KEY);
  struct l_script *own = (struct l_script *)lua_touserdata(L, -1);
  lua_pop(L, 1);
#if LUA_VERSION_NUM >= 504
  lua_setiuservalue(L, index, 1);
#else
  lua_setfenv(L, index);
#endif
  const weft_script script = {.call = call, .user = own, .needs = own->needs};
  return weft_sim_set_script(sim, &script);
}

/* An anchor with the upvalues of step on top of the stack, which it takes. */
static void push_new_anchor(lua_State *L, uint32_t needs) {
  lua_pushcclosure(L, step, UPVALUES);
  lua_newtable(L);
  struct l_script *script = (struct l_script *)lua_newuserdata(L, sizeof *script);
  *script = (struct l_script){.needs = needs};
  lua_setfield(L, -2, KEY);
  lua_insert(L, -2);
  lua_setfield(L, -2, "step");
}

/* ---- copies ---- */

/* Put a copy of the value on top of the stack in its place. Tables are copied whole, each once (the
 * table at `known` has what became of them); all else is shared. */
static void copy_value(lua_State *L, int known) {
  if (!lua_istable(L, -1)) return;
  luaL_checkstack(L, 8, "copying what a congestion control keeps of its flows");
  lua_pushvalue(L, -1);
  lua_rawget(L, known);
  if (!lua_isnil(L, -1)) {
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 1);
  lua_newtable(L); /* original, copy */
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_rawset(L, known);
  if (lua_getmetatable(L, -2)) lua_setmetatable(L, -2);
  lua_pushnil(L);
  while (lua_next(L, -3)) { /* original, copy, key, value */
    lua_pushvalue(L, -2);
    copy_value(L, known);
    lua_insert(L, -2);
    copy_value(L, known);
    lua_rawset(L, -4); /* leaves the key */
  }
  lua_remove(L, -2);
}

void l_script_fork(lua_State *L, weft_sim *copy) {
  const int box = lua_gettop(L);
  if (!push_anchor(L, 1)) return;
  lua_getfield(L, -1, KEY);
  const uint32_t needs = ((struct l_script *)lua_touserdata(L, -1))->needs;
  lua_getfield(L, box + 1, "step");
  const int from = lua_gettop(L);
  lua_newtable(L);
  for (int i = 1; i < FLOWS; i++) lua_getupvalue(L, from, i);
  lua_getupvalue(L, from, FLOWS);
  copy_value(L, from + 1);
  lua_newtable(L);
  push_new_anchor(L, needs);
  l_status(L, copy, attach(L, box, copy));
  lua_settop(L, box);
}

void l_script_rebind(lua_State *L, int index, weft_sim *sim) {
  if (sim == NULL || !push_anchor(L, index)) return;
  l_status(L, sim, attach(L, index, sim));
}

int l_core_script(lua_State *L) {
  l_check_box(L, 1);
  lua_settop(L, 1);
  if (!push_anchor(L, 1)) return 0;
  lua_getfield(L, 2, "step");
  lua_pushvalue(L, 2);
  for (int i = FLOWS; i >= 1; i--) lua_getupvalue(L, 3, i);
  return 1 + FLOWS;
}

int l_core_attach(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_check_table(L, 2, "anchor");
  lua_settop(L, 2);
  l_status(L, sim, attach(L, 1, sim));
  return 0;
}

/* ---- the method ---- */

static void push_callback(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, -1) && !lua_isfunction(L, -1)) l_wrong(L, lua_gettop(L), name, "function");
}

static int set_script(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_check_table(L, 2, "callbacks");
  lua_settop(L, 2);
  uint32_t needs = 0;
  lua_getfield(L, 2, "needs");
  if (!lua_isnil(L, -1))
    needs = l_check_choice(L, 3, "needs", weft_enum_names(WEFT_ENUM_SCRIPT_NEEDS));
  push_callback(L, "start");
  push_callback(L, "on_ack");
  push_callback(L, "on_timer");
  if (push_anchor(L, 1)) { /* another takes over: the flows stay */
    lua_getfield(L, -1, "step");
    lua_getupvalue(L, -1, FLOWS);
    lua_replace(L, -3);
    lua_pop(L, 1);
  } else {
    lua_newtable(L);
  }
  lua_newtable(L);
  push_new_anchor(L, needs);
  l_status(L, sim, attach(L, 1, sim));
  return 0;
}

const luaL_Reg l_script_methods[] = {{"set_script", set_script}, {NULL, NULL}};
