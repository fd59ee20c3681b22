/* Ctrl-C, and the signal that `kill`, timeout and batch systems send. */
#include <lauxlib.h>
#include <signal.h>
#include <unistd.h>

#include "l_running.h"
#include "program.h"

enum {
  STATUS_OF_SIGNALS = 128, /* what shells add to the number of a signal */
  /* Instructions of Lua, some milliseconds, before a pending Ctrl-C stops the script: a script that
   * is about to run on its simulation is left to see "interrupted" there and keep its results. */
  PATIENCE = 1000000,
  /* Seconds until SIGTERM ends a process whose script has not noticed: code that LuaJIT has
   * compiled does not, and nobody may be there to send another. */
  GRACE = 5,
};

static l_running running;
static lua_State *volatile vm;
static volatile sig_atomic_t at_prompt;
static volatile sig_atomic_t count;
static volatile sig_atomic_t last_signal; /* SIGINT or SIGTERM; 0: none */

static void stop_script(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  if (running.pending) l_raise_interruption(L, &running);
}

/* lua_sethook is what Lua's own program calls from its handler. Code that LuaJIT has compiled does
 * not look at hooks; the second Ctrl-C ends that. */
static void on_interrupt(int signal_number) {
  count = count + 1;
  if (last_signal != SIGTERM) last_signal = signal_number;
  if (at_prompt) return;
  if (count > 1) _exit(STATUS_OF_SIGNALS + signal_number);
  running.came = 1;
  weft_sim *sim = running.sim;
  if (sim) {
    weft_interrupt(sim);
  } else {
    running.pending = 1;
    lua_sethook(vm, stop_script, LUA_MASKCOUNT, PATIENCE);
    if (signal_number == SIGTERM) alarm(GRACE);
  }
}

static void on_alarm(int signal_number) {
  (void)signal_number;
  if (running.pending) _exit(STATUS_OF_SIGNALS + SIGTERM);
}

void interrupt_install(lua_State *L) {
  vm = L;
  lua_pushlightuserdata(L, &running);
  lua_setfield(L, LUA_REGISTRYINDEX, L_RUNNING);

  /* Without SA_RESTART: waiting for a line must end. */
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  const struct sigaction on_time = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &on_time, NULL);
}

void interrupt_enter(lua_State *L) {
  vm = L;
  if (running.pending) lua_sethook(L, stop_script, LUA_MASKCOUNT, PATIENCE);
}

void interrupt_begin_line(void) {
  count = interrupt_is_final();
  running.came = 0; /* who types the next line has seen it */
  at_prompt = 1;
}

void interrupt_end_line(void) {
  at_prompt = 0;
}

int interrupt_count(void) {
  return (int)count;
}

int interrupt_is_final(void) {
  return last_signal == SIGTERM;
}

int interrupt_status(void) {
  return STATUS_OF_SIGNALS + (last_signal ? (int)last_signal : SIGINT);
}
