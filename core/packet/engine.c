/* The table of the packet model. */
#include "packet/accel/partition.h"
#include "packet/packet.h"
#include "packet/transport/transport.h"

const struct engine_ops weft__packet_engine = {
    .name = "packet",
    .create = weft__packet_create,
    .link_added = weft__packet_link_added,
    .ready = weft__packet_ready,
    .change_begins = weft__partitions_wake_all,
    .port_changed = weft__packet_port_changed,
    .rerouted = weft__reroute_flows,
    .storm = weft__packet_storm,
    .change_ends = weft__packet_change_ends,
    .port_info = weft__packet_port_info,
};
