/* The fluid engine, with times worked out by hand. */
#include "fixture.h"

/* A full packet of 1000 + 48 bytes takes 83,840 ps at 100 Gbit/s. */
enum { MSEC = 1000 * US, FRAME_PS = 83840 };

static weft_config fluid_config(void) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_FLUID;
  return config;
}

static int64_t fct(weft_sim *sim, uint32_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
}

TEST(a_lone_fluid_flow_takes_its_ideal_time) {
  const weft_config config = fluid_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 1, 0, 100000, 0);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, 0), 101 * FRAME_PS + 2 * US);
  weft_sim_destroy(sim);
}

TEST(fluid_flows_share_a_link) {
  const weft_config config = fluid_config();
  weft_sim *sim = star(&config, 9, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 9; i++) add_flow(sim, i, 0, 100000, 0);
  run_to_end(sim);
  /* 800 packets leave the switch one after the other, behind one on the first link. */
  for (uint32_t i = 0; i < 8; i++) ENSURE_EQ(fct(sim, i), 801 * FRAME_PS + 2 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1), 8 * 104800);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 2), 104800);
  ENSURE_EQ(stats_of(sim).payload_delivered, 800000);
  weft_sim_destroy(sim);
}
