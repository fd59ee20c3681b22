/* Fabrics and shorthands that several C tests use. Everything fails the running test on error. */
#ifndef WEFT_TEST_FIXTURE_H
#define WEFT_TEST_FIXTURE_H

#include "test.h"
#include "weft.h"

enum { GBPS = 1000000000, US = 1000000 };

/* Check a status that may also be a result, and pass it on. */
#define MUST(sim, call) fixture_must(__FILE__, __LINE__, #call, sim, call)
int fixture_must(const char *file, int line, const char *what, const weft_sim *sim, int status);

/* A configuration that leaves flows alone: fixed window, no INT, no marks. */
weft_config quiet_config(void);

/* A simulation with no nodes. */
weft_sim *new_sim(const weft_config *config, const weft_allocator *allocator);

uint32_t add_node(weft_sim *sim, int kind);
uint32_t add_link(weft_sim *sim, uint32_t a, uint32_t b, uint64_t rate_bps, weft_time delay_ps);

/* Ready fabrics; hosts are nodes 0, 1, ... */

/* Hosts around one switch; host i has link i. */
weft_sim *star(const weft_config *config, uint32_t hosts, uint64_t rate_bps, weft_time delay_ps);

/* `pairs` hosts on each side of a link between two switches; the last link is that one. */
weft_sim *dumbbell(const weft_config *config, uint32_t pairs, uint64_t rate_bps,
                   uint64_t middle_bps, weft_time delay_ps);

/* k^3/4 hosts, k pods. Hosts are numbered pod by pod. */
weft_sim *fat_tree(const weft_config *config, uint32_t k, uint64_t rate_bps, weft_time delay_ps);
/* The same before weft_fabric_ready(), with an allocator. */
weft_sim *fat_tree_open(const weft_config *config, const weft_allocator *allocator, uint32_t k,
                        uint64_t rate_bps, weft_time delay_ps);

uint32_t add_flow(weft_sim *sim, uint32_t src, uint32_t dst, uint64_t bytes, weft_time start_ps);
weft_stats stats_of(weft_sim *sim);

/* Run to the end, which must be WEFT_RUN_DONE, and check. */
void run_to_end(weft_sim *sim);

/* A cell of a table of results, by the name of the column. */
int64_t cell(weft_sim *sim, int table, const char *column, uint64_t row);

/* Uniform in (0, 1]: draw n of the stream `key`. The tests' own generator, not the engine's. */
double uniform(uint64_t key, uint64_t n);

#endif
