/* A flow over one switch, in C. Build against an installed weft:
 *   cc flow.c $(pkg-config --cflags --libs weft) -o flow */
#include <inttypes.h>
#include <stdio.h>
#include <weft.h>

int main(void) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_DCTCP;
  weft_sim *sim;
  if (weft_sim_create(&config, NULL, &sim) < 0) return 1;

  const int a = weft_node_add(sim, WEFT_HOST), b = weft_node_add(sim, WEFT_HOST);
  const int middle = weft_node_add(sim, WEFT_SWITCH);
  weft_link_def link = weft_link_def_default();
  link.rate_bps = 100000000000; /* 100 Gbit/s */
  link.delay_ps = 1000000;      /* 1 us */
  link.b = (uint32_t)middle;
  link.a = (uint32_t)a;
  weft_link_add(sim, &link);
  link.a = (uint32_t)b;
  weft_link_add(sim, &link);

  weft_flow_def flow = weft_flow_def_default();
  flow.src = (uint32_t)a;
  flow.dst = (uint32_t)b;
  flow.size_bytes = 1000000;
  /* A call that fails changes nothing and leaves its message; what follows fails, too. */
  if (weft_fabric_ready(sim) < 0 || weft_flow_add(sim, &flow) < 0 || weft_run(sim, -1, 0) < 0) {
    fprintf(stderr, "%s\n", weft_sim_error(sim));
    weft_sim_destroy(sim);
    return 1;
  }

  weft_stats stats;
  weft_stats_get(sim, &stats);
  printf("weft %s: %" PRIu64 " flow done, %" PRIu64 " bytes\n", weft_version(), stats.flows_done,
         stats.payload_delivered);
  weft_sim_destroy(sim);
  return 0;
}
