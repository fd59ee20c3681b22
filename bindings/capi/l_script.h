/* What sim:run must do for a congestion control in Lua. */
#ifndef L_SCRIPT_H
#define L_SCRIPT_H

#include <lua.h>

#include "weft.h"

/* Put what the callbacks need on the stack of sim:run (its simulation is argument 1), where it
 * stays until the run is over. Returns whether there is a script. When the run ends with
 * WEFT_ESCRIPT, the error is on top. */
int l_script_enter(lua_State *L);

/* Give a fork, whose userdata is on top, the script of the simulation at argument 1, if that has
 * one, with copies of what it keeps in its flows. */
void l_script_fork(lua_State *L, weft_sim *copy);

/* Have the simulation of the userdata at `index`, which was another's, call that one's script. */
void l_script_rebind(lua_State *L, int index, weft_sim *sim);

/* core._script(sim): what its script hangs on, the table of its flows by slot, and the callbacks
 * on_timer, on_ack, start; or nothing. core._attach(sim, anchor): have it call that one again. */
int l_core_script(lua_State *L);
int l_core_attach(lua_State *L);

#endif
