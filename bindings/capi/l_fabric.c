/* Methods that build and describe the fabric. */
#include "l_util.h"

static int node_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int kind = (int)l_check_choice(L, 2, "kind", weft_enum_names(WEFT_ENUM_NODE_KIND));
  return l_push_status(L, sim, weft_node_add(sim, kind));
}

static int link_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_link_def def = weft_link_def_default();
  l_read_struct(L, 2, &l_link_def, NULL, &def);
  return l_push_status(L, sim, weft_link_add(sim, &def));
}

static int port_set_ecn(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t port = l_check_u32(L, 2, "port");
  uint64_t kmin = l_check_u64(L, 3, "kmin_bytes");
  uint64_t kmax = l_check_u64(L, 4, "kmax_bytes");
  double pmax = l_check_number(L, 5, "pmax");
  l_status(L, sim, weft_port_set_ecn(sim, port, kmin, kmax, pmax));
  return 0;
}

static int fabric_ready(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_fabric_ready(sim));
  return 0;
}

static int node_count(lua_State *L) {
  l_push_int(L, weft_node_count(l_check_sim(L)));
  return 1;
}

static int link_count(lua_State *L) {
  l_push_int(L, weft_link_count(l_check_sim(L)));
  return 1;
}

static int node_kind(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int kind = weft_node_kind(sim, l_check_u32(L, 2, "node"));
  l_push_choice(L, weft_enum_names(WEFT_ENUM_NODE_KIND), (uint32_t)l_status(L, sim, kind));
  return 1;
}

static int port_info(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_port_info info;
  l_status(L, sim, weft_port_info_get(sim, l_check_u32(L, 2, "port"), &info));
  l_push_struct(L, &l_port_info, &info);
  return 1;
}

static int push_path(lua_State *L,
                     int (*find)(weft_sim *, uint32_t, uint32_t, uint32_t, uint32_t *)) {
  weft_sim *sim = l_check_sim(L);
  uint32_t ports[WEFT_PATH_MAX];
  uint32_t src = l_check_u32(L, 2, "src");
  uint32_t dst = l_check_u32(L, 3, "dst");
  uint32_t flow = lua_isnoneornil(L, 4) ? 0 : l_check_u32(L, 4, "flow");
  int count = l_status(L, sim, find(sim, src, dst, flow, ports));
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    l_push_int(L, ports[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int path(lua_State *L) {
  return push_path(L, weft_path);
}

static int ack_path(lua_State *L) {
  return push_path(L, weft_ack_path);
}

static int reachable(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t src = l_check_u32(L, 2, "src");
  uint32_t dst = l_check_u32(L, 3, "dst");
  lua_pushboolean(L, l_status(L, sim, weft_reachable(sim, src, dst)));
  return 1;
}

static int built_path(lua_State *L) {
  return push_path(L, weft_built_path);
}

static int ideal_fct(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t src = l_check_u32(L, 2, "src");
  uint32_t dst = l_check_u32(L, 3, "dst");
  uint64_t size = (uint64_t)l_check_int(L, 4, "size_bytes", 1, INT64_MAX);
  weft_time fct;
  l_status(L, sim, weft_ideal_fct(sim, src, dst, size, &fct));
  if (fct > (INT64_C(1) << 53)) { /* LuaJIT would get another number */
    return luaL_error(L,
                      "WEFT_ELIMIT: ideal_fct: expected a time of at most 2^53 ps, 9007 s, got "
                      "a longer one");
  }
  l_push_int(L, fct);
  return 1;
}

/* A call that names none of the fields would change nothing: it means something else. */
static void want_one_of(lua_State *L, const char *what, const char *const *fields) {
  lua_pushnil(L);
  for (int i = 0; fields[i] != NULL && lua_isnil(L, -1); i++) {
    lua_pop(L, 1);
    lua_getfield(L, 2, fields[i]);
  }
  if (lua_isnil(L, -1))
    luaL_error(L, "argument `%s`: expected %s or %s, got neither", what, fields[0], fields[1]);
  lua_pop(L, 1);
}

static int link_schedule(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_link_change change = weft_link_change_default();
  l_read_struct(L, 2, &l_link_change, NULL, &change);
  want_one_of(L, "change", (const char *const[]){"factor", "loss", NULL});
  l_status(L, sim, weft_link_schedule(sim, &change));
  return 0;
}

static int link_impair(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_link_impairment impairment = weft_link_impairment_default();
  l_read_struct(L, 2, &l_link_impairment, NULL, &impairment);
  want_one_of(L, "impairment", (const char *const[]){"delay_ps", "enter", "jitter_ps", NULL});
  lua_getfield(L, 2, "delay_ps");
  if (lua_isnil(L, -1) && impairment.jitter_ps > 0) impairment.delay_ps = 0; /* jitter alone */
  l_status(L, sim, weft_link_impair(sim, &impairment));
  return 0;
}

static int storm_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_storm storm = weft_storm_default();
  l_read_struct(L, 2, &l_storm, NULL, &storm);
  l_status(L, sim, weft_storm_add(sim, &storm));
  return 0;
}

static int host_schedule(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_host_change change = weft_host_change_default();
  l_read_struct(L, 2, &l_host_change, NULL, &change);
  l_status(L, sim, weft_host_schedule(sim, &change));
  return 0;
}

const luaL_Reg l_fabric_methods[] = {
    {"node_add", node_add},
    {"link_add", link_add},
    {"port_set_ecn", port_set_ecn},
    {"fabric_ready", fabric_ready},
    {"node_count", node_count},
    {"link_count", link_count},
    {"node_kind", node_kind},
    {"port_info", port_info},
    {"path", path},
    {"ack_path", ack_path},
    {"built_path", built_path},
    {"reachable", reachable},
    {"ideal_fct", ideal_fct},
    {"link_schedule", link_schedule},
    {"link_impair", link_impair},
    {"storm_add", storm_add},
    {"host_schedule", host_schedule},
    {NULL, NULL},
};
