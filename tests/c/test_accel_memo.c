/* Memory of transients in files: what was saved is known in the next simulation, and no damage to
 * a file does any to who reads it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static const char *path_of(const char *what) {
  static char path[96];
  snprintf(path, sizeof path, "/tmp/weft_%s_%d.memo", what, (int)getpid());
  return path;
}

/* Two flows to one host, of which the second comes later. */
static weft_sim *scene(uint32_t cc, uint64_t rate_bps) {
  weft_config config = weft_config_default();
  config.cc = cc;
  config.memoize = config.fast_forward = 1;
  config.theta = 0.2;
  config.steady_samples = 4;
  weft_sim *sim = star(&config, 3, rate_bps, US);
  add_flow(sim, 0, 2, 3000000, 0);
  add_flow(sim, 1, 2, 2000000, 100 * (weft_time)US);
  return sim;
}

static weft_acceleration report(const weft_sim *sim) {
  weft_acceleration report;
  weft_acceleration_get(sim, &report);
  return report;
}

/* A file of what two algorithms go through; returns how many records. */
static int save(const char *path) {
  weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
  weft_sim *other = scene(WEFT_CC_DCTCP, 100 * (uint64_t)GBPS);
  run_to_end(sim);
  run_to_end(other);
  const int records = (int)report(sim).records + MUST(sim, weft_memo_copy(sim, other));
  MUST(sim, weft_memo_save(sim, path));
  weft_sim_destroy(sim);
  weft_sim_destroy(other);
  return records;
}

TEST(memo_files_are_known_from_the_start) {
  const char *path = path_of("known");
  const int records = save(path);
  ENSURE(records >= 4);
  weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
  ENSURE_EQ(MUST(sim, weft_memo_load(sim, path)), records);
  ENSURE_EQ(MUST(sim, weft_memo_load(sim, path)), 0);
  run_to_end(sim);
  ENSURE(report(sim).hits >= 2);
  ENSURE_EQ(report(sim).misses, 0);
  ENSURE_EQ(report(sim).records, records);
  weft_sim_destroy(sim);
  sim = scene(WEFT_CC_HPCC, 25 * (uint64_t)GBPS); /* another rate: nothing of it is known */
  ENSURE_EQ(MUST(sim, weft_memo_load(sim, path)), records);
  run_to_end(sim);
  ENSURE_EQ(report(sim).hits, 0);
  weft_sim_destroy(sim);
  remove(path);
}

/* The ends of flows are known by state: what comes of them is the same to the ps and the byte, last
 * packets that are short included. */
TEST(memo_files_know_flows_to_their_last_packet) {
  const char *path = path_of("ends");
  weft_sim *sims[2];
  for (int i = 0; i < 2; i++) {
    sims[i] = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
    add_flow(sims[i], 0, 2, 777777, 1000 * (weft_time)US);
    add_flow(sims[i], 0, 2, 12345, 2000 * (weft_time)US);
    if (i == 1) ENSURE_EQ(MUST(sims[i], weft_memo_load(sims[i], path)), report(sims[0]).records);
    run_to_end(sims[i]);
    MUST(sims[i], weft_memo_save(sims[i], path));
  }
  ENSURE(report(sims[0]).misses >= 8);
  ENSURE_EQ(report(sims[1]).misses, 0);
  const weft_stats first = stats_of(sims[0]), second = stats_of(sims[1]);
  ENSURE(second.events * 100 < first.events);
  ENSURE_EQ(second.bytes_injected, first.bytes_injected);
  ENSURE_EQ(second.bytes_delivered, first.bytes_delivered);
  ENSURE_EQ(second.payload_delivered, 3000000 + 2000000 + 777777 + 12345);
  ENSURE_EQ(second.packet_hops, first.packet_hops);
  for (uint32_t f = 0; f < 4; f++)
    ENSURE_EQ(cell(sims[1], WEFT_TABLE_FLOWS, "fct_ps", f),
              cell(sims[0], WEFT_TABLE_FLOWS, "fct_ps", f));
  for (uint32_t p = 0; p < 6; p++)
    ENSURE_EQ(cell(sims[1], WEFT_TABLE_PORTS, "tx_bytes", p),
              cell(sims[0], WEFT_TABLE_PORTS, "tx_bytes", p));
  for (int i = 0; i < 2; i++) weft_sim_destroy(sims[i]);
  remove(path);
}

TEST(memo_files_that_are_missing_hold_nothing) {
  weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
  ENSURE_EQ(MUST(sim, weft_memo_load(sim, "/nonexistent/weft.memo")), 0);
  ENSURE_EQ(weft_memo_save(sim, "/nonexistent/weft.memo"), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "/nonexistent/weft.memo");
  ENSURE_EQ(weft_memo_load(sim, "/tmp"), WEFT_EINVAL);
  run_to_end(sim);
  weft_sim_destroy(sim);
}

static char *read_whole(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  ENSURE(file != NULL);
  char *bytes = malloc(1 << 20);
  *size = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  ENSURE(*size > 1000 && *size < 1 << 20);
  return bytes;
}

static void write_whole(const char *path, const char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  ENSURE(file != NULL);
  ENSURE(fwrite(bytes, 1, size, file) == size);
  fclose(file);
}

/* A file that is not as it was written is refused, and the simulation goes on without. */
static void expect_refused(weft_sim *sim, const char *path, const char *what, size_t at) {
  const int status = weft_memo_load(sim, path);
  if (status != WEFT_EINVAL)
    test_fail(__FILE__, __LINE__, "%s at byte %zu: got %d, wanted WEFT_EINVAL", what, at, status);
}

static void put_byte(const char *path, size_t at, char byte) {
  FILE *file = fopen(path, "r+b");
  ENSURE(file != NULL && fseek(file, (long)at, SEEK_SET) == 0);
  ENSURE(fputc((unsigned char)byte, file) != EOF);
  fclose(file);
}

TEST(memo_files_that_are_damaged_are_refused) {
  const char *path = path_of("damaged");
  size_t size;
  const int records = save(path);
  char *bytes = read_whole(path, &size);
  weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
  for (size_t at = 0; at < size; at += at < 200 ? 1 : 1 + at % 61) {
    put_byte(path, at, (char)(bytes[at] ^ (1 << at % 8)));
    expect_refused(sim, path, "a bit flipped", at);
    put_byte(path, at, bytes[at]);
  }
  for (size_t at = size - 1; at > 9; at -= 1 + at / 29) {
    ENSURE(truncate(path, (off_t)at) == 0);
    expect_refused(sim, path, "cut off", at);
  }
  write_whole(path, bytes, size);
  MUST(sim, weft_memo_load(sim, path));
  run_to_end(sim);
  ENSURE_EQ(report(sim).misses, 0);
  ENSURE_EQ(report(sim).records, records);
  weft_sim_destroy(sim);
  free(bytes);
  remove(path);
}

TEST(memo_files_of_another_version_say_so) {
  const char *path = path_of("version");
  size_t size;
  save(path);
  char *bytes = read_whole(path, &size);
  weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
  ++bytes[8];
  write_whole(path, bytes, size);
  ENSURE_EQ(weft_memo_load(sim, path), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "written by another version or build");
  bytes[0] = 'W';
  write_whole(path, bytes, size);
  ENSURE_EQ(weft_memo_load(sim, path), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "expected a file of memoized transients");
  weft_sim_destroy(sim);
  free(bytes);
  remove(path);
}

/* What one of several processes does that share a file; its status. */
static int share(const char *path, int writes) {
  for (int round = 0; round < 40; round++) {
    weft_sim *sim = scene(WEFT_CC_HPCC, 100 * (uint64_t)GBPS);
    const int loaded = weft_memo_load(sim, path);
    if (loaded < 4) return 1;
    if (writes && weft_memo_save(sim, path) != WEFT_OK) return 2;
    weft_sim_destroy(sim);
  }
  return 0;
}

TEST(memo_files_are_whole_for_readers_while_others_write) {
  const char *path = path_of("shared");
  pid_t child[4];
  save(path);
  for (int i = 0; i < 4; i++) {
    child[i] = fork();
    ENSURE(child[i] >= 0);
    if (child[i] == 0) _exit(share(path, i % 2));
  }
  for (int i = 0; i < 4; i++) {
    int status;
    ENSURE(waitpid(child[i], &status, 0) == child[i]);
    ENSURE(WIFEXITED(status));
    ENSURE_EQ(WEXITSTATUS(status), 0);
  }
  remove(path);
}
