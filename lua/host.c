/* Module weft.host: what the program's Lua part needs from the system and Lua does not have. */
#include <dirent.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "program.h"

/* The VM whose registry holds the completer: line editors pass no user pointer. */
static lua_State *completing;

/* host.readline(prompt) -> line; or false and what had been typed, after Ctrl-C; or nil at the
 * end */
static int host_readline(lua_State *L) {
  char *line;
  completing = L;
  switch (line_read(luaL_checkstring(L, 1), &line)) {
    case LINE_READ:
      lua_pushstring(L, line);
      free(line);
      break;
    case LINE_INTERRUPTED:
      lua_pushboolean(L, 0);
      lua_pushstring(L, line);
      free(line);
      return 2;
    default:
      lua_pushnil(L);
  }
  return 1;
}

/* The strings of the array on top of the stack as C has them: malloc'ed, ended by NULL. */
static char **copy_strings(lua_State *L) {
  size_t count = 0;
  char **list = NULL;
  for (;;) {
    char **grown = (char **)realloc(list, (count + 1) * sizeof *list);
    if (!grown) break;
    list = grown;
    lua_rawgeti(L, -1, (int)count + 1);
    const char *text = lua_tostring(L, -1);
    list[count] = text ? strdup(text) : NULL;
    lua_pop(L, 1);
    if (!list[count++]) break;
  }
  return list;
}

static char **complete(const char *line, int cursor) {
  lua_State *L = completing;
  lua_getfield(L, LUA_REGISTRYINDEX, "weft.complete");
  lua_pushlstring(L, line, (size_t)cursor);
  char **list = NULL;
  if (lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1)) list = copy_strings(L);
  lua_pop(L, 1);
  return list;
}

/* host.on_complete(function(text_before_cursor) -> array of what may be added there) */
static int host_on_complete(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "weft.complete");
  line_init(complete);
  return 0;
}

static int host_history_add(lua_State *L) {
  line_history_add(luaL_checkstring(L, 1));
  return 0;
}

static int host_history_keep(lua_State *L) {
  line_history_keep(luaL_checkstring(L, 1));
  return 0;
}

/* host.isatty(): whether a person types */
static int host_isatty(lua_State *L) {
  lua_pushboolean(L, isatty(STDIN_FILENO));
  return 1;
}

/* host.terminal_rows(): lines of the terminal that output goes to; nil if it goes elsewhere */
static int host_terminal_rows(lua_State *L) {
  struct winsize size;
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) {
    lua_pushinteger(L, size.ws_row);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* host.interrupted(): how many signals came since the last line was asked for */
static int host_interrupted(lua_State *L) {
  lua_pushinteger(L, interrupt_count());
  return 1;
}

/* host.interrupt_status(): 130, or 143 after SIGTERM; and whether that has come */
static int host_interrupt_status(lua_State *L) {
  lua_pushinteger(L, interrupt_status());
  lua_pushboolean(L, interrupt_is_final());
  return 2;
}

/* host.entries(folder) -> array of names in no order, or nil */
static int host_entries(lua_State *L) {
  DIR *folder = opendir(luaL_checkstring(L, 1));
  if (!folder) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  const struct dirent *entry;
  for (int i = 1; (entry = readdir(folder)) != NULL; i++) {
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -2, i);
  }
  closedir(folder);
  return 1;
}

/* host.enter(thread): the thread is about to run; host.leave(): this one runs on */
static int host_enter(lua_State *L) {
  lua_State *thread = lua_tothread(L, 1);
  if (thread) interrupt_enter(thread);
  return 0;
}

static int host_leave(lua_State *L) {
  interrupt_enter(L);
  return 0;
}

static const luaL_Reg functions[] = {
    {"enter", host_enter},
    {"leave", host_leave},
    {"readline", host_readline},
    {"on_complete", host_on_complete},
    {"history_add", host_history_add},
    {"history_keep", host_history_keep},
    {"terminal_rows", host_terminal_rows},
    {"isatty", host_isatty},
    {"interrupted", host_interrupted},
    {"interrupt_status", host_interrupt_status},
    {"entries", host_entries},
    {NULL, NULL},
};

int luaopen_weft_host(lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
