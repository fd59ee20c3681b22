/* What a simulation holds that others may hold too. */
#ifndef WEFT_BASE_STATE_H
#define WEFT_BASE_STATE_H

#include "base/alloc.h"

#define BASE_POOLS(X) X(base, held, weft_resource *)

/* The only pointers in a pool: what they lead to never changes, and is counted. */
struct base_room {
  BASE_POOLS(WEFT_POOL_MEMBER)
};

#endif
