/* Methods that read results: columns of tables and sampled series. */
#include <string.h>

#include "l_util.h"

/* sim:columns(table) -> {{name=, brief=, type=, count=}, ...} */
static int columns(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int table = (int)l_check_choice(L, 2, "table", weft_enum_names(WEFT_ENUM_TABLE));
  weft_column column;
  l_status(L, sim, weft_column_get(sim, table, 0, &column)); /* the engine has no such table */
  lua_newtable(L);
  for (uint32_t i = 0; weft_column_get(sim, table, i, &column) >= 0; i++) {
    lua_createtable(L, 0, 4);
    l_push_uint(L, column.count);
    lua_setfield(L, -2, "count");
    lua_pushstring(L, column.name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, column.brief);
    lua_setfield(L, -2, "brief");
    l_push_choice(L, weft_enum_names(WEFT_ENUM_COLUMN_TYPE), column.type);
    lua_setfield(L, -2, "type");
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

static void find_column(lua_State *L, weft_sim *sim, int table, const char *name,
                        weft_column *column) {
  l_status(L, sim, weft_column_get(sim, table, 0, column));
  for (uint32_t i = 0; weft_column_get(sim, table, i, column) >= 0; i++) {
    if (strcmp(column->name, name) == 0) return;
  }
  if (weft_column_needs(table, name) >= 0) luaL_error(L, "the engine has no column '%s'", name);
  l_near near;
  l_near_start(&near, name);
  for (uint32_t i = 0; weft_column_get(sim, table, i, column) >= 0; i++) {
    l_near_try(&near, column->name, strlen(column->name));
  }
  l_near_push(L, &near);
  luaL_error(L, "unknown column '%s'%s", name, lua_tostring(L, -1));
}

static void push_element(lua_State *L, const weft_column *column, uint64_t i) {
  const void *at = (const char *)column->data + i * column->stride;
  switch (column->type) {
    case WEFT_COL_U32:
      l_push_int(L, *(const uint32_t *)at);
      break;
    case WEFT_COL_I64:
      l_push_int(L, *(const int64_t *)at);
      break;
    case WEFT_COL_U64:
      l_push_uint(L, *(const uint64_t *)at);
      break;
    default:
      lua_pushnumber(L, *(const double *)at);
  }
}

/* sim:column(table, name or index, first = 0, count = the rest) -> array */
static int column_values(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int table = (int)l_check_choice(L, 2, "table", weft_enum_names(WEFT_ENUM_TABLE));
  weft_column column;
  if (lua_type(L, 3) == LUA_TSTRING) {
    find_column(L, sim, table, lua_tostring(L, 3), &column);
  } else {
    uint32_t index = l_check_u32(L, 3, "column");
    l_status(L, sim, weft_column_get(sim, table, index, &column));
  }
  uint64_t first = lua_isnoneornil(L, 4) ? 0 : l_check_u64(L, 4, "first");
  uint64_t count = lua_isnoneornil(L, 5) ? column.count : l_check_u64(L, 5, "count");
  if (first > column.count) first = column.count;
  if (count > column.count - first) count = column.count - first;
  lua_createtable(L, (int)count, 0);
  for (uint64_t i = 0; i < count; i++) {
    push_element(L, &column, first + i);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

static void push_list(lua_State *L, const uint32_t *values, uint32_t count) {
  lua_createtable(L, (int)count, 0);
  for (uint32_t i = 0; i < count; i++) {
    l_push_int(L, values[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

static void set_list(lua_State *L, const char *name, const uint32_t *values, uint32_t count) {
  push_list(L, values, count);
  lua_setfield(L, -2, name);
}

/* sim:flow_traffic(flow) -> {data_bytes=, ack_bytes=, data_ports={...}, ack_ports={...}} */
static int flow_traffic(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_flow_traffic traffic;
  l_status(L, sim, weft_flow_traffic_get(sim, l_check_u32(L, 2, "flow"), &traffic));
  lua_createtable(L, 0, 4);
  l_push_uint(L, traffic.data_bytes);
  lua_setfield(L, -2, "data_bytes");
  l_push_uint(L, traffic.ack_bytes);
  lua_setfield(L, -2, "ack_bytes");
  set_list(L, "data_ports", traffic.data_ports, traffic.data_hops);
  set_list(L, "ack_ports", traffic.ack_ports, traffic.ack_hops);
  return 1;
}

static int sample(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int64_t period = l_check_int(L, 2, "period_ps", 1, INT64_MAX);
  uint32_t capacity = l_check_u32(L, 3, "capacity");
  l_status(L, sim, weft_sample(sim, period, capacity));
  return 0;
}

static int trace_acks(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  l_status(L, sim, weft_trace_acks(sim, l_check_u32(L, 2, "capacity")));
  return 0;
}

static int watch(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int metric = (int)l_check_choice(L, 2, "metric", weft_enum_names(WEFT_ENUM_METRIC));
  uint32_t object = l_check_u32(L, 3, "object");
  return l_push_status(L, sim, weft_watch(sim, metric, object));
}

/* sim:series(watch) -> {start_ps=, period_ps=, count=, value={...}} */
static int series_values(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_series series;
  l_status(L, sim, weft_series_get(sim, l_check_u32(L, 2, "watch"), &series));
  lua_createtable(L, 0, 4);
  l_push_int(L, series.start_ps);
  lua_setfield(L, -2, "start_ps");
  l_push_int(L, series.period_ps);
  lua_setfield(L, -2, "period_ps");
  l_push_uint(L, series.count);
  lua_setfield(L, -2, "count");
  lua_createtable(L, (int)series.count, 0);
  for (uint64_t i = 0; i < series.count; i++) {
    l_push_uint(L, series.value[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "value");
  return 1;
}

/* sim:partitions_find([acks], [rate_steps]) -> how many */
static int partitions_find(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  int acks = WEFT_ACKS_DATA;
  if (!lua_isnoneornil(L, 2))
    acks = (int)l_check_choice(L, 2, "acks", weft_enum_names(WEFT_ENUM_PARTITION_ACKS));
  uint32_t rate_steps = lua_isnoneornil(L, 3) ? 0 : l_check_u32(L, 3, "rate_steps");
  return l_push_status(L, sim, weft_partitions_find(sim, acks, rate_steps));
}

/* sim:partition(index) -> {key=, pattern=, ..., flows={...}, ports={...}, uses={...}} */
static int partition(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  weft_partition found;
  l_status(L, sim, weft_partition_get(sim, l_check_u32(L, 2, "partition"), &found));
  l_push_struct(L, &l_partition, &found);
  set_list(L, "flows", found.flows, found.flow_count);
  set_list(L, "ports", found.ports, found.port_count);
  lua_createtable(L, (int)found.use_count, 0);
  for (uint32_t i = 0; i < found.use_count; i++) {
    l_push_struct(L, &l_partition_use, &found.uses[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "uses");
  return 1;
}

/* sim:partition_match(a, b) -> {...}, flows of b in the order of their counterparts in a, or nil */
static int partition_match(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  uint32_t a = l_check_u32(L, 2, "a"), b = l_check_u32(L, 3, "b");
  weft_partition of_a;
  l_status(L, sim, weft_partition_get(sim, a, &of_a));
  uint32_t *flows = lua_newuserdata(L, of_a.flow_count * sizeof *flows);
  if (l_status(L, sim, weft_partition_match(sim, a, b, flows)) == 0) {
    lua_pushnil(L);
    return 1;
  }
  push_list(L, flows, of_a.flow_count);
  return 1;
}

static int flow_generation(lua_State *L) {
  weft_sim *sim = l_check_sim(L);
  return l_push_status(L, sim, weft_flow_generation(sim, l_check_u32(L, 2, "flow")));
}

const luaL_Reg l_results_methods[] = {
    {"flow_generation", flow_generation},
    {"columns", columns},
    {"column", column_values},
    {"flow_traffic", flow_traffic},
    {"sample", sample},
    {"trace_acks", trace_acks},
    {"watch", watch},
    {"series", series_values},
    {"partitions_find", partitions_find},
    {"partition", partition},
    {"partition_match", partition_match},
    {NULL, NULL},
};
