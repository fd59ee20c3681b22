/* The structs of the border, field by field.
 *
 * One description serves the reader and writer of tables and the layout that the LuaJIT overlay
 * is checked against. */
#include "l_util.h"

#define COUNT(array) (uint32_t)(sizeof(array) / sizeof(array)[0])
#define TYPE(type, fields) \
  { #type, (uint32_t)sizeof(type), COUNT(fields), fields }

#define AT(member) (uint32_t) offsetof(T, member)
#define U32(member) \
  { #member, L_U32, AT(member), 0, 0 }
#define U64(member) \
  { #member, L_U64, AT(member), 0, 0 }
#define U64_MIN(member, min) \
  { #member, L_U64, AT(member), min, 0 }
#define I64(member) \
  { #member, L_I64, AT(member), INT64_MIN, 0 }
#define TIME(member) \
  { #member, L_I64, AT(member), 0, 0 }
#define F64(member) \
  { #member, L_F64, AT(member), 0, 0 }
#define ENUM(member, which) \
  { #member, L_ENUM, AT(member), 0, which }
#define HEX(member) \
  { #member, L_HEX, AT(member), 0, 0 }
#define HIDDEN(member) \
  { #member, L_HIDDEN, AT(member), 0, 0 }

#define T weft_option
static const l_field option_fields[] = {
    HIDDEN(name), U32(type), U32(unit),       U32(offset),   U32(needs),
    F64(min),     F64(max),  HIDDEN(choices), HIDDEN(brief),
};

#undef T
#define T weft_link_def
static const l_field link_def_fields[] = {
    U32(a),
    U32(b),
    U64(rate_bps),
    TIME(delay_ps),
    F64(loss),
    ENUM(link_class, WEFT_ENUM_LINK_CLASS),
    U32(cost),
    TIME(jitter_ps),
    U32(apart),
    U64(rate_back_bps),
    TIME(delay_back_ps),
    TIME(jitter_back_ps),
    F64(loss_back),
};

#undef T
#define T weft_link_change
static const l_field link_change_fields[] = {
    TIME(at_ps), U32(link), ENUM(direction, WEFT_ENUM_DIRECTION),
    F64(factor), F64(loss), TIME(detect_ps),
};

#undef T
#define T weft_link_impairment
static const l_field link_impairment_fields[] = {
    TIME(at_ps),   U32(link),      ENUM(direction, WEFT_ENUM_DIRECTION),
    I64(delay_ps), I64(jitter_ps), F64(enter),
    F64(leave),    F64(loss_good), F64(loss_bad),
};

#undef T
#define T weft_storm
static const l_field storm_fields[] = {
    TIME(at_ps), U32(port), TIME(duration_ps), TIME(period_ps), TIME(pause_ps),
};

#undef T
#define T weft_host_change
static const l_field host_change_fields[] = {TIME(at_ps), U32(host), F64(factor)};

#undef T
#define T weft_flow_def
static const l_field flow_def_fields[] = {
    U32(src),     U32(dst),   U64_MIN(size_bytes, 1), TIME(start_ps), U32(tag),
    U32(sport),   U32(dport), HIDDEN(path_ports),     F64(weight),    U64(rate_bps),
    HIDDEN(path),
};

#undef T
#define T weft_task_def
static const l_field task_def_fields[] = {
    ENUM(kind, WEFT_ENUM_TASK_KIND),
    U32(src),
    U32(dst),
    U32(tag),
    U64(size_bytes),
    TIME(duration_ps),
    TIME(start_ps),
    U32(sport),
    U32(dport),
};

#undef T
#define T weft_collective_def
static const l_field collective_def_fields[] = {
    ENUM(kind, WEFT_ENUM_COLLECTIVE_KIND),
    U32(tag),
    U64(size_bytes),
    TIME(start_ps),
    HIDDEN(ranks),
    HIDDEN(rank_count),
    U32(after),
    U64(chunk_bytes),
    ENUM(algorithm, WEFT_ENUM_ALGORITHM),
    U32(root),
    HIDDEN(volumes),
    U32(local),
    U32(forget),
};

#undef T
#define T weft_stats
static const l_field stats_fields[] = {
    I64(now_ps),
    U64(events),
    U64(packet_hops),
    U64(packets_injected),
    U64(packets_delivered),
    U64(packets_dropped),
    U64(packets_in_flight),
    U64(bytes_injected),
    U64(bytes_delivered),
    U64(bytes_dropped),
    U64(bytes_in_flight),
    U64(payload_delivered),
    U64(ecn_marks),
    U64(pfc_pauses),
    U64(retransmits),
    U64(retransmits_spurious),
    U64(timeouts),
    U64(timeouts_put_off),
    U64(flows_added),
    U64(flows_started),
    U64(flows_done),
    U64(flows_failed),
    U64(tasks_added),
    U64(tasks_done),
    U64(max_queue_bytes),
    U64(memory_bytes),
    HEX(fingerprint),
};

#undef T
#define T weft_port_info
static const l_field port_info_fields[] = {
    U32(link),       U32(from),
    U32(to),         U32(up),
    U64(rate_bps),   U64(built_rate_bps),
    I64(delay_ps),   F64(loss),
    F64(burst_loss), I64(added_delay_ps),
    I64(jitter_ps),  I64(paused_since_ps),
    U32(storms),     ENUM(link_class, WEFT_ENUM_LINK_CLASS),
    U32(cost),
};

#undef T
#define T weft_partition_use
static const l_field partition_use_fields[] = {U32(flow), U32(port), U32(ack)};

#undef T
#define T weft_partition
static const l_field partition_fields[] = {
    HEX(key),       U32(pattern),  U32(flow_count), U32(port_count), U32(shared_count),
    U32(use_count), HIDDEN(flows), HIDDEN(ports),   HIDDEN(uses),
};

#undef T
#define T weft_acceleration
static const l_field acceleration_fields[] = {
    U64(events_skipped),  U64(packets_skipped), U64(events_replayed),
    U64(steady_spans),    U64(memo_spans),      U64(hits),
    U64(misses),          U64(followers),       U64(left_to_chance),
    U64(interruptions),   U64(records),         U64(memo_bytes),
    HIDDEN(refused),      I64(transient_ps),    I64(steady_ps),
    I64(memo_ps),         U64(partitions),      U64(largest_partition),
    F64(error_estimate),  U64(audited),         F64(audit_mean),
    F64(audit_deviation), F64(audit_largest),   F64(audit_bias),
    U64(audited_flows),   F64(flows_mean),      F64(flows_deviation),
    F64(flows_largest),   F64(flows_bias),
};

#undef T
#define T weft_column
static const l_field column_fields[] = {
    HIDDEN(name), HIDDEN(brief), HIDDEN(data), U32(type), U32(stride), U64(count),
};

#undef T
#define T weft_series
static const l_field series_fields[] = {I64(start_ps), I64(period_ps), U64(count), HIDDEN(value)};

#undef T
#define T weft_lua_sim
static const l_field box_fields[] = {HIDDEN(sim), U64(calls), U64(running)};

#undef T
#define T weft_api
static const l_field api_fields[] = {
    U32(size),
    U32(version),
    HIDDEN(column_get),
    HIDDEN(series_get),
};

const l_struct l_link_def = TYPE(weft_link_def, link_def_fields);
const l_struct l_link_change = TYPE(weft_link_change, link_change_fields);
const l_struct l_link_impairment = TYPE(weft_link_impairment, link_impairment_fields);
const l_struct l_storm = TYPE(weft_storm, storm_fields);
const l_struct l_host_change = TYPE(weft_host_change, host_change_fields);
const l_struct l_flow_def = TYPE(weft_flow_def, flow_def_fields);
const l_struct l_task_def = TYPE(weft_task_def, task_def_fields);
const l_struct l_collective_def = TYPE(weft_collective_def, collective_def_fields);
const l_struct l_stats = TYPE(weft_stats, stats_fields);
const l_struct l_port_info = TYPE(weft_port_info, port_info_fields);
const l_struct l_partition = TYPE(weft_partition, partition_fields);
const l_struct l_partition_use = TYPE(weft_partition_use, partition_use_fields);
const l_struct l_acceleration = TYPE(weft_acceleration, acceleration_fields);

const l_struct l_structs[] = {
    {"weft_config", sizeof(weft_config), 0, NULL}, /* its fields: weft_options() */
    TYPE(weft_option, option_fields),
    TYPE(weft_link_def, link_def_fields),
    TYPE(weft_link_change, link_change_fields),
    TYPE(weft_link_impairment, link_impairment_fields),
    TYPE(weft_storm, storm_fields),
    TYPE(weft_host_change, host_change_fields),
    TYPE(weft_flow_def, flow_def_fields),
    TYPE(weft_task_def, task_def_fields),
    TYPE(weft_collective_def, collective_def_fields),
    TYPE(weft_stats, stats_fields),
    TYPE(weft_port_info, port_info_fields),
    TYPE(weft_partition_use, partition_use_fields),
    TYPE(weft_partition, partition_fields),
    TYPE(weft_acceleration, acceleration_fields),
    TYPE(weft_column, column_fields),
    TYPE(weft_series, series_fields),
    TYPE(weft_lua_sim, box_fields),
    TYPE(weft_api, api_fields),
    {NULL, 0, 0, NULL},
};
