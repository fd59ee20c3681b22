/* What the files of the benchmark share. */
#ifndef WEFT_BENCH_BENCH_H
#define WEFT_BENCH_BENCH_H

#include <stdint.h>

#include "weft.h"

enum { GBPS = 1000000000, US = 1000000, REPEATS_MAX = 15 };

/* ---- measuring (bench.c) ---------------------------------------------------------------- */

/** Clocks: of this process's work, which other load disturbs least, and of the wall, which is what
 *  counts when threads share the work. */
double cpu_seconds(void);
double wall_seconds(void);

/** The middle of `count` values, which get sorted. */
double median(double *values, int count);

/** Run everything a single time. */
extern int once;

/** Whether the command line asks for a row of this name. */
int wanted(const char *name);

/** Print a row. */
void row(const char *name, double value, const char *unit);

/** A status that must not be an error; else the program ends. */
int must(weft_sim *sim, int status);

/** Set an option by its name and text; 0 if this engine has none of that name. */
int set_option(weft_config *config, const char *name, const char *value);

/* ---- inputs (inputs.c) ------------------------------------------------------------------ */

struct flow_list {
  weft_flow_def *flows;
  uint32_t count;
};

/** A fat tree of k^3/4 hosts, or a star of `hosts`; 100 Gbit/s, 1 us. Ready. */
weft_sim *fat_tree(const weft_config *config, uint32_t k);
weft_sim *star(const weft_config *config, uint32_t hosts);
/** A topology of tests/reference/ns3-fabric/inputs. */
weft_sim *recorded_fabric(const weft_config *config, const char *name);

/** Every host sends `size` bytes to another one and receives as many; a power of two of hosts. */
struct flow_list permutation(uint32_t hosts, uint64_t size);
/** All hosts but the last send to the last. */
struct flow_list incast(uint32_t hosts, uint64_t size);
/** Poisson arrivals of flows of the web-search distribution at a part of the hosts' rate. */
struct flow_list web_search(uint32_t hosts, double load, weft_time until_ps);
/** A flow list of tests/reference/ns3-fabric/inputs, with the ports that the recording used. */
struct flow_list recorded_flows(const char *name);
/** W3 of the recordings, which has no list: 30 steps of a ring AllReduce, row = step x 16 + src. */
struct flow_list recorded_ring(void);

/* ---- groups of rows --------------------------------------------------------------------- */

/** Whole simulations: hop_ns, skeleton_ns, wheel_skeleton_ns, wall_s (cases.c). */
void bench_cases(void);
/** Engines of the flow level: flow_ns (fluid.c). */
void bench_fluid(void);
/** Bytes of flows and ports (memory.c). */
void bench_memory(void);
/** Set-up, fork, event queue, each alone (parts.c). */
void bench_parts(void);

#endif
