/* What the LuaJIT overlay (bindings/ffi) shares with this binding. Like weft_types.h, this file is
 * plain enough for ffi.cdef once lines that start with '#' are removed. */
#ifndef L_API_H
#define L_API_H

#include "weft.h"

/** The userdata of a simulation in Lua. */
typedef struct weft_lua_sim {
  weft_sim *sim; /* NULL: closed */
  uint64_t calls; /* counts the methods called on it; pointers from before may be stale */
  uint64_t running; /* 1 in run(): a callback may not use it */
} weft_lua_sim;

/** Functions of the core for programs that cannot link it by name. Only ever grows at the end. */
typedef struct weft_api {
  uint32_t size; /* of this struct, bytes */
  uint32_t version; /* WEFT_API_VERSION */
  int (*column_get)(weft_sim *sim, int table, uint32_t index, weft_column *column);
  int (*series_get)(weft_sim *sim, uint32_t watch, weft_series *series);
} weft_api;

#endif
