--- Connection matrices of htsim (files .cm):
--
--   Nodes 16
--   Connections 2
--   Triggers 1
--   0->13 id 1 start 0 size 2000000 send_done_trigger 1
--   13->0 id 2 trigger 1 size 2000000
--   trigger id 1 oneshot
--
-- `start` is in picoseconds. A connection with a trigger starts when that trigger fires: `oneshot`
-- when the connection that names it as its send_done_trigger or recv_done_trigger is done,
-- `barrier count n` when n are. A `multishot` trigger starts one more of its connections each time;
-- here the n-th of them waits for the n-th connection that fires it, in the order of the file.
-- `prio` and `addon` are read and have no effect; a file that gives some connections another
-- priority than others is told so once.
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local notice = require "weft.notice"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local htsim = {}

local NODES_MAX = 2 ^ 22
local COUNT_MAX = 2 ^ 32

local HEADER = {
  Nodes = "nodes", Connections = "connections", Triggers = "triggers", Failures = "failures",
}
local FAILURES = "failures name switches of htsim's own fat tree: describe them in the script, with"
  .. " sim:fail or weft.failure"

-- "start 0.5e6" is allowed; a time between two ps is not.
local function start_ps(reader, field)
  local value = units.number(field)
  if not value or value % 1 ~= 0 or value < 0 or value > 2 ^ 53 then
    reader:fail("start: expected a time in ps, a whole number, got %s", fail.show(field))
  end
  return value
end

local function number_reader(what, min, max)
  return function(reader, field) return reader:integer(field, what, min, max or COUNT_MAX) end
end

-- What may follow a connection, and how its value is read.
local CONNECTION = {
  id = number_reader("id", 1),
  start = start_ps,
  size = number_reader("size", 0, 2 ^ 53),
  trigger = number_reader("trigger", 1),
  send_done_trigger = number_reader("send_done_trigger", 1),
  recv_done_trigger = number_reader("recv_done_trigger", 1),
  prio = number_reader("prio", 0),
}
local CONNECTION_WORDS = util.sorted_keys(CONNECTION)
CONNECTION_WORDS[#CONNECTION_WORDS + 1] = "addon"

local KINDS = { oneshot = "kind", multishot = "kind", barrier = "kind" }
local KIND_NAMES = util.sorted_keys(KINDS)
local CONNECTION_FLAGS = { addon = "addon" }

-- Pairs of words behind the first field, and words that stand alone.
local function read_pairs(reader, fields, rules, words, flags)
  local found, i = {}, 2
  while i <= #fields do
    local word = fields[i]
    local flag = flags[word]
    if flag then
      if found[flag] then reader:fail("%s: it is %s already", word, found[flag]) end
      found[flag], i = word, i + 1
    else
      local read, value = rules[word], fields[i + 1]
      if not read then reader:fail("unknown word %s%s", fail.show(word), fail.hint(word, words)) end
      if not value then reader:fail("expected a value behind '%s'", word) end
      if found[word] then reader:fail("'%s' is there twice", word) end
      found[word], i = read(reader, value), i + 2
    end
  end
  return found
end

local function read_connection(reader, fields, nodes, endless)
  local src, dst = fields[1]:match("^(%d+)%->(%d+)$")
  if not src then
    reader:fail("expected 'src->dst', two numbers, got %s", fail.show(fields[1]))
  end
  local connection = read_pairs(reader, fields, CONNECTION, CONNECTION_WORDS, CONNECTION_FLAGS)
  connection.src = reader:integer(src, "source", 0, nodes - 1)
  connection.dst = reader:integer(dst, "destination", 0, nodes - 1)
  connection.line = reader.number
  if connection.src == connection.dst then
    reader:fail("expected different hosts, got %d twice", connection.src)
  elseif not connection.size then
    reader:fail("'size' is missing")
  elseif connection.size == 0 and not endless then
    reader:fail("size 0 is a connection without end: say how many bytes that is, with option"
      .. " 'endless'")
  elseif not connection.start and not connection.trigger then
    reader:fail("expected 'start' or 'trigger', got neither")
  elseif connection.start and connection.trigger then
    reader:fail("expected 'start' or 'trigger', got both")
  end
  if connection.size == 0 then connection.size = endless end
  return connection
end

-- Other priorities than the first connection's would be served in turn: say so once.
local function say_priority(reader, seen, connection)
  local priority = connection.prio and ("%.0f"):format(connection.prio) or "none"
  seen.first = seen.first or priority
  if priority == seen.first or seen.said then return end
  seen.said = true
  notice.say("%s: prio: %s, connections before it have %s: classes are not simulated, all"
    .. " connections share one", reader:place(), priority, seen.first)
end

local TRIGGER = { id = number_reader("id", 1), count = number_reader("count", 1) }
local TRIGGER_WORDS = { "barrier", "count", "id", "multishot", "oneshot" }

local function read_trigger(reader, fields)
  local trigger = read_pairs(reader, fields, TRIGGER, TRIGGER_WORDS, KINDS)
  if not trigger.id then reader:fail("'id' is missing") end
  if not trigger.kind then
    reader:fail("expected the kind of the trigger: %s", table.concat(KIND_NAMES, ", "))
  end
  if trigger.kind == "barrier" and not trigger.count then
    reader:fail("'count' of the barrier is missing")
  end
  trigger.line = reader.number
  return trigger
end

local function read_header(reader, header, fields)
  local key = HEADER[fields[1]]
  if #fields ~= 2 then
    reader:fail("expected '%s' and a number, got %s", fields[1], reader:shown())
  elseif header[key] then
    reader:fail("'%s' is there twice", fields[1])
  end
  header[key] = reader:integer(fields[2], fields[1],
    key == "nodes" and 1 or 0, key == "nodes" and NODES_MAX or COUNT_MAX)
  if key == "failures" and header.failures > 0 then reader:fail(FAILURES) end
end

local function check_counts(reader, header, connections, triggers)
  for _, one in ipairs { { "Connections", header.connections, connections },
    { "Triggers", header.triggers or 0, triggers } } do
    if one[2] ~= one[3] then
      reader:fail("expected %d lines, as '%s' says, got %d", one[2], one[1], one[3])
    end
  end
end

--- Iterate over a connection matrix, in bounded memory. Comments begin with '#'.
-- @tparam string path
-- @tparam ?integer endless bytes of a connection of size 0, which htsim never ends
-- @treturn function yields "connection" and `{ line, src, dst, size, start or trigger, id,
-- send_done_trigger, recv_done_trigger }`, or "trigger" and `{ line, id, kind, count }`
-- @treturn table header `{ nodes, connections, triggers }`, filled as it is read
function htsim.rows(path, endless)
  local reader, header = text.open(path), {}
  local connections, triggers, priorities = 0, 0, {}
  return function()
    while true do
      local fields = reader:fields()
      if not fields then
        if not header.nodes or not header.connections then
          reader:fail("expected '%s', got end of file", header.nodes and "Connections" or "Nodes")
        end
        check_counts(reader, header, connections, triggers)
        reader:close()
        return nil
      elseif HEADER[fields[1]] then
        read_header(reader, header, fields)
      elseif fields[1]:sub(1, 1) ~= "#" then
        if not header.nodes or not header.connections then
          reader:fail("expected '%s' first, got %s",
            header.nodes and "Connections" or "Nodes", reader:shown())
        elseif fields[1] == "trigger" then
          triggers = triggers + 1
          return "trigger", read_trigger(reader, fields)
        elseif fields[1]:find("->", 1, true) then
          connections = connections + 1
          local connection = read_connection(reader, fields, header.nodes, endless)
          say_priority(reader, priorities, connection)
          return "connection", connection
        elseif fields[1] == "failure" then
          reader:fail(FAILURES)
        end
        reader:fail("expected a connection 'src->dst ...' or a trigger, got %s", reader:shown())
      end
    end
  end, header
end

-- ---- triggers ----

local function trigger_of(triggers, id)
  local trigger = triggers[id]
  if not trigger then
    trigger = { fired_by = {}, starts = {} }
    triggers[id] = trigger
  end
  return trigger
end

local function connect(net, trigger, id, place)
  local sources, starts = trigger.fired_by, trigger.starts
  local function at(...) fail.at(place(trigger.line), ...) end
  if #starts > 0 and #sources == 0 then at("nothing fires trigger %d", id) end
  if trigger.kind == "oneshot" and #sources > 1 then
    at("trigger %d is oneshot, but %d connections fire it", id, #sources)
  elseif trigger.kind == "barrier" and #sources ~= trigger.count then
    at("trigger %d waits for %d connections, but %d fire it", id, trigger.count, #sources)
  elseif trigger.kind == "multishot" and #sources < #starts then
    at("trigger %d starts %d connections, but only %d fire it", id, #starts, #sources)
  end
  if trigger.kind == "multishot" then
    for i, started in ipairs(starts) do net:after(started, sources[i]) end
    return
  end
  local fired = sources[1]
  if #sources > 1 then
    fired = net:join(0, trigger.line)
    for _, source in ipairs(sources) do net:after(fired, source) end
  end
  for _, started in ipairs(starts) do net:after(started, fired) end
end

local function add_connection(net, triggers, connection)
  local id = net:send(connection.src, connection.dst, connection.size, 0, connection.line)
  if connection.trigger then
    local trigger = trigger_of(triggers, connection.trigger)
    trigger.starts[#trigger.starts + 1] = id
    trigger.used = trigger.used or connection.line
  elseif connection.start > 0 then
    net.not_before[id] = connection.start
  end
  for _, which in ipairs { "send_done_trigger", "recv_done_trigger" } do
    if connection[which] then
      local trigger = trigger_of(triggers, connection[which])
      trigger.fired_by[#trigger.fired_by + 1] = id
      trigger.used = trigger.used or connection.line
    end
  end
end

--- Read a connection matrix as a graph of messages.
-- @tparam string path
-- @tparam ?integer endless bytes of a connection of size 0; without it one is an error
-- @treturn table weft.formats.graph; `ranks` is the number of nodes
function htsim.read(path, endless)
  local function place(line) return ("%s:%d"):format(path, line) end
  local net, triggers, ids = graph.new(place), {}, {}
  local rows, header = htsim.rows(path, endless)
  for kind, row in rows do
    if kind == "connection" then
      if row.id and ids[row.id] then fail.at(place(row.line), "id %d is there twice", row.id) end
      if row.id then ids[row.id] = true end
      add_connection(net, triggers, row)
    else
      local trigger = trigger_of(triggers, row.id)
      if trigger.kind then fail.at(place(row.line), "trigger %d is there twice", row.id) end
      trigger.kind, trigger.count, trigger.line = row.kind, row.count, row.line
    end
  end
  for id, trigger in util.sorted_pairs(triggers) do
    if not trigger.kind then fail.at(place(trigger.used), "there is no trigger %d", id) end
    connect(net, trigger, id, place)
  end
  net.ranks = header.nodes
  return net:finish(true)
end

--- Write a connection matrix of flows that start at given times.
-- @tparam string path
-- @tparam integer nodes
-- @tparam {table,...} flows with src, dst, size_bytes, start_ps; hosts counted from 0
function htsim.write(path, nodes, flows)
  util.write_file(path, function(output)
    output:write(("Nodes %d\nConnections %d\n"):format(nodes, #flows))
    for i, flow in ipairs(flows) do
      output:write(("%d->%d id %d start %.0f size %.0f\n"):format(flow.src, flow.dst, i,
        flow.start_ps, flow.size_bytes))
    end
  end)
end

return htsim
