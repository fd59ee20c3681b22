/* Several threads: what a simulation, or the view of one of its domains, knows of them. */
#ifndef WEFT_DOMAINS_STATE_H
#define WEFT_DOMAINS_STATE_H

#include "weft_types.h"

struct domains_room {
  uint32_t index; /* which domain this is the view of, from 1; 0: the simulation itself */
  uint32_t threads_used; /* at most so far; 0: none but the caller's */
  uint64_t threaded_events; /* handled by domains */
  uint64_t next_try; /* events before several threads are tried again */
  uint32_t threads_why; /* enum weft_threads_why, of the last time that it was asked for more */
  uint32_t always_split; /* set by tests: however little several threads may pay */
  struct domains *shared; /* of a run on several threads, or NULL; not part of the value */
};

#endif
