/* The fluid engine against a slow progressive filling of its own: all flows and links, anew at each
 * start and end, in long double. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"

enum { FLOWS_MOST = 60, NODES_MOST = 24, LINKS_MOST = 60, PATH_MOST = 8, CHANGES_MOST = 8 };

struct case_flow {
  uint32_t path[PATH_MOST], hops;
  uint64_t bytes;
  int64_t start;
  double weight, cap; /* bit/s; 0: none */
  long double left, rate, end; /* bits; bit/ps; ps */
  int state; /* 0 to come, 1 active, 2 done */
};

/* A link has so much of its rate from then on; 0: it is down. */
struct case_change {
  int64_t at;
  uint32_t link;
  double factor;
};

struct fluid_case {
  uint32_t hosts, nodes, links, flows;
  uint32_t a[LINKS_MOST], b[LINKS_MOST];
  uint64_t rate[LINKS_MOST];
  struct case_flow flow[FLOWS_MOST];
  struct case_change change[CHANGES_MOST]; /* by time */
  uint32_t changes;
  double factor[LINKS_MOST]; /* now */
  uint32_t ack_bytes; /* for each 1,000 bytes, on the way back; 0: ACKs load nothing */
};

static uint32_t draw(uint64_t key, uint64_t *n, uint32_t below) {
  const uint32_t x = (uint32_t)(uniform(key, (*n)++) * below);
  return x < below ? x : below - 1;
}

/* ---- cases ---- */

/* A path by chance: from switch to switch, none twice, and out at a host. */
static int walk(const struct fluid_case *c, uint64_t key, uint64_t *n, struct case_flow *flow) {
  uint32_t at = draw(key, n, c->hosts), seen = 1u << at;
  const uint32_t from = at;
  for (flow->hops = 0; flow->hops < PATH_MOST;) {
    uint32_t ports[2 * LINKS_MOST], count = 0;
    for (uint32_t l = 0; l < c->links; l++) {
      if (c->a[l] == at && !(seen >> c->b[l] & 1)) ports[count++] = 2 * l;
      if (c->b[l] == at && !(seen >> c->a[l] & 1)) ports[count++] = 2 * l + 1;
    }
    if (count == 0) return 0;
    const uint32_t port = ports[draw(key, n, count)];
    flow->path[flow->hops++] = port;
    at = port & 1 ? c->a[port / 2] : c->b[port / 2];
    seen |= 1u << at;
    if (at < c->hosts) return at != from;
  }
  return 0;
}

static void make_case(struct fluid_case *c, uint64_t key) {
  static const uint64_t RATES[] = {10, 25, 40, 100, 100, 400, 7, 3};
  uint64_t n = 0;
  const uint32_t switches = 1 + draw(key, &n, 6);
  c->hosts = 3 + draw(key, &n, 10);
  c->nodes = c->hosts + switches;
  c->links = 0;
  for (uint32_t h = 0; h < c->hosts; h++) {
    c->a[c->links] = h;
    c->b[c->links++] = c->hosts + draw(key, &n, switches);
  }
  for (uint32_t s = 1; s < switches; s++) {
    c->a[c->links] = c->hosts + s;
    c->b[c->links++] = c->hosts + draw(key, &n, s);
  }
  for (uint32_t i = draw(key, &n, 5); switches > 1 && i > 0; i--) {
    c->a[c->links] = c->hosts + draw(key, &n, switches);
    c->b[c->links] = c->hosts + draw(key, &n, switches);
    if (c->a[c->links] != c->b[c->links]) c->links++;
  }
  const uint32_t kinds = 1 + draw(key, &n, 8);
  for (uint32_t l = 0; l < c->links; l++) c->rate[l] = RATES[draw(key, &n, kinds)] * GBPS;
  const uint32_t want = 2 + draw(key, &n, FLOWS_MOST - 2), ties = draw(key, &n, 2);
  const int is_plain = draw(key, &n, 2) == 0;
  c->flows = 0;
  for (uint32_t tries = 0; c->flows < want && tries < 20 * FLOWS_MOST; tries++) {
    struct case_flow *flow = &c->flow[c->flows];
    *flow = (struct case_flow){.weight = 1};
    if (c->flows > 2 && draw(key, &n, 3) == 0) { /* the way of another */
      const struct case_flow *other = &c->flow[draw(key, &n, c->flows)];
      flow->hops = other->hops;
      memcpy(flow->path, other->path, sizeof flow->path);
    } else if (!walk(c, key, &n, flow)) {
      continue;
    }
    flow->bytes = ties ? 1000u * (1 + draw(key, &n, 4)) : 1 + draw(key, &n, 1000000);
    flow->start = ties ? (int64_t)draw(key, &n, 6) * 80000 : (int64_t)draw(key, &n, 300000000);
    if (!is_plain && draw(key, &n, 2)) flow->weight = 0.25 * (1 + draw(key, &n, 16));
    if (!is_plain && draw(key, &n, 3) == 0) flow->cap = (1 + draw(key, &n, 30)) * 1e9;
    c->flows++;
  }
}

/* Links are degraded, fail and come back; all have their rate in the end. */
static void add_changes(struct fluid_case *c, uint64_t key) {
  uint64_t n = 0;
  key += 1000000;
  c->ack_bytes = draw(key, &n, 2) * (1 + draw(key, &n, 300));
  c->changes = 2 * (1 + draw(key, &n, CHANGES_MOST / 2));
  for (uint32_t i = 0; i < c->changes; i += 2) {
    const uint32_t link = draw(key, &n, c->links);
    const int64_t at = (int64_t)(i * 50000000 + draw(key, &n, 40000000));
    const double factor = draw(key, &n, 3) == 0 ? 0 : 0.125 * (1 + draw(key, &n, 7));
    c->change[i] = (struct case_change){at, link, factor};
    c->change[i + 1] = (struct case_change){at + 1 + draw(key, &n, 40000000), link, 1};
  }
}

/* ---- the slow way ---- */

/* What a flow asks of a port, by its rate. */
static long double load_on(const struct fluid_case *c, const struct case_flow *flow, uint32_t p) {
  long double load = 0;
  for (uint32_t i = 0; i < flow->hops; i++) {
    load += flow->path[i] == p;
    if ((flow->path[i] ^ 1) == p) load += c->ack_bytes / 1000.0L;
  }
  return load;
}

static int is_up(const struct fluid_case *c, const struct case_flow *flow) {
  for (uint32_t i = 0; i < flow->hops; i++)
    if (c->factor[flow->path[i] / 2] == 0) return 0;
  return 1;
}

/* bit/ps */
static long double rate_of(const struct fluid_case *c, uint32_t p) {
  return (long double)c->rate[p / 2] * c->factor[p / 2] / 1e12L;
}

/* Raise all together; what is full or at its cap stays. */
static void fill(struct fluid_case *c) {
  long double used[2 * LINKS_MOST] = {0};
  int open = 0, is_open[FLOWS_MOST] = {0};
  for (uint32_t f = 0; f < c->flows; f++) {
    is_open[f] = c->flow[f].state == 1 && is_up(c, &c->flow[f]);
    c->flow[f].rate = 0;
    open += is_open[f];
  }
  while (open > 0) {
    long double weights[2 * LINKS_MOST] = {0}, lowest = INFINITY;
    for (uint32_t f = 0; f < c->flows; f++)
      for (uint32_t p = 0; is_open[f] && p < 2 * c->links; p++)
        weights[p] += load_on(c, &c->flow[f], p) * c->flow[f].weight;
    for (uint32_t p = 0; p < 2 * c->links; p++) {
      const long double level = (rate_of(c, p) - used[p]) / weights[p];
      if (weights[p] > 0 && level < lowest) lowest = level;
    }
    for (uint32_t f = 0; f < c->flows; f++) {
      const long double cap = c->flow[f].cap / 1e12L / c->flow[f].weight;
      if (is_open[f] && cap > 0 && cap < lowest) lowest = cap;
    }
    int stays[FLOWS_MOST] = {0};
    for (uint32_t f = 0; f < c->flows; f++) {
      const struct case_flow *flow = &c->flow[f];
      const long double cap = flow->cap / 1e12L / flow->weight;
      if (!is_open[f]) continue;
      stays[f] = cap > 0 && cap <= lowest * (1 + 1e-15L);
      for (uint32_t p = 0; p < 2 * c->links; p++) {
        if (load_on(c, flow, p) == 0) continue;
        const long double level = (rate_of(c, p) - used[p]) / weights[p];
        stays[f] |= level <= lowest * (1 + 1e-15L);
      }
    }
    for (uint32_t f = 0; f < c->flows; f++) {
      if (!stays[f]) continue;
      is_open[f] = 0;
      open--;
      c->flow[f].rate = lowest * c->flow[f].weight;
      for (uint32_t p = 0; p < 2 * c->links; p++)
        used[p] += load_on(c, &c->flow[f], p) * c->flow[f].rate;
    }
  }
}

static void solve(struct fluid_case *c) {
  long double now = 0;
  uint32_t changed = 0;
  for (uint32_t l = 0; l < c->links; l++) c->factor[l] = 1;
  for (uint32_t done = 0; done < c->flows;) {
    long double next = changed < c->changes ? (long double)c->change[changed].at : INFINITY;
    for (uint32_t f = 0; f < c->flows; f++) {
      const struct case_flow *flow = &c->flow[f];
      const long double at = flow->state == 0 ? (long double)flow->start
                             : flow->rate > 0 ? now + flow->left / flow->rate
                                              : INFINITY;
      if (at < next) next = at;
    }
    for (uint32_t f = 0; f < c->flows; f++) {
      struct case_flow *flow = &c->flow[f];
      if (flow->state == 1) {
        flow->left -= flow->rate * (next - now);
        if (flow->rate == 0 || flow->left > flow->rate * 1e-7L)
          continue; /* one ten-millionth of a ps */
        flow->state = 2;
        flow->rate = 0;
        flow->end = next;
        done++;
      } else if (flow->state == 0 && flow->start <= next) {
        flow->state = 1;
        flow->left = 8.0L * (long double)flow->bytes;
      }
    }
    now = next;
    for (; changed < c->changes && c->change[changed].at <= now; changed++)
      c->factor[c->change[changed].link] = c->change[changed].factor;
    fill(c);
  }
}

/* ---- the engine ---- */

static weft_sim *engine(const struct fluid_case *c) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_FLUID;
  config.compat = WEFT_COMPAT_FLOWSIM;
  config.header_bytes = 0;
  config.mtu_bytes = 1000;
  config.fluid_acks = c->ack_bytes > 0;
  if (c->ack_bytes > 0) config.ack_bytes = c->ack_bytes;
  weft_sim *sim = new_sim(&config, NULL);
  for (uint32_t i = 0; i < c->nodes; i++) add_node(sim, i < c->hosts ? WEFT_HOST : WEFT_SWITCH);
  for (uint32_t l = 0; l < c->links; l++) add_link(sim, c->a[l], c->b[l], c->rate[l], 0);
  MUST(sim, weft_fabric_ready(sim));
  for (uint32_t f = 0; f < c->flows; f++) {
    const struct case_flow *flow = &c->flow[f];
    const uint32_t first = flow->path[0], last = flow->path[flow->hops - 1];
    const weft_flow_def def = {.src = first & 1 ? c->b[first / 2] : c->a[first / 2],
                               .dst = last & 1 ? c->a[last / 2] : c->b[last / 2],
                               .size_bytes = flow->bytes,
                               .start_ps = flow->start,
                               .path_ports = flow->hops,
                               .weight = flow->weight,
                               .rate_bps = (uint64_t)flow->cap,
                               .path = flow->path};
    MUST(sim, weft_flow_add(sim, &def));
  }
  for (uint32_t i = 0; i < c->changes; i++) {
    weft_link_change change = weft_link_change_default();
    change.link = c->change[i].link;
    change.at_ps = c->change[i].at;
    change.factor = c->change[i].factor;
    MUST(sim, weft_link_schedule(sim, &change));
  }
  return sim;
}

static double worst_error; /* of what may be: 2 ps or 1e-9 */

static void compare(uint64_t key, int in_steps, int changes) {
  static struct fluid_case c;
  make_case(&c, key);
  c.changes = c.ack_bytes = 0;
  if (changes) add_changes(&c, key);
  weft_sim *sim = engine(&c);
  while (in_steps && MUST(sim, weft_run(sim, -1, 1)) == WEFT_RUN_BUDGET) MUST(sim, weft_check(sim));
  run_to_end(sim);
  solve(&c);
  for (uint32_t f = 0; f < c.flows; f++) {
    const double want = (double)(c.flow[f].end - (long double)c.flow[f].start);
    const double is = (double)cell(sim, WEFT_TABLE_FLOWS, "fct_ps", f);
    const double may = want * 1e-9 > 2 ? want * 1e-9 : 2;
    if (fabs(is - want) / may > worst_error) worst_error = fabs(is - want) / may;
    if (fabs(is - want) > may)
      test_fail(__FILE__, __LINE__, "case %d, flow %d: %.1f ps, expected %.3f", (int)key, (int)f,
                is, want);
  }
  weft_sim_destroy(sim);
}

TEST(fluid_shares_are_those_of_progressive_filling_in_1000_random_cases) {
  worst_error = 0;
  for (uint64_t key = 1; key <= 1000; key++) compare(key, 0, 0);
  ENSURE(worst_error <= 1);
}

TEST(fluid_shares_are_max_min_after_every_event) {
  for (uint64_t key = 2001; key <= 2100; key++) compare(key, 1, 0);
}

TEST(fluid_shares_are_those_of_progressive_filling_with_acks_while_links_fail_and_come_back) {
  for (uint64_t key = 3001; key <= 3300; key++) compare(key, key % 4 == 0, 1);
}
