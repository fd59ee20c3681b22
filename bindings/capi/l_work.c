/* Methods that add work: flows, tasks, collectives. */
#include "l_util.h"

/* Numbers of a list field of the table at 2 as a C array, or NULL: there is no such field. It is a
 * userdata left on the stack, so that an error frees it. */
static const uint32_t *read_list(lua_State *L, const char *name, const char *what,
                                 uint32_t *count) {
  *count = 0;
  lua_getfield(L, 2, name);
  if (lua_isnil(L, -1)) return NULL;
  if (!lua_istable(L, -1)) l_wrong(L, -1, name, what);
  size_t length = lua_rawlen(L, -1);
  if (length > UINT32_MAX / sizeof(uint32_t)) luaL_error(L, "argument `%s`: too many", name);
  uint32_t *list = (uint32_t *)lua_newuserdata(L, length * sizeof *list + 1);
  for (size_t i = 0; i < length; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    list[i] = l_check_u32(L, lua_gettop(L), name);
    lua_pop(L, 1);
  }
  *count = (uint32_t)length;
  return list;
}

static int flow_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_flow_def def = weft_flow_def_default();
  l_read_struct(L, 2, &l_flow_def, "path", &def);
  def.path = read_list(L, "path", "list of ports", &def.path_ports);
  return l_push_status(L, sim, weft_flow_add(sim, &def));
}

/* Push the list of one field of many flows; it has `count` elements. */
static void push_list(lua_State *L, const char *name, size_t count) {
  lua_getfield(L, 2, name);
  if (!lua_istable(L, -1)) l_wrong(L, -1, name, "list of numbers");
  if (lua_rawlen(L, -1) != count)
    luaL_error(L, "argument `%s`: expected as many elements as in src", name);
}

/* Element i of the list at `index`, on top of the stack. */
static int push_element(lua_State *L, int index, uint32_t i) {
  lua_rawgeti(L, index, (int)i + 1);
  return lua_gettop(L);
}

/* sim:flows_add{src = {...}, dst = {...}, size_bytes = {...}, start_ps = {...}, tag = number} */
static int flows_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_check_table(L, 2, "flows");
  lua_settop(L, 2);
  lua_getfield(L, 2, "tag");
  const uint32_t tag = lua_isnil(L, 3) ? 0 : l_check_u32(L, 3, "tag");
  lua_getfield(L, 2, "src");
  if (!lua_istable(L, 4)) l_wrong(L, 4, "src", "list of numbers");
  const size_t count = lua_rawlen(L, 4);
  if (count > INT32_MAX) luaL_error(L, "argument `src`: too many");
  push_list(L, "dst", count);
  push_list(L, "size_bytes", count);
  push_list(L, "start_ps", count);
  /* A userdata, so that an error frees it. */
  weft_flow_def *flows = (weft_flow_def *)lua_newuserdata(L, count * sizeof *flows + 1);
  for (uint32_t i = 0; i < count; i++) {
    flows[i] = weft_flow_def_default();
    flows[i].tag = tag;
    flows[i].src = l_check_u32(L, push_element(L, 4, i), "src");
    flows[i].dst = l_check_u32(L, push_element(L, 5, i), "dst");
    flows[i].size_bytes = l_check_u64(L, push_element(L, 6, i), "size_bytes");
    flows[i].start_ps = l_check_int(L, push_element(L, 7, i), "start_ps", 0, INT64_MAX);
    lua_settop(L, 8);
  }
  return l_push_status(L, sim, weft_flows_add(sim, flows, (uint32_t)count));
}

static int task_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_task_def def = weft_task_def_default();
  l_read_struct(L, 2, &l_task_def, NULL, &def);
  return l_push_status(L, sim, weft_task_add(sim, &def));
}

static int task_after(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t task = l_check_u32(L, 2, "task");
  uint32_t dependency = l_check_u32(L, 3, "dependency");
  l_status(L, sim, weft_task_after(sim, task, dependency));
  return 0;
}

static int task_behind(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t task = l_check_u32(L, 2, "task");
  uint32_t dependency = l_check_u32(L, 3, "dependency");
  l_status(L, sim, weft_task_behind(sim, task, dependency));
  return 0;
}

/* The matrix of bytes, if there is one: a list of n lists of n numbers. */
static const uint64_t *read_volumes(lua_State *L, uint32_t n) {
  lua_getfield(L, 2, "volumes");
  if (lua_isnil(L, -1)) return NULL;
  if (!lua_istable(L, -1)) l_wrong(L, -1, "volumes", "list of lists of bytes");
  const int rows = lua_gettop(L);
  uint64_t *volumes = (uint64_t *)lua_newuserdata(L, (size_t)n * n * sizeof *volumes + 1);
  for (uint32_t i = 0; i < n; i++) {
    lua_rawgeti(L, rows, (int)i + 1);
    if (!lua_istable(L, -1)) l_wrong(L, -1, "volumes", "a list of bytes for each rank");
    for (uint32_t j = 0; j < n; j++) {
      lua_rawgeti(L, -1, (int)j + 1);
      volumes[(size_t)i * n + j] = (uint64_t)l_check_int(L, lua_gettop(L), "volumes", 0, INT64_MAX);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return volumes;
}

static void read_collective(lua_State *L, weft_collective_def *def) {
  l_read_struct(L, 2, &l_collective_def, "ranks|volumes", def);
  def->ranks = read_list(L, "ranks", "array of hosts", &def->rank_count);
  if (def->ranks == NULL) l_wrong(L, -1, "ranks", "array of hosts");
  def->volumes = read_volumes(L, def->rank_count);
}

static int collective_check(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_collective_def def = weft_collective_def_default();
  read_collective(L, &def);
  l_status(L, sim, weft_collective_check(sim, &def));
  return 0;
}

static int collective_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_collective_def def = weft_collective_def_default();
  read_collective(L, &def);
  return l_push_status(L, sim, weft_collective_add(sim, &def));
}

const luaL_Reg l_work_methods[] = {
    {"flow_add", flow_add},
    {"flows_add", flows_add},
    {"task_add", task_add},
    {"task_after", task_after},
    {"task_behind", task_behind},
    {"collective_check", collective_check},
    {"collective_add", collective_add},
    {NULL, NULL},
};
