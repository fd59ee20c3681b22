/* In what the ns-3 model differs, as values and operations by which others act. */
#include "fabric/fabric.h"
#include "packet/cc/cc.h"
#include "packet/ns3/ns3.h"
#include "packet/transport/transport.h"

static int create(weft_sim *sim) {
  if (sim->config.recovery == WEFT_RECOVERY_SELECTIVE || sim->config.recovery == WEFT_RECOVERY_SACK)
    return weft__fail(sim, WEFT_EINVAL,
                      "option recovery: compat ns3 has no selective repeat, expected go_back_n");
  for (int i = 0; i < 2; ++i) sim->queues[i].whole_ns = 1;
  /* It has no timeout. What its runs show of this option stays what it was. */
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) sim->config.rto_ps = 1000000000;
  weft__fabric_restrict(sim, (struct fabric_limits){
                                 .fixed_by = "compat ns3",
                                 .counts_links = 1,
                                 .grain_ps = 1000,
                                 .nvlink_first = sim->config.compat == WEFT_COMPAT_SIMAI,
                             });
  return WEFT_OK;
}

/* An application is installed, initialised and started by an event each. */
static void launch(weft_sim *sim, uint32_t row) {
  event_at(sim, EV_NS3_INIT, row, sim->now);
}

static void event(weft_sim *sim, uint32_t kind, uint32_t source) {
  if (kind == EV_NS3_INIT)
    event_at(sim, EV_NS3_START, source, sim->now);
  else if (kind == EV_NS3_START)
    weft__flow_start(sim, source);
  else
    weft__ns3_sent_event(sim, source);
}

/* 46 B of headers and what the algorithm adds, and at least 60 B. */
static uint32_t ack_bytes(const weft_sim *sim) {
  const uint32_t size = sim->packet.cc_header + 46;
  return size > 60 ? size : 60;
}

static uint64_t window(uint64_t line_bps, weft_time rtt) {
  __extension__ typedef unsigned __int128 wide;
  const wide bits = (wide)line_bps * (uint64_t)(rtt / 1000) / 1000000000u;
  return bits < 8 ? 1 : (uint64_t)(bits / 8);
}

/* 24 bits of ns, 20 bits of 128 B, 17 bits of 80 B. */
static const struct int_format header = {.byte_unit = 128,
                                         .queue_unit = 80,
                                         .tick_mask = 0xffffff,
                                         .byte_mask = 0xfffff,
                                         .queue_mask = 0x1ffff};

const struct packet_model weft__ns3_model = {.tick_ps = 1000,
                                             .tick_s = 1e-9,
                                             .int_format = &header,
                                             .fused = 1,
                                             .fixed_times = 1,
                                             .forgets_max_rate = 1,
                                             .one_rtt = 1,
                                             .no_timeouts = 1,
                                             .keeps_finished = 1,
                                             .asked_order = 1,
                                             .create = create,
                                             .ready = weft__ns3_init,
                                             .launch = launch,
                                             .wake = weft__ns3_wake_event,
                                             .ack_size = ack_bytes,
                                             .window = window,
                                             .event = event,
                                             .arrive = weft__ns3_arrive,
                                             .kick = weft__ns3_transmit,
                                             .listed = weft__ns3_listed,
                                             .rescale = weft__ns3_rescale,
                                             .waiting = weft__ns3_waiting};
