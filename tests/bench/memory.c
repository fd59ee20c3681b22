/* Memory of flows and ports, as the simulation's own allocator counts it. */
#include "bench.h"
#include "sim_i.h"

static uint64_t memory(weft_sim *sim) {
  weft_stats stats;
  weft_stats_get(sim, &stats);
  return stats.memory_bytes;
}

/* What a flow leaves behind when it is over: 100000 short flows, few at a time. */
static double bytes_per_flow(void) {
  enum { FLOWS = 100000 };
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 8);
  const uint64_t before = memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    const weft_flow_def flow = {.src = i % 128,
                                .dst = (i + 37) % 128,
                                .size_bytes = 1000,
                                .start_ps = (weft_time)i * 10000};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, -1, 0));
  const double bytes = (double)(memory(sim) - before) / FLOWS;
  weft_sim_destroy(sim);
  return bytes;
}

/* What holds packets: rings and the telemetry that they carry. */
static double packet_memory(const weft_sim *sim) {
  return (double)sim->packet.packets.cap * sizeof(struct packet) +
         (double)sim->packet.telemetry.cap * sizeof(struct telemetry) +
         (double)sim->packet.telemetry_free.cap * sizeof(uint32_t);
}

/* What a flow takes while it is active beyond what it leaves behind, without its packets and with
 * them: 12800 flows at once. */
static void active_flows(uint32_t cc, double *without, double *with) {
  enum { FLOWS = 12800 };
  weft_config config = weft_config_default();
  config.cc = cc;
  weft_sim *sim = fat_tree(&config, 8);
  const double before = (double)memory(sim) - packet_memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    const weft_flow_def flow = {.src = i % 128, .dst = (53 * i + 29) % 128, .size_bytes = 1000000};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, 100 * US, 0));
  const double rows = (double)sim->flow.rows.cap * sizeof(struct flow);
  *without = ((double)memory(sim) - packet_memory(sim) - before - rows) / FLOWS;
  *with = *without + packet_memory(sim) / FLOWS;
  weft_sim_destroy(sim);
}

/* A port and its share of nodes, routing and all else of a fabric; and its empty ring. */
static void ports(double *port, double *ring) {
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 16);
  const double count = 2.0 * weft_link_count(sim);
  *ring = packet_memory(sim) / count;
  *port = (double)memory(sim) / count - *ring;
  weft_sim_destroy(sim);
}

static void active_rows(const char *name, const char *with_name, uint32_t cc) {
  double without, with;
  if (!wanted(name) && !wanted(with_name)) return;
  active_flows(cc, &without, &with);
  if (wanted(name)) row(name, without, "B");
  if (wanted(with_name)) row(with_name, with, "B");
}

void bench_memory(void) {
  if (wanted("bytes/flow")) row("bytes/flow", bytes_per_flow(), "B");
  active_rows("bytes/active_flow/dctcp", "bytes/active_flow/dctcp/packets", WEFT_CC_DCTCP);
  active_rows("bytes/active_flow/hpcc", "bytes/active_flow/hpcc/packets", WEFT_CC_HPCC);
  double port, ring;
  if (!wanted("bytes/port") && !wanted("bytes/port_ring")) return;
  ports(&port, &ring);
  if (wanted("bytes/port")) row("bytes/port", port, "B");
  if (wanted("bytes/port_ring")) row("bytes/port_ring", ring, "B");
}
