--- What workloads have in common. A workload is a passive value with a `kind`, checked `options`
-- and a function `begin`, which puts it to work.
--
-- `begin(work, sim, engine)` adds flows and tasks to the simulation. `work` is the workload with
-- `tag` and `start_ps` of this job; `engine.call(sim.core, name, ...)` calls the core, and makes
-- its refusals errors of the user; `engine.add_flow(sim, flow)` adds a flow in the core's units.
-- It checks everything before it adds anything, and returns what the job is to know: `bytes` to be
-- delivered, `start_ps`, `ends` (list of tasks that are done when the job is), `ranks`, and for
-- collectives `bus_factor` (bus bandwidth = factor x algorithm bandwidth) and `size_bytes` if it is
-- not the option `size`. Jobs of another shape give `result(job)` and `describe(job, result)`, for
-- job:result() and job:summary().
--
-- A workload with a function `plan(work)` prints as its plan.
-- @module weft.workload.base

local check = require "weft.check"
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

-- ---- connections ----

--- Rule of an option `connections`, into how many flows a transfer is divided.
M.connections_rule = { type = "integer", min = 1, max = 65536 }

--- The bytes of each connection of a transfer: equal, but for one byte where they don't come out
-- even.
-- @treturn table list
function M.split(what, size, connections)
  local count = connections or 1
  if count > size then
    fail.raise("%s: option 'connections': expected at most %d, a byte for each, got %d", what, size,
      count)
  end
  local sizes, each = {}, math.floor(size / count)
  for i = 1, count do sizes[i] = each + (i <= size - each * count and 1 or 0) end
  return sizes
end

-- Whether a chain of links joins two hosts if others on it forward; and one that would have to.
local function relay_between(fabric, src, dst)
  local before, queue, head = { [src] = src }, { src }, 1
  while queue[head] and not before[dst] do
    local id = queue[head]
    head = head + 1
    for _, link in ipairs(fabric:links_of(id)) do
      local other = link.a == id and link.b or link.a
      if not before[other] then
        before[other] = id
        queue[#queue + 1] = other
      end
    end
  end
  if not before[dst] then return false end
  local at = before[dst]
  while fabric:node(at).kind ~= "host" do at = before[at] end
  return true, at
end

--- What is wrong between two hosts without a path: "no path from 'a' to 'b': ...".
-- @treturn string
function M.no_path(fabric, src, dst)
  local from, to = fabric:node(src), fabric:node(dst)
  local why = "no chain of links joins them"
  for _, node in ipairs { from, to } do
    if #fabric:links_of(node) == 0 then
      return ("no path from '%s' to '%s': '%s' has no links"):format(from.name, to.name, node.name)
    end
  end
  local joined, relay = relay_between(fabric, from.id, to.id)
  if joined and relay == from.id then
    why = "all ways are down"
  elseif joined then
    why = ("'%s' would have to forward, and hosts do not: expected a switch between them")
      :format(fabric:node(relay).name)
  end
  return ("no path from '%s' to '%s': %s"):format(from.name, to.name, why)
end

--- Raise the error for a pair of hosts between which there is no path.
function M.unreachable(fabric, src, dst) fail.raise("%s", M.no_path(fabric, src, dst)) end

--- Raise the error for a flow from a host to itself.
-- @tparam string what
-- @tparam table host
-- @tparam[opt] string place in a file; default: the line of the script
function M.same_host(what, host, place)
  local raise = place and function(...) fail.at(place, ...) end or fail.raise
  raise("%s: expected different hosts, got '%s' twice", what, host.name)
end

--- Refuse a pair of hosts between which the fabric has no path, before anything is added. What has
-- failed since counts as there: flows wait for it.
-- @tparam Simulation sim
-- @tparam number src node
-- @tparam number dst node
function M.need_path(sim, src, dst)
  if src ~= dst and not sim.core:reachable(src, dst) then M.unreachable(sim.fabric, src, dst) end
end

--- Refuse a collective that the core would refuse, or two ranks of which would send to each other
-- and have no path, before anything is added.
-- @tparam Simulation sim
-- @tparam table engine as begin is given it
-- @tparam table collective as for the core's collective_add
function M.need_collective(sim, engine, collective)
  local good, message = pcall(sim.core.collective_check, sim.core, collective)
  if good then return end
  local src, dst = tostring(message):match("WEFT_ENOROUTE: no route from host (%d+) to host (%d+)")
  if src then M.unreachable(sim.fabric, tonumber(src), tonumber(dst)) end
  engine.call(sim.core, "collective_check", collective)
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
    check.value(what .. ": ranks", ranks, { type = "integer", min = 1 })
    if ranks > #hosts then
      fail.raise("%s: expected at most the %d hosts of %s, got %s ranks", what, #hosts, fabric.name,
        fail.show(ranks))
    end
    for i = 1, ranks do ids[i] = hosts[i] end
    return ids
  end
  if type(ranks) ~= "table" then
    fail.raise("%s: ranks: expected a list of hosts or a number, got %s", what, fail.show(ranks))
  elseif #ranks == 0 then
    fail.raise("%s: ranks: expected hosts, got an empty list", what)
  end
  check.argument(what .. ": ranks", ranks, "list")
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
