--- Tables of results: columns pulled from the core in one piece each, when they are asked for.
-- @module weft.results
-- @usage
-- local flows = sim:flows()
-- print(#flows, weft.stats.percentile(flows:column "fct_ps", 99))
-- flows:write_csv "flows.csv"

local check = require "weft.check"
local csv = require "weft.csv"
local engine = require "weft.engine"
local fail = require "weft.fail"
local guard = require "weft.guard"
local incomplete = require "weft.incomplete"
local core = require "weft.core"
local era = require "weft.travel.era"
local table_text = require "weft.table_text"
local util = require "weft.util"

local M = {}

local Table = {}

--- What can be asked of a table, for help.
M.methods = Table

-- Rows that are worked on at a time: lists of a million numbers take 16 MB each.
local SLICE = 4096

-- Rows that are read when one of them is asked for: a call of the core for each column of each row
-- would cost more.
local BLOCK = 64

-- Where a table keeps what it knows of rows, among the columns that it has read.
local ROWS = 1

local function names_of(self)
  local names = {}
  for i, column in ipairs(self.columns) do names[i] = column.name end
  return names
end

local TABLES = {}
for _, name in ipairs(core.constants.table) do TABLES[name] = true end

-- What an engine must have for a column, or nil; and the engine of a simulation of the core.
local function need_of(what, of, table_name, name)
  if not core._is_open(of) then
    fail.raise("%s: expected an open simulation of the core, got %s", what, fail.show(of))
  end
  check.argument(what .. ": column", name, "text")
  if table_name == nil or not TABLES[table_name] then
    fail.raise("%s: expected one of %s, got %s", what, table.concat(core.constants.table, ", "),
      fail.show(table_name))
  end
  local needs = engine.call(core.column_needs, table_name, name)
  return needs, engine.call(core._sim.__index.config, of).engine
end

--- An error if a table has no such column because the engine does not have what is in it.
-- @tparam userdata of simulation of the core
-- @tparam string table_name
-- @tparam string name of a column of the core
function M.need_column(of, table_name, name)
  local needs, engine_name = need_of("results.need_column", of, table_name, name)
  if not needs or core.engine_can(engine_name, needs) then return end
  for _, other in ipairs(core.constants.engine) do
    if core.engine_can(other, needs) then
      fail.raise("table of %s: engine '%s' has no column '%s'; expected engine = '%s'", table_name,
        engine_name, name, other)
    end
  end
end

--- Whether the tables of a simulation have what is in a column.
-- @tparam userdata of simulation of the core
-- @tparam string table_name
-- @tparam string name of a column of the core
-- @treturn boolean
function M.has_column(of, table_name, name)
  local needs, engine_name = need_of("results.has_column", of, table_name, name)
  return needs ~= nil and core.engine_can(engine_name, needs)
end

local function find_column(self, name)
  if type(name) ~= "string" then
    fail.raise("table of %s: expected the name of a column, got %s", self.name, fail.show(name))
  end
  for _, column in ipairs(self.columns) do
    if column.name == name then return column end
  end
  M.need_column(self.core, self.name, name)
  fail.raise("table of %s: no column '%s'%s", self.name, name, fail.hint(name, names_of(self)))
end

-- Why the rows of a table can be had no more, or nil. A simulation runs on by events, or by
-- skipping time.
local function stale(self)
  if not core._is_open(self.core) then return "expected an open simulation, got a closed one" end
  if era.count(self.core) ~= self.era then
    return "the simulation has gone back in time since; ask for the table again"
  end
  local totals = self.core:stats()
  if totals.events ~= self.events or totals.now_ps ~= self.now_ps then
    return "the simulation has run on since; ask for the table again"
  end
  return nil
end

local function refuse_stale(self)
  local why = stale(self)
  if why then fail.raise("table of %s: %s", self.name, why) end
end

--- A column as a list. Columns of one table belong to one instant: after a further run, ask the
-- simulation for the table again.
-- @tparam string name
-- @treturn table
function Table:column(name)
  if name == "state" then incomplete.looked(self.core) end
  local column = find_column(self, name)
  local values = self.cache[column.name]
  if values then return values end
  refuse_stale(self)
  if column.derive then
    values = column.derive(self)
  else
    values = self.core:column(self.name, column.name)
  end
  self.cache[column.name] = values
  return values
end

-- Some rows of a table: `count`, and columns as lists.
local Slice = {}
Slice.__index = Slice

function Slice:column(name)
  local values = self.cache[name]
  if values then return values end
  local column, whole = find_column(self.whole, name), self.whole
  if column.derive then
    values = column.derive(self)
  else
    values = whole.core:column(whole.name, column.name, self.first, self.count)
  end
  self.cache[name] = values
  return values
end

local function slice_of(self, first, count)
  return setmetatable({ whole = self, first = first, count = count, cache = {} }, Slice)
end

--- Some rows, without reading the others.
-- @tparam number first row before the first of them
-- @tparam number count how many
-- @treturn table `first`, `count`, `slice:column(name)`
function Table:slice(first, count)
  refuse_stale(self)
  return slice_of(self, first, count)
end

--- Iterate over the table in slices, for tables whose columns would take much memory.
-- @treturn function gives one slice after another: `slice.first` (row before it), `slice.count`,
-- `slice:column(name)`
function Table:slices()
  local first = 0
  refuse_stale(self)
  return function()
    local count = math.min(SLICE, self.count - first)
    if count <= 0 then return nil end
    local slice = slice_of(self, first, count)
    first = first + count
    return slice
  end
end

--- Names, meanings and types of the columns.
-- @treturn table list of `{ name, brief, type }`
function Table:describe()
  return self.columns
end

-- Columns that a line begins with; the core's order is by what belongs together.
local FIRST = {
  flows = { "src", "dst", "size_bytes", "start_ps", "fct_ps", "slowdown", "state" },
  ports = { "from", "to", "up", "rate_bps", "tx_bytes", "ecn_marks", "pauses", "drops",
    "max_queue_bytes" },
  tasks = { "kind", "state", "begin_ps", "end_ps", "size_bytes" },
  acks = {},
  spans = {},
}

local JOB_TAG = 2 ^ 31 -- engine tags above it are those of jobs, which count from 1

local function tag_text(tag)
  return tag > JOB_TAG and ("job %.0f"):format(tag - JOB_TAG) or ("%.0f"):format(tag)
end

-- Ends of a task, which only sends have.
local function end_text(fabric)
  return function(id, slice, i)
    if core.constants.task_kind[slice:column "kind"[i] + 1] ~= "send" then return "-" end
    return fabric.nodes[id + 1].name
  end
end

-- What makes text of values that a column's description alone does not tell of.
local function special_of(self)
  local special = { tag = tag_text }
  if self.name == "tasks" then
    special.src, special.dst = end_text(self.fabric), end_text(self.fabric)
  end
  return special
end

-- What has rows print: as they were when they were read, whatever has happened since.
local function row_meta(self)
  return { __tostring = function(row)
    local slice = {}
    function slice.column(_, name) return { row[name] } end
    return ("a row of %s\n%s"):format(self.name, table_text.row_text({
      columns = self.columns, slice = function() return slice end,
    }, FIRST[self.name], special_of(self)))
  end }
end

-- The values of a row: from columns that have been read, else with the rows around it.
local function read_row(self, i)
  local known, row = self.cache[ROWS], {}
  if not known then
    known = { meta = row_meta(self) }
    self.cache[ROWS] = known
  end
  local block = known.block
  for _, column in ipairs(self.columns) do
    local values = self.cache[column.name]
    if values then
      row[column.name] = values[i]
    else
      if not block or i <= block.first or i > block.first + block.count then
        refuse_stale(self)
        local first = math.floor((i - 1) / BLOCK) * BLOCK
        block = slice_of(self, first, math.min(BLOCK, self.count - first))
        known.block = block
      elseif not block.cache[column.name] then
        refuse_stale(self)
      end
      row[column.name] = block:column(column.name)[i - block.first]
    end
  end
  return setmetatable(row, known.meta)
end

--- One row.
-- @tparam number i from 1
-- @treturn table values by column name
function Table:row(i)
  incomplete.looked(self.core)
  if type(i) ~= "number" or i < 1 or i > self.count or i % 1 ~= 0 then
    fail.raise("table of %s: expected a row from 1 to %d, got %s", self.name, self.count,
      fail.show(i))
  end
  return read_row(self, i)
end

--- The row of a flow, task or port by its number, as sim:add_flow, job:flows(), sim:port() and the
-- columns of other tables have it. Rows are counted from 1, numbers from 0.
-- @tparam number number from 0
-- @treturn table values by column name
-- @usage for _, flow in ipairs(job:slowest(3)) do print(sim:flows():at(flow).slowdown) end
function Table:at(number)
  incomplete.looked(self.core)
  if type(number) ~= "number" or number < 0 or number >= self.count or number % 1 ~= 0 then
    fail.raise("table of %s: expected a number from 0 to %d, got %s", self.name, self.count - 1,
      fail.show(number))
  end
  return read_row(self, number + 1)
end

--- Iterate over the rows.
-- @treturn function giving index and row
-- @usage for i, row in sim:flows():rows() do print(i, row.fct_ps) end
function Table:rows()
  incomplete.looked(self.core)
  local i = 0
  return function()
    i = i + 1
    if i <= self.count then return i, self:row(i) end
  end
end

local field = guard.original(csv.field) -- of each cell

local function write_rows(self, file, label)
  local columns, cells = {}, {}
  for slice in self:slices() do
    local lines = {}
    for c, column in ipairs(self.columns) do columns[c] = slice:column(column.name) end
    for i = 1, slice.count do
      for c = 1, #columns do cells[c] = field(columns[c][i]) end
      lines[i] = label .. table.concat(cells, ",")
    end
    file:write(table.concat(lines, "\n"), "\n")
  end
end

--- Write all columns as CSV; the file appears whole or not at all.
-- @tparam string path
function Table:write_csv(path)
  util.write_file(path, function(file)
    file:write(table.concat(names_of(self), ","), "\n")
    write_rows(self, file, "")
  end)
end

--- Write the same table of several runs into one CSV file, with a column `run` before the others.
-- @tparam string path
-- @tparam table runs list of `{ run = name, table = table of results }`
function M.write_runs(path, runs)
  check.argument("results.write_runs: runs", runs, "list")
  if #runs == 0 then fail.raise("results.write_runs: expected runs, got none") end
  for i, one in ipairs(runs) do
    local what = "results.write_runs: run " .. i
    check.argument(what, one, "table")
    local kind = type(one.table)
    local good, columns = pcall(function() return one.table.columns end)
    if (kind ~= "table" and kind ~= "userdata") or not good or not columns then
      fail.raise("%s: expected a table of results, got %s", what, fail.show(one.table))
    end
  end
  util.write_file(path, function(file)
    file:write("run,", table.concat(names_of(runs[1].table), ","), "\n")
    for _, one in ipairs(runs) do write_rows(one.table, file, csv.field(one.run) .. ",") end
  end)
end

-- `#results` needs a userdata on Lua 5.1 and LuaJIT, where tables have no __len.
local newproxy = rawget(_G, "newproxy")

-- Tables as scripts have them: on LuaJIT each is a userdata with a metatable of its own.
local tables = setmetatable({}, { __mode = "k" })

guard.class("table", "table of results", Table, function(value) return M.is(value) end)

-- What printing shows is no look at what a run has left (weft.incomplete).
local function text_of(self)
  local head = table_text.wrap(("%s: %s of"):format(self.name, util.counted(self.count, "row")),
    names_of(self))
  if self.count == 0 then return head end
  local why = stale(self)
  if why then return ("%s\n(%s)"):format(head, why) end
  local lines = table_text.lines({
    columns = self.columns, count = self.count,
    slice = function(first, count) return slice_of(self, first, count) end,
  }, FIRST[self.name], special_of(self))
  return head .. "\n" .. table.concat(lines, "\n")
end

local function object(state)
  local proxy = newproxy and newproxy(true)
  local meta = proxy and getmetatable(proxy) or {}
  meta.__len = function() return state.count end
  meta.__tostring = function() return text_of(state) end
  if not proxy then
    meta.__index = Table
    tables[state] = true
    return setmetatable(state, meta)
  end
  meta.__index = function(_, key)
    local value = state[key]
    if value == nil then value = Table[key] end
    return value
  end
  tables[proxy] = true
  return proxy
end

local function name_column(name, of, fabric, brief)
  return {
    name = name, brief = brief, type = "string",
    derive = function(self)
      local nodes, names = fabric.nodes, {}
      for i, id in ipairs(self:column(of)) do names[i] = nodes[id + 1].name end
      return names
    end,
  }
end

local function slowdown(self)
  local fct, ideal, values = self:column "fct_ps", self:column "ideal_ps", {}
  for i = 1, self.count do values[i] = fct[i] >= 0 and fct[i] / ideal[i] or -1 end
  return values
end

-- The names that an enumeration of the core gives the numbers of a column.
local function names_in(column, names)
  return function(self)
    local values = {}
    for i, number in ipairs(self:column(column)) do values[i] = names[number + 1] end
    return values
  end
end

local function derived(name, fabric)
  if name == "flows" then
    return {
      name_column("src_name", "src", fabric, "name of the source"),
      name_column("dst_name", "dst", fabric, "name of the destination"),
      { name = "slowdown", brief = "completion time / ideal, -1 if not complete", type = "f64",
        derive = slowdown },
    }
  elseif name == "ports" then
    return {
      name_column("from_name", "from", fabric, "name of the node that sends"),
      name_column("to_name", "to", fabric, "name of the node that receives"),
      { name = "class_name", brief = "nvlink, pcie or net", type = "string",
        derive = names_in("class", core.constants.link_class) },
    }
  elseif name == "spans" then
    return {
      { name = "phase_name", brief = "steady or memo: known transient", type = "string",
        derive = names_in("phase", core.constants.phase) },
    }
  end
  return {}
end

local function core_columns(...) return core._sim.__index.columns(...) end

--- A table of results of a simulation of the core.
-- @param of simulation of the core
-- @tparam string name "flows", "ports", "tasks", "acks" or "spans"
-- @tparam weft.Fabric fabric for the names of nodes
-- @treturn Table with `#table` rows
function M.table(of, name, fabric)
  check.argument("results.table", fabric, "fabric")
  local columns = {}
  for i, column in ipairs(engine.call(core_columns, of, name)) do columns[i] = column end
  local totals = of:stats()
  local state = {
    name = name, core = of, fabric = fabric, columns = columns, cache = {}, events = totals.events,
    now_ps = totals.now_ps, era = era.count(of),
  }
  state.count = columns[1].count
  for _, column in ipairs(derived(name, fabric)) do columns[#columns + 1] = column end
  return object(state)
end

--- Whether a value is a table of results.
-- @treturn boolean
function M.is(value) return value ~= nil and tables[value] ~= nil end

--- A folder for results, made at once, so that one that cannot be written is found before the work
-- and not after it.
-- @tparam string path
-- @treturn function from a file's name to its path
function M.folder(path)
  util.make_directory(path)
  util.check_writable(path .. "/.probe")
  return function(name) return path .. "/" .. name end
end

return guard.module("results", M)
