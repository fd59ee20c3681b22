/* Nodes and links, what is to change of them, and the ways through them. */
#ifndef WEFT_FABRIC_STATE_H
#define WEFT_FABRIC_STATE_H

#include "base/alloc.h"

/* A change that is to come. Those of one instant happen in the order in which they were added. */
enum change_kind {
  CHANGE_LINK,
  CHANGE_NOTICED, /* routing notices that the link has failed or is back */
  CHANGE_WIRE,
  CHANGE_STORM,
  CHANGE_HOST
};

struct change {
  uint32_t kind;
  uint32_t raging; /* CHANGE_STORM: the port is paused */
  union {
    weft_link_change link;
    weft_link_impairment wire;
    weft_storm storm;
    weft_host_change host;
  } of;
};

/* A node. Its ports are adj[first_port ...], in the order of link creation. */
struct node {
  uint64_t used; /* bytes in the shared buffer; an upper bound while not tracked */
  uint64_t safe; /* no threshold can be crossed while used stays within */
  uint64_t shared_cap; /* buffer less headroom and reserve of all ports */
  uint64_t shared_used; /* exact while tracked */
  uint32_t first_port, port_count;
  uint32_t kind;
  uint32_t tracked; /* ingress accounting is exact and departures are events */
  uint32_t group; /* hosts: whose lengths of ways lead here; switches: part of the network */
  uint32_t rank; /* switches: place in the rows of ways */
};

#define FABRIC_POOLS(X)             \
  X(fabric, nodes, struct node)     \
  X(fabric, adjacency, uint32_t)    \
  X(fabric, changes, struct change) \
  X(fabric, ways, uint8_t)          \
  X(fabric, groups, uint32_t)       \
  X(fabric, search, uint32_t)

struct fabric_room {
  FABRIC_POOLS(WEFT_POOL_MEMBER)
  uint32_t route_epoch; /* counts changes of reachability */
  uint32_t rate_epoch; /* counts changes of links */
  uint32_t group_count, switch_count;
  uint32_t levels, way_bytes; /* classes of links that ways tell apart; size of a length */
  uint8_t level_class[WEFT_LINK_CLASS_COUNT]; /* worst class of links at each level */
  uint32_t search_first, search_count; /* the queue in search */
  uint32_t as_built; /* ways are looked for as if nothing had failed */
};

#endif
