/* How long a byte takes on a port, and what is left of a ps. */
#include "fabric/fabric.h"
#include "packet/port/port.h"

void weft__port_take_rate(weft_sim *sim, uint32_t index) {
  const uint64_t rate_bps = sim->fabric.ports.at[index].rate_bps;
  struct port *port = &sim->packet.ports.at[index];
  sim->packet.port_cold.at[index].carry = 0;
  port->byte_ps = (uint32_t)(PS_PER_BYTE_BPS / rate_bps);
  const int inexact = PS_PER_BYTE_BPS % rate_bps != 0;
  port->flags = (uint16_t)(inexact ? port->flags | PORT_INEXACT : port->flags & ~PORT_INEXACT);
}

/* bytes x 8e12 / rate = bytes x byte_ps + bytes x residue / rate. The fraction is carried through a
 * busy period, so n packets take exactly the time of their sum, rounded down. */
uint32_t weft__port_residue(weft_sim *sim, uint32_t index, uint32_t size, int idle) {
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const uint64_t rate_bps = sim->fabric.ports.at[index].rate_bps;
  const uint64_t residue = PS_PER_BYTE_BPS - sim->packet.ports.at[index].byte_ps * rate_bps;
  const uint64_t sum = (idle ? 0 : cold->carry) + size * residue;
  cold->carry = sum % rate_bps;
  return (uint32_t)(sum / rate_bps);
}
