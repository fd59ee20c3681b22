/* weft.csvcore: reading CSV row by row, over libcsv.
 *
 * libcsv pushes fields into callbacks; a script wants to pull rows. The reader therefore feeds it
 * one line at a time until a row is complete, which also gives each row its line number. Memory is
 * bounded by the longest row allowed, however long the file. Compiled once for each Lua.
 *
 *   reader, message, code = csvcore.open(path [, delimiter])
 *   fields, line = reader:row()            -- an array of strings, and the line the row begins on
 *   nil, message, code, line = reader:row() -- when the file cannot be read further
 *   nil = reader:row()                     -- at the end
 *   reader:close()
 */
#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#define READER "weft.csvcore.reader"

enum {
  CHUNK_BYTES = 1 << 16,
  ROW_BYTES_MAX = 1 << 20 /* a longer row is a missing quote */
};

typedef struct reader {
  FILE *file; /* NULL: closed */
  bool parser_ready;
  bool row_begun; /* a byte of a row that is not complete yet has been fed */
  bool row_done;
  bool no_memory;
  bool after_cr; /* the byte fed last was a carriage return, whose line feed does not count */
  bool at_end;
  struct csv_parser parser;

  /* Fields of the row: field i is text[ends[i - 1]..ends[i]). */
  char *text;
  size_t text_bytes, text_capacity;
  size_t *ends;
  size_t fields, fields_capacity;

  uint64_t line; /* of the next byte */
  uint64_t row_line; /* the row begins on */
  size_t row_bytes; /* fed of the row */
  size_t chunk_at, chunk_bytes;
  unsigned char chunk[CHUNK_BYTES];
} reader;

/* ---- collecting a row: called by libcsv, so nothing here may raise a Lua error ---- */

/* Make room for `wanted` elements; false when there is no memory. */
static bool reserve(void **block, size_t *capacity, size_t wanted, size_t element_bytes) {
  if (wanted <= *capacity) return true;
  size_t grown = *capacity < 32 ? 64 : *capacity * 2;
  if (grown < wanted) grown = wanted;
  void *moved = realloc(*block, grown * element_bytes);
  if (!moved) return false;
  *block = moved;
  *capacity = grown;
  return true;
}

static void on_field(void *field, size_t length, void *user) {
  reader *r = user;
  void *text = r->text, *ends = r->ends;
  bool ok = reserve(&text, &r->text_capacity, r->text_bytes + length, 1);
  r->text = text;
  ok = ok && reserve(&ends, &r->fields_capacity, r->fields + 1, sizeof *r->ends);
  r->ends = ends;
  if (!ok) {
    r->no_memory = true;
    return;
  }
  if (length > 0) memcpy(r->text + r->text_bytes, field, length);
  r->text_bytes += length;
  r->ends[r->fields++] = r->text_bytes;
}

static void on_row(int terminator, void *user) {
  (void)terminator;
  ((reader *)user)->row_done = true;
}

/* ---- feeding ---- */

/* Read the next chunk; false at the end of the file or on an error, which ferror() tells apart. */
static bool fill(reader *r) {
  r->chunk_at = 0;
  r->chunk_bytes = fread(r->chunk, 1, CHUNK_BYTES, r->file);
  return r->chunk_bytes > 0;
}

/* Feed the bytes up to the end of the line or of the chunk. Returns false when libcsv objects. */
static bool feed_line(reader *r) {
  const unsigned char *start = r->chunk + r->chunk_at;
  size_t available = r->chunk_bytes - r->chunk_at, length = 0;
  unsigned char last = 0;
  if (!r->row_begun) r->row_line = r->line;
  while (length < available && last != '\n' && last != '\r') {
    last = start[length++];
    if (last != ' ' && last != '\t' && last != '\n' && last != '\r') r->row_begun = true;
  }
  r->chunk_at += length;
  r->row_bytes = r->row_begun ? r->row_bytes + length : 0;
  bool parsed = csv_parse(&r->parser, start, length, on_field, on_row, r) == length;
  /* An error belongs to the line that was fed, so the line is counted only behind it. */
  if (parsed && (last == '\r' || (last == '\n' && !(r->after_cr && length == 1)))) r->line++;
  r->after_cr = last == '\r';
  return parsed;
}

/* ---- Lua ---- */

static int push_error(lua_State *L, const char *code, const char *message, uint64_t line) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, code);
  lua_pushinteger(L, (lua_Integer)line);
  return 4;
}

static int push_parse_error(lua_State *L, reader *r) {
  if (r->no_memory || csv_error(&r->parser) != CSV_EPARSE) {
    return push_error(L, "WEFT_ENOMEM", "out of memory", r->line);
  }
  return push_error(L, "WEFT_EINVAL",
    "expected fields that are plain or wholly in quotes, got a quote in between", r->line);
}

static int push_row(lua_State *L, const reader *r) {
  lua_createtable(L, (int)r->fields, 0);
  size_t begin = 0;
  for (size_t i = 0; i < r->fields; i++) {
    lua_pushlstring(L, r->text + begin, r->ends[i] - begin);
    lua_rawseti(L, -2, (int)i + 1);
    begin = r->ends[i];
  }
  lua_pushinteger(L, (lua_Integer)r->row_line);
  return 2;
}

static reader *check_open(lua_State *L) {
  reader *r = luaL_checkudata(L, 1, READER);
  if (!r->file) luaL_error(L, "reader is closed");
  return r;
}

/* The rest of the file is read: a last row need not end in a newline. */
static int finish(lua_State *L, reader *r) {
  if (ferror(r->file)) return push_error(L, "WEFT_EIO", "read error", r->line);
  if (r->at_end) {
    lua_pushnil(L);
    return 1;
  }
  r->at_end = true;
  if (csv_fini(&r->parser, on_field, on_row, r) != 0) {
    return push_error(L, "WEFT_EINVAL", "expected a closing quote, got end of file", r->row_line);
  }
  if (r->no_memory) return push_parse_error(L, r);
  if (r->row_done) return push_row(L, r);
  lua_pushnil(L);
  return 1;
}

static int reader_row(lua_State *L) {
  reader *r = check_open(L);
  r->fields = r->text_bytes = r->row_bytes = 0;
  r->row_done = r->row_begun = false;
  while (!r->row_done) {
    if (r->chunk_at == r->chunk_bytes && !fill(r)) return finish(L, r);
    if (!feed_line(r) || r->no_memory) return push_parse_error(L, r);
    if (r->row_bytes > ROW_BYTES_MAX) {
      return push_error(L, "WEFT_EINVAL",
        "expected a row of at most 1 MiB, got more: is a closing quote missing?", r->row_line);
    }
  }
  return push_row(L, r);
}

static int reader_close(lua_State *L) {
  reader *r = luaL_checkudata(L, 1, READER);
  if (r->parser_ready) csv_free(&r->parser);
  if (r->file) fclose(r->file);
  free(r->text);
  free(r->ends);
  r->parser_ready = false;
  r->file = NULL;
  r->text = NULL;
  r->ends = NULL;
  r->text_capacity = r->fields_capacity = 0;
  return 0;
}

static int reader_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const char *delimiter = luaL_optstring(L, 2, ",");
  reader *r = lua_newuserdata(L, sizeof *r);
  memset(r, 0, offsetof(reader, chunk));
  r->line = 1;
  luaL_getmetatable(L, READER);
  lua_setmetatable(L, -2);
  if (csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
    return push_error(L, "WEFT_ENOMEM", "out of memory", 0);
  }
  r->parser_ready = true;
  csv_set_delim(&r->parser, (unsigned char)delimiter[0]);
  r->file = fopen(path, "rb");
  /* Reading at once tells a folder, which opens like a file, from a file. */
  if (!r->file || (!fill(r) && ferror(r->file))) {
    return push_error(L, "WEFT_EIO", strerror(errno), 0);
  }
  /* Spreadsheets put the byte order mark in front of UTF-8. */
  if (r->chunk_bytes >= 3 && memcmp(r->chunk, "\xef\xbb\xbf", 3) == 0) r->chunk_at = 3;
  return 1;
}

static const luaL_Reg methods[] = {
  {"row", reader_row},
  {"close", reader_close},
  {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_weft_csvcore(lua_State *L);

int luaopen_weft_csvcore(lua_State *L) {
  luaL_newmetatable(L, READER);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, reader_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, reader_close);
  lua_setfield(L, -2, "__close");
  lua_newtable(L);
  lua_pushcfunction(L, reader_open);
  lua_setfield(L, -2, "open");
  return 1;
}
