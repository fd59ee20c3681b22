/* core._output(path): a file that appears whole or not at all (weft_output.h); or nil, message.
 *
 *   output:write(text, ...) -> true; or nil, message
 *   output:commit()         -> true; or nil, message; it is closed then
 *   output:discard()        -- what the collector calls too; twice does no harm
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "l_util.h"
#include "weft_output.h"

#define OUTPUT "weft.core.output"

static int push_reason(lua_State *L, int reason) {
  if (reason == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(reason));
  return 2;
}

static weft_output *check_open(lua_State *L) {
  weft_output *output = (weft_output *)luaL_checkudata(L, 1, OUTPUT);
  if (!output->file) luaL_error(L, "closed output");
  return output;
}

static int output_write(lua_State *L) {
  weft_output *output = check_open(L);
  const int last = lua_gettop(L);
  for (int i = 2; i <= last; i++) {
    size_t length;
    const char *text = luaL_checklstring(L, i, &length);
    errno = 0;
    if (fwrite(text, 1, length, output->file) != length) {
      return push_reason(L, errno != 0 ? errno : EIO);
    }
  }
  return push_reason(L, 0);
}

static int output_commit(lua_State *L) {
  return push_reason(L, weft__output_commit(check_open(L)));
}

static int output_discard(lua_State *L) {
  weft__output_discard((weft_output *)luaL_checkudata(L, 1, OUTPUT));
  return 0;
}

static const luaL_Reg methods[] = {
    {"write", output_write},
    {"commit", output_commit},
    {"discard", output_discard},
    {NULL, NULL},
};

/* Copy what comes from a descriptor to a file without a name: the descriptor of that, or -1. */
static int copy_all(int from) {
  FILE *copy = tmpfile();
  if (!copy) return -1;
  char block[1 << 16];
  ssize_t got;
  while ((got = read(from, block, sizeof block)) > 0) {
    if (fwrite(block, 1, (size_t)got, copy) != (size_t)got) break;
  }
  const int fd = got == 0 && fflush(copy) == 0 ? fcntl(fileno(copy), F_DUPFD_CLOEXEC, 3) : -1;
  const int reason = errno;
  fclose(copy);
  errno = reason;
  return fd;
}

/* core._spool(path): a name under which the file can be read again and again: `path` itself, or
 * that of a copy where it is a pipe or a terminal; or nil, message. The copy is there as long as
 * the process. What cannot be opened at all is left to who reads it. */
int l_core_spool(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat there;
  lua_settop(L, 1);
  if (stat(path, &there) != 0 || S_ISREG(there.st_mode) || S_ISDIR(there.st_mode)) return 1;
  const int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return 1;
  if (lseek(fd, 0, SEEK_CUR) >= 0) {
    close(fd);
    return 1;
  }
  const int copy = copy_all(fd), reason = errno;
  close(fd);
  if (copy < 0) return push_reason(L, reason != 0 ? reason : EIO);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
  lua_pushstring(L, name);
  return 1;
}

int l_output_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  weft_output *output = (weft_output *)lua_newuserdata(L, sizeof *output);
  output->file = NULL;
  output->hold = -1;
  output->name[0] = '\0';
  if (luaL_newmetatable(L, OUTPUT)) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, output_discard);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  const int reason = weft__output_open(output, path);
  return reason == 0 ? 1 : push_reason(L, reason);
}
