/* Weft's own model of hosts and switches, and which one a configuration asks for. */
#include "packet/model.h"

#include "packet/cc/cc.h"
#include "packet/ns3/ns3.h"
#include "packet/port/port.h"
#include "packet/transport/transport.h"

static int create(weft_sim *sim) {
  if (sim->config.ack_priority == WEFT_ACK_ALL)
    return weft__fail(sim, WEFT_EINVAL,
                      "option ack_priority: all needs compat = ns3; the default model's switches "
                      "keep ACKs among data, expected fifo or hosts");
  return WEFT_OK;
}

static void wake(weft_sim *sim, uint32_t port, uint32_t order) {
  (void)order; /* the time says which event is valid */
  weft__nic_event(sim, port);
}

static uint32_t ack_bytes(const weft_sim *sim) {
  const int has_telemetry = sim->packet.cc->extra == CC_TELEMETRY;
  return sim->config.ack_bytes + (has_telemetry ? sim->config.int_bytes : 0);
}

static uint64_t window(uint64_t line_bps, weft_time rtt) {
  return (uint64_t)((double)line_bps * (double)rtt / 8e12) + 1;
}

static const struct packet_model own = {.tick_ps = 1,
                                        .tick_s = 1e-12,
                                        .create = create,
                                        .ready = weft__buffer_init,
                                        .launch = weft__flow_start,
                                        .wake = wake,
                                        .ack_size = ack_bytes,
                                        .window = window};

int weft__model_choose(weft_sim *sim) {
  static const struct packet_model *const models[] = {
      [WEFT_COMPAT_NONE] = &own,
      [WEFT_COMPAT_NS3] = &weft__ns3_model,
      [WEFT_COMPAT_SIMAI] = &weft__ns3_model,
  };
  if (sim->config.compat >= sizeof models / sizeof models[0])
    return weft__fail(sim, WEFT_EINVAL,
                      "option compat: engine 'packet' has no flowsim; expected engine = 'fluid'");
  sim->packet.model = models[sim->config.compat];
  return sim->packet.model->create(sim);
}
