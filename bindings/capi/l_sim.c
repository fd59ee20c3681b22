/* The simulation in Lua: a box that owns a weft_sim until it is closed or collected. */
#include <stdio.h>

#include "l_script.h"
#include "l_util.h"

/* The box at `index`, or NULL: a value of another kind, or of another userdata. */
static weft_lua_sim *box_at(lua_State *L, int index) {
  weft_lua_sim *box = (weft_lua_sim *)lua_touserdata(L, index);
  if (!box || !lua_getmetatable(L, index)) return NULL;
  luaL_getmetatable(L, L_SIM);
  const int is_sim = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_sim ? box : NULL;
}

weft_lua_sim *l_check_box(lua_State *L, int index) {
  weft_lua_sim *box = box_at(L, index);
  if (!box) l_wrong(L, index, "sim", "simulation, as sim:method() gives it");
  return box;
}

int l_core_is_open(lua_State *L) {
  const weft_lua_sim *box = box_at(L, 1);
  lua_pushboolean(L, box && box->sim);
  return 1;
}

static weft_lua_sim *check_box(lua_State *L, int index) {
  weft_lua_sim *box = l_check_box(L, index);
  if (box->running) luaL_error(L, "the simulation is running: a callback sees its flow alone");
  return box;
}

weft_sim *l_check_sim_at(lua_State *L, int index) {
  weft_lua_sim *box = check_box(L, index);
  if (!box->sim) luaL_error(L, L_CLOSED);
  box->calls++;
  return box->sim;
}

weft_sim *l_check_sim(lua_State *L) {
  return l_check_sim_at(L, 1);
}

/* The metatable is set before there is anything to own, so an error later leaks nothing. */
weft_lua_sim *l_new_box(lua_State *L) {
  weft_lua_sim *box = (weft_lua_sim *)lua_newuserdata(L, sizeof *box);
  *box = (weft_lua_sim){0};
  luaL_getmetatable(L, L_SIM);
  lua_setmetatable(L, -2);
  return box;
}

int l_status(lua_State *L, const weft_sim *sim, int status) {
  if (status >= 0) return status;
  const char *message = sim ? weft_sim_error(sim) : weft_error_text(status);
  return luaL_error(L, "%s: %s", weft_error_name(status), message);
}

int l_push_status(lua_State *L, const weft_sim *sim, int status) {
  l_push_int(L, l_status(L, sim, status));
  return 1;
}

/* core.new{option = value, ...} */
int l_core_new(lua_State *L) {
  weft_config config = weft_config_default();
  if (!lua_isnoneornil(L, 1)) l_read_config(L, 1, &config);
  weft_lua_sim *box = l_new_box(L);
  int status = weft_sim_create(&config, NULL, &box->sim);
  l_status(L, box->sim, status);
  return 1;
}

static int sim_fork(lua_State *L) {
  const weft_sim *sim = l_check_sim(L);
  weft_lua_sim *box = l_new_box(L);
  int status = weft_sim_fork(sim, &box->sim);
  l_status(L, box->sim, status); /* without one it was memory; what the original has is older */
  l_script_fork(L, box->sim);
  return 1;
}

static int sim_set_cc(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  const int cc = (int)l_check_choice(L, 2, "cc", weft_enum_names(WEFT_ENUM_CC));
  l_status(L, sim, weft_sim_set_cc(sim, cc));
  return 0;
}

/* A later error leaves each box with a simulation, and closing both is right. */
int l_core_swap(lua_State *L) {
  weft_sim *first = l_check_sim_at(L, 1), *second = l_check_sim_at(L, 2);
  ((weft_lua_sim *)lua_touserdata(L, 1))->sim = second;
  ((weft_lua_sim *)lua_touserdata(L, 2))->sim = first;
  l_script_rebind(L, 1, second);
  l_script_rebind(L, 2, first);
  return 0;
}

/* sim:resource_add(kind, name, bytes) -> index */
static int sim_resource_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  const uint32_t kind = l_check_choice(L, 2, "kind", weft_enum_names(WEFT_ENUM_RESOURCE));
  if (lua_type(L, 3) != LUA_TSTRING) l_wrong(L, 3, "name", "string");
  if (lua_type(L, 4) != LUA_TSTRING) l_wrong(L, 4, "bytes", "string");
  size_t size;
  const char *bytes = lua_tolstring(L, 4, &size);
  weft_resource *resource;
  l_status(L, NULL, weft_resource_create(kind, lua_tostring(L, 3), bytes, size, NULL, &resource));
  const int index = weft_sim_hold(sim, resource);
  weft_resource_release(resource); /* the simulation's now */
  return l_push_status(L, sim, index);
}

/* sim:resource(index) -> {kind=, name=, bytes=}, or nil */
static int sim_resource(lua_State *L) {
  const weft_sim *sim = l_check_sim(L);
  const weft_resource *resource = weft_sim_resource(sim, l_check_u32(L, 2, "index"));
  if (!resource) {
    lua_pushnil(L);
    return 1;
  }
  uint32_t kind;
  uint64_t size;
  const char *bytes = (const char *)weft_resource_data(resource, &size);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, weft_resource_name(resource, &kind));
  lua_setfield(L, -2, "name");
  l_push_choice(L, weft_enum_names(WEFT_ENUM_RESOURCE), kind);
  lua_setfield(L, -2, "kind");
  lua_pushlstring(L, bytes, (size_t)size);
  lua_setfield(L, -2, "bytes");
  return 1;
}

static int sim_config(lua_State *L) {
  weft_config config = weft_sim_config(l_check_sim(L));
  l_push_config(L, &config);
  return 1;
}

/* close, __gc and __close: closing twice is fine. */
static int sim_close(lua_State *L) {
  weft_lua_sim *box = check_box(L, 1);
  weft_sim_destroy(box->sim);
  box->sim = NULL;
  box->calls++;
  return 0;
}

static int sim_tostring(lua_State *L) {
  const weft_lua_sim *box = check_box(L, 1);
  if (!box->sim) {
    lua_pushliteral(L, "weft.core sim (closed)");
  } else {
    weft_stats stats;
    weft_stats_get(box->sim, &stats);
    char text[128]; /* not by lua_pushfstring: how it writes numbers differs between the VMs */
    snprintf(text, sizeof text, "weft.core sim (%u nodes, %u links, %llu flows, now %lld ps)",
             weft_node_count(box->sim), weft_link_count(box->sim),
             (unsigned long long)stats.flows_added, (long long)stats.now_ps);
    lua_pushstring(L, text);
  }
  return 1;
}

const luaL_Reg l_sim_methods[] = {
    {"fork", sim_fork},
    {"resource_add", sim_resource_add},
    {"resource", sim_resource},
    {"config", sim_config},
    {"set_cc", sim_set_cc},
    {"close", sim_close},
    {NULL, NULL},
};

const luaL_Reg l_sim_events[] = {
    {"__gc", sim_close},
    {"__close", sim_close},
    {"__tostring", sim_tostring},
    {NULL, NULL},
};
