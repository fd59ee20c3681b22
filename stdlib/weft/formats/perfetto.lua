--- Traces as JSON in the form that Chrome's tracing and ui.perfetto.dev read: events with a name, a
-- time and a duration, on tracks ("threads") of processes. Here a process is a host or whatever
-- has tracks of its own.
local json = require "weft.json"
local util = require "weft.util"

local perfetto = {}

local Trace = {}
Trace.__index = Trace

local Process = {}
Process.__index = Process

--- An empty trace.
function perfetto.new()
  return setmetatable({ processes = {}, order = {} }, Trace)
end

--- A process; the one of a name that is there already is returned.
-- @tparam string name
-- @tparam number place those of lower place are shown above
-- @treturn table
function Trace:process(name, place)
  local known = self.processes[name]
  if known then return known end
  known = setmetatable({
    name = name, place = place, kinds = {}, order = {}, counters = {},
  }, Process)
  self.processes[name] = known
  self.order[#self.order + 1] = known
  return known
end

--- Add an event.
-- @tparam string kind events of one kind share tracks, as few as let none overlap another
-- @tparam string name
-- @tparam number begin_ps
-- @tparam number end_ps
-- @tparam ?table arguments shown beside it
function Process:span(kind, name, begin_ps, end_ps, arguments)
  local spans = self.kinds[kind]
  if not spans then
    spans = {}
    self.kinds[kind] = spans
    self.order[#self.order + 1] = kind
  end
  spans[#spans + 1] = {
    name = name, begin_ps = begin_ps, end_ps = end_ps, arguments = arguments, number = #spans,
  }
end

--- Add a counter: its value from each of the times on.
-- @tparam string name
-- @tparam string unit
-- @tparam {number,...} times_ps
-- @tparam {number,...} values
function Process:counter(name, unit, times_ps, values)
  self.counters[#self.counters + 1] = {
    name = name, unit = unit, times_ps = times_ps, values = values,
  }
end

-- ---- tracks ----

local function starts_before(a, b)
  if a.begin_ps ~= b.begin_ps then return a.begin_ps < b.begin_ps end
  return a.number < b.number
end

-- Give each span the first track that is free. Returns the number of tracks.
local function assign_tracks(spans)
  table.sort(spans, starts_before)
  local free_at = {}
  for _, span in ipairs(spans) do
    local track = 1
    while free_at[track] and free_at[track] > span.begin_ps do track = track + 1 end
    free_at[track], span.track = span.end_ps, track
  end
  return #free_at
end

-- ---- text ----

-- Times are in us; picoseconds are decimals.
local function microseconds(ps)
  local rest = ps % 1000000
  if rest == 0 then return ("%.0f"):format(ps / 1000000) end
  return ("%.0f.%06.0f"):format((ps - rest) / 1000000, rest)
end

-- A string as JSON.
local function quoted(text) return json.encode(text) end

local function write_spans(emit, process, kind, first_track)
  local spans = process.kinds[kind]
  local tracks = assign_tracks(spans)
  for track = 1, tracks do
    emit(('{"ph":"M","pid":%d,"tid":%d,"name":"thread_name","args":{"name":%s}}'):format(
      process.pid, first_track + track - 1, quoted(kind)))
    emit(('{"ph":"M","pid":%d,"tid":%d,"name":"thread_sort_index","args":{"sort_index":%d}}')
      :format(process.pid, first_track + track - 1, first_track + track - 1))
  end
  for _, span in ipairs(spans) do
    emit(('{"ph":"X","pid":%d,"tid":%d,"cat":%s,"name":%s,"ts":%s,"dur":%s%s}'):format(process.pid,
      first_track + span.track - 1, quoted(kind), quoted(span.name), microseconds(span.begin_ps),
      microseconds(span.end_ps - span.begin_ps),
      span.arguments and ',"args":' .. json.encode(span.arguments) or ""))
  end
  return first_track + tracks
end

local function write_counter(emit, process, counter)
  for i, time_ps in ipairs(counter.times_ps) do
    emit(('{"ph":"C","pid":%d,"name":%s,"ts":%s,"args":{%s:%s}}'):format(process.pid,
      quoted(counter.name), microseconds(time_ps), quoted(counter.unit),
      json.number(counter.values[i])))
  end
end

local function write_process(emit, process)
  emit(('{"ph":"M","pid":%d,"name":"process_name","args":{"name":%s}}'):format(process.pid,
    quoted(process.name)))
  emit(('{"ph":"M","pid":%d,"name":"process_sort_index","args":{"sort_index":%d}}'):format(
    process.pid, process.pid))
  local track = 1
  for _, kind in ipairs(process.order) do track = write_spans(emit, process, kind, track) end
  for _, counter in ipairs(process.counters) do write_counter(emit, process, counter) end
end

--- Write the trace; the file appears whole or not at all.
-- @tparam string path
function Trace:write(path)
  table.sort(self.order, function(a, b) return a.place < b.place end)
  for pid, process in ipairs(self.order) do process.pid = pid end
  util.write_file(path, function(output)
    output:write('{"displayTimeUnit":"ns","traceEvents":[\n')
    local first = true
    local function emit(event)
      output:write(first and "" or ",\n", event)
      first = false
    end
    for _, process in ipairs(self.order) do write_process(emit, process) end
    output:write("\n]}\n")
  end)
end

return perfetto
