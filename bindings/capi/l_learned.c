/* Methods of simulations with engine = "learned": examples for training, ranges of features. */
#include "l_util.h"

static int learned_record(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_learned_record(sim));
  return 0;
}

/* sim:learned_examples() -> list of numbers: see weft.h */
static int learned_examples(lua_State *L) {
  const weft_sim *sim = l_check_sim(L);
  const float *values;
  uint64_t count;
  l_status(L, sim, weft_learned_examples(sim, &values, &count));
  lua_createtable(L, (int)count, 0);
  for (uint64_t i = 0; i < count; i++) {
    lua_pushnumber(L, (lua_Number)values[i]);
    lua_rawseti(L, -2, (int)(i + 1));
  }
  return 1;
}

/* sim:learned_feature(index) -> name, least, most, seen; nothing beyond the last */
static int learned_feature(lua_State *L) {
  double range[3];
  const weft_sim *sim = l_check_sim(L);
  const char *name = weft_learned_feature(sim, l_check_u32(L, 2, "index"), range);
  if (name == NULL) return 0;
  lua_pushstring(L, name);
  for (int i = 0; i < 3; i++) lua_pushnumber(L, range[i]);
  return 4;
}

const luaL_Reg l_learned_methods[] = {
    {"learned_record", learned_record},
    {"learned_examples", learned_examples},
    {"learned_feature", learned_feature},
    {NULL, NULL},
};
