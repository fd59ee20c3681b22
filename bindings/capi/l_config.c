/* The configuration by option name, driven by weft_options(): no option is named here. */
#include <stdio.h>
#include <string.h>

#include "l_util.h"

static const weft_option *find_option(const char *name) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(options[i].name, name) == 0) return &options[i];
  }
  return NULL;
}

static int unknown_option(lua_State *L, const char *name) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  l_near near;
  l_near_start(&near, name);
  for (uint32_t i = 0; i < count; i++) l_near_try(&near, options[i].name, strlen(options[i].name));
  l_near_push(L, &near);
  return luaL_error(L, "unknown option '%s'%s", name, lua_tostring(L, -1));
}

/* A quantity that may also be a word: -1, -2 ... */
static int has_words(const weft_option *option) {
  return option->unit == WEFT_UNIT_TIME && option->choices != NULL;
}

/* Store an integer the size of the field. */
static void store_int(const weft_option *option, weft_config *config, int64_t value) {
  void *to = (char *)config + option->offset;
  if (option->type == WEFT_OPT_U32) {
    *(uint32_t *)to = (uint32_t)value;
  } else {
    *(int64_t *)to = value; /* u64 options stay below 2^63 */
  }
}

/* A limit as an integer; doubles beyond the type's range are its ends. */
static int64_t limit(double value) {
  return value >= 9223372036854775808.0 ? INT64_MAX : (int64_t)value;
}

/* The least that may be given as a number: words stand for what is below. */
static double least(const weft_option *option) {
  return has_words(option) ? 0 : option->min;
}

/* A quantity in text, in the unit of the option, replaced on the stack by its number. */
static void parse_text(lua_State *L, const weft_option *option, int index) {
  int64_t value;
  char error[256];
  const char *text = lua_tostring(L, index);
  if (weft_parse_quantity(text, (int)option->unit, &value, error, sizeof error) < 0) {
    const char *words = has_words(option) ? luaL_gsub(L, option->choices, "|", ", ") : NULL;
    luaL_error(L, "argument `%s`: %s%s%s", option->name, error, words ? "; or one of " : "",
               words ? words : "");
  }
  l_push_int(L, value);
  lua_replace(L, index);
}

static void read_option(lua_State *L, const weft_option *option, int index, weft_config *config) {
  if (option->unit == WEFT_UNIT_ENUM) {
    store_int(option, config, l_check_choice(L, index, option->name, option->choices));
    return;
  }
  if (option->unit == WEFT_UNIT_BOOL) {
    if (!lua_isboolean(L, index)) l_wrong(L, index, option->name, "boolean");
    store_int(option, config, lua_toboolean(L, index));
    return;
  }
  if (has_words(option) && lua_type(L, index) == LUA_TSTRING) {
    int word = l_choice_find(option->choices, lua_tostring(L, index));
    if (word >= 0) {
      store_int(option, config, -1 - word);
      return;
    }
  }
  int is_quantity = option->unit != WEFT_UNIT_NONE;
  if (is_quantity && lua_type(L, index) == LUA_TSTRING) parse_text(L, option, index);
  if (option->type != WEFT_OPT_F64) {
    store_int(option, config,
              l_check_int(L, index, option->name, limit(least(option)), limit(option->max)));
    return;
  }
  double value = l_check_number(L, index, option->name);
  if (value < option->min || value > option->max) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "number %g to %g", option->min, option->max);
    l_wrong(L, index, option->name, wanted);
  }
  *(double *)((char *)config + option->offset) = value;
}

void l_read_config(lua_State *L, int index, weft_config *config) {
  l_check_table(L, index, "options");
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) l_wrong(L, -2, "key", "the name of an option");
    const weft_option *option = find_option(lua_tostring(L, -2));
    if (!option) unknown_option(L, lua_tostring(L, -2));
    read_option(L, option, lua_gettop(L), config);
  }
}

static void push_value(lua_State *L, const weft_option *option, const weft_config *config) {
  const char *from = (const char *)config + option->offset;
  if (option->unit == WEFT_UNIT_ENUM) {
    l_push_choice(L, option->choices, *(const uint32_t *)from);
  } else if (option->unit == WEFT_UNIT_BOOL) {
    lua_pushboolean(L, *(const uint32_t *)from != 0);
  } else if (option->type == WEFT_OPT_U32) {
    l_push_int(L, *(const uint32_t *)from);
  } else if (option->type == WEFT_OPT_F64) {
    lua_pushnumber(L, *(const double *)from);
  } else if (has_words(option) && *(const int64_t *)from < 0) {
    l_push_choice(L, option->choices, (uint32_t)(-1 - *(const int64_t *)from));
  } else {
    l_push_int(L, *(const int64_t *)from);
  }
}

void l_push_config(lua_State *L, const weft_config *config) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  lua_createtable(L, 0, (int)count);
  for (uint32_t i = 0; i < count; i++) {
    push_value(L, &options[i], config);
    lua_setfield(L, -2, options[i].name);
  }
}

static void push_limit(lua_State *L, const weft_option *option, double value) {
  if (option->type == WEFT_OPT_F64) {
    lua_pushnumber(L, value);
  } else {
    l_push_int(L, limit(value));
  }
}

static void push_option(lua_State *L, const weft_option *option, const weft_config *defaults) {
  lua_createtable(L, 0, 12);
  lua_pushstring(L, option->name);
  lua_setfield(L, -2, "name");
  l_push_choice(L, weft_enum_names(WEFT_ENUM_UNIT), option->unit);
  lua_setfield(L, -2, "unit");
  lua_pushstring(L, option->brief);
  lua_setfield(L, -2, "brief");
  push_value(L, option, defaults);
  lua_setfield(L, -2, "default");
  l_push_choice(L, weft_enum_names(WEFT_ENUM_CAN), option->needs);
  lua_setfield(L, -2, "needs");
  lua_pushboolean(L, (option->flags & WEFT_OPTION_REFUSED) != 0);
  lua_setfield(L, -2, "is_refused");
  lua_pushboolean(L, (option->flags & WEFT_OPTION_REPORTED) != 0);
  lua_setfield(L, -2, "is_reported");
  if (option->cc != WEFT_CC_COUNT) {
    l_push_choice(L, weft_enum_names(WEFT_ENUM_CC), option->cc);
    lua_setfield(L, -2, "cc");
  }
  if (option->choices != NULL) {
    l_push_choices(L, option->choices);
    lua_setfield(L, -2, "choices");
  }
  if (option->unit != WEFT_UNIT_ENUM && option->unit != WEFT_UNIT_BOOL) {
    push_limit(L, option, least(option));
    lua_setfield(L, -2, "min");
    push_limit(L, option, option->max);
    lua_setfield(L, -2, "max");
  }
}

void l_push_options(lua_State *L) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  weft_config defaults = weft_config_default();
  lua_createtable(L, (int)count, 0);
  for (uint32_t i = 0; i < count; i++) {
    push_option(L, &options[i], &defaults);
    lua_rawseti(L, -2, (int)i + 1);
  }
}
