/* The program's parts: Ctrl-C, line editing, and the module weft.host that gives both to Lua.
 *
 * Signal handlers and line editors have no user pointers, so interrupt.c and lineedit.c keep state
 * of the process. It belongs to the program alone; the library and the modules have none. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <lua.h>

/* ---- interrupt.c ---- */

/* Handle SIGINT: the first stops the running simulation, or the Lua code if none runs; the second
 * ends the process with status 130. */
void interrupt_install(lua_State *L);

/* While reading a line, SIGINT is only noted. Starting to read forgets earlier ones. */
void interrupt_begin_line(void);
void interrupt_end_line(void);

/* How many SIGINT came since the last begin. */
int interrupt_count(void);
/* Another Lua thread runs from now on. */
void interrupt_enter(lua_State *L);

/* ---- lineedit.c ---- */

enum line_status { LINE_READ, LINE_END, LINE_INTERRUPTED };

/* What may be added at the cursor: a malloc'ed list that NULL ends, or NULL. */
typedef char **(*line_completer)(const char *line, int cursor);

void line_init(line_completer completer);
/* *line is malloc'ed, or NULL at the end of input; after Ctrl-C it is what had been typed. The
 * prompt is shown on terminals only. */
enum line_status line_read(const char *prompt, char **line);
void line_history_add(const char *line);
/* Read the history from a file, and write it there when the process ends, however it does. */
void line_history_keep(const char *path);

/* ---- host.c ---- */

int luaopen_weft_host(lua_State *L);

#endif
