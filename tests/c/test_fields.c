/* Fields are known once (core/base/fields.h): what is made of their lists does what the table of
 * classes says, leaves nothing out, and agrees with the other things made of the same list. */
#include <stdlib.h>

#include "fixture.h"
#include "packet/cc/algorithms.h"
#include "packet/fields.h"
#include "packet/port/port_i.h"

/* ---- lists ---- */

enum { TABLES_MOST = 64, BYTES_MOST = 512 };

/* All tables that there are: structs of the packet model, states of congestion control. */
static uint32_t all_tables(const struct fields *tables[TABLES_MOST]) {
  const struct cc_ops *const cc[] = {&weft__cc_window[0], &weft__cc_dctcp[0], &weft__cc_hpcc[0],
                                     &weft__cc_hpcc[1],   &weft__cc_dcqcn[0], &weft__cc_timely[0],
                                     &weft__cc_swift[0],  &weft__cc_script[0]};
  uint32_t n;
  const struct fields *packet = weft__packet_fields(&n);
  for (uint32_t i = 0; i < n; i++) tables[i] = &packet[i];
  for (uint32_t i = 0; i < sizeof cc / sizeof *cc; i++) {
    tables[n++] = &cc[i]->state;
    if (cc[i]->hop.size > 0) tables[n++] = &cc[i]->hop;
  }
  return n;
}

static bool holds_times(uint8_t class) {
  return class == FIELD_TIME || class == FIELD_TIME_OR_NONE || class == FIELD_DUE;
}

static uint32_t size_of_class(uint8_t class) {
  switch (class) {
    case FIELD_TIME:
    case FIELD_TIME_OR_NONE:
    case FIELD_DATE:
    case FIELD_BYTES:
    case FIELD_BYTES_OR_0:
    case FIELD_GATE:
    case FIELD_PASSED:
      return 8;
    case FIELD_SEQUENCE:
    case FIELD_SENT:
    case FIELD_WRAPS:
    case FIELD_SLOT:
    case FIELD_PORT:
    case FIELD_ROW:
      return 4;
    default:
      return 0; /* of any size */
  }
}

TEST(fields_add_up_to_their_structs) {
  const struct fields *tables[TABLES_MOST];
  const uint32_t n = all_tables(tables);
  ENSURE(n >= 15);
  for (uint32_t i = 0; i < n; i++) {
    const struct fields *t = tables[i];
    uint32_t sum = 0, place = 0;
    for (uint32_t f = 0; f < t->count; place += t->list[f++].size) {
      const uint32_t size = size_of_class(t->list[f].class);
      sum += t->list[f].size;
      if (size != 0 && t->list[f].size != size)
        test_fail(__FILE__, __LINE__, "%s.%s has %u bytes", t->name, t->list[f].name,
                  t->list[f].size);
      if ((t->list[f].size | place) % (t->list[f].size < 8 ? t->list[f].size : 8) != 0)
        test_fail(__FILE__, __LINE__, "%s.%s is not aligned", t->name, t->list[f].name);
    }
    ENSURE_EQ(sum, t->size);
    ENSURE_EQ(t->size % (t->count > 0 ? 4 : 1), 0);
    ENSURE(t->size <= BYTES_MOST && weft__fields_add_up(t));
  }
}

/* ---- moving ---- */

/* 62 random bits. */
static uint64_t draw(uint64_t *n) {
  const uint64_t high = (uint64_t)(uniform(77, ++*n) * 0x1p31 - 1);
  return high << 31 | (uint64_t)(uniform(77, ++*n) * 0x1p31 - 1);
}

/* Random bits, in what may be -1 a time or that, and no byte number that would wrap to 0. */
static void fill(const struct fields *t, unsigned char *at, uint64_t *n) {
  for (uint32_t i = 0; i < t->size; i++) at[i] = (unsigned char)(draw(n) >> 20);
  for (uint32_t f = 0; f < t->count; at += t->list[f++].size)
    for (uint32_t i = 0; i + 8 <= t->list[f].size; i += 8) {
      const uint8_t class = t->list[f].class;
      uint64_t value = draw(n) >> 4;
      if (draw(n) % 4 == 0)
        value = class == FIELD_TIME_OR_NONE || class == FIELD_DUE ? UINT64_MAX : 0;
      if (holds_times(class) || class == FIELD_BYTES_OR_0 || class == FIELD_GATE)
        memcpy(at + i, &value, sizeof value);
    }
}

static struct field_move random_move(uint64_t *n) {
  return (struct field_move){.time = (weft_time)(draw(n) >> 8),
                             .bytes = draw(n) >> 8 | 1,
                             .passed = draw(n),
                             .packets = (uint32_t)draw(n),
                             .sent = (uint32_t)draw(n)};
}

static struct field_move back(const struct field_move *by) {
  return (struct field_move){-by->time, 0 - by->bytes, 0 - by->passed, 0 - by->packets,
                             0 - by->sent};
}

TEST(what_is_moved_forth_and_back_has_the_same_bits) {
  const struct fields *tables[TABLES_MOST];
  const uint32_t n = all_tables(tables);
  uint64_t draws = 0;
  for (uint32_t i = 0; i < n; i++) {
    const struct fields *t = tables[i];
    bool moves = false, moved = false;
    for (uint32_t f = 0; f < t->count; f++) moves |= t->list[f].class >= FIELD_TIME;
    for (uint32_t round = 0; round < 100; round++) {
      uint64_t before[BYTES_MOST / 8], after[BYTES_MOST / 8];
      fill(t, (unsigned char *)before, &draws);
      memcpy(after, before, sizeof before);
      const struct field_move forth = random_move(&draws), home = back(&forth);
      weft__fields_move(t, after, &forth);
      moved |= memcmp(after, before, t->size) != 0;
      weft__fields_move(t, after, &home);
      if (memcmp(after, before, t->size) != 0)
        test_fail(__FILE__, __LINE__, "%s is another one, round %u", t->name, round);
    }
    ENSURE(moved == moves);
  }
}

/* Packets, senders, ... are moved by code, congestion control by tables: of the same lists. */
#define MOVES_ALIKE(tag, fields_of)                                    \
  static void tag##_moves_alike(uint64_t *draws) {                     \
    static const struct field_desc list[] = {fields_of(FIELD_LINE)};   \
    const struct fields t = FIELDS_OF(#tag, list, sizeof(struct tag)); \
    for (uint32_t round = 0; round < 50; round++) {                    \
      struct tag written, walked;                                      \
      const struct field_move by = random_move(draws);                 \
      fill(&t, (unsigned char *)&written, draws);                      \
      memcpy(&walked, &written, sizeof walked);                        \
      tag##_move(&written, &by);                                       \
      weft__fields_move(&t, &walked, &by);                             \
      ENSURE(memcmp(&written, &walked, sizeof walked) == 0);           \
    }                                                                  \
  }
PACKET_STRUCTS(MOVES_ALIKE)

TEST(moves_by_code_and_by_table_are_alike) {
  uint64_t draws = 0;
#define CALL(tag, fields_of) tag##_moves_alike(&draws);
  PACKET_STRUCTS(CALL)
}

typedef weft_time two_times[2];

#define CLASSES(X)                         \
  X(TIME, STATE, weft_time, time)          \
  X(TIME_OR_NONE, STATE, weft_time, due)   \
  X(TIME_OR_NONE, STATE, weft_time, none)  \
  X(DUE, STATE, two_times, timers)         \
  X(DATE, STATE, weft_time, date)          \
  X(VALUE, OWN, weft_time, value)          \
  X(BYTES, STATE, uint64_t, bytes)         \
  X(BYTES_OR_0, STATE, uint64_t, none_yet) \
  X(BYTES_OR_0, STATE, uint64_t, some)     \
  X(PASSED, OWN, uint64_t, passed)         \
  X(SEQUENCE, KEPT, uint32_t, seq)         \
  X(SENT, STATE, uint32_t, sent)           \
  X(WRAPS, STATE, uint32_t, wraps)         \
  X(RECOVERY, STATE, uint32_t, lost)       \
  X(SLOT, KEPT, uint32_t, slot)            \
  X(SLOT, KEPT, uint32_t, no_slot)         \
  X(PORT, OWN, uint32_t, port)             \
  X(ROW, OWN, uint32_t, row)               \
  X(PLACE, OWN, uint32_t, place)           \
  X(VALUE, OWN, uint32_t, unused)          \
  X(GATE, STATE, uint64_t, gate)           \
  X(TIME, STATE, weft_time, behind)

FIELDS_STRUCT(classes, CLASSES);
static const struct field_desc class_list[] = {CLASSES(FIELD_LINE)};
static const struct fields class_table = FIELDS_OF("classes", class_list, sizeof(struct classes));

static const struct classes one_of_each = {.time = 100,
                                           .due = 200,
                                           .none = -1,
                                           .timers = {300, -1},
                                           .date = 400,
                                           .value = 500,
                                           .bytes = 600,
                                           .none_yet = 0,
                                           .some = 700,
                                           .passed = 800,
                                           .seq = UINT32_MAX,
                                           .sent = 900,
                                           .wraps = 1000,
                                           .lost = 1100,
                                           .slot = 2,
                                           .no_slot = WEFT_NONE,
                                           .port = 1200,
                                           .row = 1300,
                                           .place = 1400,
                                           .unused = 0,
                                           .gate = 1500,
                                           .behind = 1600};

static const struct field_move forward_by = {
    .time = 10, .bytes = 3000, .passed = 4, .packets = 3, .sent = 7};

TEST(each_class_moves_by_what_it_says) {
  struct classes at = one_of_each, wanted = one_of_each;
  wanted.time = 110;
  wanted.due = 210;
  wanted.timers[0] = 310;
  wanted.bytes = 3600;
  wanted.some = 3700;
  wanted.passed = 804;
  wanted.seq = 2; /* modulo 2^32 */
  wanted.sent = 907;
  wanted.gate = 4500;
  wanted.behind = 1610;
  ENSURE(weft__fields_move(&class_table, &at, &forward_by));
  ENSURE(memcmp(&at, &wanted, sizeof at) == 0);
}

TEST(a_time_that_may_be_none_is_none_once_it_is_past) {
  struct classes at = one_of_each;
  const struct field_move by = {.time = -250};
  weft__fields_move(&class_table, &at, &by);
  ENSURE_EQ(at.time, -150);
  ENSURE_EQ(at.due, -1);
  ENSURE_EQ(at.timers[0], 50);
  ENSURE_EQ(at.timers[1], -1);
}

TEST(nothing_moves_behind_a_closed_gate) {
  struct classes at = one_of_each;
  at.gate = 0;
  ENSURE(!weft__fields_move(&class_table, &at, &forward_by));
  ENSURE_EQ(at.time, 110);
  ENSURE_EQ(at.gate, 0);
  ENSURE_EQ(at.behind, 1600);
}

TEST(timers_are_found_by_their_class) {
  uint32_t size;
  ENSURE_EQ(weft__fields_find(&class_table, FIELD_DUE, &size), 24);
  ENSURE_EQ(size, 16);
  ENSURE_EQ(weft__fields_find(&weft__cc_dctcp[0].state, FIELD_DUE, &size), UINT32_MAX);
  ENSURE_EQ(size, 0);
}

/* ---- records ---- */

#define MIXED(X)                    \
  X(TIME, STATE, weft_time, time)   \
  X(VALUE, KEPT, uint32_t, value)   \
  X(SLOT, KEPT, uint32_t, slot)     \
  X(SLOT, KEPT, uint32_t, no_slot)  \
  X(SEQUENCE, STATE, uint32_t, seq) \
  X(ROW, OWN, uint32_t, row)        \
  X(VALUE, OWN, uint32_t, retransmits)

FIELDS_STRUCT(mixed, MIXED);
FIELDS_TAKE(mixed, MIXED)
FIELDS_RENAME(mixed, MIXED)

/* A struct of a record has no room for what stays. */
struct mixed_record {
  MIXED(FIELD_RECORDED)
};

TEST(records_take_all_but_what_stays) {
  struct mixed at = {1, 2, 3, 4, 5, 6, 7}, wanted = {10, 20, 30, 40, 50, 6, 7};
  const struct mixed from = {10, 20, 30, 40, 50, 60, 70};
  mixed_take(&at, &from);
  ENSURE(memcmp(&at, &wanted, sizeof at) == 0);
  ENSURE_EQ(sizeof(struct mixed_record), 24);
}

TEST(flows_get_their_other_numbers) {
  const uint32_t slots[][2] = {{50, 0}, {51, 0}, {52, 0}};
  const struct field_names names = {&slots[0][0], sizeof slots[0]};
  struct mixed at = {1, 2, 2, WEFT_NONE, 2, 2, 2}, wanted = {1, 2, 52, WEFT_NONE, 2, 2, 2};
  mixed_rename(&at, &names);
  ENSURE(memcmp(&at, &wanted, sizeof at) == 0);
}

/* ---- forks ---- */

static void compare(const struct fields *t, uint32_t index, const void *a, const void *b) {
  const unsigned char *left = a, *right = b;
  for (uint32_t f = 0; f < t->count; f++) {
    if (memcmp(left, right, t->list[f].size) != 0)
      test_fail(__FILE__, __LINE__, "%s %u: another %s", t->name, index, t->list[f].name);
    left += t->list[f].size;
    right += t->list[f].size;
  }
}

static const struct fields *table_of(const char *name) {
  uint32_t n;
  const struct fields *all = weft__packet_fields(&n);
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(all[i].name, name) == 0) return &all[i];
  test_fail(__FILE__, __LINE__, "no table %s", name);
}

#define COMPARE_POOL(pool, tag)                   \
  ENSURE_EQ(a->packet.pool.n, b->packet.pool.n);  \
  for (uint32_t i = 0; i < a->packet.pool.n; i++) \
  compare(table_of(#tag), i, &a->packet.pool.at[i], &b->packet.pool.at[i])

static void compare_cc(const weft_sim *a, const weft_sim *b, uint32_t slot) {
  const struct cc_ops *cc = a->packet.cc;
  const char *left = cc_state(a, slot), *right = cc_state(b, slot);
  compare(&cc->state, slot, left, right);
  for (uint32_t at = cc->state.size; cc->hop.size > 0 && at < 8 * a->packet.cc_words;
       at += cc->hop.size)
    compare(&cc->hop, slot, left + at, right + at);
}

/* All that is described. */
static void compare_all(const weft_sim *a, const weft_sim *b) {
  COMPARE_POOL(tx, tx);
  COMPARE_POOL(tx_warm, tx_warm);
  COMPARE_POOL(rx, rx);
  COMPARE_POOL(nics, nic);
  COMPARE_POOL(selective, selective);
  COMPARE_POOL(telemetry, telemetry);
  COMPARE_POOL(ports, port);
  COMPARE_POOL(port_cold, port_cold);
  for (uint32_t slot = 0; slot < a->packet.tx.n; slot++) compare_cc(a, b, slot);
  for (uint32_t p = 0; p < a->packet.ports.n; p++) {
    const struct port *port = &a->packet.ports.at[p];
    for (uint32_t k = port->head; k != port->tail; k++)
      compare(table_of("packet"), p, port_packet(a, port, k), port_packet(b, port, k));
  }
}

static weft_sim *busy(uint32_t cc, uint32_t multi_rate, uint32_t recovery) {
  weft_config config = weft_config_default();
  config.cc = cc;
  config.hpcc_multi_rate = multi_rate;
  config.recovery = recovery;
  config.pfc = 0;
  config.buffer_bytes = 200000;
  weft_sim *sim = fat_tree(&config, 4, 40 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 12; i++) add_flow(sim, i, 12 + i % 4, 400000, i % 5 * (weft_time)US);
  return sim;
}

TEST(all_that_is_described_is_the_same_in_a_fork_now_and_later) {
  for (uint32_t i = 0; i < 2 * (WEFT_CC_SCRIPT + 1); i++) {
    const uint32_t multi = i / 2 == WEFT_CC_SCRIPT; /* HPCC once more */
    weft_sim *sim = busy(multi ? WEFT_CC_HPCC : i / 2, multi,
                         i % 2 ? WEFT_RECOVERY_SELECTIVE : WEFT_RECOVERY_GO_BACK_N),
             *fork;
    MUST(sim, weft_run(sim, 150 * (weft_time)US, 0));
    MUST(sim, weft_sim_fork(sim, &fork));
    compare_all(sim, fork);
    MUST(sim, weft_run(sim, 300 * (weft_time)US, 0));
    MUST(fork, weft_run(fork, 200 * (weft_time)US, 0));
    MUST(fork, weft_run(fork, 300 * (weft_time)US, 0));
    compare_all(sim, fork);
    weft_sim_destroy(sim);
    weft_sim_destroy(fork);
  }
}

/* ---- who is not described ---- */

static void do_nothing(weft_sim *sim, uint32_t slot) {
  (void)sim;
  (void)slot;
}

static void hear_nothing(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  (void)sim;
  (void)slot;
  (void)ack;
}

/* It has three words of state and says what two of them are. */
static const struct field_desc two_words[] = {{"rate_bps", 8, FIELD_VALUE, KEEPER_STATE},
                                              {"since", 8, FIELD_TIME, KEEPER_STATE}};
static const struct cc_ops half_described = {.name = "half",
                                             .state = {"half", two_words, 2, 24},
                                             .start = do_nothing,
                                             .on_ack = hear_nothing};

static int ready_with(weft_config *config, const struct cc_ops *cc, const char **error) {
  static char message[256];
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i < 2; i++) add_node(sim, WEFT_HOST);
  add_link(sim, 0, 1, 40 * (uint64_t)GBPS, US);
  if (cc != NULL) weft__cc_use(sim, cc);
  const int status = weft_fabric_ready(sim);
  strcpy(message, weft_sim_error(sim));
  *error = message;
  if (status == WEFT_OK) {
    add_flow(sim, 0, 1, 100000, 0);
    run_to_end(sim);
  }
  weft_sim_destroy(sim);
  return status;
}

TEST(congestion_control_that_is_not_described_is_not_accelerated) {
  const char *error;
  weft_config config = weft_config_default();
  ENSURE_EQ(ready_with(&config, &half_described, &error), WEFT_OK);
  config.fast_forward = 1;
  ENSURE_EQ(ready_with(&config, &half_described, &error), WEFT_EINVAL);
  ENSURE_STR(error,
             "option fast_forward: the congestion control half does not describe its state; "
             "expected one that does");
  config.memoize = 1;
  ENSURE_EQ(ready_with(&config, &half_described, &error), WEFT_EINVAL);
  ENSURE_HAS(error, "option memoize: the congestion control half does not describe its state");
}

static int call_nothing(void *user, int what, weft_script_flow *flow, const weft_script_ack *ack) {
  (void)user;
  (void)what;
  (void)flow;
  (void)ack;
  return 0;
}

/* What a script keeps for itself nobody can describe; what the engine keeps for it is described. */
TEST(congestion_control_from_outside_is_skipped_and_not_remembered) {
  weft_config config = weft_config_default();
  const weft_script script = {.call = call_nothing};
  config.cc = WEFT_CC_SCRIPT;
  for (uint32_t memoize = 0; memoize < 2; memoize++) {
    config.fast_forward = 1;
    config.memoize = memoize;
    weft_sim *sim = new_sim(&config, NULL);
    for (uint32_t i = 0; i < 2; i++) add_node(sim, WEFT_HOST);
    add_link(sim, 0, 1, 40 * (uint64_t)GBPS, US);
    MUST(sim, weft_sim_set_script(sim, &script));
    ENSURE_EQ(weft_fabric_ready(sim), memoize ? WEFT_EINVAL : WEFT_OK);
    if (memoize)
      ENSURE_HAS(weft_sim_error(sim),
                 "option memoize: the state of a congestion control from "
                 "outside cannot be kept");
    weft_sim_destroy(sim);
  }
}
