/* The configuration: defaults, and the table by which programs set fields by name. */
#include "base/options.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/names_i.h"

/* Where a field is, what an engine must have for it to have an effect, and else; whose it is. */
#define ALL_OF(member, what, flags, cc) \
  (uint32_t) offsetof(weft_config, member), WEFT_CAN_##what, flags, WEFT_CC_##cc
#define NEEDS(member, what) ALL_OF(member, what, 0, COUNT)
#define REFUSED(member, what) ALL_OF(member, what, WEFT_OPTION_REFUSED, COUNT)
#define OWN(member, cc) ALL_OF(member, CC, 0, cc)
#define FIELD(member) NEEDS(member, MOVE)

static const weft_option options[] = {
    {"seed", WEFT_OPT_U64, WEFT_UNIT_NONE, FIELD(seed), 0, 9007199254740992.0, NULL,
     "Seed of every random stream."},
    {"engine", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(engine), 0, NAMES_COUNT(ENGINE_NAMES) - 1,
     NAMES_TEXT(ENGINE_NAMES),
     "What moves the flows: packets in queues, the ideal time of each alone, or rates that links "
     "share."},
    {"threads", WEFT_OPT_U32, WEFT_UNIT_NONE, ALL_OF(threads, THREADS, WEFT_OPTION_REPORTED, COUNT),
     1, 64, NULL,
     "Threads that may work on the run; results do not depend on it. Flows of tasks are simulated "
     "on several only with memoize or fast_forward."},
    {"cc", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(cc, CC), 0, WEFT_CC_COUNT - 1, NAMES_TEXT(CC_NAMES),
     "Congestion control of all flows."},
    {"ecmp", WEFT_OPT_U32, WEFT_UNIT_ENUM, FIELD(ecmp), 0, 3, NAMES_TEXT(ECMP_NAMES),
     "How one of several shortest next hops is picked."},
    {"completion", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(completion, QUEUES), 0, 1,
     NAMES_TEXT(COMPLETION_NAMES),
     "Where a flow counts as complete: last byte received, or last ACK at the sender."},
    {"compat", WEFT_OPT_U32, WEFT_UNIT_ENUM, REFUSED(compat, COMPAT), 0, 3,
     NAMES_TEXT(COMPAT_NAMES), "Whose quirks to reproduce, for comparison flow by flow."},
    {"mtu", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(mtu_bytes), 64, 16384, NULL,
     "Payload of a full packet."},
    {"header", WEFT_OPT_U32, WEFT_UNIT_BYTES, FIELD(header_bytes), 0, 512, NULL,
     "Headers of a data packet on the wire."},
    {"int_header", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(int_bytes, CC), 0, 512, NULL,
     "Telemetry header on data and ACK when the congestion control uses INT."},
    {"ack", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(ack_bytes, CAPS), 1, 1024, NULL,
     "An ACK on the wire, without INT."},
    {"recovery", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(recovery, LOSE), 0, WEFT_RECOVERY_COUNT - 1,
     NAMES_TEXT(RECOVERY_NAMES),
     "What happens after a loss: nothing, go-back-N, selective repeat as in IRN, or selective "
     "acknowledgement as in TCP; auto: sack for reno, cubic and bbr, else go_back_n."},
    {"rto", WEFT_OPT_I64, WEFT_UNIT_TIME, NEEDS(rto_ps, QUEUES), WEFT_RTO_RFC6298, 1e13,
     NAMES_TEXT(RTO_NAMES),
     "Retransmission timeout: by the round trips measured and never while nothing is lost "
     "(adaptive), by those alone (rfc6298), at least a time, or 0: none."},
    {"give_up_after", WEFT_OPT_I64, WEFT_UNIT_TIME, FIELD(give_up_ps), 0, 9007199254740992.0, NULL,
     "A flow that makes no progress for so long fails; 0: never."},
    {"base_rtt", WEFT_OPT_I64, WEFT_UNIT_TIME, NEEDS(base_rtt_ps, CAPS), 0, 1e13, NULL,
     "Round-trip time for windows and HPCC; 0: the longest of the fabric, empty, and of pairs over "
     "100 us apart their own."},
    {"window", WEFT_OPT_U64, WEFT_UNIT_BYTES, NEEDS(window_bytes, CAPS), 0, 1e12, NULL,
     "Window at line rate; 0: the rate of the NIC x base_rtt."},
    {"min_rate", WEFT_OPT_U64, WEFT_UNIT_RATE, NEEDS(min_rate_bps, CC), 1e6, 1e14, NULL,
     "No congestion control goes below this rate."},
    {"max_rate", WEFT_OPT_U64, WEFT_UNIT_RATE, NEEDS(max_rate_bps, CAPS), 0, 1e14, NULL,
     "No flow goes above this rate; 0: the rate of its NIC."},
    {"window_mode", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(window_mode, CC), 0, 2,
     NAMES_TEXT(WINDOW_MODE_NAMES),
     "Bytes in flight: window in proportion to the rate, fixed window, or bounded by the rate "
     "only."},
    {"ack_priority", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(ack_priority, QUEUES), 0, 2,
     NAMES_TEXT(ACK_PRIORITY_NAMES),
     "With compat ns3: where ACKs have a queue of their own that is never paused."},
    {"fluid_cap", WEFT_OPT_U32, WEFT_UNIT_ENUM, NEEDS(fluid_cap, SHARES), 0, 1,
     NAMES_TEXT(FLUID_CAP_NAMES),
     "With engine fluid, what bounds a flow besides links: max_rate alone, or also a window per "
     "empty round trip of its way."},
    {"fluid_acks", WEFT_OPT_U32, WEFT_UNIT_BOOL, NEEDS(fluid_acks, SHARES), 0, 1, NULL,
     "With engine fluid: ACKs load the links of the way back."},
    {"merge_steps", WEFT_OPT_U32, WEFT_UNIT_NONE, NEEDS(merge_steps, SHARES), 1, 4294967295.0, NULL,
     "With engine fluid: rings send the blocks of so many steps as one flow, which takes as long "
     "as "
     "these one after another."},
    {"buffer", WEFT_OPT_U64, WEFT_UNIT_BYTES, NEEDS(buffer_bytes, QUEUES), 1024, 1e12, NULL,
     "Packet buffer of a switch, shared by its ports."},
    {"pfc", WEFT_OPT_U32, WEFT_UNIT_BOOL, NEEDS(pfc, QUEUES), 0, 1, NULL,
     "Priority flow control: pause instead of drop."},
    {"pfc_reserve", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(pfc_reserve_bytes, QUEUES), 0, 1e9, NULL,
     "Buffer that each ingress port owns."},
    {"pfc_resume", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(pfc_resume_bytes, QUEUES), 0, 1e9, NULL,
     "A paused port resumes when its ingress is this far below the threshold."},
    {"pfc_headroom", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(pfc_headroom_bytes, QUEUES), 0, 4e9, NULL,
     "Buffer per ingress port for what still arrives after a pause; 0: by rate and delay."},
    {"buffer_alpha", WEFT_OPT_F64, WEFT_UNIT_NONE, NEEDS(buffer_alpha, QUEUES), 0.001, 64, NULL,
     "Dynamic threshold = alpha x free shared buffer, for pause (PFC) or drop."},
    {"ecn_kmin", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(ecn_kmin_bytes, QUEUES), 0, 4e9, NULL,
     "Queue above which packets may be marked, at 100 Gbit/s; scaled with the port's rate."},
    {"ecn_kmax", WEFT_OPT_U32, WEFT_UNIT_BYTES, NEEDS(ecn_kmax_bytes, QUEUES), 0, 4e9, NULL,
     "Queue above which all packets are marked, at 100 Gbit/s; scaled with the port's rate."},
    {"ecn_pmax", WEFT_OPT_F64, WEFT_UNIT_NONE, NEEDS(ecn_pmax, QUEUES), 0, 1, NULL,
     "Marking probability at ecn_kmax."},
    {"dctcp_g", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(dctcp_g, DCTCP), 0, 1, NULL,
     "DCTCP: gain of the marking estimate."},
    {"dctcp_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(dctcp_ai_bps, DCTCP), 0, 1e14, NULL,
     "DCTCP: additive increase per round trip."},
    {"hpcc_eta", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(hpcc_eta, HPCC), 0.01, 1, NULL,
     "HPCC: target utilisation."},
    {"hpcc_max_stage", WEFT_OPT_U32, WEFT_UNIT_NONE, OWN(hpcc_max_stage, HPCC), 0, 100, NULL,
     "HPCC: additive increases before a multiplicative adjustment."},
    {"hpcc_fast_react", WEFT_OPT_U32, WEFT_UNIT_BOOL, OWN(hpcc_fast_react, HPCC), 0, 1, NULL,
     "HPCC: react to every ACK, not once per round trip."},
    {"hpcc_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(hpcc_ai_bps, HPCC), 0, 1e14, NULL,
     "HPCC: additive increase per update."},
    {"hpcc_multi_rate", WEFT_OPT_U32, WEFT_UNIT_BOOL, OWN(hpcc_multi_rate, HPCC), 0, 1, NULL,
     "HPCC: keep a reference rate for every hop."},
    {"hpcc_int_multi", WEFT_OPT_U32, WEFT_UNIT_NONE, OWN(hpcc_int_multi, HPCC), 1, 64, NULL,
     "HPCC with compat ns3: multiple of 128 B and 80 B in which telemetry is counted."},
    {"dcqcn_g", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(dcqcn_g, DCQCN), 0, 1, NULL,
     "DCQCN: gain of alpha."},
    {"dcqcn_alpha", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(dcqcn_alpha_ps, DCQCN), 1000, 1e13, NULL,
     "DCQCN: interval of alpha updates."},
    {"dcqcn_decrease", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(dcqcn_decrease_ps, DCQCN), 1000, 1e13,
     NULL, "DCQCN: at most one rate cut in this time."},
    {"dcqcn_increase", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(dcqcn_increase_ps, DCQCN), 1000, 1e13,
     NULL, "DCQCN: interval of recovery and increase steps."},
    {"dcqcn_recovery_steps", WEFT_OPT_U32, WEFT_UNIT_NONE, OWN(dcqcn_recovery_steps, DCQCN), 0,
     1000, NULL, "DCQCN: fast recovery steps before additive increase."},
    {"dcqcn_clamp", WEFT_OPT_U32, WEFT_UNIT_BOOL, OWN(dcqcn_clamp, DCQCN), 0, 1, NULL,
     "DCQCN: the target rate follows the rate at every cut, not only after an increase."},
    {"dcqcn_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(dcqcn_ai_bps, DCQCN), 0, 1e14, NULL,
     "DCQCN: additive increase per step."},
    {"dcqcn_hai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(dcqcn_hai_bps, DCQCN), 0, 1e14, NULL,
     "DCQCN: hyper increase per step."},
    {"timely_alpha", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(timely_alpha, TIMELY), 0, 1, NULL,
     "TIMELY: weight of a new RTT difference."},
    {"timely_beta", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(timely_beta, TIMELY), 0, 1, NULL,
     "TIMELY: multiplicative decrease factor."},
    {"timely_low", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(timely_low_ps, TIMELY), 0, 1e13, NULL,
     "TIMELY: below this RTT the rate always increases."},
    {"timely_high", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(timely_high_ps, TIMELY), 1, 1e13, NULL,
     "TIMELY: above this RTT the rate always decreases."},
    {"timely_min_rtt", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(timely_min_rtt_ps, TIMELY), 1, 1e13, NULL,
     "TIMELY: RTT by which differences are normalised."},
    {"timely_ai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(timely_ai_bps, TIMELY), 0, 1e14, NULL,
     "TIMELY: additive increase per update; the default grows with a NIC above 100 Gbit/s."},
    {"timely_hai", WEFT_OPT_U64, WEFT_UNIT_RATE, OWN(timely_hai_bps, TIMELY), 0, 1e14, NULL,
     "TIMELY: increase per update after five in a row; the default grows likewise."},
    {"swift_ai", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_ai, SWIFT), 0, 1000, NULL,
     "Swift: additive increase per round trip, packets."},
    {"swift_beta", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_beta, SWIFT), 0, 1, NULL,
     "Swift: multiplicative decrease by this part of the excess delay."},
    {"swift_max_mdf", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_max_mdf, SWIFT), 0, 1, NULL,
     "Swift: largest multiplicative decrease per round trip."},
    {"swift_min_cwnd", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_min_cwnd, SWIFT), 0.0001, 1e6, NULL,
     "Swift: smallest window, packets; min_rate holds as well."},
    {"swift_fs_min_cwnd", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_fs_min_cwnd, SWIFT), 0.0001, 1e6,
     NULL, "Swift: window, packets, up to which flow scaling adds all of swift_fs_range."},
    {"swift_fs_max_cwnd", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(swift_fs_max_cwnd, SWIFT), 0.0001, 1e6,
     NULL, "Swift: window, packets, from which on flow scaling adds nothing."},
    {"swift_fs_range", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(swift_fs_range_ps, SWIFT), 0, 1e13, NULL,
     "Swift: what flow scaling adds to the target delay at most."},
    {"swift_base_target", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(swift_base_target_ps, SWIFT), 0, 1e13,
     NULL, "Swift: base target delay; 0: the empty round trip of the flow's path."},
    {"swift_hop", WEFT_OPT_I64, WEFT_UNIT_TIME, OWN(swift_hop_ps, SWIFT), 0, 1e13, NULL,
     "Swift: added to the target delay for every switch on the path."},
    {"initial_window", WEFT_OPT_F64, WEFT_UNIT_NONE, NEEDS(initial_window, CC), 1, 1e7, NULL,
     "Reno, CUBIC, BBR: window at the start, packets."},
    {"hystart", WEFT_OPT_U32, WEFT_UNIT_BOOL, NEEDS(hystart, CC), 0, 1, NULL,
     "Reno, CUBIC: slow start also ends when round trips grow (HyStart++), not only at a loss."},
    {"tcp_ecn", WEFT_OPT_U32, WEFT_UNIT_BOOL, NEEDS(tcp_ecn, CC), 0, 1, NULL,
     "Reno, CUBIC: a mark counts as a loss; else marks are not looked at."},
    {"cubic_c", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(cubic_c, CUBIC), 0.001, 1000, NULL,
     "CUBIC: growth, packets per cubic second."},
    {"cubic_beta", WEFT_OPT_F64, WEFT_UNIT_NONE, OWN(cubic_beta, CUBIC), 0.1, 0.99, NULL,
     "CUBIC: the window after a loss, as a part of that before."},
    {"cubic_fast_convergence", WEFT_OPT_U32, WEFT_UNIT_BOOL, OWN(cubic_fast_convergence, CUBIC), 0,
     1, NULL, "CUBIC: a flow whose window has shrunk makes room for others."},
    {"cubic_friendly", WEFT_OPT_U32, WEFT_UNIT_BOOL, OWN(cubic_friendly, CUBIC), 0, 1, NULL,
     "CUBIC: never slower than Reno would be."},
    {"memoize", WEFT_OPT_U32, WEFT_UNIT_BOOL, REFUSED(memoize, ACCELERATE), 0, 1, NULL,
     "Take transients that have been simulated before from memory."},
    {"fast_forward", WEFT_OPT_U32, WEFT_UNIT_BOOL, REFUSED(fast_forward, ACCELERATE), 0, 1, NULL,
     "Skip steady states, in which all flows that contend have constant rates."},
    {"theta", WEFT_OPT_F64, WEFT_UNIT_NONE, REFUSED(theta, ACCELERATE), -1, 1, NULL,
     "Rates that vary by less than this, relative, are steady; 0: none are; -1: as suits the "
     "congestion control."},
    {"steady_samples", WEFT_OPT_U32, WEFT_UNIT_NONE, REFUSED(steady_samples, ACCELERATE), 0, 64,
     NULL, "Samples over which rates are compared, 4 or more; 0: as suits the congestion control."},
    {"steady_period", WEFT_OPT_I64, WEFT_UNIT_TIME, REFUSED(steady_period_ps, ACCELERATE), 0, 1e13,
     NULL, "Least time between two of them; 0: as suits the congestion control."},
    {"audit", WEFT_OPT_F64, WEFT_UNIT_NONE, REFUSED(audit, ACCELERATE), 0, 1, NULL,
     "Part of the skipped spans that is simulated all the same, on a copy, to measure the error."},
};

const weft_option *weft_options(uint32_t *count) {
  *count = sizeof options / sizeof options[0];
  return options;
}

/* Values of the HPCC model's experiments at 100 Gbit/s (Li et al., SIGCOMM 2019, section 5.1)
 * where it has them; ECN thresholds as its DCTCP runs.
 * Swift's paper leaves its constants to the operator; these suit round trips of 5 to 100 us. */
weft_config weft_config_default(void) {
  return (weft_config){
      .seed = 1,
      .threads = 1,
      .cc = WEFT_CC_HPCC,
      .ecmp = WEFT_ECMP_MIX,
      .completion = WEFT_AT_RECEIVER,
      .mtu_bytes = 1000,
      .merge_steps = 1,
      .header_bytes = 48,
      .int_bytes = 42,
      .ack_bytes = 60,
      .recovery = WEFT_RECOVERY_AUTO,
      .rto_ps = WEFT_RTO_ADAPTIVE,
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
      .hpcc_int_multi = 1,
      .hpcc_ai_bps = 50000000,
      .dcqcn_g = 1.0 / 256,
      .dcqcn_alpha_ps = 55000000,
      .dcqcn_decrease_ps = 50000000,
      .dcqcn_increase_ps = 55000000,
      .dcqcn_recovery_steps = 5,
      .dcqcn_ai_bps = 20000000,
      .dcqcn_hai_bps = 200000000,
      .timely_alpha = 0.875,
      .timely_beta = 0.8,
      .timely_low_ps = 50000000,
      .timely_high_ps = 500000000,
      .timely_min_rtt_ps = 20000000,
      .timely_ai_bps = 100000000,
      .timely_hai_bps = 500000000,
      .swift_ai = 1,
      .swift_beta = 0.8,
      .swift_max_mdf = 0.5,
      .swift_min_cwnd = 0.01,
      .swift_fs_min_cwnd = 0.1,
      .swift_fs_max_cwnd = 100,
      .swift_fs_range_ps = 20000000,
      .swift_hop_ps = 1000000,
      .initial_window = 10,
      .hystart = 1,
      .cubic_c = 0.4,
      .cubic_beta = 0.7,
      .cubic_fast_convergence = 1,
      .cubic_friendly = 1,
      .theta = -1,
  };
}

double weft__option_value(const weft_option *option, const weft_config *config) {
  const char *field = (const char *)config + option->offset;
  switch (option->type) {
    case WEFT_OPT_U32: {
      uint32_t v;
      memcpy(&v, field, sizeof v);
      return v;
    }
    case WEFT_OPT_U64: {
      uint64_t v;
      memcpy(&v, field, sizeof v);
      return (double)v;
    }
    case WEFT_OPT_I64: {
      int64_t v;
      memcpy(&v, field, sizeof v);
      return (double)v;
    }
    default: {
      double v;
      memcpy(&v, field, sizeof v);
      return v;
    }
  }
}

int weft__options_are_default(const weft_config *config, uint32_t cc, uint32_t unit) {
  const weft_config defaults = weft_config_default();
  uint32_t count;
  const weft_option *option = weft_options(&count);
  for (uint32_t i = 0; i < count; ++i)
    if (option[i].cc == cc && option[i].unit == unit &&
        weft__option_value(&option[i], config) != weft__option_value(&option[i], &defaults))
      return 0;
  return 1;
}

int weft__options_check(weft_sim *sim) {
  const weft_config *config = &sim->config;
  uint32_t count;
  const weft_option *option = weft_options(&count);
  for (uint32_t i = 0; i < count; ++i) {
    const double value = weft__option_value(&option[i], config);
    if (!(value >= option[i].min && value <= option[i].max))
      return weft__fail(sim, WEFT_EINVAL, "option %s: expected %.15g to %.15g, got %.15g",
                        option[i].name, option[i].min, option[i].max, value);
  }
  if (config->ecn_kmax_bytes < config->ecn_kmin_bytes)
    return weft__fail(sim, WEFT_EINVAL,
                      "option ecn_kmax: expected at least ecn_kmin = %" PRIu32 ", got %" PRIu32,
                      config->ecn_kmin_bytes, config->ecn_kmax_bytes);
  if (config->swift_fs_max_cwnd <= config->swift_fs_min_cwnd)
    return weft__fail(sim, WEFT_EINVAL,
                      "option swift_fs_max_cwnd: expected more than swift_fs_min_cwnd = %g, got %g",
                      config->swift_fs_min_cwnd, config->swift_fs_max_cwnd);
  return WEFT_OK;
}
