/* Ports that stand still: PFC pauses by the far end, and PFC storms.
 *
 * A storm is a far end that goes on sending pause frames whatever its buffer holds: a broken NIC,
 * most often (Guo et al., "RDMA over Commodity Ethernet at Scale", SIGCOMM 2016, section 4.3). What
 * the far switch itself asks for meanwhile is kept, and holds when the storm is over. Pause frames
 * need the way back, so a storm does nothing while either direction of its link is down. */
#include <inttypes.h>

#include "engine.h"
#include "packet/hooks.h"
#include "fabric/fabric.h"
#include "packet/port/port_i.h"

static void hold(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  port_settle(sim, index, port, sim->now);
  port->free_at = weft__port_busy_until(sim, index);
  port->flags |= PORT_PAUSED;
  sim->packet.port_cold.at[index].paused_since = sim->now;
}

static void release(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  port->flags &= (uint16_t)~PORT_PAUSED;
  cold->paused_ps += sim->now - cold->paused_since;
  weft__port_retime(sim, index, port->free_at > sim->now ? port->free_at : sim->now);
  port_settle(sim, index, port, sim->now);
  if (sim->packet.buffers.at[port->from_node].tracked) weft__buffer_arm(sim, index);
}

/* Frames in both directions are needed to pause and to resume, so a direction that fails ends the
 * pauses of both. Who still has to pause says so again at its next packet. */
int weft__pauses_forget(weft_sim *sim, uint32_t index) {
  int released = 0;
  for (uint32_t side = 0; side < 2; ++side) {
    const uint32_t port = index ^ side;
    struct port_cold *cold = &sim->packet.port_cold.at[port];
    cold->pausing = cold->far_pause = 0;
    if (!(sim->packet.ports.at[port].flags & PORT_PAUSED)) continue;
    if (sim->packet.ports.at[port].flags & PORT_DOWN) {
      sim->packet.ports.at[port].flags &= (uint16_t)~PORT_PAUSED;
      cold->paused_ps += sim->now - cold->paused_since;
    } else {
      release(sim, port);
      released = 1;
    }
  }
  return released;
}

/* A pause stops the port behind the packet in transmission; what was queued loses its departure.
 * A resume assigns departures anew. A frame that was on the wire when it failed is lost. */
int weft__port_pause(weft_sim *sim, uint32_t index, int pause) {
  accel_disturbed(sim, index);
  const struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct port_cold *back = &sim->packet.port_cold.at[index ^ 1];
  const weft_time sent = sim->now - sim->packet.ports.at[index ^ 1].delay_ps;
  if (sent < sim->fabric.ports.at[index ^ 1].down_at) return 0;
  if (back->wire != 0 && sim->now <= sim->packet.wires.at[back->wire - 1].frames_lost_ps) return 0;
  if (cold->storms > 0 && !(port->flags & PORT_DOWN)) {
    cold->far_pause = (uint8_t)pause;
    return 0;
  }
  if (port->flags & PORT_DOWN || !(port->flags & PORT_PAUSED) == !pause) return 0;
  if (pause)
    hold(sim, index);
  else
    release(sim, index);
  return !pause;
}

/* ---- storms ---- */

static int link_carries(const weft_sim *sim, uint32_t index) {
  return !((sim->packet.ports.at[index].flags | sim->packet.ports.at[index ^ 1].flags) & PORT_DOWN);
}

void weft__storm_resume(weft_sim *sim, uint32_t index) {
  if (sim->packet.port_cold.at[index].storms == 0 || !link_carries(sim, index)) return;
  if (!(sim->packet.ports.at[index].flags & PORT_PAUSED)) hold(sim, index);
}

static void begin(weft_sim *sim, uint32_t index) {
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const uint32_t paused = sim->packet.ports.at[index].flags & PORT_PAUSED;
  if (cold->storms++ == 0) cold->far_pause = paused != 0;
  if (!link_carries(sim, index)) return;
  ++cold->pauses;
  ++sim->stats.pfc_pauses;
  if (!paused) hold(sim, index);
}

static int end(weft_sim *sim, uint32_t index) {
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (--cold->storms > 0 || cold->far_pause || !(sim->packet.ports.at[index].flags & PORT_PAUSED))
    return 0;
  release(sim, index);
  return 1;
}

/* One event at a time: each begin and each end asks for the next. */
int weft__storm_change(weft_sim *sim, uint32_t change) {
  const weft_storm storm = sim->fabric.changes.at[change].of.storm;
  const weft_time over = storm.at_ps + storm.duration_ps, since = sim->now - storm.at_ps;
  const int again = storm.period_ps > 0 && since % storm.period_ps == 0 && sim->now < over;
  const int raging = since == 0 || again;
  weft_time next = over;
  if (storm.period_ps > 0) {
    const weft_time period = sim->now - since % storm.period_ps;
    next = period + (raging ? storm.pause_ps : storm.period_ps);
  }
  if (next > over) next = over;
  if (storm.duration_ps > 0 && next > sim->now && (raging || next < over))
    event_at(sim, EV_CHANGE, change, next);
  if (!raging) return end(sim, storm.port);
  begin(sim, storm.port);
  return 0;
}

int weft_storm_add(weft_sim *sim, const weft_storm *storm) {
  if (!engine_can(sim, WEFT_CAN_STORM))
    return weft__engine_needs(sim, WEFT_CAN_STORM, "storm", "PFC");
  if (storm->port >= sim->packet.ports.n)
    return weft__fail(sim, WEFT_EINVAL, "storm port: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->packet.ports.n, storm->port);
  if (sim->fabric.limits.fixed_by != NULL)
    return weft__fail(sim, WEFT_EINVAL, "storm: %s has no PFC storms", sim->fabric.limits.fixed_by);
  if (!sim->config.pfc)
    return weft__fail(sim, WEFT_EINVAL,
                      "storm: expected option pfc = true, since without PFC "
                      "nothing heeds pause frames");
  if (storm->duration_ps < 0 || storm->duration_ps > LATEST_PS / 2)
    return weft__fail(sim, WEFT_EINVAL,
                      "storm duration_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS / 2, storm->duration_ps);
  const int periodic = storm->period_ps != 0;
  if (periodic &&
      (storm->duration_ps == 0 || storm->pause_ps < 1 || storm->pause_ps >= storm->period_ps))
    return weft__fail(sim, WEFT_EINVAL,
                      "storm: with a period, expected a duration and 0 < pause_ps < period_ps, got "
                      "%" PRId64 ", %" PRId64 ", %" PRId64,
                      storm->duration_ps, storm->pause_ps, storm->period_ps);
  const struct change change = {.kind = CHANGE_STORM, .of.storm = *storm};
  return weft__change_add(sim, &change, storm->at_ps, 1);
}
