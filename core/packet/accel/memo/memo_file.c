/* Records of transients in a file, and from one simulation to another.
 *
 * A file is for machines of one kind: it holds the engine's own structs. Its header says so much of
 * their layout that another build refuses it instead of misreading it. Keys contain all that
 * decides a transient (packet/accel/contention/graph.c), so files of different settings can be one
 * file. Readers see a whole file or the one before it, because it is written under another name and
 * renamed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "packet/accel/memo/record.h"
#include "base/hash_i.h"
#include "packet/cc/algorithms.h"
#include "packet/fields.h"
#include "weft_output.h"

enum {
  MEMO_VERSION = 5,
  CC_WORDS_MOST = 4096 /* of a flow: sums of made-up counts must not wrap */
};

struct memo_header {
  char magic[8];
  uint32_t version, byte_order;
  uint32_t layout; /* of the structs and their fields */
  uint32_t records;
};

static struct memo_header header_of(uint32_t records) {
  const uint32_t sizes[] = {sizeof(struct memo_record), sizeof(struct conflict_vertex),
                            sizeof(struct memo_begin), sizeof(struct memo_flow),
                            sizeof(struct memo_port)};
  uint32_t count;
  const struct fields *fields = weft__packet_fields(&count);
  uint64_t hash = 0;
  for (uint32_t i = 0; i < count; ++i) hash = weft__fields_hash(hash, &fields[i]);
  struct memo_header header = {
      .magic = "weftmemo", .version = MEMO_VERSION, .byte_order = 0x01020304, .records = records};
  for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i)
    header.layout = header.layout * 31 + sizes[i];
  header.layout ^= (uint32_t)weft__cc_fields_hash(hash);
  return header;
}

/* ---- adding ---- */

/* Whether the very same pattern is known, if by classes from the same beginning; the vertices of
 * equal graphs may come in another order, then one of the two is never found, which does no harm.
 */
static int is_known(const weft_sim *sim, const struct memo_record *given, const uint64_t *words) {
  const uint64_t begin = given->exact ? 0 : given->flows * (sizeof(struct memo_begin) / 8);
  const uint64_t same =
      given->vertices * (sizeof(struct conflict_vertex) / 8) + given->arcs + begin;
  uint32_t record = weft__record_first(sim, given->key);
  for (; record != WEFT_NONE; record = weft__record_next(sim, record)) {
    const struct memo_record *r = &sim->accel.records.at[record];
    if (r->state == RECORD_READY && r->exact == given->exact && r->flows == given->flows &&
        r->vertices == given->vertices && r->arcs == given->arcs &&
        memcmp(&sim->accel.memo_words.at[r->words], words, same * sizeof *words) == 0)
      return 1;
  }
  return 0;
}

/* A record with all its words; 1 if it is new, 0 if it is known, WEFT_ENOMEM. */
static int add_record(weft_sim *sim, const struct memo_record *given, const uint64_t *words) {
  if (is_known(sim, given, words) || !weft__record_has_room(sim, (int)given->exact)) return 0;
  const uint32_t record = weft__record_new(sim, given->key);
  if (record == WEFT_NONE) return WEFT_ENOMEM;
  struct memo_record *r = &sim->accel.records.at[record];
  const uint32_t next = r->next;
  *r = *given;
  r->next = next;
  r->used = r->log2 = 0;
  if (!weft__record_fit(sim, record)) {
    weft__record_free(sim, record);
    return WEFT_ENOMEM;
  }
  r = &sim->accel.records.at[record];
  memcpy(&sim->accel.memo_words.at[r->words], words, r->used * sizeof *words);
  return 1;
}

int weft_memo_copy(weft_sim *sim, const weft_sim *from) {
  if (!engine_can(sim, WEFT_CAN_ACCELERATE))
    return weft__engine_needs(sim, WEFT_CAN_ACCELERATE, "memo", "memoize");
  int count = 0;
  for (uint32_t i = 0; i < from->accel.records.n && sim != from; ++i) {
    const struct memo_record *r = &from->accel.records.at[i];
    if (r->state != RECORD_READY) continue;
    const int status = add_record(sim, r, &from->accel.memo_words.at[r->words]);
    if (status < 0) return weft__fail(sim, status, "memo: out of memory");
    count += status;
  }
  return count;
}

/* ---- files ---- */

/* What a record is wherever it is kept. */
static struct memo_record bare(const struct memo_record *r) {
  struct memo_record copy = *r;
  copy.words = copy.log2 = copy.next = copy.partition = copy.draws = 0;
  copy.trouble = 0;
  copy.begin = 0;
  return copy;
}

/* Whatever has changed since, one bit or many, shows. */
static uint64_t checksum(const struct memo_record *r, const uint64_t *words) {
  uint64_t head[sizeof *r / 8], sum = 0;
  memcpy(head, r, sizeof head);
  for (uint32_t i = 0; i < sizeof head / 8; ++i) sum = hash_mix(sum ^ head[i]);
  for (uint32_t i = 0; i < r->used; ++i) sum = hash_mix(sum ^ words[i]);
  return sum;
}

static int write_records(const weft_sim *sim, FILE *file) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < sim->accel.records.n; ++i)
    count += sim->accel.records.at[i].state == RECORD_READY;
  const struct memo_header header = header_of(count);
  int good = fwrite(&header, sizeof header, 1, file) == 1;
  for (uint32_t i = 0; good && i < sim->accel.records.n; ++i) {
    if (sim->accel.records.at[i].state != RECORD_READY) continue;
    const struct memo_record r = bare(&sim->accel.records.at[i]);
    const uint64_t *words = &sim->accel.memo_words.at[sim->accel.records.at[i].words];
    const uint64_t sum = checksum(&r, words);
    good = fwrite(&r, sizeof r, 1, file) == 1 && fwrite(&sum, sizeof sum, 1, file) == 1 &&
           fwrite(words, 8, r.used, file) == r.used;
  }
  return good;
}

int weft_memo_save(weft_sim *sim, const char *path) {
  if (!engine_can(sim, WEFT_CAN_ACCELERATE))
    return weft__engine_needs(sim, WEFT_CAN_ACCELERATE, "memo", "memoize");
  weft_output output;
  int reason = weft__output_open(&output, path);
  if (reason == 0 && !write_records(sim, output.file)) reason = errno != 0 ? errno : EIO;
  if (reason == 0) reason = weft__output_commit(&output);
  if (reason == 0) return WEFT_OK;
  weft__output_discard(&output);
  return weft__fail(sim, WEFT_EINVAL, "memo: %.150s: %s", path, strerror(reason));
}

/* Are the counts of a record and what its parts say consistent, so that using it reads nothing
 * beyond them? */
static int is_sound(const struct memo_record *r, uint64_t *words) {
  const struct record_parts parts = weft__record_parts(r, words);
  uint64_t packets = 0;
  for (uint32_t v = 0; v < r->vertices; ++v)
    if (parts.vertices[v].first_arc > r->arcs ||
        parts.vertices[v].arcs > r->arcs - parts.vertices[v].first_arc)
      return 0;
  for (uint32_t i = 0; i < r->arcs; ++i)
    if (parts.arcs[i].to >= r->vertices) return 0;
  for (uint32_t p = 0; p < r->ports; ++p) {
    const struct memo_port *port = &parts.ports[p];
    const int first = port->nic.first == WEFT_NONE || port->nic.first < r->flows;
    const int last = port->nic.last == WEFT_NONE || port->nic.last < r->flows;
    if (port->flow >= r->flows || port->hop >= 2 * r->path_ports || !first || !last ||
        port->on_wire > port->packets)
      return 0;
    packets += port->packets;
  }
  for (uint32_t i = 0; i < r->packets; ++i)
    if (parts.packets[i].flow >= r->flows || parts.packets[i].telemetry > r->blocks ||
        parts.packets[i].hop < 1 || parts.packets[i].hop > 2 * r->path_ports)
      return 0;
  for (uint32_t f = 0; f < r->flows; ++f) {
    const struct tx *tx = &parts.flows[f].tx;
    if ((tx->list_next != WEFT_NONE && tx->list_next >= r->flows) ||
        (tx->list_prev != WEFT_NONE && tx->list_prev >= r->flows) || !(parts.flows[f].rate >= 0) ||
        (r->steady && parts.flows[f].rate == 0))
      return 0;
  }
  return packets == r->packets;
}

/* The parts of a record, for which there is room at `words`, and whether they are sound. */
static int read_parts(weft_sim *sim, FILE *file, const struct memo_record *r, uint64_t sum,
                      uint64_t *words) {
  if (words == NULL) return WEFT_ENOMEM;
  if (fread(words, 8, r->used, file) != r->used || checksum(r, words) != sum || !is_sound(r, words))
    return WEFT_EINVAL;
  return add_record(sim, r, words);
}

/* One record of a file; 1 if it is new, 0 if known, WEFT_EINVAL if it is damaged. */
static int read_record(weft_sim *sim, FILE *file) {
  struct memo_record r;
  uint64_t sum;
  if (fread(&r, sizeof r, 1, file) != 1 || fread(&sum, sizeof sum, 1, file) != 1)
    return WEFT_EINVAL;
  const int counts = r.state == RECORD_READY && r.exact <= 1 && r.flows > 0 &&
                     r.flows <= r.vertices && r.ports > 0 && r.span > 0 &&
                     r.path_ports <= WEFT_PATH_MAX && r.cc_words <= CC_WORDS_MOST &&
                     weft__record_words(&r) == r.used;
  if (!counts) return WEFT_EINVAL;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *words = weft__arena_take(sim, &sim->arena, r.used * 8ull);
  const int status = read_parts(sim, file, &r, sum, words);
  weft__arena_reset(sim, &sim->arena, mark);
  return status;
}

static int read_records(weft_sim *sim, FILE *file, const char *path) {
  struct memo_header header;
  if (fread(&header, sizeof header, 1, file) != 1 || memcmp(header.magic, "weftmemo", 8) != 0)
    return weft__fail(sim, WEFT_EINVAL, "memo: %.150s: expected a file of memoized transients",
                      path);
  const struct memo_header own = header_of(header.records);
  if (memcmp(&header, &own, sizeof own) != 0)
    return weft__fail(sim, WEFT_EINVAL,
                      "memo: %.150s: written by another version or build (format %" PRIu32
                      ", expected %d): delete it",
                      path, header.version, MEMO_VERSION);
  int count = 0;
  for (uint32_t i = 0; i < header.records; ++i) {
    const int status = read_record(sim, file);
    if (status == WEFT_ENOMEM) return weft__fail(sim, status, "memo: out of memory");
    if (status < 0)
      return weft__fail(sim, status, "memo: %.150s: record %" PRIu32 " is damaged", path, i);
    count += status;
  }
  return count;
}

int weft_memo_load(weft_sim *sim, const char *path) {
  if (!engine_can(sim, WEFT_CAN_ACCELERATE))
    return weft__engine_needs(sim, WEFT_CAN_ACCELERATE, "memo", "memoize");
  FILE *file = fopen(path, "rb");
  if (file == NULL && errno == ENOENT) return 0;
  if (file == NULL) return weft__fail(sim, WEFT_EINVAL, "memo: %.150s: %s", path, strerror(errno));
  const int status = read_records(sim, file, path);
  fclose(file);
  return status;
}
