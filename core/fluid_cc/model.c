/* In what the model of compat differs that the fluid has a part in: sizes of ACKs, round trips, and
 * thresholds of PFC. Sources: packet/model.c and packet/ns3, which say why. */
#include "fabric/farthest.h"
#include "base/frame_i.h"
#include "fluid_cc/fluid_cc.h"

enum { PFC_FRAME_BYTES = 64, DATACENTER_PS = 100000000 /* packet/rtt.c */ };

static int is_ns3(const weft_config *config) {
  return config->compat == WEFT_COMPAT_NS3 || config->compat == WEFT_COMPAT_SIMAI;
}

uint32_t weft__fcc_extra(const weft_sim *sim) {
  const enum fcc_header header = sim->fluid_cc.law->header;
  if (header == FCC_TELEMETRY) return sim->config.int_bytes;
  return header == FCC_TIMESTAMP ? TIMESTAMP_BYTES : 0;
}

int weft__fcc_choose_model(weft_sim *sim) {
  if (sim->config.compat != WEFT_COMPAT_NONE && !is_ns3(&sim->config))
    return weft__fail(sim, WEFT_EINVAL,
                      "option compat: dynamics = 'cc' has that of ns3 and simai, expected one of "
                      "them or none");
  if (is_ns3(&sim->config)) {
    weft__fabric_restrict(
        sim, (struct fabric_limits){.counts_links = 1,
                                    .grain_ps = 1000,
                                    .nvlink_first = sim->config.compat == WEFT_COMPAT_SIMAI});
    return WEFT_OK;
  }
  if (sim->config.ack_priority == WEFT_ACK_ALL)
    return weft__fail(sim, WEFT_EINVAL,
                      "option ack_priority: all needs compat = ns3; the default model's switches "
                      "keep ACKs among data, expected fifo or hosts");
  return WEFT_OK;
}

int weft__fcc_fixed_times(const weft_config *config) {
  return is_ns3(config);
}

uint32_t weft__fcc_ack_bytes(const weft_sim *sim) {
  const weft_config *config = &sim->config;
  const uint32_t extra = weft__fcc_extra(sim);
  if (is_ns3(config)) return extra + 46 > 60 ? extra + 46 : 60;
  return config->ack_bytes + (fcc_reads_telemetry(sim) ? config->int_bytes : 0);
}

int weft__fcc_find_rtt(weft_sim *sim) {
  const weft_config *config = &sim->config;
  struct fluid_cc_room *room = &sim->fluid_cc;
  if (room->fabric_rtt != 0) return WEFT_OK;
  if (is_ns3(config))
    return weft__farthest(sim, config->mtu_bytes, 0, INT64_MAX, &room->fabric_rtt,
                          &room->longest_rtt);
  return weft__farthest(sim, frame_full(config, weft__fcc_extra(sim)), weft__fcc_ack_bytes(sim),
                        DATACENTER_PS, &room->fabric_rtt, &room->longest_rtt);
}

void weft__fcc_take_rtt(const weft_sim *sim, struct fcc_flow *flow, weft_time as_built) {
  const weft_time all = sim->fluid_cc.fabric_rtt, given = sim->config.base_rtt_ps;
  flow->own_rtt = flow->base_rtt = given;
  if (given != 0) return;
  flow->own_rtt = is_ns3(&sim->config) ? all : as_built;
  flow->base_rtt = is_ns3(&sim->config) || as_built < all ? all : as_built;
}

/* What can still arrive once a pause is decided: packet/port/buffer.c; with compat 3 x rate x
 * delay. */
double weft__fcc_headroom(const weft_sim *sim, uint32_t in) {
  const struct fabric_port *port = &sim->fabric.ports.at[in];
  const double rate = (double)port->built_rate_bps / 8;
  if (is_ns3(&sim->config)) return 3e-12 * rate * (double)port->delay_ps;
  if (sim->config.pfc_headroom_bytes != 0) return sim->config.pfc_headroom_bytes;
  const double frame = frame_largest(&sim->config);
  const double back = (double)sim->fabric.ports.at[in ^ 1].built_rate_bps / 8;
  const weft_time delays = port->delay_ps + sim->fabric.ports.at[in ^ 1].delay_ps;
  return rate * ((frame + PFC_FRAME_BYTES) / back + 1e-12 * (double)delays) + 2 * frame;
}

static uint64_t nic_rate(const weft_sim *sim) {
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    const struct node *node = &sim->fabric.nodes.at[n];
    if (node->kind == WEFT_HOST && node->port_count > 0)
      return sim->fabric.ports.at[sim->fabric.adjacency.at[node->first_port]].built_rate_bps;
  }
  return 0;
}

/* With compat a power of 1/2 for ports of the NICs' rate, doubled up to 1 for each doubling. */
double weft__fcc_alpha(const weft_sim *sim, uint32_t port) {
  if (!is_ns3(&sim->config)) return sim->config.buffer_alpha;
  double alpha = 1;
  for (double given = sim->config.buffer_alpha; given < 1; given *= 2) alpha /= 2;
  const uint64_t nic = nic_rate(sim);
  for (uint64_t rate = sim->fabric.ports.at[port].built_rate_bps; rate > nic && alpha < 1;
       rate /= 2)
    alpha *= 2;
  return alpha;
}

/* What a switch shares beyond headroom and reserves, of which there is none: with compat the
 * difference wraps round, and nothing is ever paused. */
double weft__fcc_shared(const weft_sim *sim, double kept) {
  const double shared = (double)sim->config.buffer_bytes - kept;
  return shared >= 0 || !is_ns3(&sim->config) ? shared : 0x1p32;
}
