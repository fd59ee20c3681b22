--- The LuaJIT overlay: reads results straight from the core's memory instead of through the Lua
-- C API. It returns what the binding returns and leaves every error to it, so that a script cannot
-- tell the two apart but by time: with the JIT on, a column of 200,000 flows takes 11 ns per
-- element instead of 19, of which the array itself is 4, and a view 7. With the JIT off, FFI calls
-- are slower than the C API and nothing is replaced. Calls that take a table (flow_add) stay with
-- the binding: finding unknown keys needs next(), which this LuaJIT does not compile.
local ffi = require("ffi")
local core = require("weft.core")
local new_table = require("table.new")

ffi.cdef(require("weft.cdef"))

local overlay = {}

local api = ffi.cast("const weft_api *", core._api())
assert(api.size == ffi.sizeof("weft_api") and api.version == ffi.C.WEFT_API_VERSION,
  "weft.ffi: declarations older than weft.core; run bindings/ffi/generate.lua")

local methods = core._sim.__index
local binding = { column = methods.column, series = methods.series }

local table_index = {}
for i, name in ipairs(core.constants.table) do table_index[name] = i - 1 end

-- Scratch structs: a call fills one and reads it before the next call can start.
local column = ffi.new("weft_column")
local series = ffi.new("weft_series")

-- By enum weft_column_type.
local element_pointers = {
  [0] = ffi.typeof("const uint32_t *"),
  [1] = ffi.typeof("const int64_t *"),
  [2] = ffi.typeof("const uint64_t *"),
  [3] = ffi.typeof("const double *"),
}
local byte_pointer = ffi.typeof("const char *")

--- The userdata as a struct, or nil when it is not an open simulation: the binding then has the
-- right message. Counts the call as the binding does.
local function open_box(sim)
  if type(sim) ~= "userdata" or getmetatable(sim) ~= core._sim then return nil end
  local box = ffi.cast("weft_lua_sim *", sim)
  if box.sim == nil then return nil end
  box.calls = box.calls + 1
  return box
end

local function string_equals(chars, text)
  for i = 1, #text do
    if chars[i - 1] ~= text:byte(i) then return false end
  end
  return chars[#text] == 0
end

--- Fill `column` for a table and a column's name or index. False: there is none such.
local function find_column(box, table_name, name)
  local index = table_index[table_name]
  if not index then return false end
  if type(name) == "number" then
    return name >= 0 and name == math.floor(name) and name < 2 ^ 32
      and api.column_get(box.sim, index, name, column) >= 0
  elseif type(name) ~= "string" then
    return false
  end
  local i = 0
  while api.column_get(box.sim, index, i, column) >= 0 do
    if string_equals(column.name, name) then return true end
    i = i + 1
  end
  return false
end

--- Whether a value is a number of rows; nil is.
local function is_row(value)
  return value == nil or (type(value) == "number" and value >= 0 and value < 2 ^ 53
    and value == math.floor(value))
end

--- sim:column() through the FFI.
function overlay.column(sim, table_name, name, first, count)
  local box = open_box(sim)
  if not box or not is_row(first) or not is_row(count)
    or not find_column(box, table_name, name) then
    return binding.column(sim, table_name, name, first, count)
  end
  local rows, stride = tonumber(column.count), tonumber(column.stride)
  first = math.min(first or 0, rows)
  count = math.min(count or rows, rows - first)
  local base, pointer = ffi.cast(byte_pointer, column.data), element_pointers[column.type]
  base = base + first * stride
  local values = new_table(count, 0)
  for i = 1, count do
    values[i] = tonumber(ffi.cast(pointer, base)[0])
    base = base + stride
  end
  return values
end

--- sim:series() through the FFI.
function overlay.series(sim, watch)
  local box = open_box(sim)
  local valid = box and type(watch) == "number" and watch >= 0 and watch == math.floor(watch)
    and watch < 2 ^ 32 and api.series_get(box.sim, watch, series) >= 0
  if not valid then return binding.series(sim, watch) end
  local count, from = tonumber(series.count), series.value
  local values = new_table(count, 0)
  for i = 1, count do values[i] = tonumber(from[i - 1]) end
  return {
    start_ps = tonumber(series.start_ps),
    period_ps = tonumber(series.period_ps),
    count = count,
    value = values,
  }
end

local View = {}
View.__index = View

--- Point the view at the column as it is now: the core may have moved it since.
local function refresh(view)
  local box = view.box
  if box.sim == nil then
    error("argument `sim`: expected an open simulation, got a closed sim", 3)
  end
  if not find_column(box, view.table_name, view.name) then error("column is gone", 3) end
  view.calls = box.calls
  view.base = ffi.cast(byte_pointer, column.data)
  view.stride, view.count = tonumber(column.stride), tonumber(column.count)
  view.pointer = element_pointers[column.type]
end

--- Element `i`, counted from 1, or nil behind the last.
function View:at(i)
  if self.calls ~= self.box.calls then refresh(self) end
  if i < 1 or i > self.count then return nil end
  return tonumber(ffi.cast(self.pointer, self.base + (i - 1) * self.stride)[0])
end

--- How many elements there are now. (`#view` would need 5.2's rules.)
function View:length()
  if self.calls ~= self.box.calls then refresh(self) end
  return self.count
end

--- A view of a column that copies nothing: `view:at(i)`, `view:length()`. It follows the
-- simulation: after calls that changed it the view reads the new values, and raises "closed sim" in
-- the end.
-- @tparam userdata sim of weft.core
-- @tparam string table_name flows, ports, tasks, acks or spans
-- @tparam string|integer name column, or its index from 0
function overlay.column_view(sim, table_name, name)
  local box = open_box(sim)
  if not box or not find_column(box, table_name, name) then
    binding.column(sim, table_name, name) -- raises
  end
  -- The userdata is kept, so that the box stays while the view does.
  local view = setmetatable({ sim = sim, box = box, table_name = table_name, name = name }, View)
  refresh(view)
  return view
end

--- Replace the hot methods of simulations if the JIT is on.
-- @treturn boolean whether they are replaced
function overlay.install()
  if not jit.status() then return false end
  methods.column, methods.series = overlay.column, overlay.series
  methods.column_view = overlay.column_view
  return true
end

--- Put the binding's methods back.
function overlay.remove()
  methods.column, methods.series, methods.column_view = binding.column, binding.series, nil
end

return overlay
