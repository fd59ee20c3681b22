--- Failures of links, switches and hosts, gray ones above all: what is up, and slow.
-- A simulation's methods degrade, fail, repair, storm, slow and inject let them happen:
-- weft.failure.methods. Here is what chooses and what reads them.
-- @module weft.failure
-- @usage
-- local bad = weft.failure.choose(fabric, { count = 4, seed = 1 })
-- weft.failure.degrade_hosts(sim, bad, { factor = 1 / 10 })

local check = require "weft.check"
local generate = require "weft.failure.generate"
local timeline = require "weft.failure.timeline"
local fail = require "weft.fail"
local guard = require "weft.guard"
local random = require "weft.random"

local M = {}

local choose_rule = {
  count = { type = "integer", required = true, min = 0 },
  seed = { type = "integer", default = 1, min = 0 },
  rule = { type = "enum", choices = { "random", "spread" }, default = "random" },
}

-- The first hosts of the first two servers in turns, as m4's gray failure sweep takes them:
-- of 5 hosts, three are in the first server.
local function spread(fabric, hosts, count)
  local groups, seen = {}, {}
  for _, id in ipairs(hosts) do
    local group = fabric.nodes[id + 1].group
    if group == nil then
      fail.raise("failure.choose: rule 'spread': '%s' belongs to no server",
        fabric.nodes[id + 1].name)
    end
    if not seen[group] then
      seen[group] = #groups + 1
      groups[#groups + 1] = {}
    end
    table.insert(groups[seen[group]], id)
  end
  local chosen = {}
  for s = 1, math.min(2, #groups) do
    local wanted = s == 1 and math.ceil(count / math.min(2, #groups)) or count - #chosen
    for i = 1, math.min(wanted, #groups[s]) do chosen[#chosen + 1] = groups[s][i] end
  end
  if #chosen < count then
    fail.raise("failure.choose: count: rule 'spread' takes at most %d hosts here, got %d", #chosen,
      count)
  end
  return chosen
end

--- Choose hosts that are to fail.
-- @tparam weft.Fabric fabric
-- @tparam table options `count`, `seed`, `rule`: "random" (default) or "spread" (the first half of
-- them in the first server, the rest in the second)
-- @treturn table ids of hosts, ascending
function M.choose(fabric, options)
  check.argument("failure.choose", fabric, "fabric")
  local o = check.options("failure.choose", options, choose_rule)
  local hosts = fabric:hosts()
  if o.count > #hosts then
    fail.raise("failure.choose: count: expected at most the %d hosts of %s, got %d", #hosts,
      fabric.name, o.count)
  end
  if o.rule == "spread" then return spread(fabric, hosts, o.count) end
  return random.stream(o.seed, "degraded hosts"):sample(hosts, o.count)
end

--- All links of some hosts, each once, in the order of their numbers.
-- @tparam weft.Fabric fabric
-- @tparam table hosts names or ids
-- @treturn table list of links
function M.links_of(fabric, hosts)
  check.argument("failure.links_of", fabric, "fabric")
  check.argument("failure.links_of: hosts", hosts, "list")
  local links, seen = {}, {}
  for _, which in ipairs(hosts) do
    for _, link in ipairs(fabric:links_of(fabric:host(which))) do
      if not seen[link.id] then
        seen[link.id] = true
        links[#links + 1] = link
      end
    end
  end
  table.sort(links, function(a, b) return a.id < b.id end)
  return links
end

--- Degrade all links of some hosts.
-- @tparam Simulation sim
-- @tparam table hosts names or ids
-- @tparam table options as for sim:degrade: `factor`, `at`, `loss`
-- @treturn table the links, for pictures
function M.degrade_hosts(sim, hosts, options)
  check.argument("failure.degrade_hosts", sim, "simulation")
  local links = M.links_of(sim.fabric, hosts)
  for _, link in ipairs(links) do sim:degrade(link, options) end
  return links
end

--- Bring all links of some hosts back to the state in which they were built.
-- @tparam Simulation sim
-- @tparam table hosts names or ids
-- @tparam[opt] table options as for sim:repair: `at`
function M.repair_hosts(sim, hosts, options)
  check.argument("failure.repair_hosts", sim, "simulation")
  for _, link in ipairs(M.links_of(sim.fabric, hosts)) do sim:repair(link, options) end
end

--- A random timeline: see weft.failure.generate.
M.random = generate.random

--- Read a timeline from a CSV file, and write one: see weft.failure.timeline. sim:inject reads a
-- file by itself.
M.read, M.write = timeline.read, timeline.write

return guard.module("failure", M)
