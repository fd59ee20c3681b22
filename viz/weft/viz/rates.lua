--- Rates over time: of ports, of flows, or series that the caller brings.
local chart = require "weft.viz.chart"
local check = require "weft.check"
local fail = require "weft.fail"
local palette = require "weft.viz.palette"
local skipped = require "weft.viz.spans"

local rates = {}

local LABELLED_MOST = 10 -- more curves than this are context: thin, grey, with a band of quantiles
local ARROW = " \226\134\146 "

local function node_name(sim, id)
  local node = sim.fabric and sim.fabric.nodes[id + 1]
  return node and node.name or ("node %d"):format(id)
end

local function port_label(sim, port)
  local info = sim.core:port_info(port)
  return node_name(sim, info.from) .. ARROW .. node_name(sim, info.to)
end

local function flow_label(sim, flow)
  local table_of_flows = sim:flows()
  local src, dst = table_of_flows:column("src")[flow + 1], table_of_flows:column("dst")[flow + 1]
  return ("flow %d: "):format(flow) .. node_name(sim, src) .. ARROW .. node_name(sim, dst)
end

-- Bytes of each period, none with more than fit into it at a line rate. A port counts a packet as
-- it begins to leave, so what is too much is of the next period; a flow counts what has arrived in
-- begins to leave, so what is too much is of the next period; a flow counts what has arrived in
-- order, so what is too much came earlier, before what was missing.
local function within_line(sampled, line_bps, is_flow)
  local most, bytes = line_bps / 8 * (sampled.period_ps / 1e12), {}
  for i = 1, sampled.count do bytes[i] = sampled.value[i] end
  local first, last, step = 1, sampled.count, 1
  if is_flow then first, last, step = last, first, -1 end
  local over = 0
  for i = first, last, step do
    local all = bytes[i] + over
    bytes[i] = math.min(all, most)
    over = all - bytes[i]
  end
  return bytes
end

-- What leaves a host at most.
local function flow_line(sim, flow)
  local most = 0
  for _, link in ipairs(sim.fabric:links_of(sim:flows():slice(flow, 1):column "src"[1])) do
    most = math.max(most, link.rate_bps)
  end
  return most
end

--- Steps in bit/s of a sampled count of bytes; x are the edges of the periods in seconds.
local function steps_of(sampled, label, line_bps, is_flow)
  local x, y = {}, {}
  local period_s = sampled.period_ps / 1e12
  local bytes = within_line(sampled, line_bps, is_flow)
  for i = 1, sampled.count do
    x[i] = (sampled.start_ps + (i - 1) * sampled.period_ps) / 1e12
    y[i] = bytes[i] * 8 / period_s
  end
  x[#y + 1] = (sampled.start_ps + #y * sampled.period_ps) / 1e12
  return { kind = "step", x = x, y = y, label = label }
end

--- Number of a port or flow that may be given as an object with an id.
local function id_of(what, item, i)
  local id = type(item) == "table" and item.id or item
  if type(id) ~= "number" or id < 0 or id ~= math.floor(id) then
    fail.raise("rates: %s[%d]: expected a number from 0, got %s", what, i, tostring(id))
  end
  return id
end

--- All curves that the options name.
local function gather(sim, options)
  local list = {}
  if options.ports or options.flows then check.argument("rates", sim, "simulation") end
  for i, item in ipairs(options.ports or {}) do
    local port = id_of("ports", item, i)
    list[#list + 1] = steps_of(sim:series("port_bytes", port), port_label(sim, port),
      sim.core:port_info(port).built_rate_bps, false)
  end
  for i, item in ipairs(options.flows or {}) do
    local flow = id_of("flows", item, i)
    list[#list + 1] = steps_of(sim:series("flow_bytes", flow), flow_label(sim, flow),
      flow_line(sim, flow), true)
  end
  for i, item in ipairs(options.series or {}) do
    local is_table = type(item) == "table"
    if not is_table or type(item.time_s) ~= "table" or type(item.value) ~= "table" then
      fail.raise("rates: series[%d]: expected { label =, time_s = {}, value = {} }", i)
    end
    local stepped = #item.time_s == #item.value + 1
    list[#list + 1] = {
      kind = stepped and "step" or "line", x = item.time_s, y = item.value, label = item.label,
    }
  end
  if #list == 0 then
    fail.raise "rates: nothing to draw: expected at least one of ports, flows or series"
  end
  return list
end

--- Do all curves have the same times? Only then can they be compared period by period.
local function same_times(list)
  local first = list[1].x
  for _, item in ipairs(list) do
    if #item.x ~= #first or item.x[1] ~= first[1] or item.x[#first] ~= first[#first] then
      return false
    end
  end
  return true
end

--- Band from the 10th to the 90th percentile, and the median (nearest rank), over curves.
local function quantiles(list)
  local low, middle, high = {}, {}, {}
  for i = 1, #list[1].y do
    local values = {}
    for k, item in ipairs(list) do values[k] = item.y[i] end
    table.sort(values)
    local function rank(share) return values[math.max(1, math.ceil(share * #values))] end
    low[i], middle[i], high[i] = rank(0.1), rank(0.5), rank(0.9)
  end
  local step = list[1].kind == "step"
  local x, color = list[1].x, palette.categories[1]
  return {
    { kind = "band", x = x, low = low, high = high, step = step, color = color,
      label = "10th to 90th percentile" },
    { kind = list[1].kind, x = x, y = middle, color = color, label = "median", width = 1.4 },
  }
end

--- Many curves: each thin and grey, their spread on top, and those to highlight with a label.
local function summarize(list, highlight)
  local wanted, result = {}, {}
  for _, i in ipairs(highlight or {}) do wanted[i] = true end
  for i, item in ipairs(list) do
    if not wanted[i] then
      result[#result + 1] = {
        kind = item.kind, x = item.x, y = item.y, color = palette.muted, width = 0.35, alpha = 0.6,
      }
    end
  end
  if #result > 0 then result[1].label = ("each of %d"):format(#list) end
  if same_times(list) then
    for _, item in ipairs(quantiles(list)) do result[#result + 1] = item end
  end
  local n = 1
  for i, item in ipairs(list) do
    if wanted[i] then
      n = n + 1
      local color, dash = palette.category(n)
      result[#result + 1] = {
        kind = item.kind, x = item.x, y = item.y, label = item.label, color = color, dash = dash,
      }
    end
  end
  return result
end

--- Curves as rows of a heat map, the first at the top.
local function heat_of(list)
  if not same_times(list) or list[1].kind ~= "step" then
    fail.raise "rates: style heat: expected curves with the same periods"
  end
  local rows, values = {}, {}
  for i, item in ipairs(list) do
    rows[#list + 1 - i], values[#list + 1 - i] = item.label or "", item.y
  end
  return { x = list[1].x, rows = rows, values = values, label = "rate", unit = "bit/s", min = 0 }
end

--- Series of a simulation for weft.viz.chart: { kind = "step", label =, x = seconds, y = bit/s }.
-- @param sim simulation
-- @tparam table options `ports`, `flows`
function rates.series(sim, options)
  return gather(sim, options)
end

--- Shade what was skipped, if the option spans says what that is, and name the tints below.
local function shade(what, options)
  local rows = options.spans and skipped.rows(options.spans)
  if not rows then
    if options.partition then
      fail.raise "rates: option 'partition' needs spans = sim"
    elseif options.spans and type(options.spans) ~= "table" then
      fail.raise("rates: option 'spans': expected a list, sim:spans() or a simulation, got %s",
        fail.show(options.spans))
    end
    return
  end
  if what.heat then fail.raise "rates: style heat would cover what spans shade: expected lines" end
  local names
  what.spans, names = skipped.shades(rows, options.partition)
  for _, name in ipairs(names) do what.series[#what.series + 1] = name end
end

--- Draw rates over time.
-- @param sim simulation; may be nil when only options.series is given
-- @tparam table options as checked by weft.viz.rates
-- @treturn canvas the page that was written
function rates.draw(sim, options)
  local list = gather(sim, options)
  local what = {
    title = options.title, width = options.width, height = options.height,
    x = { label = "time", unit = "s" }, spans = options.spans, events = options.events,
  }
  if options.style == "heat" then
    what.heat = heat_of(list)
  else
    what.y = { label = "rate", unit = "bit/s", min = 0 }
    what.series = #list > LABELLED_MOST and summarize(list, options.highlight) or list
    for i, item in ipairs(what.series) do
      -- Sampled rates jump, which dashes make unreadable: colour alone tells the first seven.
      if i <= #palette.categories then item.dash = false end
      item.width = item.width or 0.9
    end
  end
  shade(what, options)
  return chart.new(what):write(options.file)
end

return rates
