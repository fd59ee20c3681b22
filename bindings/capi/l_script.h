/* What sim:run must do for a congestion control in Lua. */
#ifndef L_SCRIPT_H
#define L_SCRIPT_H

#include <lua.h>

/* Put what the callbacks need on the stack of sim:run (its simulation is argument 1), where it
 * stays until the run is over. Returns whether there is a script. When the run ends with
 * WEFT_ESCRIPT, the error is on top. */
int l_script_enter(lua_State *L);

#endif
