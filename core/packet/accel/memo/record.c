/* Records of transients: where they are kept, by key. */
#include "packet/accel/memo/record.h"

#include <string.h>

enum {
  RECORD_HEADS = 4096,
  WORDS_MOST = 1 << 24, /* 128 MiB: what comes beyond is not kept */
  EXACT_MOST = WORDS_MOST / 2 /* of those for records of states, or they would leave no room */
};

/* ---- blocks ---- */

static int block_take(weft_sim *sim, uint32_t log2, uint32_t *first) {
  const uint32_t freed = sim->accel.memo_free[log2];
  if (freed != 0) {
    sim->accel.memo_free[log2] = (uint32_t)sim->accel.memo_words.at[freed - 1];
    *first = freed - 1;
    return 1;
  }
  const uint64_t end = sim->accel.memo_words.n + (1ull << log2);
  if (end > WORDS_MOST || !pool_reserve(sim, sim->accel.memo_words, end)) return 0;
  *first = sim->accel.memo_words.n;
  sim->accel.memo_words.n = (uint32_t)end;
  return 1;
}

static void block_give(weft_sim *sim, uint32_t log2, uint32_t first) {
  sim->accel.memo_words.at[first] = sim->accel.memo_free[log2];
  sim->accel.memo_free[log2] = first + 1;
}

int weft__record_fit(weft_sim *sim, uint32_t record) {
  struct memo_record *r = &sim->accel.records.at[record];
  const uint64_t words = weft__record_words(r);
  uint32_t log2 = 6, first;
  while ((1ull << log2) < words) ++log2;
  if (r->used == 0 || log2 > r->log2) {
    if (!block_take(sim, log2, &first)) return 0;
    if (r->used > 0) {
      memcpy(&sim->accel.memo_words.at[first], &sim->accel.memo_words.at[r->words], r->used * 8ull);
      block_give(sim, r->log2, r->words);
    }
    r->words = first;
    r->log2 = log2;
  }
  sim->accel.totals.memo_bytes += 8 * (words - r->used);
  if (r->exact) sim->accel.exact_words += words - r->used;
  r->used = (uint32_t)words;
  return 1;
}

/* ---- by key ---- */

static uint32_t *head_of(const weft_sim *sim, uint64_t key) {
  return &sim->accel.record_heads.at[key % RECORD_HEADS];
}

uint32_t weft__record_new(weft_sim *sim, uint64_t key) {
  uint32_t record = sim->accel.records.n;
  if (sim->accel.record_heads.n == 0) {
    if (!pool_reserve(sim, sim->accel.record_heads, RECORD_HEADS)) return WEFT_NONE;
    memset(sim->accel.record_heads.at, 0, RECORD_HEADS * sizeof *sim->accel.record_heads.at);
    sim->accel.record_heads.n = RECORD_HEADS;
  }
  if (sim->accel.free_record != 0) {
    record = sim->accel.free_record - 1;
    sim->accel.free_record = sim->accel.records.at[record].next;
  } else {
    if (!pool_reserve(sim, sim->accel.records, record + 1u)) return WEFT_NONE;
    sim->accel.records.n = record + 1;
  }
  sim->accel.records.at[record] =
      (struct memo_record){.key = key, .next = *head_of(sim, key), .state = RECORD_OPEN};
  *head_of(sim, key) = record + 1;
  ++sim->accel.totals.records;
  return record;
}

void weft__record_free(weft_sim *sim, uint32_t record) {
  struct memo_record *r = &sim->accel.records.at[record];
  uint32_t *link = head_of(sim, r->key);
  while (*link != record + 1) link = &sim->accel.records.at[*link - 1].next;
  *link = r->next;
  if (r->used > 0) block_give(sim, r->log2, r->words);
  sim->accel.totals.memo_bytes -= 8ull * r->used;
  if (r->exact) sim->accel.exact_words -= r->used;
  --sim->accel.totals.records;
  *r = (struct memo_record){.next = sim->accel.free_record};
  sim->accel.free_record = record + 1;
}

/* Forget the records of states, but those that a partition goes by. What is of use comes again, and
 * then may have followers, which it has not where nothing is recorded any more. */
static void forget_states(weft_sim *sim) {
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint32_t n = sim->accel.records.n;
  uint8_t *taken = weft__arena_take(sim, &sim->arena, n); /* some partition goes by it */
  for (uint32_t record = 0; taken != NULL && record < n; ++record) taken[record] = 0;
  for (uint32_t p = 0; taken != NULL && p < sim->accel.partitions.n; ++p)
    if (sim->accel.partitions.at[p].phase == PARTITION_MEMO)
      taken[sim->accel.partitions.at[p].record - 1] = 1;
  for (uint32_t record = 0; taken != NULL && record < n; ++record) {
    const struct memo_record *r = &sim->accel.records.at[record];
    if (r->state == RECORD_READY && r->exact && !taken[record]) weft__record_free(sim, record);
  }
  weft__arena_reset(sim, &sim->arena, mark);
}

int weft__record_has_room(weft_sim *sim, int exact) {
  if (exact && sim->accel.exact_words >= EXACT_MOST) forget_states(sim);
  return !exact || sim->accel.exact_words < EXACT_MOST;
}

static uint32_t same_key(const weft_sim *sim, uint32_t link, uint64_t key) {
  while (link != 0 && sim->accel.records.at[link - 1].key != key)
    link = sim->accel.records.at[link - 1].next;
  return link - 1; /* 0 becomes WEFT_NONE */
}

uint32_t weft__record_first(const weft_sim *sim, uint64_t key) {
  return sim->accel.record_heads.n == 0 ? WEFT_NONE : same_key(sim, *head_of(sim, key), key);
}

uint32_t weft__record_next(const weft_sim *sim, uint32_t record) {
  const struct memo_record *r = &sim->accel.records.at[record];
  return same_key(sim, r->next, r->key);
}
