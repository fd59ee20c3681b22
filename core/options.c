/* The configuration: defaults, and the table by which programs set fields by name. */
#include <stddef.h>

#include "sim_i.h"

#define FIELD(member) (uint32_t)offsetof(weft_config, member), 0

static const weft_option options[] = {
    {"seed", WEFT_OPT_U64, WEFT_UNIT_NONE, FIELD(seed), 0, 9007199254740992.0, NULL,
     "Seed of every random stream."},
    {"cc", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(cc), 0, WEFT_CC_COUNT - 1, "window|dctcp|hpcc",
     "Congestion control of all flows."},
    {"ecmp", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(ecmp), 0, 2, "mix|ns3|first",
     "How one of several shortest next hops is picked."},
    {"completion", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(completion), 0, 1, "receiver|sender",
     "Where a flow counts as complete: last byte received, or last ACK at the sender."},
    {"mtu", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(mtu_bytes), 64, 16384, NULL,
     "Payload of a full packet."},
    {"header", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(header_bytes), 0, 512, NULL,
     "Headers of a data packet on the wire."},
    {"int_header", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(int_bytes), 0, 512, NULL,
     "Telemetry header on data and ACK when the congestion control uses INT."},
    {"ack", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(ack_bytes), 1, 1024, NULL,
     "An ACK on the wire, without INT."},
    {"recovery", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(recovery), 0, 1, "none|go_back_n",
     "What happens after a loss."},
    {"rto", WEFT_OPT_I64, WEFT_UNIT_TIME, FIELD(rto_ps), 0, 1e13, NULL,
     "Retransmission timeout since the last progress, doubled at each repetition; 0: none."},
    {"base_rtt", WEFT_OPT_I64, WEFT_UNIT_TIME, FIELD(base_rtt_ps), 0, 1e13, NULL,
     "Round-trip time for windows and HPCC; 0: each flow's own path, empty."},
    {"window", WEFT_OPT_U64, WEFT_UNIT_BYTES, FIELD(window_bytes), 0, 1e12, NULL,
     "Window at line rate; 0: bandwidth-delay product of the flow."},
    {"min_rate", WEFT_OPT_U64, WEFT_UNIT_RATE, FIELD(min_rate_bps), 1e6, 1e14, NULL,
     "No congestion control goes below this rate."},
    {"buffer", WEFT_OPT_U64, WEFT_UNIT_BYTES, FIELD(buffer_bytes), 1024, 1e12, NULL,
     "Packet buffer of a switch, shared by its ports."},
    {"pfc", WEFT_OPT_U32, WEFT_UNIT_BOOL, FIELD(pfc), 0, 1, NULL,
     "Priority flow control: pause instead of drop."},
    {"pfc_reserve", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(pfc_reserve_bytes), 0, 1e9, NULL,
     "Buffer that each ingress port owns."},
    {"pfc_resume", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(pfc_resume_bytes), 0, 1e9, NULL,
     "A paused port resumes when its ingress is this far below the threshold."},
    {"pfc_headroom", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(pfc_headroom_bytes), 0, 4e9, NULL,
     "Buffer per ingress port for what still arrives after a pause; 0: by rate and delay."},
    {"buffer_alpha", WEFT_OPT_F64, WEFT_UNIT_NONE, FIELD(buffer_alpha), 0.001, 64, NULL,
     "Dynamic threshold = alpha x free shared buffer, for pause (PFC) or drop."},
    {"ecn_kmin", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(ecn_kmin_bytes), 0, 4e9, NULL,
     "Queue above which packets may be marked, at 100 Gbit/s; scaled with the port's rate."},
    {"ecn_kmax", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(ecn_kmax_bytes), 0, 4e9, NULL,
     "Queue above which all packets are marked, at 100 Gbit/s; scaled with the port's rate."},
    {"ecn_pmax", WEFT_OPT_F64, WEFT_UNIT_NONE, FIELD(ecn_pmax), 0, 1, NULL,
     "Marking probability at ecn_kmax."},
    {"dctcp_g", WEFT_OPT_F64, WEFT_UNIT_NONE, FIELD(dctcp_g), 0, 1, NULL,
     "DCTCP: gain of the marking estimate."},
    {"dctcp_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, FIELD(dctcp_ai_bps), 0, 1e14, NULL,
     "DCTCP: additive increase per round trip."},
    {"hpcc_eta", WEFT_OPT_F64, WEFT_UNIT_NONE, FIELD(hpcc_eta), 0.01, 1, NULL,
     "HPCC: target utilisation."},
    {"hpcc_max_stage", WEFT_OPT_U32, WEFT_UNIT_NONE, FIELD(hpcc_max_stage), 0, 100, NULL,
     "HPCC: additive increases before a multiplicative adjustment."},
    {"hpcc_fast_react", WEFT_OPT_U32, WEFT_UNIT_BOOL, FIELD(hpcc_fast_react), 0, 1, NULL,
     "HPCC: react to every ACK, not once per round trip."},
    {"hpcc_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, FIELD(hpcc_ai_bps), 0, 1e14, NULL,
     "HPCC: additive increase per update."},
};

const weft_option *weft_options(uint32_t *count) {
  *count = sizeof options / sizeof options[0];
  return options;
}

/* Values of the HPCC model's experiments at 100 Gbit/s (Li et al., SIGCOMM 2019, section 5.1) where it
 * has them; ECN thresholds as its DCTCP runs. The timeout is ours: that model has none. */
weft_config weft_config_default(void) {
  return (weft_config){
      .seed = 1,
      .cc = WEFT_CC_HPCC,
      .ecmp = WEFT_ECMP_MIX,
      .completion = WEFT_AT_RECEIVER,
      .mtu_bytes = 1000,
      .header_bytes = 48,
      .int_bytes = 42,
      .ack_bytes = 60,
      .recovery = 1,
      .rto_ps = 1000000000,
      .min_rate_bps = 100000000,
      .buffer_bytes = 32 << 20,
      .pfc = 1,
      .pfc_reserve_bytes = 4096,
      .pfc_resume_bytes = 3072,
      .buffer_alpha = 0.125,
      .ecn_kmin_bytes = 100000,
      .ecn_kmax_bytes = 400000,
      .ecn_pmax = 0.2,
      .dctcp_g = 1.0 / 16,
      .dctcp_ai_bps = 615000000,
      .hpcc_eta = 0.95,
      .hpcc_max_stage = 5,
      .hpcc_fast_react = 1,
      .hpcc_ai_bps = 50000000,
  };
}
