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
 *   batch = reader:batch(indices, numeric, fields, rows)
 *       -- up to so many rows of so many fields; nil and errors as row(). batch[c] is the list of
 *       -- the fields at indices[c], batch.line that of their lines, batch.count how many; where
 *       -- numeric[c] is true, plain digits become numbers
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

#if LUA_VERSION_NUM < 502
#define list_length lua_objlen
#else
#define list_length lua_rawlen
#endif

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
  const char *error, *error_code; /* NULL: none; else all that is ever read from now on */
  uint64_t error_line;
  char error_text[80];
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

/* ---- rows ---- */

enum found { FOUND_ROW, FOUND_END, FOUND_ERROR };

static enum found fail(reader *r, const char *code, const char *message, uint64_t line) {
  r->error = message;
  r->error_code = code;
  r->error_line = line;
  return FOUND_ERROR;
}

static enum found fail_parse(reader *r) {
  if (r->no_memory || csv_error(&r->parser) != CSV_EPARSE) {
    return fail(r, "WEFT_ENOMEM", "out of memory", r->line);
  }
  return fail(r, "WEFT_EINVAL",
              "expected fields that are plain or wholly in quotes, got a quote in between",
              r->line);
}

/* The rest of the file is read: a last row need not end in a newline. */
static enum found finish(reader *r) {
  if (ferror(r->file)) return fail(r, "WEFT_EIO", "read error", r->line);
  if (r->at_end) return FOUND_END;
  r->at_end = true;
  if (csv_fini(&r->parser, on_field, on_row, r) != 0) {
    return fail(r, "WEFT_EINVAL", "expected a closing quote, got end of file", r->row_line);
  }
  if (r->no_memory) return fail_parse(r);
  return r->row_done ? FOUND_ROW : FOUND_END;
}

/* Read the next row into text and ends. */
static enum found next_row(reader *r) {
  if (r->error) return FOUND_ERROR;
  r->fields = r->text_bytes = r->row_bytes = 0;
  r->row_done = r->row_begun = false;
  while (!r->row_done) {
    if (r->chunk_at == r->chunk_bytes && !fill(r)) return finish(r);
    if (!feed_line(r) || r->no_memory) return fail_parse(r);
    if (r->row_bytes > ROW_BYTES_MAX) {
      return fail(r, "WEFT_EINVAL",
                  "expected a row of at most 1 MiB, got more: is a closing quote missing?",
                  r->row_line);
    }
  }
  return FOUND_ROW;
}

/* ---- Lua ---- */

static int push_error(lua_State *L, const char *code, const char *message, uint64_t line) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, code);
  lua_pushinteger(L, (lua_Integer)line);
  return 4;
}

/* What there is instead of a row. */
static int push_no_row(lua_State *L, const reader *r, enum found found) {
  if (found == FOUND_ERROR) return push_error(L, r->error_code, r->error, r->error_line);
  lua_pushnil(L);
  return 1;
}

static reader *check_open(lua_State *L) {
  reader *r = luaL_checkudata(L, 1, READER);
  if (!r->file) luaL_error(L, "reader is closed");
  return r;
}

static int reader_row(lua_State *L) {
  reader *r = check_open(L);
  const enum found found = next_row(r);
  if (found != FOUND_ROW) return push_no_row(L, r, found);
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

/* Push a field; 15 digits are exact in a double, which is all that LuaJIT has. */
static void push_field(lua_State *L, const reader *r, size_t i, bool numeric) {
  const size_t begin = i > 0 ? r->ends[i - 1] : 0, length = r->ends[i] - begin;
  const char *text = r->text + begin;
  int64_t number = 0;
  size_t digits = 0;
  while (numeric && digits < length && digits < 16 && text[digits] >= '0' && text[digits] <= '9') {
    number = number * 10 + (text[digits++] - '0');
  }
  if (digits > 0 && digits == length && digits < 16) {
    lua_pushinteger(L, (lua_Integer)number);
  } else {
    lua_pushlstring(L, text, length);
  }
}

typedef struct wanted {
  size_t index;
  bool numeric;
} wanted;

/* The lists at 2 and 3 as an array, a userdata left on the stack. */
static const wanted *read_columns(lua_State *L, int count, lua_Integer fields) {
  wanted *columns = lua_newuserdata(L, (size_t)count * sizeof *columns + 1);
  for (int c = 0; c < count; c++) {
    lua_rawgeti(L, 2, c + 1);
    lua_rawgeti(L, 3, c + 1);
    const lua_Integer index = lua_tointeger(L, -2);
    if (index < 1 || index > fields) luaL_error(L, "column %d is not in the file", c + 1);
    columns[c] = (wanted){(size_t)index - 1, lua_toboolean(L, -1)};
    lua_pop(L, 2);
  }
  return columns;
}

static int reader_batch(lua_State *L) {
  reader *r = check_open(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  const lua_Integer fields = luaL_checkinteger(L, 4), rows = luaL_checkinteger(L, 5);
  const int columns = (int)list_length(L, 2);
  lua_settop(L, 5);
  luaL_checkstack(L, columns + 8, "too many columns");
  const wanted *column = read_columns(L, columns, fields);
  lua_createtable(L, columns, 2);
  for (int c = 0; c <= columns; c++) lua_newtable(L); /* from 8 on; the last: lines */
  enum found found = FOUND_END;
  int count = 0;
  for (; count < rows && (found = next_row(r)) == FOUND_ROW; count++) {
    if (r->fields != (size_t)fields) {
      snprintf(r->error_text, sizeof r->error_text, "expected %d fields, got %d", (int)fields,
               (int)r->fields);
      found = fail(r, "WEFT_EINVAL", r->error_text, r->row_line);
      break;
    }
    for (int c = 0; c < columns; c++) {
      push_field(L, r, column[c].index, column[c].numeric);
      lua_rawseti(L, 8 + c, count + 1);
    }
    lua_pushinteger(L, (lua_Integer)r->row_line);
    lua_rawseti(L, 8 + columns, count + 1);
  }
  if (count == 0) return push_no_row(L, r, found);
  lua_setfield(L, 7, "line");
  for (int c = columns; c > 0; c--) lua_rawseti(L, 7, c);
  lua_pushinteger(L, count);
  lua_setfield(L, 7, "count");
  return 1;
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
    {"batch", reader_batch},
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
