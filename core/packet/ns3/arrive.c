/* What arrives at the far end of a port of the ns-3 model. */
#include "flow/flow.h"
#include "packet/ns3/ns3.h"
#include "packet/transport/transport.h"

static void receive_pfc(weft_sim *sim, uint32_t device, int pause) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[device];
  struct port_cold *cold = &sim->packet.port_cold.at[device];
  if (!sim->config.pfc) return;
  if (pause && !ns3->paused) cold->paused_since = sim->now;
  if (!pause && ns3->paused) cold->paused_ps += sim->now - cold->paused_since;
  cold->pauses += pause != 0;
  ns3->paused = (uint32_t)pause;
  if (!pause) weft__ns3_transmit(sim, device);
}

static void forward(weft_sim *sim, uint32_t in_port, const struct packet *arrived) {
  struct packet copy = *arrived, *packet = &copy;
  const uint32_t out = slot_path(sim, packet->flow)[packet->hop++];
  const int first = (packet->flags & PACKET_ACK) && sim->config.ack_priority == WEFT_ACK_ALL;
  const uint32_t class = first ? 0 : 1;
  packet->in_port = in_port;
  if (class == 1) {
    const uint32_t node = sim->packet.ports.at[in_port].to_node;
    const enum ns3_verdict verdict = weft__ns3_admit(sim, node, in_port ^ 1, packet->size);
    if (verdict == NS3_DROPS) {
      weft__packet_drop(sim, out, packet);
      return;
    }
    if (verdict == NS3_PAUSES) weft__ns3_send_pfc(sim, in_port ^ 1, 1);
  }
  weft__ns3_enqueue(sim, out, class, packet);
}

void weft__ns3_arrive(weft_sim *sim, uint32_t index, const struct packet *packet) {
  if (packet->flags & PACKET_PFC) {
    count_delivered(sim, packet);
    receive_pfc(sim, index ^ 1, (int)packet->seq);
  } else if (sim->packet.ports.at[index].flags & PORT_TO_HOST) {
    weft__ns3_receive(sim, packet);
  } else {
    forward(sim, index, packet);
  }
}
