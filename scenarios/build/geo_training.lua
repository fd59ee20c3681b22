--- Iterations of training across data centres by several strategies, chunk by chunk: what
-- scenarios/geo_training.lua computes.

local weft = require "weft"

local geo = weft.geo

local M = {}

-- Options of the command line and what they are to strategies.
M.strategy_options = { "roots", "chunk", "metric", "pull", "auxiliary", "degree", "root",
  "servers" }

-- Overlays as they are given, or with delays and caps.
local function with_options(overlays, options)
  if not (options.delay or options.jitter or options.loss or options.egress or options.ingress) then
    return overlays
  end
  local list = {}
  for i, overlay in ipairs(overlays) do
    list[i] = overlay:with { delay = options.delay, jitter = options.jitter, loss = options.loss,
      egress = options.egress, ingress = options.ingress }
  end
  return list
end

--- Overlays of a file, or draws of the evaluation.
-- @tparam table options `overlay` ("evaluation" or a file), `only` (name), `seeds`; `delay`,
-- `jitter`, `loss`, `egress`, `ingress` of all
-- @treturn {Overlay,...}
function M.overlays(options)
  return with_options(M.overlays_as_given(options), options)
end

--- The same without what is for all.
function M.overlays_as_given(options)
  local list = {}
  if options.overlay == "evaluation" then
    for draw = 0, options.seeds - 1 do list[#list + 1] = geo.overlay.evaluation(draw) end
    return list
  end
  local names, all = {}, geo.overlay.read(options.overlay)
  for i, overlay in ipairs(all) do
    names[i] = overlay.name
    if not options.only or options.only == overlay.name then list[#list + 1] = overlay end
  end
  if #list == 0 then
    weft.fail.raise("no overlay '%s'%s", options.only, weft.fail.hint(options.only, names))
  end
  return list
end

--- Strategies by name, each with its options.
-- @tparam string names with commas between them
-- @tparam table options all that were given
-- @treturn {table,...} `strategy`, `options`
function M.strategies(names, options)
  local list, taken = {}, {}
  for name in (names .. ","):gmatch "([^,]*),+" do
    local strategy, own = geo.strategies.get(name), {}
    for _, option in ipairs(M.strategy_options) do
      if strategy.options[option] then own[option], taken[option] = options[option], true end
    end
    list[#list + 1] = { strategy = strategy, options = own }
  end
  for _, option in ipairs(M.strategy_options) do
    if options[option] ~= nil and not taken[option] then
      weft.fail.raise("option --%s: none of these strategies has it: %s", option, names)
    end
  end
  return list
end

-- The same plan carried out by an engine. Header overhead is taken out in `goodput_s`.
local function engine_iterate(row, plan, with)
  local settings = { engine = with.engine, mtu = with.mtu, set = with.set }
  local details
  row.iteration_s, details = geo.engine.run(plan, settings)
  row.chunk_s, row.goodput_s = details.chunk_s, row.iteration_s * details.payload
  row.events = details.sim:stats().events
  settings.in_sequence = true
  row.sequence_s = geo.engine.run(plan, settings)
  return details.bits
end

-- One iteration of one strategy at rates that do not change.
local function iterate(overlay, tensors, one, with)
  local row = { overlay = overlay.name, strategy = one.strategy.name }
  if one.strategy.iterate and with and with.engine ~= "chunk" then
    weft.fail.raise("strategy %s makes no plan, which engine %s needs; it goes with chunks",
      row.strategy, with.engine)
  elseif one.strategy.iterate then
    row.iteration_s = one.strategy.iterate(overlay, tensors, one.options)
    return row
  end
  local plan = one.strategy.plan(overlay, tensors, one.options)
  local bits
  if with and with.engine ~= "chunk" then
    bits = engine_iterate(row, plan, with)
  else
    row.iteration_s, bits = geo.fifo.run(plan)
    row.sequence_s = geo.fifo.run(plan, { in_sequence = true })
  end
  row.load_s = plan:bound_s()
  row.bytes = 0
  for link = 1, overlay.links do row.bytes = row.bytes + bits[link] / 8 end
  return row, bits
end

-- Data centres times links: beyond this the linear program takes minutes.
local PROGRAM_MAX = 4000

--- Whether the bound by any trees is computed.
function M.has_trees_bound(overlay)
  return overlay.nodes * overlay.links <= PROGRAM_MAX
end

--- Bounds of an overlay.
-- @treturn table `cut_s`; `trees_s`, but of large meshes
function M.bounds(overlay, tensors)
  local bits = 32 * geo.models.elements(tensors)
  return {
    cut_s = bits / geo.bounds.cut_bps(overlay),
    trees_s = M.has_trees_bound(overlay) and (geo.bounds.best_trees(overlay, bits)) or nil,
  }
end

--- One iteration of each strategy on each overlay.
-- @tparam {Overlay,...} overlays
-- @tparam {number,...} tensors
-- @tparam {table,...} list as M.strategies gives
-- @tparam ?table with `engine` ("chunk", "packet", "fluid"), `mtu`, `set` (options of simulations)
-- @treturn {table,...} rows: `overlay`, `strategy`, `iteration_s`, `sequence_s`, `load_s`, `bytes`,
-- `cut_s`, `trees_s`; of engines `chunk_s` (chunk by chunk), `goodput_s` (headers taken out),
-- `events`
-- @treturn {table,...} rows of links: `overlay`, `strategy`, `from`, `to`, `rate_bps`, `bytes`,
-- `busy` (part of the iteration)
function M.static(overlays, tensors, list, with)
  local rows, links = {}, {}
  for _, overlay in ipairs(overlays) do
    local bounds = M.bounds(overlay, tensors)
    for _, one in ipairs(list) do
      local row, bits = iterate(overlay, tensors, one, with)
      row.cut_s, row.trees_s = bounds.cut_s, bounds.trees_s
      rows[#rows + 1] = row
      for link = 1, bits and overlay.links or 0 do
        links[#links + 1] = {
          overlay = overlay.name, strategy = row.strategy,
          from = overlay.names[overlay.from[link]], to = overlay.names[overlay.to[link]],
          rate_bps = overlay.rate_bps[link], bytes = bits[link] / 8,
          busy = bits[link] / overlay.rate_bps[link] / row.iteration_s,
        }
      end
    end
  end
  return rows, links
end

-- Mean of one column over rows that have it, and half of its 95 % confidence interval.
local function mean_of(rows, value_of)
  local values = {}
  for _, row in ipairs(rows) do values[#values + 1] = value_of(row) end
  if #values == 0 then return nil end
  local mean, squares = weft.stats.mean(values), 0
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  local low = #values > 1
    and weft.stats.interval(mean, math.sqrt(squares / (#values - 1)), #values)
  return mean, low and mean - low or nil
end

--- Rows of M.static by strategy: means over overlays.
-- @treturn {table,...} `strategy`, `iteration_s`, `ci_s` (half of the 95 % interval), `sequence_s`,
-- `of_bound` (time over the best bound), `vs_star` (time of `star` over this), `gigabytes`; of
-- engines `of_chunks` (time without headers over that chunk by chunk)
function M.summary(rows)
  local star_of = {}
  for _, row in ipairs(rows) do
    if row.strategy == "star" then star_of[row.overlay] = row.iteration_s end
  end
  local summary = {}
  for _, group in ipairs(weft.util.group_by(rows, function(row) return row.strategy end)) do
    local mean, half = mean_of(group, function(row) return row.iteration_s end)
    summary[#summary + 1] = {
      strategy = group[1].strategy, iteration_s = mean, ci_s = half,
      sequence_s = mean_of(group, function(row) return row.sequence_s end),
      of_bound = mean_of(group, function(row)
        return row.iteration_s / (row.trees_s or row.cut_s)
      end),
      vs_star = mean_of(group, function(row)
        return star_of[row.overlay] and star_of[row.overlay] / row.iteration_s
      end),
      of_chunks = mean_of(group, function(row)
        return row.chunk_s and row.goodput_s / row.chunk_s
      end),
      gigabytes = mean_of(group, function(row) return row.bytes and row.bytes / 1e9 end),
    }
  end
  return summary
end

-- Full chunks are measured, as by NetStorm's own setting of 4 MB.
local function chunk_of(one)
  local rule = one.strategy.options and one.strategy.options.chunk
  return one.options.chunk or rule and rule.default or geo.models.BOUND
end

--- Iterations one after the other under rates that change.
-- @tparam Trace trace
-- @tparam {number,...} tensors
-- @tparam {table,...} list as M.strategies gives
-- @tparam table options `knows`, `policy`, `compute_s`, `iterations`, `believed` (an overlay)
-- @treturn {table,...} rows: `strategy`, `iteration`, `start_s`, `end_s`, `seconds`
function M.dynamic(trace, tensors, list, options)
  local rows = {}
  for _, one in ipairs(list) do
    for i, iteration in ipairs(geo.training.run(trace, tensors, {
      strategy = one.strategy, options = one.options, knows = options.knows,
      believed = options.believed, policy = options.policy, compute_s = options.compute_s,
      measure = { size_min = 4 * chunk_of(one) },
      iterations = options.iterations, till = not options.iterations and trace:covered_s() or nil,
    })) do
      rows[#rows + 1] = {
        strategy = one.strategy.name, iteration = i, start_s = iteration.start_s,
        end_s = iteration.end_s, seconds = iteration.end_s - iteration.start_s,
      }
    end
  end
  return rows
end

--- Rows of M.dynamic by strategy.
-- @treturn {table,...} `strategy`, `iterations`, `mean_s`, `min_s`, `max_s`, `vs_star`
function M.dynamic_summary(rows)
  local summary, star = {}, nil
  for _, group in ipairs(weft.util.group_by(rows, function(row) return row.strategy end)) do
    local seconds = {}
    for i, row in ipairs(group) do seconds[i] = row.seconds end
    local all = weft.stats.summary(seconds)
    summary[#summary + 1] = { strategy = group[1].strategy, iterations = all.count,
      mean_s = all.mean, min_s = all.min, max_s = all.max }
    if group[1].strategy == "star" then star = all.mean end
  end
  for _, row in ipairs(summary) do row.vs_star = star and star / row.mean_s end
  return summary
end

return M
