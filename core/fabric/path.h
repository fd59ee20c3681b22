/* What a path costs when nothing else is on it. */
#ifndef WEFT_FABRIC_PATH_H
#define WEFT_FABRIC_PATH_H

#include "fabric/fabric.h"

/** Completion time at the receiver of `size` payload bytes sent at line rate, ps. */
weft_time weft__path_ideal(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t size);

/** Time of a single frame of `bytes` along the path, ps. */
weft_time weft__path_one_way(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t bytes);

/** The same at the rates as built, whatever they are now. */
weft_time weft__path_as_built(const weft_sim *sim, const uint32_t *ports, int hops, uint64_t bytes);

/** Turn a failed weft__route() into a message; passes hops through. */
int weft__path_check(weft_sim *sim, int hops, uint32_t src, uint32_t dst);

#endif
