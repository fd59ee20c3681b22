// Two simulations from one state, in C++: what if the link were slower from here on?
//   c++ flow.cpp $(pkg-config --cflags --libs weft) -o flow
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <weft.h>

struct destroy {
  void operator()(weft_sim *sim) const { weft_sim_destroy(sim); }
};
using simulation = std::unique_ptr<weft_sim, destroy>;

static int check(const simulation &sim, int status) {
  if (status < 0) throw std::runtime_error(weft_sim_error(sim.get()));
  return status;
}

// Completion time of the first flow: columns are read in place, by stride.
static int64_t fct_ps(const simulation &sim) {
  weft_column column;
  for (uint32_t i = 0; weft_column_get(sim.get(), WEFT_TABLE_FLOWS, i, &column) >= 0; i++)
    if (std::strcmp(column.name, "fct_ps") == 0) return *static_cast<const int64_t *>(column.data);
  throw std::runtime_error(weft_sim_error(sim.get()));
}

int main() try {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_DCTCP;
  weft_sim *created = nullptr;
  if (weft_sim_create(&config, nullptr, &created) < 0) throw std::runtime_error("no simulation");
  const simulation sim(created);

  weft_link_def link = weft_link_def_default();
  link.a = static_cast<uint32_t>(check(sim, weft_node_add(sim.get(), WEFT_HOST)));
  link.b = static_cast<uint32_t>(check(sim, weft_node_add(sim.get(), WEFT_HOST)));
  link.rate_bps = 100000000000;
  link.delay_ps = 1000000;
  check(sim, weft_link_add(sim.get(), &link));
  check(sim, weft_fabric_ready(sim.get()));
  weft_flow_def flow = weft_flow_def_default();
  flow.src = link.a;
  flow.dst = link.b;
  flow.size_bytes = 1000000;
  check(sim, weft_flow_add(sim.get(), &flow));
  check(sim, weft_run(sim.get(), 20000000, 0)); // the first 20 us

  weft_sim *copied = nullptr;
  check(sim, weft_sim_fork(sim.get(), &copied));
  const simulation slow(copied);
  weft_link_change change = weft_link_change_default();
  change.at_ps = 20000000;
  change.factor = 0.5;
  check(slow, weft_link_schedule(slow.get(), &change));

  for (const simulation *one : {&sim, &slow}) {
    check(*one, weft_run(one->get(), -1, 0));
    std::printf("done at %lld us\n", static_cast<long long>(fct_ps(*one) / 1000000));
  }
} catch (const std::exception &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
