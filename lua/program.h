/* The program's parts: signals, line editing, and the module weft.host that gives both to Lua.
 *
 * Signal handlers and line editors have no user pointers, so interrupt.c and lineedit.c keep state
 * of the process. It belongs to the program alone; the library and the modules have none. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <lua.h>

/* ---- interrupt.c ---- */

/* Handle SIGINT and SIGTERM: the first stops the running simulation, or the Lua code if none runs;
 * the second ends the process with status 130 or 143. */
void interrupt_install(lua_State *L);

/* While reading a line, signals are only noted. Starting to read forgets earlier SIGINT. */
void interrupt_begin_line(void);
void interrupt_end_line(void);

/* How many came since the last begin. */
int interrupt_count(void);
/* Whether one was SIGTERM: then nothing more is to be read or begun. */
int interrupt_is_final(void);
/* The status with which a process ends that a signal has stopped: 130 or 143. */
int interrupt_status(void);
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
