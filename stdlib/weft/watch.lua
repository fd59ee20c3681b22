--- A run that is watched: a line of text for each queue, port or flow, which grows as time goes on.
-- On a terminal the lines are drawn anew as the run goes, elsewhere once at its end.
-- @module weft.watch
-- @usage sim:watch { queues = { "switch0-h1" }, flows = { 0 } }

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local progress = require "weft.progress"
local stops = require "weft.stops"
local units = require "weft.units"

local M = {}

local CELLS = 60 -- of a line; when it is full, neighbours are merged and periods double
local REDRAW_S = 0.1
local BLOCKS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

-- How a value is read (a count so far, or what there is), what is made of it, how it is written.
local KINDS = {
  queues = { table = "ports", column = "queue_bytes", text = units.format_bytes, needs = "queues" },
  ports = { table = "ports", column = "tx_bytes", text = units.format_bandwidth, is_rate = true },
  flows = { table = "flows", column = "delivered_bytes", text = units.format_bandwidth,
    is_rate = true },
}
local ORDER = { "queues", "ports", "flows" }

local function lines_of(sim, given)
  local lines = {}
  for _, kind in ipairs(ORDER) do
    local needs, name = KINDS[kind].needs, sim.core:config().engine
    for i, item in ipairs(given[kind]) do
      if needs and not core.engine_can(name, needs) then
        fail.raise("watch: option '%s': engine '%s' has none; expected engine = 'packet'", kind,
          name)
      end
      local object, label
      if kind == "flows" then
        object = check.value(("watch: option 'flows', number %d"):format(i), item,
          { type = "integer", min = 0, max = math.max(0, #sim:flows() - 1) })
        label = stops.flow_name(sim, object)
      else
        object = stops.port_of(sim, item, ("watch: option '%s', number %d"):format(kind, i))
        label = (kind == "queues" and "queue " or "") .. stops.port_name(sim, object)
      end
      lines[#lines + 1] = { kind = KINDS[kind], object = object, label = label, values = {} }
    end
  end
  if #lines == 0 then fail.raise "watch: expected one of queues, ports and flows" end
  return lines
end

local function read(sim, line)
  return sim.core:column(line.kind.table, line.kind.column, line.object, 1)[1]
end

-- Bytes per time as bit/s. A port counts a packet as it begins to leave: what is more than fits is
-- of the next period.
local function rate_of(sim, line, bytes, time_ps)
  if line.kind.table == "flows" then return bytes * 8e12 / time_ps end
  local most = sim.core:port_info(line.object).built_rate_bps * time_ps / 8e12
  local all = bytes + (line.over or 0)
  line.over = math.max(0, all - most)
  return math.min(all, most) * 8e12 / time_ps
end

local function add_values(sim, lines, time_ps)
  if time_ps <= 0 then return end
  for _, line in ipairs(lines) do
    local now = read(sim, line)
    local value = now
    if line.kind.is_rate then value = rate_of(sim, line, now - line.before, time_ps) end
    line.before = now
    line.values[#line.values + 1] = value
  end
end

-- Two periods become one: of rates the mean, of queues the longer.
local function merge(lines)
  for _, line in ipairs(lines) do
    local merged = {}
    for i = 1, #line.values - 1, 2 do
      local a, b = line.values[i], line.values[i + 1]
      merged[#merged + 1] = line.kind.is_rate and (a + b) / 2 or math.max(a, b)
    end
    line.values = merged
  end
end

--- Values as a line of blocks, from nothing to the largest.
-- @tparam {number,...} values
-- @treturn string
function M.sparkline(values)
  check.argument("sparkline", values, "numbers")
  local most, cells = 0, {}
  for _, value in ipairs(values) do most = math.max(most, value) end
  for i, value in ipairs(values) do
    local level = most > 0 and math.ceil(math.max(0, value) / most * #BLOCKS) or 0
    cells[i] = BLOCKS[math.max(1, level)]
  end
  return table.concat(cells)
end

local function text_of(sim, lines, period_ps)
  local text, widest = {}, 0
  for _, line in ipairs(lines) do widest = math.max(widest, #line.label) end
  for i, line in ipairs(lines) do
    local most = 0
    for _, value in ipairs(line.values) do most = math.max(most, value) end
    text[i] = ("%s%s  %s  %s, at most %s"):format(line.label, (" "):rep(widest - #line.label),
      M.sparkline(line.values), line.kind.text(line.values[#line.values] or 0),
      line.kind.text(most))
  end
  text[#text + 1] = ("at %s, %s a column"):format(units.format_time(sim:now_ps()),
    units.format_time(period_ps))
  return text
end

local function draw(text, drawn)
  local up = drawn > 0 and ("\27[%dA"):format(drawn) or ""
  io.stdout:write(up, "\27[K", table.concat(text, "\n\27[K"), "\n")
  io.stdout:flush()
  return #text
end

local rule = {
  queues = { type = "list", default = {}, brief = "Ports whose queues are watched." },
  ports = { type = "list", default = {}, brief = "Ports whose rates are: numbers or \"from-to\"." },
  flows = { type = "list", default = {}, brief = "Numbers of flows whose rates are." },
  every = { type = "time", default = "1us", min = 1, brief = "A column, at first." },
  stop_at = { type = "time", min = 0, brief = "Since the beginning, or \"+20us\" from now." },
}

--- Run, and draw as it goes what queues, ports or flows do: a line of blocks for each.
-- @tparam table options `queues`, `ports` (numbers, or "from-to"), `flows` (numbers), `every` (time
-- of a column at first; it doubles when a line is full), `stop_at` (a time, "+20us" from now)
-- @treturn string as sim:run
-- @treturn ?table as sim:run
function M.run(sim, options)
  local given = check.options("watch", stops.since_beginning(sim, options, "watch"), rule)
  local lines, period_ps = lines_of(sim, given), given.every
  local limit = given.stop_at or math.huge
  local on_terminal, drawn, drawn_at = progress.is_terminal(1), 0, 0
  for _, line in ipairs(lines) do line.before = read(sim, line) end
  local outcome, hit
  repeat
    local began_ps = sim:now_ps()
    local next_ps = began_ps + period_ps
    outcome, hit = sim:run {
      stop_at = ("%.0f ps"):format(math.min(next_ps, limit)), progress = false,
    }
    add_values(sim, lines, sim:now_ps() - began_ps)
    if #lines[1].values == CELLS then
      merge(lines)
      period_ps = 2 * period_ps
    end
    if on_terminal and os.clock() - drawn_at > REDRAW_S then
      drawn, drawn_at = draw(text_of(sim, lines, period_ps), drawn), os.clock()
    end
  until outcome ~= "until" or sim:now_ps() >= limit
  local text = text_of(sim, lines, period_ps)
  if on_terminal then draw(text, drawn) else print(table.concat(text, "\n")) end
  if hit then return outcome, hit end
  return outcome
end

return M
