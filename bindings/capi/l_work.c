/* Methods that add work: flows, tasks, collectives. */
#include "l_util.h"

static int flow_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_flow_def def;
  l_read_struct(L, 2, &l_flow_def, NULL, &def);
  return l_push_status(L, sim, weft_flow_add(sim, &def));
}

static int task_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_task_def def;
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

/* The ranks as a C array. It is a userdata left on the stack, so that an error frees it. */
static const uint32_t *read_ranks(lua_State *L, uint32_t *count) {
  lua_getfield(L, 2, "ranks");
  if (!lua_istable(L, -1)) l_wrong(L, -1, "ranks", "array of hosts");
  size_t length = lua_rawlen(L, -1);
  if (length > UINT32_MAX / sizeof(uint32_t)) luaL_error(L, "argument `ranks`: too many");
  uint32_t *ranks = (uint32_t *)lua_newuserdata(L, length * sizeof *ranks + 1);
  for (size_t i = 0; i < length; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    ranks[i] = l_check_u32(L, lua_gettop(L), "ranks");
    lua_pop(L, 1);
  }
  *count = (uint32_t)length;
  return ranks;
}

static int collective_add(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_collective_def def;
  l_read_struct(L, 2, &l_collective_def, "ranks", &def);
  def.ranks = read_ranks(L, &def.rank_count);
  return l_push_status(L, sim, weft_collective_add(sim, &def));
}

const luaL_Reg l_work_methods[] = {
  {"flow_add", flow_add},
  {"task_add", task_add},
  {"task_after", task_after},
  {"collective_add", collective_add},
  {NULL, NULL},
};
