/* weft: an embeddable simulator of the networks that train large models.
 *
 * Use: weft_config_default() -> weft_sim_create() -> nodes, links -> weft_fabric_ready() -> flows,
 * tasks, changes -> weft_run() -> results -> weft_sim_destroy(). Flows, tasks and link changes may
 * also be added between runs. Two simulations in one process never interact; one simulation is
 * used from one thread at a time.
 *
 * Errors: functions returning int give a negative enum weft_status; weft_sim_error() then holds
 * one line saying what was got and what was wanted. A failed call changes nothing. */
#ifndef WEFT_H
#define WEFT_H

#include "weft_types.h"

#include "weft_linkage.h"

/* A shared libweft shows what is declared here and nothing else. */
#pragma GCC visibility push(default)

/* ---- library ---------------------------------------------------------------------------- */

/** "major.minor.patch". */
const char *weft_version(void);

/** Name and text of a status: "WEFT_EINVAL", "invalid argument". "unknown" for other numbers. */
const char *weft_error_name(int status);
const char *weft_error_text(int status);

/** The fields of weft_config, and the defaults. The array is constant and lives for ever. */
const weft_option *weft_options(uint32_t *count);
weft_config weft_config_default(void);

/** Whether an engine (enum weft_engine) has something (enum weft_can): 1 or 0; WEFT_EINVAL: one of
 *  them is no such number. */
int weft_engine_can(int engine, int what);

/** Of an enumeration (enum weft_enum): its own name, "link_class"; the names of its values from 0
 *  up, separated by '|', "by_ends|nvlink|pcie|net". NULL for other numbers. */
const char *weft_enum_id(int which);
const char *weft_enum_names(int which);

/** The value of that name, or WEFT_EINVAL. */
int weft_enum_value(int which, const char *name);

/** What calls take, with all that a caller may leave alone at what changes nothing. Fields without
 *  such a value (hosts, sizes) are 0. */
weft_link_def weft_link_def_default(void);
weft_link_change weft_link_change_default(void);
weft_link_impairment weft_link_impairment_default(void);
weft_storm weft_storm_default(void);
weft_host_change weft_host_change_default(void);
weft_flow_def weft_flow_def_default(void);
weft_task_def weft_task_def_default(void);
weft_collective_def weft_collective_def_default(void);

/** Parse a quantity: unit WEFT_UNIT_TIME ("1us", "0.5 ms", to ps), _RATE ("100Gbps", "400 Gbit/s",
 *  to bit/s), _BYTES ("16MiB", "1 MB", to bytes) or _NONE ("1e6"). Exact: a value that is not a
 *  whole number of the unit is an error. On error writes one line to `error` (size bytes). */
int weft_parse_quantity(const char *text, int unit, int64_t *value, char *error, size_t size);

/* ---- simulation ------------------------------------------------------------------------- */

/** Create a simulation; `allocator` (copied) may be NULL for the C library's. On WEFT_ENOMEM *sim
 *  is NULL; on other errors *sim holds the message and must be destroyed. */
int weft_sim_create(const weft_config *config, const weft_allocator *allocator, weft_sim **sim);

/** Free everything. NULL is allowed. */
void weft_sim_destroy(weft_sim *sim);

/** Give a simulation with cc = WEFT_CC_SCRIPT its congestion control, before weft_fabric_ready();
 *  later another takes over: of a fork, say, or with weft_sim_set_cc() behind it, which it needs if
 *  packets are to carry something else. `script` is copied; its `user` must live as long as the
 *  simulation. */
int weft_sim_set_script(weft_sim *sim, const weft_script *script);

/** Another congestion control (enum weft_cc) from the next run on. Flows under way begin anew
 *  with it, as at their start. Not with compat, nor with acceleration: WEFT_ESTATE. What
 *  weft_ideal_fct() and the traffic of flows say of packets' sizes is then of the new one's. */
int weft_sim_set_cc(weft_sim *sim, int cc);

/** A copy that continues independently: what-if from here. A script's state is not part of the
 *  simulation: copy that too, and give the copy weft_sim_set_script(). On errors other than
 *  WEFT_ENOMEM *copy holds the message and must be destroyed. */
int weft_sim_fork(const weft_sim *sim, weft_sim **copy);

/** The last error's message; valid until the next call on the same simulation. */
const char *weft_sim_error(const weft_sim *sim);

/** The configuration in effect. */
weft_config weft_sim_config(const weft_sim *sim);

/* ---- resources -------------------------------------------------------------------------- */

/** Copy `size` bytes into a resource of a kind (enum weft_resource_kind), which is yours until you
 *  release it. `allocator` (copied; it must do for all threads that hold the resource) may be NULL:
 *  the data then begins with a cache line. On errors *resource is NULL. */
int weft_resource_create(uint32_t kind, const char *name, const void *data, uint64_t size,
                         const weft_allocator *allocator, weft_resource **resource);

/** Hold it once more; returns it. Give it back; the last to do so frees it, NULL is allowed. Safe
 *  on several threads at once. */
weft_resource *weft_resource_retain(weft_resource *resource);
void weft_resource_release(weft_resource *resource);

/** Its bytes, and how many; its name and kind. Valid while it is held. The second may be NULL. */
const void *weft_resource_data(const weft_resource *resource, uint64_t *size);
const char *weft_resource_name(const weft_resource *resource, uint32_t *kind);

/** Let a simulation hold a resource until it is destroyed; returns the index. Forks hold what the
 *  simulation holds, and share it. */
int weft_sim_hold(weft_sim *sim, weft_resource *resource);

/** The resource of that index, for as long as the simulation holds it; NULL: there is none. */
weft_resource *weft_sim_resource(const weft_sim *sim, uint32_t index);

/* ---- engine learned --------------------------------------------------------------------- */

/** Keep an example for each flow that ends from now on: features as a model would see them. */
int weft_learned_record(weft_sim *sim);

/** They follow one another: the number of the flow, ps of the fluid, ps alone, links; features of
 *  the flow, and of each link. Valid until the simulation goes on. */
int weft_learned_examples(const weft_sim *sim, const float **values, uint64_t *count);

/** The name of a feature by its place in examples, those of flows first, then those of links; NULL:
 *  there are no more. `range`: the least and the most that the model was trained on, and what was
 *  furthest outside in this simulation, if anything was; it may be NULL, and is 0 without a model.
 */
const char *weft_learned_feature(const weft_sim *sim, uint32_t index, double range[3]);

/* ---- fabric ----------------------------------------------------------------------------- */

/** Add a node of enum weft_node_kind; returns its index. */
int weft_node_add(weft_sim *sim, int kind);

/** Add a link; returns its index. */
int weft_link_add(weft_sim *sim, const weft_link_def *def);

/** Set the ECN thresholds of a directed port (bytes; pmax 0..1), instead of the scaled ones. */
int weft_port_set_ecn(weft_sim *sim, uint32_t port, uint64_t kmin_bytes, uint64_t kmax_bytes,
                      double pmax);

/** Close the fabric, which has at least one node: size buffers, prepare routing. Required before
 *  flows and runs. */
int weft_fabric_ready(weft_sim *sim);

uint32_t weft_node_count(const weft_sim *sim);
uint32_t weft_link_count(const weft_sim *sim);

/** Kind of a node (enum weft_node_kind), or WEFT_EINVAL. */
int weft_node_kind(const weft_sim *sim, uint32_t node);
int weft_port_info_get(weft_sim *sim, uint32_t port, weft_port_info *info);

/** The ports that a flow with number `flow` would take now from src to dst; returns how many, or
 *  WEFT_ENOROUTE. `ports` has room for WEFT_PATH_MAX. */
int weft_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports);

/** The ports that the ACKs of that flow would take now, from dst to src. */
int weft_ack_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports);

/** 1 if the fabric as built has a way from src to dst, whatever has failed since; 0 if not. Hosts
 *  do not forward. */
int weft_reachable(weft_sim *sim, uint32_t src, uint32_t dst);

/** As weft_path(); where failures have left no way, that of the fabric as built, on which a flow
 *  that starts now waits for a repair. */
int weft_built_path(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, uint32_t *ports);

/** Completion time of one flow alone on its path: every packet is sent at line rate, stored and
 *  forwarded at each hop. This is the FCT that slowdown divides by. */
int weft_ideal_fct(weft_sim *sim, uint32_t src, uint32_t dst, uint64_t size_bytes,
                   weft_time *fct_ps);

/** Schedule a change of a link. */
int weft_link_schedule(weft_sim *sim, const weft_link_change *change);

/** Schedule a change of what a link's wires do to packets: delay, jitter, burst loss. */
int weft_link_impair(weft_sim *sim, const weft_link_impairment *impairment);

/** Schedule a PFC storm on a port. */
int weft_storm_add(weft_sim *sim, const weft_storm *storm);

/** Schedule a change of a host's speed of computing. */
int weft_host_schedule(weft_sim *sim, const weft_host_change *change);

/* ---- workload --------------------------------------------------------------------------- */

/** Add a flow; returns its index, which is its row in WEFT_TABLE_FLOWS. */
int weft_flow_add(weft_sim *sim, const weft_flow_def *def);

/** Add `count` flows; returns the index of the first, the others follow. All or none: a message
 *  begins with the number of the flow it is about, "flow 17: ...", counted from 0. */
int weft_flows_add(weft_sim *sim, const weft_flow_def *flows, uint32_t count);

/** Add a task; returns its index, which is its row in WEFT_TABLE_TASKS. It will not begin before
 *  the next weft_run(), so weft_task_after() may still follow. */
int weft_task_add(weft_sim *sim, const weft_task_def *def);

/** Let `task` wait for `dependency`, which was added before it. */
int weft_task_after(weft_sim *sim, uint32_t task, uint32_t dependency);

/** Let `task` wait until all of `dependency`, a SEND that has not begun, has left its host: what
 *  messages of one connection do. */
int weft_task_behind(weft_sim *sim, uint32_t task, uint32_t dependency);

/** What weft_collective_add() would say, without adding anything. WEFT_ENOROUTE: two ranks that
 *  would send to each other have no way in the fabric as built; the message names the hosts. */
int weft_collective_check(weft_sim *sim, const weft_collective_def *def);

/** Add a collective; returns its task, which is a task like any other. */
int weft_collective_add(weft_sim *sim, const weft_collective_def *def);

/* ---- run -------------------------------------------------------------------------------- */

/** Run until no event is left, until `until_ps` (inclusive; negative: no limit), or until
 *  `max_events` more events are handled (0: no limit; several threads stop at the end of a window,
 *  and leave fewer than 65,536 to one). Returns enum weft_run_result. */
int weft_run(weft_sim *sim, weft_time until_ps, uint64_t max_events);

/** How many threads have worked at once so far, at most; 1: the caller's alone. `why`, unless NULL,
 *  is set to enum weft_threads_why. */
int weft_threads_used(const weft_sim *sim, uint32_t *why);

/** Make a running weft_run() return before the next event. Safe in a signal handler. */
void weft_interrupt(weft_sim *sim);

/** Totals so far. */
void weft_stats_get(weft_sim *sim, weft_stats *stats);

/** The watchdog: look at all active flows, and write the rows of those to which nothing has been
 *  delivered for `patience_ps` (1 or more), in the order of slots, at most `capacity` of them.
 *  Returns how many there are. What has arrived is compared with the call before, so a flow is
 *  found between one and two intervals between calls after its patience is over. */
int weft_stalled(weft_sim *sim, weft_time patience_ps, uint32_t *rows, uint32_t capacity);

/** Verify conservation of packets and bytes and the consistency of queues; WEFT_EINTERNAL and a
 *  message if broken. Builds with CONFIG=check call it during runs. */
int weft_check(weft_sim *sim);

/* ---- results ---------------------------------------------------------------------------- */

/** Column `index` of a table (enum weft_table), 0, 1, ...; WEFT_EINVAL behind the last. What the
 *  engine does not have is no column. */
int weft_column_get(weft_sim *sim, int table, uint32_t index, weft_column *column);

/** What an engine must have (enum weft_can) for a table to have a column of that name; WEFT_EINVAL:
 *  there is none with any. */
int weft_column_needs(int table, const char *name);

/** How many flows had the row before (weft_collective_def.forget): a row that was kept is another
 *  flow's by now if this has changed. */
int weft_flow_generation(weft_sim *sim, uint32_t flow);

/** What a flow has put on which ports: summed over all flows this is what each port has sent, if
 *  nothing was lost, is under way, or has changed its way. A flow that is over is taken to have
 *  gone the way that routing gives now; WEFT_ENOROUTE if there is none. */
int weft_flow_traffic_get(weft_sim *sim, uint32_t flow, weft_flow_traffic *traffic);

/** Sample all watches every `period_ps` from now on, keeping at most `capacity` periods (even, 16
 *  or more): when full, neighbours are merged and the period doubles. Once per simulation. */
int weft_sample(weft_sim *sim, weft_time period_ps, uint32_t capacity);

/** Watch a port or flow (enum weft_metric) from now on; returns the watch. Needs weft_sample().
 *  When its row is used again, the series of a flow is over. */
int weft_watch(weft_sim *sim, int metric, uint32_t object);

/** Keep a row of WEFT_TABLE_ACKS for every ACK that a sender processes from now on, 56 bytes each,
 *  at most `capacity` rows (0: no more); the state in it is that after the reaction to the ACK. */
int weft_trace_acks(weft_sim *sim, uint32_t capacity);

/** The series of a watch so far. */
int weft_series_get(weft_sim *sim, uint32_t watch, weft_series *series);

/* ---- partitions ------------------------------------------------------------------------- */

/** Divide the active flows whose last byte has not arrived into partitions: two flows are in one if
 *  they meet at a directed port, or are connected by flows that do. `acks` (enum
 *  weft_partition_acks) says whether ACKs count. A partition's pattern is its graph of flows and
 *  shared ports with all that decides how they share: rates, delays, buffers, congestion control;
 *  and, where `rate_steps` is not 0, the present rate of each flow in so many steps of its line
 *  rate. Returns how many there are, in the order of their first flows; they are valid until this
 *  is called again. */
int weft_partitions_find(weft_sim *sim, int acks, uint32_t rate_steps);

/** One of those partitions. */
int weft_partition_get(weft_sim *sim, uint32_t index, weft_partition *partition);

/** Map the flows of a partition on those of another so that everything in their patterns agrees:
 *  flows[i] is the counterpart of flow i of `a` in `b`. Returns 1, or 0 if there is no such map;
 *  WEFT_ELIMIT if none was found in bounded time. `flows` may be NULL. */
int weft_partition_match(weft_sim *sim, uint32_t a, uint32_t b, uint32_t *flows);

/* ---- acceleration ----------------------------------------------------------------------- */

/** What acceleration has done so far (options memoize and fast_forward). */
void weft_acceleration_get(const weft_sim *sim, weft_acceleration *out);

/** Keep a row of WEFT_TABLE_SPANS for every span that is skipped from now on, 40 bytes each, at
 *  most `capacity` rows (0: no more). */
int weft_trace_spans(weft_sim *sim, uint32_t capacity);

/** The phase (enum weft_phase) of a flow's partition, and since when (may be NULL). */
int weft_flow_phase(const weft_sim *sim, uint32_t flow, weft_time *since_ps);

/** Write what has been memoized to a file: first under a temporary name, so that readers see all or
 *  nothing. Merges with nothing. */
int weft_memo_save(weft_sim *sim, const char *path);

/** Add what is in such a file to what has been memoized. Returns how many records came, 0 if there
 *  is no such file, WEFT_EINVAL if it is no such file or of another version. */
int weft_memo_load(weft_sim *sim, const char *path);

/** Add what another simulation has memoized. Returns how many records came. */
int weft_memo_copy(weft_sim *sim, const weft_sim *from);

/* ---- learning ---------------------------------------------------------------------------
 *
 * A model corrects what an engine says of a flow's completion time, and has learned how from other
 * engines or from hardware. None of this needs a simulation. Errors are told in one line, in
 * `error` of `size` bytes, as with weft_parse_quantity(). Models may be shared by threads. */

/** Read a model's file; all of it is checked. On errors *model is NULL. */
int weft_model_load(const char *path, weft_model **model, char *error, size_t size);

/** Write it, whole or not at all. */
int weft_model_save(const weft_model *model, const char *path, char *error, size_t size);

/** Let go of it; the last to do so frees it. NULL is allowed. */
void weft_model_free(weft_model *model);

/** What a model is. Texts are valid while it is held. */
void weft_model_info_get(const weft_model *model, weft_model_info *info);

/** Feature `index` of flows (links = 0) or of links (1); WEFT_EINVAL behind the last. */
int weft_model_feature_get(const weft_model *model, int links, uint32_t index,
                           weft_model_feature *feature);

/** A number that says how good it is, or how it came about; WEFT_EINVAL behind the last. */
int weft_model_metric_get(const weft_model *model, uint32_t index, const char **name,
                          double *value);

/** Set such a number (name: letters, digits, '_', '-', '.'); the command that made the model, the
 *  engine whose times it corrects. For a model that nobody else holds yet. */
int weft_model_set_metric(weft_model *model, const char *name, double value);
int weft_model_set_texts(weft_model *model, const char *base, const char *command);

/** The factor by which a flow's completion time is to be multiplied. `flow`: its features; `links`:
 *  those of n_links links of its way, one behind the other. */
int weft_model_predict(const weft_model *model, const float *flow, const float *links,
                       uint32_t n_links, double *factor);

/** No examples yet, of features by these names, a blank between two. */
int weft_examples_create(const char *flow_features, const char *link_features,
                         weft_examples **examples, char *error, size_t size);
void weft_examples_free(weft_examples *examples);
uint32_t weft_examples_count(const weft_examples *examples);

/** How many features flows and links have. */
void weft_examples_widths(const weft_examples *examples, uint32_t *flow, uint32_t *link);

/** Add `count` flows of one group, all or none: features of each; of how many links; those of all
 *  links one behind the other; times. */
int weft_examples_add(weft_examples *examples, uint32_t count, uint32_t group, const float *flow,
                      const uint32_t *link_counts, const float *links,
                      const weft_example_times *times, char *error, size_t size);

/** Write them to a file. Add those of a file to *examples, or to new ones where that is NULL. */
int weft_examples_save(const weft_examples *examples, const char *path, char *error, size_t size);
int weft_examples_load(const char *path, weft_examples **examples, char *error, size_t size);

weft_training weft_training_default(void);

/** Begin to train an architecture ("sets") from examples, which must stay as they are. `from`: a
 *  model whose weights it begins with, or NULL. */
int weft_trainer_create(const weft_examples *examples, const char *architecture,
                        const weft_training *training, const weft_model *from,
                        weft_trainer **trainer, char *error, size_t size);
void weft_trainer_free(weft_trainer *trainer);

/** Train on for so many steps. 1: there is more to do; 0: it is over; or a status. */
int weft_trainer_run(weft_trainer *trainer, uint32_t steps);

void weft_trainer_state_get(const weft_trainer *trainer, weft_training_state *state);

/** The best model so far; it is the caller's. */
int weft_trainer_model(const weft_trainer *trainer, weft_model **model);

/** Write down where a training is. Go on from there: with the same examples and settings, else
 *  WEFT_EINVAL, and then gives what would have come without the break. */
int weft_trainer_save(const weft_trainer *trainer, const char *path, char *error, size_t size);
int weft_trainer_resume(weft_trainer *trainer, const char *path, char *error, size_t size);

#pragma GCC visibility pop

#include "weft_linkage.h"

#endif
