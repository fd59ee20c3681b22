--- What workloads have in common. A workload is a passive value with a `kind`, checked `options`
-- and a function `begin`, which puts it to work.
--
-- `begin(work, sim, engine)` adds flows and tasks to the simulation. `work` is the workload with
-- `tag` and `start_ps` of this job; `engine.call(sim.core, name, ...)` calls the engine, and makes
-- its refusals errors of the user; `engine.add_flow(sim, flow)` adds a flow in the engine's units.
-- It checks everything before it adds anything, and returns what the job is to know: `bytes` to be
-- delivered, `start_ps`, `ends` (list of tasks that are done when the job is), `ranks`, and for
-- collectives `bus_factor` (bus bandwidth = factor x algorithm bandwidth) and `size_bytes` if it is
-- not the option `size`. Jobs of another shape give `result(job)` and `describe(job, result)`, for
-- job:result() and job:summary().
--
-- A workload with a function `plan(work)` prints as its plan.
-- @module weft.workload.base

local fail = require "weft.fail"
local units = require "weft.units"

local M = {}

local Workload = {}
Workload.__index = Workload

function Workload:__tostring()
  return self.plan and tostring(self:plan()) or "workload " .. self.kind
end

--- A workload.
-- @tparam table fields `kind`, `options`, `begin`, and what begin wants to find
-- @treturn Workload
function M.new(fields)
  return setmetatable(fields, Workload)
end

--- Whether a value is a workload.
function M.is_workload(value)
  return getmetatable(value) == Workload
end

--- Raise the error for a pair of hosts between which there is no path.
function M.unreachable(fabric, src, dst)
  fail.raise("no path from '%s' to '%s'", fabric:node(src).name, fabric:node(dst).name)
end

--- Raise the error for a flow from a host to itself.
-- @tparam string what
-- @tparam table host
-- @tparam[opt] string place in a file; default: the line of the script
function M.same_host(what, host, place)
  local raise = place and function(...) fail.at(place, ...) end or fail.raise
  raise("%s: expected different hosts, got '%s' twice", what, host.name)
end

--- Refuse a pair of hosts that cannot reach each other in the fabric as built, before anything is
-- added. Flows whose way has failed since wait for a repair.
-- @tparam Simulation sim
-- @tparam table engine as begin is given it
-- @tparam number src node
-- @tparam number dst node
function M.need_path(sim, engine, src, dst)
  local good, message = pcall(sim.core.built_path, sim.core, src, dst, 0)
  if good then return end
  if tostring(message):find("WEFT_ENOROUTE", 1, true) then M.unreachable(sim.fabric, src, dst) end
  engine.call(sim.core, "built_path", src, dst, 0)
end

--- Hosts as node ids.
-- @tparam string what the workload, for messages
-- @tparam weft.Fabric fabric
-- @param ranks list of hosts by name or number, or how many of the first; nil: all hosts
-- @treturn table node ids in the order of the ranks
function M.resolve_ranks(what, fabric, ranks)
  local hosts = fabric:hosts()
  if ranks == nil then return hosts end
  local ids, seen = {}, {}
  if type(ranks) == "number" then
    if ranks > #hosts then
      fail.raise("%s: expected at most the %d hosts of %s, got %s ranks", what, #hosts, fabric.name,
        fail.show(ranks))
    end
    for i = 1, ranks do ids[i] = hosts[i] end
    return ids
  end
  if type(ranks) ~= "table" then
    fail.raise("%s: ranks: expected a list of hosts or a number, got %s", what, fail.show(ranks))
  end
  for i, which in ipairs(ranks) do
    local host = fabric:host(which)
    if seen[host.id] then
      fail.raise("%s: rank %d: '%s' is rank %d already", what, i, host.name, seen[host.id])
    end
    ids[i], seen[host.id] = host.id, i
  end
  return ids
end

--- Bytes of part i of n, counted from 1; the first parts take what does not divide.
function M.share(bytes, n, i)
  local rest = bytes % n
  return (bytes - rest) / n + (i <= rest and 1 or 0)
end

--- When something starts: now, unless it says when.
-- @tparam string what for messages
-- @tparam ?number start_ps
-- @tparam number now_ps
function M.start_of(what, start_ps, now_ps)
  if start_ps and start_ps < now_ps then
    fail.raise("%s: start: expected at least the present, %s, got %s", what,
      units.format_time(now_ps), units.format_time(start_ps))
  end
  return start_ps or now_ps
end

--- A rule of check.options with more options.
function M.extend(rule, more)
  local all = {}
  for key, value in pairs(rule) do all[key] = value end -- order-free: a copy
  for key, value in pairs(more) do all[key] = value end -- order-free: a copy
  return all
end

return M
