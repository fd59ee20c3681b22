/* Which way packets go, and how far hosts are apart, against all simple paths of random fabrics. */
#include "fabric/farthest.h"
#include "fabric/ways.h"
#include "fixture.h"
#include "sim_i.h"
#include "packet/transport/transport.h"

enum { LINKS = 96, WAYS = 512, DATA_BYTES = 1048, ACK_BYTES = 60 };

typedef struct wire_def {
  weft_link_def def;
  uint32_t class;
} wire_def;

typedef struct world {
  weft_sim *sim;
  wire_def link[LINKS];
  uint32_t links, nodes, hosts;
  uint32_t kind[64];
  uint64_t key, n; /* of its dice */
  int apart; /* links differ by direction */
} world;

static uint32_t roll(world *w, uint32_t sides) {
  const uint32_t side = (uint32_t)(uniform(w->key, w->n++) * sides);
  return side < sides ? side : sides - 1;
}

static uint32_t put_node(world *w, int kind) {
  w->kind[w->nodes++] = (uint32_t)kind;
  return add_node(w->sim, kind);
}

static void put_link(world *w, uint32_t a, uint32_t b, uint32_t class, uint32_t cost) {
  const uint64_t rates[] = {100, 400, 25, 2400};
  const weft_time delays[] = {US, US / 2, 25000, 3 * US, 0};
  if (w->links == LINKS) return;
  weft_link_def def = {.a = a,
                       .b = b,
                       .rate_bps = rates[roll(w, 4)] * (uint64_t)GBPS,
                       .delay_ps = delays[roll(w, 5)],
                       .link_class = class,
                       .cost = cost};
  if (w->apart) {
    def.apart = 1;
    def.rate_back_bps = rates[roll(w, 4)] * (uint64_t)GBPS;
    def.delay_back_ps = delays[roll(w, 5)];
  }
  MUST(w->sim, weft_link_add(w->sim, &def));
  wire_def *wire = &w->link[w->links++];
  *wire = (wire_def){def, class};
  if (cost == 0) wire->def.cost = 1;
  if (class == WEFT_LINK_BY_ENDS)
    wire->class = w->kind[a] == WEFT_NVSWITCH || w->kind[b] == WEFT_NVSWITCH ? WEFT_LINK_NVLINK
                                                                             : WEFT_LINK_NET;
}

/* Servers of GPUs with an NVLink switch or without, one or two NICs each on a few switches that are
 * joined at random; parallel links, direct links, PCIe switches and costs now and then. */
static void build_apart(world *w, uint64_t key, uint32_t engine, int apart) {
  weft_config config = quiet_config();
  memset(w, 0, sizeof *w);
  w->apart = apart;
  w->key = key;
  config.seed = key;
  config.engine = engine;
  if (engine == WEFT_ENGINE_IDEAL) config.mtu_bytes = 16000;
  config.buffer_bytes = 1u << 30;
  w->sim = new_sim(&config, NULL);
  const uint32_t servers = 1 + roll(w, 3), gpus = 1 + roll(w, 3), switches = 1 + roll(w, 4);
  const int costs = roll(w, 3) == 0, twins = roll(w, 3) == 0;
  w->hosts = servers * gpus + 1;
  for (uint32_t i = 0; i < w->hosts; ++i) put_node(w, WEFT_HOST);
  const uint32_t first = w->nodes;
  for (uint32_t i = 0; i < switches; ++i) put_node(w, WEFT_SWITCH);
  for (uint32_t s = 0; s < servers; ++s) {
    const uint32_t inside =
        roll(w, 4) == 0 ? WEFT_NONE : put_node(w, roll(w, 3) ? WEFT_NVSWITCH : WEFT_SWITCH);
    for (uint32_t g = 0; g < gpus; ++g) {
      const uint32_t host = s * gpus + g;
      if (inside != WEFT_NONE)
        put_link(w, host, inside, w->kind[inside] == WEFT_SWITCH ? WEFT_LINK_PCIE : 0, 0);
      if (g > 0 && roll(w, 6) == 0) put_link(w, host, host - 1, 1 + roll(w, 3), 0);
      for (uint32_t i = roll(w, 8) ? 1 + (roll(w, 4) == 0) : 0; i > 0; --i)
        put_link(w, host, first + roll(w, switches), 0, costs ? 1 + roll(w, 3) : 0);
    }
  }
  put_link(w, w->hosts - 1, first, 0, 0);
  for (uint32_t a = 0; a < switches; ++a)
    for (uint32_t b = a + 1; b < switches; ++b)
      for (uint32_t i = twins ? b == switches - 1 : roll(w, 3); i > 0; --i)
        put_link(w, first + a, first + b, roll(w, 8) ? 0 : 1 + roll(w, 3), costs ? roll(w, 4) : 0);
  MUST(w->sim, weft_fabric_ready(w->sim));
}

static void build(world *w, uint64_t key, uint32_t engine) {
  build_apart(w, key, engine, 0);
}

/* ---- all simple paths ---- */

typedef struct path {
  uint32_t class, cost, links;
  uint32_t port[16];
} path;

typedef struct paths {
  path best[WAYS];
  uint32_t count;
  weft_time data, ack; /* longest on one of them */
} paths;

static int compare(const path *a, const path *b) {
  if (a->class != b->class) return a->class < b->class ? -1 : 1;
  if (a->cost != b->cost) return a->cost < b->cost ? -1 : 1;
  return a->links < b->links ? -1 : a->links > b->links;
}

/* There, or back over the same links. */
static weft_time time_on(const world *w, const path *p, uint64_t bytes, uint32_t back) {
  weft_time time = 0;
  for (uint32_t i = 0; i < p->links; ++i) {
    const weft_link_def *def = &w->link[p->port[i] / 2].def;
    const int own = def->apart && (p->port[i] + back) % 2 == 1;
    const uint64_t rate = own ? def->rate_back_bps : def->rate_bps;
    time += own ? def->delay_back_ps : def->delay_ps;
    time += (weft_time)(bytes * 8000000000000u / rate);
  }
  return time;
}

static void found(const world *w, paths *all, const path *p) {
  const int order = all->count == 0 ? -1 : compare(p, &all->best[0]);
  if (order > 0) return;
  if (order < 0) *all = (paths){.count = 0};
  if (all->count < WAYS) all->best[all->count++] = *p;
  const weft_time data = time_on(w, p, DATA_BYTES, 0), ack = time_on(w, p, ACK_BYTES, 1);
  if (data > all->data) all->data = data;
  if (ack > all->ack) all->ack = ack;
}

static void walk(const world *w, paths *all, path p, uint32_t at, uint32_t dst, uint64_t seen) {
  if (at == dst) {
    found(w, all, &p);
    return;
  }
  if (p.links == 8 || (p.links > 0 && w->kind[at] == WEFT_HOST)) return;
  for (uint32_t port = 0; port < 2 * w->links; ++port) {
    const weft_link_def *def = &w->link[port / 2].def;
    const uint32_t from = port % 2 == 0 ? def->a : def->b, to = port % 2 == 0 ? def->b : def->a;
    if (from != at || (seen >> to & 1)) continue;
    path next = p;
    next.port[next.links++] = port;
    next.cost += def->cost;
    if (w->link[port / 2].class > next.class) next.class = w->link[port / 2].class;
    walk(w, all, next, to, dst, seen | 1ull << to);
  }
}

static int is_among(const paths *all, const uint32_t *ports, int count) {
  for (uint32_t i = 0; i < all->count; ++i)
    if ((int)all->best[i].links == count &&
        memcmp(all->best[i].port, ports, (size_t)count * sizeof *ports) == 0)
      return (int)i;
  return -1;
}

/* Every flow takes a best way, and of few ways all are taken. */
static void check_pair(world *w, uint32_t src, uint32_t dst, const paths *all) {
  uint32_t ports[WEFT_PATH_MAX], taken = 0;
  uint64_t which = 0;
  if (all->count == 0) {
    ENSURE_EQ(weft_path(w->sim, src, dst, 0, ports), WEFT_ENOROUTE);
    return;
  }
  for (uint32_t flow = 0; flow < (all->count == 1 ? 1 : 300); ++flow) {
    const int count = MUST(w->sim, weft_path(w->sim, src, dst, flow, ports));
    const int found_at = is_among(all, ports, count);
    if (found_at < 0)
      test_fail(__FILE__, __LINE__, "world %" PRIu64 ": flow %u from %u to %u takes no best way",
                w->key, flow, src, dst);
    if (found_at < 64 && !(which >> found_at & 1)) {
      which |= 1ull << found_at;
      ++taken;
    }
  }
  if (all->count <= 8) ENSURE_EQ(taken, all->count);
}

static paths all_paths;

TEST(ways_are_best_by_class_then_cost_then_links) {
  for (uint64_t key = 1; key <= 150; ++key) {
    world w;
    build(&w, key, WEFT_ENGINE_PACKET);
    for (uint32_t src = 0; src < w.hosts; ++src)
      for (uint32_t dst = 0; dst < w.hosts; ++dst) {
        if (src == dst) continue;
        all_paths.count = 0;
        walk(&w, &all_paths, (path){.links = 0}, src, dst, 1ull << src);
        check_pair(&w, src, dst, &all_paths);
      }
    weft_sim_destroy(w.sim);
  }
}

/* Longest round trips of all pairs; of those with the limit, or the shortest where none is. */
static weft_time near_of(const weft_time *rtt, uint32_t pairs, weft_time limit) {
  weft_time near = -1, shortest = INT64_MAX;
  for (uint32_t i = 0; i < pairs; ++i) {
    if (rtt[i] <= limit && rtt[i] > near) near = rtt[i];
    if (rtt[i] < shortest) shortest = rtt[i];
  }
  return near >= 0 ? near : pairs > 0 ? shortest : 0;
}

TEST(the_longest_round_trip_is_that_of_all_pairs_and_ways) {
  for (uint64_t key = 1; key <= 600; ++key) {
    world w;
    weft_time rtt[400], near, longest;
    uint32_t pairs = 0;
    build_apart(&w, key, WEFT_ENGINE_PACKET, key % 3 == 0);
    for (uint32_t src = 0; src < w.hosts; ++src)
      for (uint32_t dst = 0; dst < w.hosts; ++dst) {
        if (src == dst) continue;
        all_paths = (paths){.count = 0};
        walk(&w, &all_paths, (path){.links = 0}, src, dst, 1ull << src);
        if (all_paths.count > 0) rtt[pairs++] = all_paths.data + all_paths.ack;
      }
    for (weft_time limit = 200000; limit < 100 * US; limit *= 2) {
      MUST(w.sim, weft__farthest(w.sim, DATA_BYTES, ACK_BYTES, limit, &near, &longest));
      if (longest != near_of(rtt, pairs, INT64_MAX) || near != near_of(rtt, pairs, limit))
        test_fail(__FILE__, __LINE__,
                  "world %" PRIu64 ", limit %" PRId64 ": got %" PRId64 ", %" PRId64, key, limit,
                  near, longest);
    }
    weft_sim_destroy(w.sim);
  }
}

TEST(hosts_further_apart_than_a_datacenter_leave_the_others_their_round_trip) {
  const weft_time ms = 1000 * (weft_time)US;
  weft_config config = quiet_config();
  config.buffer_bytes = 1u << 30; /* PFC's headroom of such links */
  weft_sim *sim = new_sim(&config, NULL);
  for (uint32_t i = 0; i < 5; ++i) add_node(sim, WEFT_HOST);
  const uint32_t hub = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < 5; ++i)
    add_link(sim, i, hub, 100 * (uint64_t)GBPS, i == 3 ? ms : i == 4 ? 5 * ms : US);
  MUST(sim, weft_fabric_ready(sim));
  const uint32_t near_flow = add_flow(sim, 0, 1, 5000000, 0);
  const uint32_t far_flow = add_flow(sim, 2, 3, 5000000, 0);
  MUST(sim, weft_run(sim, US, 0));
  /* Of 1048 B there and 60 B back over two links each: 2 x (83.84 + 4.8) ns + 4 us. */
  ENSURE_EQ(sim->packet.fabric_rtt, 4 * US + 177280);
  ENSURE_EQ(sim->packet.tx_warm.at[sim->flow.rows.at[near_flow].slot].base_rtt_ps, 4 * US + 177280);
  ENSURE_EQ(sim->packet.tx_warm.at[sim->flow.rows.at[far_flow].slot].base_rtt_ps,
            2002 * US + 177280);
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "fct_ps", far_flow),
            cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", far_flow));
  weft_sim_destroy(sim);
}

TEST(with_compat_the_longest_round_trip_is_that_of_all_whatever_the_distance) {
  weft_config config = quiet_config();
  config.compat = WEFT_COMPAT_NS3;
  config.rto_ps = 0;
  weft_sim *sim = new_sim(&config, NULL);
  for (uint32_t i = 0; i < 200; ++i) add_node(sim, WEFT_HOST);
  const uint32_t hub = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < 200; ++i)
    add_link(sim, i, hub, 100 * (uint64_t)GBPS, i == 71 ? 1000 * US : US);
  MUST(sim, weft_fabric_ready(sim));
  MUST(sim, weft__fabric_rtt(sim));
  /* Two delays of 1001 us, and 1000 B of payload on two links. */
  ENSURE_EQ(sim->packet.fabric_rtt, 2002 * (weft_time)US + 2 * 80000);
  weft_sim_destroy(sim);
}

/* 1000 B take 80 ns at 100 Gbit/s and 114.29 at 70; a delay of 1000.9 ns is one of 1000. */
TEST(with_compat_the_round_trip_and_its_window_are_of_whole_ns_and_bytes) {
  for (uint32_t compat = WEFT_COMPAT_NS3; compat <= WEFT_COMPAT_SIMAI; ++compat) {
    weft_config config = quiet_config();
    config.compat = compat;
    config.rto_ps = 0;
    weft_sim *sim = new_sim(&config, NULL);
    add_node(sim, WEFT_HOST);
    add_node(sim, WEFT_HOST);
    const uint32_t hub = add_node(sim, WEFT_SWITCH);
    add_link(sim, 0, hub, 100 * (uint64_t)GBPS, 1000900);
    add_link(sim, hub, 1, 70 * (uint64_t)GBPS, US);
    MUST(sim, weft_fabric_ready(sim));
    const uint32_t fast = add_flow(sim, 0, 1, 1000000, 0), slow = add_flow(sim, 1, 0, 1000000, 0);
    MUST(sim, weft_run(sim, US, 0));
    ENSURE_EQ(sim->packet.fabric_rtt, (2 * 2000 + 80 + 114) * 1000);
    ENSURE_EQ(sim->packet.tx_warm.at[sim->flow.rows.at[fast].slot].base_window, 4194 * 100 / 8);
    ENSURE_EQ(sim->packet.tx_warm.at[sim->flow.rows.at[slow].slot].base_window, 4194 * 70 / 8);
    weft_sim_destroy(sim);
  }
}

/* ---- after changes ---- */

/* Each flow is where routing would send it now, if anywhere. Returns how many. */
static uint32_t check_ways_of_flows(const world *w) {
  uint32_t ports[WEFT_PATH_MAX], back[WEFT_PATH_MAX], checked = 0;
  for (uint32_t slot = 0; slot < w->sim->flow.slots.n; ++slot) {
    const struct slot *its = &w->sim->flow.slots.at[slot];
    if (!its->active) continue;
    const struct flow *flow = &w->sim->flow.rows.at[its->row];
    const int hops = weft_path(w->sim, flow->src, flow->dst, its->row, ports);
    if (hops < 0 || weft_ack_path(w->sim, flow->src, flow->dst, its->row, back) < 0) continue;
    ENSURE_EQ(its->hops, hops);
    ENSURE(memcmp(slot_path(w->sim, slot), ports, (size_t)hops * sizeof *ports) == 0);
    ++checked;
  }
  return checked;
}

/* Flows between all pairs, as links fail and come back, one after the other. */
TEST(flows_whose_way_a_change_does_not_concern_are_left_where_routing_would_send_them) {
  enum { WORLDS = 100, CHANGES = 40 };
  uint32_t checked = 0;
  for (uint64_t key = 1; key <= WORLDS; ++key) {
    world w;
    uint32_t ports[WEFT_PATH_MAX];
    build(&w, key, WEFT_ENGINE_IDEAL);
    for (uint32_t a = 0; a < w.hosts; ++a)
      for (uint32_t b = 0; b < w.hosts; ++b)
        if (a != b && weft_path(w.sim, a, b, 0, ports) > 0) add_flow(w.sim, a, b, 20000000, 0);
    for (uint32_t i = 1; i <= CHANGES; ++i) {
      weft_link_change change = weft_link_change_default();
      change.link = roll(&w, w.links);
      change.direction = roll(&w, 4) ? WEFT_BOTH : 1 + roll(&w, 2);
      change.at_ps = i * US;
      change.factor = roll(&w, 5) / 2 / 2.0; /* 0, 1/2 or 1 */
      change.detect_ps = roll(&w, 3) ? 0 : US / 4;
      MUST(w.sim, weft_link_schedule(w.sim, &change));
    }
    for (uint32_t i = 1; i <= CHANGES; ++i) {
      MUST(w.sim, weft_run(w.sim, i * US + US / 2, 0));
      checked += check_ways_of_flows(&w);
    }
    weft_sim_destroy(w.sim);
  }
  ENSURE(checked > WORLDS * CHANGES);
}

TEST(links_refuse_classes_and_costs_that_are_not) {
  weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_HOST);
  weft_link_def def = {.a = 0, .b = 1, .rate_bps = GBPS, .link_class = 4};
  ENSURE_EQ(weft_link_add(sim, &def), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "link class: expected 0 to 3, got 4");
  def.link_class = WEFT_LINK_PCIE;
  def.cost = 65536;
  ENSURE_EQ(weft_link_add(sim, &def), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "link cost: expected 1 to 65535, got 65536");
  def.cost = 65535;
  ENSURE_EQ(weft_link_add(sim, &def), 0);
  weft_sim_destroy(sim);
}

/* Servers of four, each GPU with a NIC to one of two leaves, some to both, and spines. */
static weft_sim *gpu_servers(void) {
  const weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  enum { SERVERS = 6, GPUS = 4 };
  for (uint32_t i = 0; i < SERVERS * GPUS; i++) add_node(sim, WEFT_HOST);
  uint32_t leaf[4], spine[2];
  for (uint32_t s = 0; s < SERVERS; s++) {
    const uint32_t nvswitch = add_node(sim, WEFT_NVSWITCH);
    for (uint32_t g = 0; g < GPUS; g++)
      add_link(sim, s * GPUS + g, nvswitch, 2400ull * GBPS, 100000);
  }
  for (uint32_t i = 0; i < 4; i++) leaf[i] = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < 2; i++) spine[i] = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < SERVERS * GPUS; i++) {
    add_link(sim, i, leaf[i % 4], 400ull * GBPS, 500000);
    if (i % 7 == 0) add_link(sim, i, leaf[(i + 1) % 4], 400ull * GBPS, 500000);
  }
  for (uint32_t i = 0; i < 8; i++) add_link(sim, leaf[i / 2], spine[i % 2], 400ull * GBPS, 500000);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

TEST(ways_to_a_gpu_taken_from_one_beside_it_are_those_of_a_search) {
  weft_sim *sim = gpu_servers();
  const size_t bytes = way_row_bytes(sim);
  uint8_t searched[64];
  ENSURE(bytes <= sizeof searched);
  for (uint32_t level = 0; level < sim->fabric.levels; level++) {
    for (uint32_t host = 0; host < 24; host++) {
      const uint8_t *row;
      const int has = weft__ways_to(sim, host, level, &row);
      ENSURE_EQ(has, weft__ways_into(sim, host, level, searched));
      ENSURE(!has || memcmp(row, searched, bytes) == 0);
    }
  }
  weft_sim_destroy(sim);
}
