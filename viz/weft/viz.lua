--- Pictures of fabrics and results, as PNG, SVG or PDF by the ending of the file name.
local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local size = require "weft.viz.size"

local viz = { chart = require "weft.viz.chart" }

local topology_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  color = {
    type = "enum",
    choices = { "utilization", "queue", "marks", "pauses", "drops", "rate", "class", "none" },
    brief = "What colours links.",
  },
  title = { type = "string" },
  degraded = { type = "list", brief = "Links to mark: ids, links or { link =, factor = }." },
  utilization = { type = "table", brief = "Of each port, 0..1, instead of the simulation's." },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
}

--- Draw a fabric, or a simulation on its fabric.
-- Links are coloured by the mean utilization of the busier direction when there is a simulation, or
-- by its longest queue, marks, pauses or drops. What is or was bad is marked, with when. Of more
-- than 256 hosts, groups are drawn.
-- @param target simulation or fabric
-- @tparam table options see topology_options
-- @usage weft.viz.topology(sim, { file = "fabric.svg", color = "utilization" })
function viz.topology(target, options)
  local given = check.options("topology", options, topology_options)
  given.width = size.points("topology", given.width)
  if not given.color then
    local known = given.utilization or (type(target) == "table" and target.core)
    given.color = known and "utilization" or "none"
  end
  return require("weft.viz.topology").draw(target, given)
end

local overlay_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  plan = { type = "any", brief = "A plan whose trees are drawn: those with most bits, up." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
}

--- Draw an overlay of data centres, with the rate of each direction: by coordinates where all data
-- centres have some, else by forces.
-- @tparam Overlay overlay value of weft.geo.overlay
-- @tparam table options see overlay_options
-- @usage weft.viz.overlay(weft.geo.overlay.evaluation(), { file = "overlay.svg" })
function viz.overlay(overlay, options)
  local given = check.options("overlay", options, overlay_options)
  given.width = size.points("overlay", given.width)
  if not require("weft.geo.overlay").is(overlay) then
    fail.raise("viz.overlay: expected an overlay, got %s", fail.show(overlay))
  elseif given.plan ~= nil and not require("weft.geo.plan").is(given.plan) then
    fail.raise("viz.overlay: option 'plan': expected a plan, got %s", fail.show(given.plan))
  end
  return require("weft.viz.overlay").draw(overlay, given)
end

local rates_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  ports = { type = "list", brief = "Numbers of sampled ports." },
  flows = { type = "list", brief = "Numbers of sampled flows." },
  series = { type = "list", brief = "{ label =, time_s = {}, value = {} }, values in bit/s." },
  style = { type = "enum", choices = { "lines", "heat" }, default = "lines" },
  highlight = { type = "list", brief = "Numbers, from 1, of curves to keep in colour." },
  spans = { type = "any", brief = "{ from =, to =, label = } in seconds, shaded; or sim:spans(), "
    .. "rows of it, or a simulation: what was skipped." },
  partition = { type = "any", brief = "Number, or numbers, of partitions whose spans are meant." },
  events = { type = "list", brief = "{ at =, label = } in seconds, marked by a line." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
  height = { type = "number", min = 1, max = 100, brief = "Inches." },
}

--- Draw rates over time. More than 10 curves become context: thin and grey, with their median and
-- the band from the 10th to the 90th percentile. What acceleration skipped can be shaded: of all
-- partitions, or of some.
-- @param sim simulation that has sampled the ports and flows
-- @tparam table options see rates_options
-- @usage weft.viz.rates(sim, { file = "rates.pdf", flows = job:slowest(8) })
-- @usage weft.viz.rates(sim, { file = "skipped.png", flows = { 0, 1 }, spans = sim })
function viz.rates(sim, options)
  local given = check.options("rates", options, rates_options)
  size.points("rates", given.width)
  return require("weft.viz.rates").draw(sim, given)
end

--- Sampled rates as series for weft.viz.chart, to put several simulations into one picture.
-- @param sim simulation
-- @tparam table options `ports`, `flows`: numbers
-- @treturn table list of { kind = "step", label =, x = seconds, y = bit/s }
-- @usage weft.viz.chart.new { series = weft.viz.rate_series(sim, { ports = { 0 } }) }
function viz.rate_series(sim, options)
  local given = check.options("rate_series", options, {
    ports = rates_options.ports, flows = rates_options.flows,
  })
  return require("weft.viz.rates").series(sim, given)
end

local jobs_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  links = { type = "integer", default = 8, min = 1, max = 40, brief = "Links shown at most." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
  height = { type = "number", min = 1, max = 100, brief = "Inches." },
}

--- Draw what jobs lost to each other: their times alone and together, and the links on which their
-- flows gave way.
-- @param report of sim:job_report()
-- @tparam table options see jobs_options
-- @usage weft.viz.jobs(sim:job_report(), { file = "jobs.png" })
function viz.jobs(report, options)
  local given = check.options("jobs", options, jobs_options)
  size.points("jobs", given.width)
  return require("weft.viz.jobs").draw(report, given)
end

local compare_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
  height = { type = "number", min = 1, max = 100, brief = "Inches." },
}

--- Draw engines compared: errors of flows as distributions and by size, and slowdowns.
-- @param compared of weft.compare
-- @tparam table options see compare_options
-- @usage weft.viz.compare(compared, { file = "engines.pdf" })
function viz.compare(compared, options)
  local given = check.options("compare", options, compare_options)
  size.points("compare", given.width)
  return require("weft.viz.compare").draw(compared, given)
end

local phases_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
}

--- Draw what acceleration skipped, partition by partition, over time.
-- @param from simulation that keeps spans, its sim:spans(), or rows of that
-- @tparam table options see phases_options
-- @usage weft.viz.phases(sim, { file = "phases.png" })
function viz.phases(from, options)
  local given = check.options("phases", options, phases_options)
  given.width = size.points("phases", given.width)
  return require("weft.viz.phases").draw(from, given)
end

local fct_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
  height = { type = "number", min = 1, max = 100, brief = "Inches." },
}

--- Draw completion times: slowdown by size of flow (p50, p95, p99; of more than two runs p99), and
-- its distribution. Classes of sizes have as many flows each.
-- @param given simulation, its table of flows, or a list of { label, either } to compare
-- @tparam table options see fct_options
-- @usage weft.viz.fct({ { "dctcp", a }, { "hpcc", b } }, { file = "slowdown.png" })
function viz.fct(given, options)
  local checked = check.options("fct", options, fct_options)
  checked.points = size.points("fct", checked.width)
  return require("weft.viz.fct").draw(given, checked)
end

local gantt_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  job = { type = "table", brief = "Only this job of the simulation." },
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
}

--- Draw what each host did when: computing, collectives, sending; a row for each.
-- @tparam Simulation sim
-- @tparam table options see gantt_options
-- @usage weft.viz.gantt(sim, { file = "iteration.png", job = job })
function viz.gantt(sim, options)
  local given = check.options("gantt", options, gantt_options)
  check.argument("gantt", sim, "simulation")
  given.width = size.points("gantt", given.width)
  return require("weft.viz.gantt").draw(sim, given)
end

local partition_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  title = { type = "string" },
  width = { type = "any", default = "column", brief = "\"column\", \"page\" or inches." },
}

--- Draw a partition: which of its flows meet at which ports.
-- @param partitions of sim:partitions()
-- @tparam number index which, from 1
-- @tparam table options see partition_options
-- @usage weft.viz.partition(sim:partitions(), 1, { file = "partition.png" })
function viz.partition(partitions, index, options)
  local given = check.options("partition", options, partition_options)
  given.width = size.points("partition", given.width)
  return require("weft.viz.partition").draw(partitions, index, given)
end

return guard.module("viz", viz)
