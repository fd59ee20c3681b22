/* weft and weftjit: a Lua with the simulator built in. What a user sees is in weft/cli.lua. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

int luaopen_weft_core(lua_State *L);
int luaopen_weft_csvcore(lua_State *L);

#if LUA_VERSION_NUM == 501
#define VM "luajit"
#else
#define VM "lua5.4"
#endif

enum { STATUS_BROKEN = 1 };

/* Cut the last part of a path; false when there is none. */
static int cut(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash) return 0;
  *slash = '\0';
  return 1;
}

/* The folder of the Lua files, found from the program's: the source tree it was built in, or
 * PREFIX/share/weft when it is PREFIX/bin. `root` starts as the program's folder. */
static int find_root(char *root, size_t size) {
  static const char *const places[] = {"", "/share/weft"};
  char path[PATH_MAX + 64];
  do {
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
      snprintf(path, sizeof path, "%s%s/lua/weft/cli.lua", root, places[i]);
      if (access(path, R_OK) != 0) continue;
      size_t length = strlen(root);
      snprintf(root + length, size - length, "%s", places[i]);
      return 1;
    }
  } while (cut(root));
  return 0;
}

/* Put templates before a search path of Lua's; '@' stands for the folder. */
static void prepend_path(lua_State *L, const char *which, const char *templates,
                         const char *folder) {
  lua_getglobal(L, "package");
  luaL_gsub(L, templates, "@", folder);
  lua_getfield(L, -2, which);
  lua_concat(L, 2);
  lua_setfield(L, -2, which);
  lua_pop(L, 1);
}

static void set_paths(lua_State *L) {
  char folder[PATH_MAX], root[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  if (length < 0) luaL_error(L, "cannot read /proc/self/exe");
  folder[length] = '\0';
  cut(folder);
  snprintf(root, sizeof root, "%s", folder);
  if (!find_root(root, sizeof root)) luaL_error(L, "cannot find weft's Lua files from %s", folder);
  prepend_path(L, "path",
               "@/stdlib/?.lua;@/stdlib/?/init.lua;@/viz/?.lua;@/lua/?.lua;"
               "@/bindings/ffi/?.lua;@/bindings/?.lua;",
               root);
  prepend_path(L, "cpath", "@/" VM "/?.so;@/../lib/weft/" VM "/?.so;", folder);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 2);
}

/* Arguments: argc and argv. Result: the status of the process. */
static int run(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = (char **)lua_touserdata(L, 2);
  luaL_openlibs(L);
  set_paths(L);
  preload(L, "weft.core", luaopen_weft_core);
  preload(L, "weft.csvcore", luaopen_weft_csvcore);
  preload(L, "weft.host", luaopen_weft_host);
  interrupt_install(L);

  lua_getglobal(L, "require");
  lua_pushliteral(L, "weft.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return 1;
}

/* What was printed may not have arrived: on a full disk that shows only here, and scripts also end
 * through exit(). Nothing but _exit can change the status of a process that is ending. */
static void close_stdout(void) {
  const int failed_before = ferror(stdout);
  if (fflush(stdout) == 0 && !failed_before) return;
  fprintf(stderr, "weft: cannot write standard output%s%s\n", failed_before ? "" : ": ",
          failed_before ? "" : strerror(errno));
  fflush(NULL); /* files that the script has left open */
  _exit(STATUS_BROKEN);
}

/* A standard stream that is closed would be the first file that is opened, and get what is printed.
 * Opened the wrong way round it stays what it was: an error to use. */
static void occupy_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) _exit(STATUS_BROKEN);
  }
}

int main(int argc, char **argv) {
  occupy_streams();
  atexit(close_stdout);
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("weft: out of memory\n", stderr);
    return STATUS_BROKEN;
  }
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = STATUS_BROKEN;
  if (lua_pcall(L, 2, 1, 0) == 0) {
    status = (int)lua_tointeger(L, -1);
  } else {
    fprintf(stderr, "weft: %s\n", lua_tostring(L, -1));
  }
  lua_close(L);
  return status;
}
