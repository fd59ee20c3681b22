/* What is made of the fields of the packet model: for a struct x, of which acceleration moves and
 * keeps many, x_move(), x_take() and x_rename(); and tables of all of them. */
#ifndef WEFT_PACKET_FIELDS_H
#define WEFT_PACKET_FIELDS_H

#include "packet/state_i.h"

#define PACKET_STRUCTS(X)        \
  X(port, PORT_FIELDS)           \
  X(port_cold, PORT_COLD_FIELDS) \
  X(packet, PACKET_FIELDS)       \
  X(telemetry, TELEMETRY_FIELDS) \
  X(nic, NIC_FIELDS)             \
  X(tx, TX_FIELDS)               \
  X(tx_warm, TX_WARM_FIELDS)     \
  X(rx, RX_FIELDS)

PACKET_STRUCTS(FIELDS_MOVE)
PACKET_STRUCTS(FIELDS_TAKE)
PACKET_STRUCTS(FIELDS_RENAME)

/** Tables of these and of what else is described, by name; *count of them. */
const struct fields *weft__packet_fields(uint32_t *count);

#endif
