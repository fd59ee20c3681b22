--- Pictures of fabrics and results, as PNG, SVG or PDF by the ending of the file name.
local check = require "weft.check"
local canvas = require "weft.viz.canvas"
local fail = require "weft.fail"

local viz = {}

--- Points of a width given as "column" (3.3 in), "page" (7 in) or inches.
local function points(what, width)
  local value = type(width) == "number" and width * canvas.inch or canvas.widths[width]
  if not value or value < 72 or value > 14400 then
    fail.raise("%s: width: expected \"column\", \"page\" or 1 to 200 inches, got %s", what,
      tostring(width))
  end
  return value
end

local topology_options = {
  file = { type = "string", required = true, brief = "Ends in .png, .svg or .pdf." },
  color = {
    type = "enum", choices = { "utilization", "rate", "none" }, brief = "What colours links.",
  },
  title = { type = "string" },
  degraded = { type = "table", brief = "Links to mark: ids, links or { link =, factor = }." },
  utilization = { type = "table", brief = "Of each port, 0..1, instead of the simulation's." },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
}

--- Draw a fabric, or a simulation on its fabric.
-- Links are coloured by the mean utilization of the busier direction when there is a simulation.
-- @param target simulation or fabric
-- @tparam table options see topology_options
-- @usage weft.viz.topology(sim, { file = "fabric.svg", color = "utilization" })
function viz.topology(target, options)
  local given = check.options("topology", options, topology_options)
  given.width = points("topology", given.width)
  if not given.color then
    local known = given.utilization or (type(target) == "table" and target.core)
    given.color = known and "utilization" or "none"
  end
  return require("weft.viz.topology").draw(target, given)
end

return viz
