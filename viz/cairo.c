/* weft.cairo: a drawing surface over Cairo for Lua 5.4 and LuaJIT.
 *
 * create(path, width, height [, scale]) makes a PNG, SVG or PDF by the ending of `path`; lengths
 * are points (1/72 inch), x to the right, y down. A PNG has `scale` pixels a point (default 2).
 * What is drawn stays in memory until finish(), which writes a temporary file beside `path` and
 * renames it: a picture is complete or absent. The same calls give the same bytes, in any process.
 *
 * Wrong arguments raise. What the world refuses (ending, memory, disk) gives nil, message, code. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include <lauxlib.h>
#include <lua.h>

#include "weft_output.h"

#define SURFACE_TYPE "weft.cairo.surface"
/* Of fonts-dejavu-core; pinned, so that text has the same size on every machine. */
#define FONT_FAMILY "DejaVu Sans"

enum format { FORMAT_PNG, FORMAT_SVG, FORMAT_PDF };

typedef struct surface {
  cairo_t *cr; /* NULL: finished or discarded */
  cairo_surface_t *target;
  char *path;
  unsigned char *data; /* the picture's bytes, as Cairo delivers them */
  size_t size, capacity;
  enum format format;
} surface;

/* Errors. */

static int world_error(lua_State *L, const char *code, const char *what, const char *why) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s: %s", code, what, why);
  lua_pushstring(L, code);
  return 3;
}

/* Cairo keeps 24 bits before the point; far beyond any page, and NaN would spoil the whole path. */
static double coordinate(lua_State *L, int arg) {
  double value = luaL_checknumber(L, arg);
  luaL_argcheck(L, isfinite(value) && fabs(value) < 1e6, arg, "expected a finite number below 1e6");
  return value;
}

static double positive(lua_State *L, int arg) {
  double value = coordinate(L, arg);
  luaL_argcheck(L, value > 0, arg, "expected a number above 0");
  return value;
}

static cairo_t *context(lua_State *L) {
  surface *self = luaL_checkudata(L, 1, SURFACE_TYPE);
  luaL_argcheck(L, self->cr != NULL, 1, "closed surface");
  return self->cr;
}

/* Life of a surface. */

static cairo_status_t append(void *closure, const unsigned char *data, unsigned int length) {
  surface *self = closure;
  if (self->capacity - self->size < length) {
    size_t capacity = self->capacity * 2 + length + 4096;
    unsigned char *grown = realloc(self->data, capacity);
    if (grown == NULL) return CAIRO_STATUS_NO_MEMORY;
    self->data = grown;
    self->capacity = capacity;
  }
  memcpy(self->data + self->size, data, length);
  self->size += length;
  return CAIRO_STATUS_SUCCESS;
}

static void release(surface *self) {
  if (self->cr != NULL) cairo_destroy(self->cr);
  if (self->target != NULL) cairo_surface_destroy(self->target);
  free(self->path);
  free(self->data);
  memset(self, 0, sizeof *self);
}

static int format_of(const char *path, enum format *format) {
  static const char *const endings[] = {".png", ".svg", ".pdf"}; /* as in enum format */
  size_t length = strlen(path);
  for (int i = 0; i < 3; i++) {
    if (length > 4 && strcmp(path + length - 4, endings[i]) == 0) {
      *format = (enum format)i;
      return 1;
    }
  }
  return 0;
}

static cairo_surface_t *target_new(surface *self, double width, double height, double scale) {
  switch (self->format) {
    case FORMAT_PNG:
      return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
                                        (int)ceil(height * scale));
    case FORMAT_SVG:
      return cairo_svg_surface_create_for_stream(append, self, width, height);
    default: {
      cairo_surface_t *pdf = cairo_pdf_surface_create_for_stream(append, self, width, height);
      /* The only thing in a PDF that would change from run to run. */
      cairo_pdf_surface_set_metadata(pdf, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
      return pdf;
    }
  }
}

/* Metrics without hinting: text has the same width in every format and at every scale. */
static void prepare(surface *self, double scale) {
  cairo_t *cr = self->cr;
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cr, options);
  cairo_font_options_destroy(options);
  cairo_select_font_face(cr, FONT_FAMILY, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  if (self->format == FORMAT_PNG) cairo_scale(cr, scale, scale);
  cairo_set_source_rgb(cr, 1, 1, 1);
  cairo_paint(cr);
  cairo_set_source_rgb(cr, 0, 0, 0);
}

static int l_create(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  double width = positive(L, 2), height = positive(L, 3);
  double scale = lua_isnoneornil(L, 4) ? 2 : positive(L, 4);
  luaL_argcheck(L, width <= 14400 && height <= 14400, 2, "expected at most 14400 points");
  luaL_argcheck(L, fmax(width, height) * scale <= 32767, 4, "expected at most 32767 pixels");
  enum format format;
  if (!format_of(path, &format)) {
    return world_error(L, "WEFT_EINVAL", path, "expected a file name ending in .png, .svg or .pdf");
  }
  surface *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, SURFACE_TYPE);
  lua_setmetatable(L, -2);
  self->format = format;
  self->path = malloc(strlen(path) + 1);
  if (self->path == NULL) return world_error(L, "WEFT_ENOMEM", path, "out of memory");
  strcpy(self->path, path);
  self->target = target_new(self, width, height, scale);
  self->cr = cairo_create(self->target);
  cairo_status_t status = cairo_status(self->cr);
  if (status != CAIRO_STATUS_SUCCESS) {
    release(self);
    return world_error(L, "WEFT_ENOMEM", path, cairo_status_to_string(status));
  }
  prepare(self, scale);
  return 1;
}

/* Cairo numbers surfaces through the process and writes the number as an id into SVG. Nothing
 * refers to it, so the digits go: a picture gives the same bytes the second time. */
static void drop_surface_number(surface *self) {
  static const char mark[] = "id=\"surface";
  const size_t length = sizeof mark - 1;
  for (size_t i = 0; i + length < self->size; i++) {
    if (memcmp(self->data + i, mark, length) != 0) continue;
    size_t first = i + length, last = first;
    while (last < self->size && self->data[last] >= '0' && self->data[last] <= '9') last++;
    memmove(self->data + first, self->data + last, self->size - last);
    self->size -= last - first;
  }
}

/* Returns 0 or an errno. */
static int write_file(const surface *self) {
  weft_output output;
  int error = weft__output_open(&output, self->path);
  if (error != 0) return error;
  if (fwrite(self->data, 1, self->size, output.file) == self->size) {
    return weft__output_commit(&output);
  }
  error = errno != 0 ? errno : EIO;
  weft__output_discard(&output);
  return error;
}

static int l_finish(lua_State *L) {
  cairo_t *cr = context(L);
  surface *self = lua_touserdata(L, 1);
  cairo_status_t status = cairo_status(cr);
  if (status == CAIRO_STATUS_SUCCESS && self->format == FORMAT_PNG) {
    status = cairo_surface_write_to_png_stream(self->target, append, self);
  }
  cairo_surface_finish(self->target);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(self->target);
  if (self->format == FORMAT_SVG) drop_surface_number(self);
  lua_pushstring(L, self->path);
  int error = status == CAIRO_STATUS_SUCCESS ? write_file(self) : 0;
  release(self);
  if (status != CAIRO_STATUS_SUCCESS) {
    return world_error(L, "WEFT_ENOMEM", lua_tostring(L, -1), cairo_status_to_string(status));
  }
  if (error != 0) return world_error(L, "WEFT_EINVAL", lua_tostring(L, -1), strerror(error));
  lua_pushboolean(L, 1);
  return 1;
}

/* Leave without a file. Also what the collector calls; twice does no harm. */
static int l_discard(lua_State *L) {
  release(luaL_checkudata(L, 1, SURFACE_TYPE));
  return 0;
}

/* Paths. */

/* Calls that take a pair of lengths. */
#define PAIR(name)                                                \
  static int l_##name(lua_State *L) {                             \
    cairo_##name(context(L), coordinate(L, 2), coordinate(L, 3)); \
    return 0;                                                     \
  }
PAIR(move_to)
PAIR(line_to)
PAIR(translate)

static int l_curve_to(lua_State *L) {
  cairo_curve_to(context(L), coordinate(L, 2), coordinate(L, 3), coordinate(L, 4), coordinate(L, 5),
                 coordinate(L, 6), coordinate(L, 7));
  return 0;
}

/* polyline({x1, y1, x2, y2, ...}): one call for a curve of thousands of points. */
static int l_polyline(lua_State *L) {
  cairo_t *cr = context(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  cairo_new_sub_path(cr);
  for (int i = 1;; i += 2) {
    lua_rawgeti(L, 2, i);
    lua_rawgeti(L, 2, i + 1);
    if (lua_isnil(L, -2)) break;
    double x = lua_tonumber(L, -2), y = lua_tonumber(L, -1);
    luaL_argcheck(L, lua_isnumber(L, -1) && fabs(x) < 1e6 && fabs(y) < 1e6, 2,
                  "expected pairs of finite numbers below 1e6");
    cairo_line_to(cr, x, y);
    lua_pop(L, 2);
  }
  return 0;
}

/* arc(x, y, radius [, from, to]): radians, clockwise from the right; a circle by default. */
static int l_arc(lua_State *L) {
  cairo_t *cr = context(L);
  double x = coordinate(L, 2), y = coordinate(L, 3), radius = coordinate(L, 4);
  luaL_argcheck(L, radius >= 0, 4, "expected a radius of 0 or more");
  double from = luaL_optnumber(L, 5, 0), to = luaL_optnumber(L, 6, 2 * 3.14159265358979323846);
  luaL_argcheck(L, isfinite(from) && isfinite(to), 5, "expected finite angles");
  if (lua_isnoneornil(L, 5)) cairo_new_sub_path(cr);
  cairo_arc(cr, x, y, radius, from, to);
  return 0;
}

static int l_rectangle(lua_State *L) {
  cairo_t *cr = context(L);
  cairo_rectangle(cr, coordinate(L, 2), coordinate(L, 3), coordinate(L, 4), coordinate(L, 5));
  return 0;
}

/* Calls that take nothing but the surface. */
#define PLAIN(name)                   \
  static int l_##name(lua_State *L) { \
    cairo_##name(context(L));         \
    return 0;                         \
  }
PLAIN(close_path)
PLAIN(stroke)
PLAIN(stroke_preserve)
PLAIN(fill)
PLAIN(fill_preserve)
PLAIN(clip)
PLAIN(save)
PLAIN(restore)

/* State. */

static int l_rgba(lua_State *L) {
  cairo_set_source_rgba(context(L), coordinate(L, 2), coordinate(L, 3), coordinate(L, 4),
                        luaL_optnumber(L, 5, 1));
  return 0;
}

static int l_line_width(lua_State *L) {
  cairo_set_line_width(context(L), positive(L, 2));
  return 0;
}

/* dash({on, off, ...}) in points; dash() draws solid lines again. */
static int l_dash(lua_State *L) {
  enum { MOST = 8 };
  double lengths[MOST];
  int count = 0;
  cairo_t *cr = context(L);
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    for (; count < MOST; count++) {
      lua_rawgeti(L, 2, count + 1);
      if (lua_isnil(L, -1)) break;
      lengths[count] = positive(L, -1);
      lua_pop(L, 1);
    }
  }
  cairo_set_dash(cr, lengths, count, 0);
  return 0;
}

static int l_line_cap(lua_State *L) {
  static const char *const names[] = {"butt", "round", "square", NULL};
  static const cairo_line_cap_t values[] = {CAIRO_LINE_CAP_BUTT, CAIRO_LINE_CAP_ROUND,
                                            CAIRO_LINE_CAP_SQUARE};
  cairo_set_line_cap(context(L), values[luaL_checkoption(L, 2, NULL, names)]);
  return 0;
}

static int l_line_join(lua_State *L) {
  static const char *const names[] = {"miter", "round", "bevel", NULL};
  static const cairo_line_join_t values[] = {CAIRO_LINE_JOIN_MITER, CAIRO_LINE_JOIN_ROUND,
                                             CAIRO_LINE_JOIN_BEVEL};
  cairo_set_line_join(context(L), values[luaL_checkoption(L, 2, NULL, names)]);
  return 0;
}

static int l_rotate(lua_State *L) {
  cairo_rotate(context(L), coordinate(L, 2));
  return 0;
}

static int l_scale(lua_State *L) {
  cairo_scale(context(L), positive(L, 2), positive(L, 3));
  return 0;
}

/* Text. */

/* font(size [, "normal" | "bold" | "italic"]) */
static int l_font(lua_State *L) {
  static const char *const names[] = {"normal", "bold", "italic", NULL};
  cairo_t *cr = context(L);
  double size = positive(L, 2);
  int style = luaL_checkoption(L, 3, "normal", names);
  cairo_select_font_face(cr, FONT_FAMILY,
                         style == 2 ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
                         style == 1 ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr, size);
  return 0;
}

/* text(x, y, string): UTF-8, from the left end of the base line. */
static int l_text(lua_State *L) {
  cairo_t *cr = context(L);
  cairo_move_to(cr, coordinate(L, 2), coordinate(L, 3));
  cairo_show_text(cr, luaL_checkstring(L, 4));
  cairo_new_path(cr);
  return 0;
}

/* text_extents(string) -> advance, ascent, descent: width of the text, and height of the font above
 * and below the base line. */
static int l_text_extents(lua_State *L) {
  cairo_t *cr = context(L);
  cairo_text_extents_t text;
  cairo_font_extents_t font;
  cairo_text_extents(cr, luaL_checkstring(L, 2), &text);
  cairo_font_extents(cr, &font);
  lua_pushnumber(L, text.x_advance);
  lua_pushnumber(L, font.ascent);
  lua_pushnumber(L, font.descent);
  return 3;
}

/* Module. */

static const luaL_Reg methods[] = {
    {"__gc", l_discard},
    {"__close", l_discard},
    {"finish", l_finish},
    {"discard", l_discard},
    {"move_to", l_move_to},
    {"line_to", l_line_to},
    {"curve_to", l_curve_to},
    {"polyline", l_polyline},
    {"arc", l_arc},
    {"rectangle", l_rectangle},
    {"close_path", l_close_path},
    {"stroke", l_stroke},
    {"stroke_preserve", l_stroke_preserve},
    {"fill", l_fill},
    {"fill_preserve", l_fill_preserve},
    {"clip", l_clip},
    {"save", l_save},
    {"restore", l_restore},
    {"rgba", l_rgba},
    {"line_width", l_line_width},
    {"dash", l_dash},
    {"line_cap", l_line_cap},
    {"line_join", l_line_join},
    {"translate", l_translate},
    {"rotate", l_rotate},
    {"scale", l_scale},
    {"font", l_font},
    {"text", l_text},
    {"text_extents", l_text_extents},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {{"create", l_create}, {NULL, NULL}};

__attribute__((visibility("default"))) int luaopen_weft_cairo(lua_State *L);

int luaopen_weft_cairo(lua_State *L) {
  luaL_newmetatable(L, SURFACE_TYPE);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_setfuncs(L, methods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
