/* Nodes and links, what is to change of them, and the ways through them. */
#ifndef WEFT_FABRIC_STATE_H
#define WEFT_FABRIC_STATE_H

#include "base/alloc.h"

/* A change that is to come. Those of one instant happen in the order in which they were added. */
enum change_kind {
  CHANGE_LINK,
  CHANGE_NOTICED, /* routing notices that the link has failed or is back */
  CHANGE_IMPAIRMENT,
  CHANGE_STORM, /* the engine's */
  CHANGE_HOST /* of how fast it computes: not the fabric's, but in one order with the others */
};

struct change {
  uint32_t kind;
  union {
    weft_link_change link;
    weft_link_impairment impairment;
    weft_storm storm;
    weft_host_change host;
  } of;
};

/* A node. Its ports are adjacency[first_port ...], in the order of link creation. */
struct node {
  uint32_t first_port, port_count;
  uint32_t kind;
  uint32_t group; /* hosts: whose lengths of ways lead here; switches: part of the network */
  uint32_t rank; /* switches: place in the rows of ways */
  uint32_t is_dead_end; /* switches: all links lead to hosts, so no other switch is reached */
};

/* A directed port: one direction of a link. Those of link l are 2 l, from its end a to b, and
 * 2 l + 1. */
struct fabric_port {
  uint32_t from_node, to_node;
  uint16_t cost; /* of ways through it */
  uint8_t link_class; /* enum weft_link_class; not BY_ENDS */
  uint8_t down;
  uint8_t avoided; /* routes keep off it: its failure has been noticed */
  uint64_t rate_bps, built_rate_bps;
  weft_time delay_ps; /* propagation */
  double loss; /* uniform */
  uint32_t impairment; /* in impairments + 1, or 0 */
  weft_time down_at; /* last failure, or -1 */
  weft_time turned_at; /* last failure or repair, or -1 */
};

/* What a direction of a link does to packets beyond its delay as built and uniform loss: a longer
 * delay, and the burst loss of Gilbert (BSTJ 39, 1960) and Elliott (BSTJ 42, 1963). It has two
 * states, good and bad: a packet is lost with the probability of the present state, and then the
 * state changes with probability p = enter (good to bad) or r = leave. In the notation of
 * Hasslinger and Hohlfeld (MMB 2008), loss_good is 1 - k and loss_bad 1 - h. The mean loss is
 * (r loss_good + p loss_bad) / (p + r). */
struct impairment {
  weft_time delay_ps, jitter_ps; /* added to every packet; up to this much more */
  weft_time built_jitter_ps; /* part of jitter_ps that the link always has */
  double enter, leave, loss_good, loss_bad;
};

/* What a model has less of than a fabric may have; by default nothing. */
struct fabric_limits {
  const char *fixed_by; /* links neither fail nor are impaired nor stormed, and are alike in both
                         * directions, says who; or NULL */
  uint32_t counts_links; /* ways compare by their number of links only */
  uint32_t grain_ps; /* of times on the wire, rounded down packet by packet; 0: only at the end */
  uint32_t nvlink_first; /* of ways of equal length those through NVLink switches are taken */
};

#define FABRIC_POOLS(X)                     \
  X(fabric, nodes, struct node)             \
  X(fabric, ports, struct fabric_port)      \
  X(fabric, impairments, struct impairment) \
  X(fabric, adjacency, uint32_t)            \
  X(fabric, changes, struct change)         \
  X(fabric, ways, uint8_t)                  \
  X(fabric, groups, uint32_t)               \
  X(fabric, search, uint32_t)

struct fabric_room {
  FABRIC_POOLS(WEFT_POOL_MEMBER)
  struct fabric_limits limits;
  uint32_t route_epoch; /* counts changes of reachability */
  uint32_t noticed; /* link that brought the last of them */
  uint32_t rate_epoch; /* counts changes of links */
  uint32_t group_count, switch_count;
  uint32_t levels, way_bytes; /* classes of links that ways tell apart; size of a length */
  uint8_t level_class[WEFT_LINK_CLASS_COUNT]; /* worst class of links at each level */
  uint32_t search_first, search_count; /* the queue in search */
  uint32_t as_built; /* ways are looked for as if nothing had failed */
};

#endif
