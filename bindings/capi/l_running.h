/* How a program that handles Ctrl-C knows what runs. It keeps one of these, with a pointer to it as
 * light userdata in the registry under L_RUNNING; other hosts have none. */
#ifndef L_RUNNING_H
#define L_RUNNING_H

#include <lua.h>
#include <signal.h>

#include "weft.h"

#define L_RUNNING "weft.running"

/* Where the registry has the error with which such a program stops Lua code, once it has: any other
 * error is none of Ctrl-C, whatever its text. */
#define L_INTERRUPTION "weft.interruption"

/* Where the registry has the set of simulations whose last run was interrupted, keys weak. */
#define L_INTERRUPTED "weft.interrupted"

typedef struct l_running {
  weft_sim *volatile sim; /* the simulation in sim:run(), or NULL */
  volatile sig_atomic_t pending; /* Ctrl-C came while none was: the next run ends at once */
  volatile sig_atomic_t stopped; /* Lua code was stopped with an error, by the program */
  volatile sig_atomic_t came; /* Ctrl-C, and the script goes on */
  int interrupted; /* simulations that were interrupted and have not run on since */
} l_running;

/* Stop Lua code with the error of Ctrl-C, at the line of the script. */
int l_raise_interruption(lua_State *L, l_running *running);

#endif
