/* Helpers of the Lua binding: numbers, names and tables, with messages that help. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "l_util.h"

enum { WORD_MAX = 40 }; /* longer names are not worth guessing at */

/* 2^63 and 2^53 as doubles. */
#define TWO63 9223372036854775808.0
#define TWO53 9007199254740992.0

void l_push_int(lua_State *L, int64_t value) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, value);
#else
  lua_pushnumber(L, (lua_Number)value);
#endif
}

void l_push_uint(lua_State *L, uint64_t value) {
  if (value <= INT64_MAX) {
    l_push_int(L, (int64_t)value);
  } else {
    lua_pushnumber(L, (lua_Number)value);
  }
}

/* Push a value as messages show it: numbers plain, text quoted, the type of everything else. */
static void push_shown(lua_State *L, int index) {
  char text[40];
  if (lua_type(L, index) == LUA_TNUMBER) {
    double number = lua_tonumber(L, index);
    if (isnan(number)) {
      lua_pushliteral(L, "nan"); /* printf also gives -nan, by the C library and the sign */
      return;
    }
    int whole = fabs(number) < TWO53 && number == floor(number);
    snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", number);
    lua_pushstring(L, text);
  } else if (lua_type(L, index) == LUA_TSTRING) {
    lua_pushfstring(L, "'%s'", lua_tostring(L, index));
  } else if (lua_type(L, index) == LUA_TBOOLEAN) {
    lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
  } else {
    lua_pushstring(L, luaL_typename(L, index));
  }
}

int l_wrong(lua_State *L, int index, const char *what, const char *wanted) {
  push_shown(L, index);
  return luaL_error(L, "argument `%s`: expected %s, got %s", what, wanted, lua_tostring(L, -1));
}

/* Beyond 2^53 LuaJIT has not every integer: what is one there would be another number here. */
#define EXACT ((int64_t)1 << 53)

/* Whether the value is an integer that fits; strings that look like numbers are not. */
static int to_int(lua_State *L, int index, int64_t *value) {
  if (lua_type(L, index) != LUA_TNUMBER) return 0;
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, index)) {
    *value = lua_tointeger(L, index);
    return 1;
  }
#endif
  double number = lua_tonumber(L, index);
  if (!(number >= -TWO63 && number < TWO63) || number != floor(number)) return 0;
  *value = (int64_t)number;
  return 1;
}

int64_t l_check_int(lua_State *L, int index, const char *what, int64_t min, int64_t max) {
  int64_t value;
  if (max > EXACT) max = EXACT;
  if (to_int(L, index, &value) && value >= min && value <= max) return value;
  char wanted[80];
  const int is_large = lua_type(L, index) == LUA_TNUMBER && lua_tonumber(L, index) >= TWO53;
  if (min == INT64_MIN) {
    snprintf(wanted, sizeof wanted, "integer up to 2^53");
  } else if (max == EXACT && !is_large) {
    snprintf(wanted, sizeof wanted, "integer >= %lld", (long long)min);
  } else {
    snprintf(wanted, sizeof wanted, "integer %lld to %lld", (long long)min, (long long)max);
  }
  return l_wrong(L, index, what, wanted);
}

uint32_t l_check_u32(lua_State *L, int index, const char *what) {
  return (uint32_t)l_check_int(L, index, what, 0, UINT32_MAX);
}

uint64_t l_check_u64(lua_State *L, int index, const char *what) {
  return (uint64_t)l_check_int(L, index, what, 0, INT64_MAX);
}

void l_check_table(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TTABLE) l_wrong(L, index, what, "table");
}

double l_check_number(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TNUMBER || isnan(lua_tonumber(L, index))) {
    l_wrong(L, index, what, "number");
  }
  return lua_tonumber(L, index);
}

/* ---- names ---- */

/* The next name of a list, or NULL at its end. */
static const char *next_choice(const char **list, size_t *length) {
  const char *name = *list;
  if (!name || !*name) return NULL;
  *length = strcspn(name, "|");
  *list = name[*length] ? name + *length + 1 : name + *length;
  return name;
}

int l_choice_find(const char *choices, const char *name) {
  size_t length, wanted = strlen(name);
  const char *choice;
  for (int value = 0; (choice = next_choice(&choices, &length)) != NULL; value++) {
    if (length == wanted && memcmp(choice, name, length) == 0) return value;
  }
  return -1;
}

void l_push_choice(lua_State *L, const char *choices, uint32_t value) {
  size_t length;
  const char *choice;
  while ((choice = next_choice(&choices, &length)) != NULL) {
    if (value-- == 0) {
      lua_pushlstring(L, choice, length);
      return;
    }
  }
  lua_pushliteral(L, "unknown");
}

void l_push_choices(lua_State *L, const char *choices) {
  lua_newtable(L);
  size_t length;
  const char *choice;
  for (int i = 1; (choice = next_choice(&choices, &length)) != NULL; i++) {
    lua_pushlstring(L, choice, length);
    lua_rawseti(L, -2, i);
  }
}

uint32_t l_check_choice(lua_State *L, int index, const char *what, const char *choices) {
  if (lua_type(L, index) != LUA_TSTRING) {
    const char *wanted = luaL_gsub(L, choices, "|", ", ");
    wanted = lua_pushfstring(L, "one of %s", wanted);
    l_wrong(L, index, what, wanted);
  }
  const char *name = lua_tostring(L, index);
  int value = l_choice_find(choices, name);
  if (value >= 0) return (uint32_t)value;

  l_near near;
  l_near_start(&near, name);
  size_t length;
  const char *choice, *rest = choices;
  while ((choice = next_choice(&rest, &length)) != NULL) l_near_try(&near, choice, length);
  l_near_push(L, &near);
  const char *hint = lua_tostring(L, -1);
  const char *list = luaL_gsub(L, choices, "|", ", ");
  return (uint32_t)luaL_error(L, "argument `%s`: expected one of %s, got '%s'%s", what, list, name,
                              hint);
}

/* Edits (insert, delete, replace) between two words, by rows of the usual table. */
static int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  int row[WORD_MAX + 1];
  for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
  for (size_t i = 1; i <= a_length; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= b_length; j++) {
      int best = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b_length];
}

void l_near_start(l_near *near, const char *word) {
  size_t length = strlen(word);
  /* A name with more than a third of its letters wrong is another word; short ones get two edits,
   * which is a swap of neighbours. */
  int limit = length < 3 ? 1 : length < 9 ? 2 : (int)(length / 3);
  *near = (l_near){.word = word, .distance = limit + 1};
}

void l_near_try(l_near *near, const char *name, size_t length) {
  size_t word_length = strlen(near->word);
  if (word_length > WORD_MAX || length > WORD_MAX) return;
  int distance = edit_distance(near->word, word_length, name, length);
  int begins = word_length > 1 && word_length <= length && !memcmp(name, near->word, word_length);
  if (begins && distance > 1) distance = 1; /* "fct" for "fct_ps" */
  if (distance >= near->distance) return;
  near->distance = distance;
  near->best = name;
  near->length = length;
}

void l_near_push(lua_State *L, const l_near *near) {
  if (!near->best) {
    lua_pushliteral(L, "");
    return;
  }
  lua_pushlstring(L, near->best, near->length);
  lua_pushfstring(L, "; did you mean '%s'?", lua_tostring(L, -1));
  lua_remove(L, -2);
}

/* ---- structs ---- */

/* Raise the error for a key that no field has. */
static void unknown_field(lua_State *L, const l_struct *type, const char *others, const char *key) {
  l_near near;
  l_near_start(&near, key);
  for (uint32_t i = 0; i < type->count; i++) {
    l_near_try(&near, type->fields[i].name, strlen(type->fields[i].name));
  }
  size_t length;
  const char *other;
  while ((other = next_choice(&others, &length)) != NULL) l_near_try(&near, other, length);
  l_near_push(L, &near);
  luaL_error(L, "unknown field '%s'%s", key, lua_tostring(L, -1));
}

static const l_field *find_field(const l_struct *type, const char *name) {
  for (uint32_t i = 0; i < type->count; i++) {
    const l_field *field = &type->fields[i];
    int readable = field->type != L_HIDDEN && field->type != L_HEX;
    if (readable && strcmp(field->name, name) == 0) return field;
  }
  return NULL;
}

/* Store the value at `index` of the stack into a field. */
static void read_field(lua_State *L, int index, const l_field *field, void *data) {
  char *to = (char *)data + field->offset;
  switch (field->type) {
    case L_U32:
      *(uint32_t *)to = (uint32_t)l_check_int(L, index, field->name, field->min, UINT32_MAX);
      break;
    case L_U64:
      *(uint64_t *)to = (uint64_t)l_check_int(L, index, field->name, field->min, INT64_MAX);
      break;
    case L_I64:
      *(int64_t *)to = l_check_int(L, index, field->name, field->min, INT64_MAX);
      break;
    case L_F64:
      *(double *)to = l_check_number(L, index, field->name);
      break;
    default:
      *(uint32_t *)to = l_check_choice(L, index, field->name, weft_enum_names(field->which));
  }
}

void l_read_struct(lua_State *L, int index, const l_struct *type, const char *others, void *data) {
  l_check_table(L, index, "fields");
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) l_wrong(L, -2, "key", "the name of a field");
    const char *key = lua_tostring(L, -2);
    const l_field *field = find_field(type, key);
    if (field) {
      read_field(L, lua_gettop(L), field, data);
    } else if (l_choice_find(others, key) < 0) {
      unknown_field(L, type, others, key);
    }
  }
}

static void push_field(lua_State *L, const l_field *field, const void *data) {
  const char *from = (const char *)data + field->offset;
  char text[20];
  switch (field->type) {
    case L_U32:
      l_push_int(L, *(const uint32_t *)from);
      break;
    case L_U64:
      l_push_uint(L, *(const uint64_t *)from);
      break;
    case L_I64:
      l_push_int(L, *(const int64_t *)from);
      break;
    case L_F64:
      lua_pushnumber(L, *(const double *)from);
      break;
    case L_ENUM:
      l_push_choice(L, weft_enum_names(field->which), *(const uint32_t *)from);
      break;
    default:
      snprintf(text, sizeof text, "%016llx", *(const unsigned long long *)from);
      lua_pushstring(L, text);
  }
}

void l_push_struct(lua_State *L, const l_struct *type, const void *data) {
  lua_createtable(L, 0, (int)type->count);
  for (uint32_t i = 0; i < type->count; i++) {
    if (type->fields[i].type == L_HIDDEN) continue;
    push_field(L, &type->fields[i], data);
    lua_setfield(L, -2, type->fields[i].name);
  }
}
