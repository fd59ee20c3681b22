--- What an independent program has computed of NetStorm and its baselines, computed here: reads
-- overlays, meta, models, dynamic_trace and measure from a folder, and gives the rows of all files
-- of that folder. tests/reference/netstorm/README.md has the files and the definitions.

local weft = require "weft"

local notice = require "weft.notice"

local geo = weft.geo

local M = {}

-- The model of the examples that were worked by hand.
local HAND = { 1000000, 2500000, 700000 }

-- Rings are searched up to here.
local RING_MAX = 12

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Elements by model: those of the folder, else those that are built in.
local function read_models(folder)
  local models = { hand = HAND }
  for _, name in ipairs(geo.models.names) do models[name] = geo.models.tensors(name) end
  local path, from_file = folder .. "/models.csv", {}
  if not exists(path) then return models end
  for row, line in weft.csv.rows(path, {
    "model", { "key", type = "integer", min = 0 }, { "elements", type = "integer", min = 1 },
  }) do
    local tensors = from_file[row.model] or {}
    if row.key ~= #tensors then
      weft.fail.at(("%s:%d"):format(path, line), "column 'key': expected %d, got %d", #tensors,
        row.key)
    end
    tensors[#tensors + 1], from_file[row.model], models[row.model] = row.elements, tensors, tensors
  end
  return models
end

--- Read a folder.
-- @tparam string folder
-- @treturn table `overlays`, `tensors` by name of overlay, `alexnet`, `traces` and `measure` (nil
-- where there is no such file)
function M.read(folder)
  local models, model_of = read_models(folder), {}
  local meta = folder .. "/meta.csv"
  for row, line in weft.csv.rows(meta, { "overlay", "model" }) do
    if not models[row.model] then
      weft.fail.at(("%s:%d"):format(meta, line), "no model '%s'%s", row.model,
        weft.fail.hint(row.model, weft.util.sorted_keys(models)))
    end
    model_of[row.overlay] = models[row.model]
  end
  local overlays, tensors = geo.overlay.read(folder .. "/overlays.csv"), {}
  for _, overlay in ipairs(overlays) do
    tensors[overlay.name] = model_of[overlay.name]
    if not tensors[overlay.name] then
      weft.fail.at(meta, "overlay '%s' is missing", overlay.name)
    end
  end
  local trace, measure = folder .. "/dynamic_trace.csv", folder .. "/measure.csv"
  return {
    overlays = overlays, tensors = tensors, alexnet = models.alexnet,
    traces = exists(trace) and geo.trace.read(trace) or nil,
    measure = exists(measure) and weft.csv.read(measure, {
      "case", { "size_min", type = "number" }, { "num", type = "integer" },
      { "report_rate", type = "number" }, { "last_mb_s", type = "number" },
      { "sample", type = "integer" }, { "bytes", type = "number" }, { "seconds", type = "number" },
    }) or nil,
  }
end

-- ---- what is exact: trees, roots, chunks, auxiliary routes ----

local function trees(add, overlay, routes)
  for root = 1, overlay.nodes do
    for node = 1, overlay.nodes do
      if node ~= root then
        local route = routes:route(node, root)
        add { overlay = overlay.name, root = root, node = node, parent = route[2],
          hops = #route - 1, cost = overlay:cost(route) }
      end
    end
  end
end

-- 1, 3 and all roots, as far as there are so many.
local function root_counts(overlay)
  local counts = { 1 }
  for _, count in ipairs { math.min(3, overlay.nodes), overlay.nodes } do
    if count ~= counts[#counts] then counts[#counts + 1] = count end
  end
  return counts
end

local function roots(add, overlay, routes, tensors)
  local rows, quality = {}, {}
  for node = 1, overlay.nodes do rows[node] = { overlay = overlay.name, root = node } end
  for _, metric in ipairs(geo.roots.METRICS) do
    quality[metric] = geo.roots.quality(routes, metric)
    for rank, node in ipairs(geo.roots.rank(quality[metric])) do
      rows[node]["rank_" .. metric] = rank
      rows[node]["perf_" .. metric] = quality[metric][node] / 1e6
    end
  end
  local chunks, elements = geo.models.chunks(tensors), geo.models.elements(tensors)
  for name, count in weft.util.sorted_pairs { R1 = 1, R3 = 3, RN = overlay.nodes } do
    local selected = geo.roots.select(quality.down, count)
    local quotas = geo.roots.quotas(quality.down, selected, elements)
    local _, assigned = geo.roots.assign(chunks, selected, quotas)
    for node = 1, overlay.nodes do
      rows[node]["quota_" .. name] = quotas[node] or 0
      rows[node]["elements_" .. name] = assigned[node] or 0
    end
  end
  for node = 1, overlay.nodes do add(rows[node]) end
end

local function chunks(add, overlay, routes, tensors)
  local quality, list = geo.roots.quality(routes, "down"), geo.models.chunks(tensors)
  for _, count in ipairs(root_counts(overlay)) do
    local selected = geo.roots.select(quality, count)
    local root_of = geo.roots.assign(list, selected,
      geo.roots.quotas(quality, selected, geo.models.elements(tensors)))
    add { overlay = overlay.name, R = count, root_of_chunk = table.concat(root_of, " ") }
  end
end

local function auxiliary(add, overlay)
  for src = 1, overlay.nodes do
    for dst = 1, overlay.nodes do
      for k, route in ipairs(src ~= dst and geo.routes.auxiliary(overlay, src, dst) or {}) do
        add { overlay = overlay.name, src = src, dst = dst, k = k - 1,
          path = table.concat(route, "-"), cost = overlay:cost(route) }
      end
    end
  end
end

-- ---- times ----

-- Adds rows of one strategy of an overlay.
local function adder(add, overlay, strategy)
  return function(key, model, seconds)
    add { overlay = overlay.name, strategy = strategy, root = key.root, routes = key.routes,
      R = key.R, metric = key.metric, pull = key.pull, model = model, seconds = seconds }
  end
end

local function loads(row, key, plan)
  local pipe, seq = plan:bound_s()
  row(key, "load_seq", seq)
  row(key, "load_pipe", pipe)
end

local function fifo(row, key, plan, model, options)
  row(key, model, (geo.fifo.run(plan, options)))
end

local function plan_of(name, overlay, tensors, options)
  return geo.strategies.get(name).plan(overlay, tensors, options)
end

local function star_and_trees(add, overlay, tensors)
  local star, kary2 = adder(add, overlay, "star"), adder(add, overlay, "kary2")
  for _, routes in ipairs { "hop", "bw" } do
    for root = 1, overlay.nodes do
      local key = { root = root, routes = routes }
      local plan = plan_of("star", overlay, tensors, key)
      local tree = plan_of("kary_tree", overlay, tensors, key)
      loads(star, key, plan)
      loads(kary2, key, tree)
      if routes == "hop" and root == 1 then
        fifo(star, key, plan, "fifo_pipe")
        fifo(star, key, plan, "fifo_seq", { in_sequence = true })
        fifo(kary2, key, tree, "fifo_pipe")
      end
    end
    local key = { root = 1, routes = routes }
    loads(adder(add, overlay, "kary3"), key,
      plan_of("kary_tree", overlay, tensors, { root = 1, routes = routes, degree = 3 }))
  end
end

local function star_flows(add, overlay, tensors)
  local key = { root = 1, routes = "hop" }
  local routes, network = geo.routes.all(overlay, "hop"), geo.maxmin.new(overlay)
  local bits = 32 * geo.models.elements(tensors)
  for _, is_pull in ipairs { false, true } do
    for node = 2, overlay.nodes do
      local from, to = is_pull and 1 or node, is_pull and node or 1
      network:add(overlay:links_of(routes:route(from, to)), bits)
    end
    network:run()
  end
  adder(add, overlay, "star")(key, "maxmin_seq", network.now)
  local app, row = geo.strategies.get "star_app", adder(add, overlay, "star_app")
  row(key, "fifo_tensor", app.iterate(overlay, tensors))
  row(key, "fifo_chunk", app.iterate(overlay, tensors, { chunk = geo.models.BOUND }))
end

local function spread(add, overlay, tensors)
  for _, routes in ipairs { "hop", "bw" } do
    local key, all = { routes = routes, R = overlay.nodes }, overlay.nodes
    local plan = plan_of("star", overlay, tensors, { servers = all, routes = routes })
    loads(adder(add, overlay, "mxps"), key, plan)
    if routes == "hop" then fifo(adder(add, overlay, "mxps"), key, plan, "fifo_pipe") end
    loads(adder(add, overlay, "evenps"), key,
      plan_of("even", overlay, tensors, { routes = routes }))
    local ring = plan_of("ring", overlay, tensors, { routes = routes })
    adder(add, overlay, "ring")({ routes = routes }, "load_pipe", (ring:bound_s()))
  end
  local order = overlay.nodes <= RING_MAX and geo.strategies.get("ring").best(overlay)
  if not order then return end
  local best = plan_of("ring", overlay, tensors, { order = order, routes = "direct" })
  adder(add, overlay, "ring_ham")({ root = table.concat(order, "-"), routes = "link" },
    "load_pipe", (best:bound_s()))
end

local function netstorm(add, overlay, tensors)
  local row, row_aux = adder(add, overlay, "netstorm"), adder(add, overlay, "netstorm_aux")
  for _, count in ipairs(root_counts(overlay)) do
    local function plan(metric, pull, auxiliary_rule)
      return { routes = "bw", R = count, metric = metric, pull = pull },
        plan_of("netstorm", overlay, tensors,
          { roots = count, metric = metric, pull = pull, auxiliary = auxiliary_rule })
    end
    for _, pull in ipairs { "path", "reverse", "out" } do loads(row, plan("down", pull)) end
    for _, metric in ipairs { "up", "both" } do loads(row, plan(metric, "path")) end
    local key, plain = plan("down", "path")
    fifo(row, key, plain, "fifo_pipe")
    fifo(row, key, plain, "fifo_pipe_alt", { reverse = true })
    fifo(row, key, plain, "fifo_seq", { in_sequence = true })
    local _, with_auxiliary = plan("down", "path", "messages")
    fifo(row_aux, key, with_auxiliary, "fifo_pipe")
    fifo(row_aux, key, with_auxiliary, "fifo_pipe_alt", { reverse = true })
  end
end

local function bounds(add, overlay, tensors)
  local bits = 32 * geo.models.elements(tensors)
  adder(add, overlay, "cut")({}, "bound", bits / geo.bounds.cut_bps(overlay))
  local function row(strategy, key, model, seconds, reason)
    if seconds then return adder(add, overlay, strategy)(key, model, seconds) end
    notice.say("%s: no row %s %s: %s", overlay.name, strategy, model, reason)
  end
  for _, model in ipairs { "load_pipe", "load_seq" } do
    local in_sequence = model == "load_seq"
    for _, pull in ipairs { "path", "out" } do
      row("lp_fapt", { routes = "bw", R = overlay.nodes, pull = pull }, model,
        geo.bounds.best_shares(geo.bounds.all_roots(overlay, pull), bits, in_sequence))
    end
    row("lp_any", { R = overlay.nodes }, model, geo.bounds.best_trees(overlay, bits, in_sequence))
  end
end

-- The file has times to the microsecond.
local function microseconds(time) return math.floor(time * 1e6 + 0.5) / 1e6 end

-- Transfers of root 1 are a file of their own.
local function tsengine(add, add_transfer, overlay, tensors)
  local row = adder(add, overlay, "tsengine")
  for root = 1, overlay.nodes do
    local seconds, transfers = geo.strategies.get("tsengine").iterate(overlay, tensors,
      { root = root })
    row({ root = root, routes = "hop" }, "maxmin_seq", seconds)
    for _, one in ipairs(root == 1 and transfers or {}) do
      add_transfer { overlay = overlay.name, root = root, phase = one.phase,
        start_s = microseconds(one.start_s), sender = one.sender, receiver = one.receiver }
    end
  end
end

-- ---- changing rates, measurement ----

-- Iterations that a scenario has at least.
local ITERATIONS_MIN = 10

local function dynamic(add, one, tensors)
  local function run(name, knows, strategy, options)
    for i, iteration in ipairs(geo.training.run(one.trace, tensors, {
      strategy = strategy, options = options, knows = knows, iterations = ITERATIONS_MIN,
      till = one.trace:covered_s(),
    })) do
      add { scenario = one.name, strategy = name, iteration = i - 1,
        start_s = microseconds(iteration.start_s), end_s = microseconds(iteration.end_s) }
    end
  end
  run("star", "frozen", "star")
  for _, knows in ipairs { "frozen", "lag1", "oracle" } do run(knows, knows, "netstorm") end
end

local function measure(add, rows)
  local estimators = {}
  for _, row in ipairs(rows) do
    local estimator = estimators[row.case] or geo.awareness.estimator {
      size_min = row.size_min, count = row.num, report_rate = row.report_rate,
      last_mbytes_s = row.last_mb_s,
    }
    estimators[row.case] = estimator
    local estimate, reported = estimator:add(row.bytes, row.seconds)
    row.estimate_mb_s = estimate
    if estimate then row.reported = reported and "yes" or "no" end
    add(row)
  end
end

--- Files and their columns, in the order in which they are computed.
M.files = {
  { "trees", "overlay", "root", "node", "parent", "hops", "cost" },
  { "roots", "overlay", "root", "perf_down", "perf_up", "perf_both", "rank_down", "rank_up",
    "rank_both", "quota_R1", "elements_R1", "quota_R3", "elements_R3", "quota_RN", "elements_RN" },
  { "chunks", "overlay", "R", "root_of_chunk" },
  { "aux", "overlay", "src", "dst", "k", "path", "cost" },
  { "times", "overlay", "strategy", "root", "routes", "R", "metric", "pull", "model", "seconds" },
  { "tsengine", "overlay", "root", "phase", "start_s", "sender", "receiver" },
  { "dynamic", "scenario", "strategy", "iteration", "start_s", "end_s" },
  { "measure", "case", "size_min", "num", "report_rate", "last_mb_s", "sample", "bytes",
    "seconds", "estimate_mb_s", "reported" },
}

--- Compute all rows.
-- @tparam table data as read gives it
-- @tparam ?function progress gets a line when an overlay or a scenario is done
-- @treturn table rows by name of file; without `dynamic` and `measure` where there is no input
function M.compute(data, progress)
  progress = progress or function() end
  local rows, adders = {}, {}
  for _, file in ipairs(M.files) do
    local list = {}
    rows[file[1]] = list
    adders[file[1]] = function(row) list[#list + 1] = row end
  end
  for _, overlay in ipairs(data.overlays) do
    local tensors, routes = data.tensors[overlay.name], geo.routes.all(overlay, "bw")
    trees(adders.trees, overlay, routes)
    roots(adders.roots, overlay, routes, tensors)
    chunks(adders.chunks, overlay, routes, tensors)
    auxiliary(adders.aux, overlay)
    star_and_trees(adders.times, overlay, tensors)
    star_flows(adders.times, overlay, tensors)
    spread(adders.times, overlay, tensors)
    netstorm(adders.times, overlay, tensors)
    bounds(adders.times, overlay, tensors)
    tsengine(adders.times, adders.tsengine, overlay, tensors)
    progress(("overlay %s: %d data centres"):format(overlay.name, overlay.nodes))
  end
  for _, one in ipairs(data.traces or {}) do
    dynamic(adders.dynamic, one, data.alexnet)
    progress("scenario " .. one.name)
  end
  measure(adders.measure, data.measure or {})
  if not data.traces then rows.dynamic = nil end
  if not data.measure then rows.measure = nil end
  return rows
end

return M
