--- The ways of flows: which flows take the same one, and which ways share a port.
-- @module weft.paths.ways

local fail = require "weft.fail"

local M = {}

local FLOW_COLUMNS = { "src", "dst", "size_bytes", "start_ps" }

-- Flows that a simulation has been given, as lists. Those of tasks start when others end, which a
-- part of the network does not know.
local function flows_of(sim)
  local flows = {}
  for _, name in ipairs(FLOW_COLUMNS) do flows[name] = sim.core:column("flows", name) end
  if sim:now_ps() > 0 then
    fail.raise("paths: expected a simulation that has not run, got one at %s",
      require("weft.units").format_time(sim:now_ps()))
  elseif sim.core:stats().tasks_added > 0 then
    fail.raise("paths: expected flows with starts of their own, got a job of tasks, whose flows "
      .. "start when others end: use a whole engine, such as 'fluid-cc'")
  elseif #flows.src == 0 then
    fail.raise("paths: expected a simulation with flows, got none")
  end
  return flows
end

--- Find the way of each flow of a simulation, by its own routing.
-- @tparam Simulation sim with flows, not run
-- @treturn table `flows` (lists `src`, `dst`, `size_bytes`, `start_ps`), `ways` (each `ports`,
-- directed, and `flows`, numbers from 1), `at` (by port: the ways over it)
function M.of(sim)
  local flows, ways, by_key, at = flows_of(sim), {}, {}, {}
  for i = 1, #flows.src do
    local ports = sim.core:path(flows.src[i], flows.dst[i], i - 1)
    local key = table.concat(ports, " ")
    local way = by_key[key]
    if not way then
      way = { ports = ports, flows = {}, number = #ways + 1 }
      by_key[key], ways[#ways + 1] = way, way
      for _, port in ipairs(ports) do
        at[port] = at[port] or {}
        table.insert(at[port], way)
      end
    end
    way.flows[#way.flows + 1] = i
  end
  return { flows = flows, ways = ways, at = at }
end

--- Runs of consecutive ports that a way shares with another one.
-- @tparam {integer,...} ports of the way that is looked at
-- @tparam {[integer]=integer} place of each port of the other one
-- @treturn {table,...} `from`, `to` (places in `ports`), `first`, `last` (places in the other)
function M.shared(ports, place)
  local runs, run = {}, nil
  for i, port in ipairs(ports) do
    local hop = place[port]
    if run and hop == run.last + 1 then
      run.to, run.last = i, hop
    elseif hop then
      run = { from = i, to = i, first = hop, last = hop }
      runs[#runs + 1] = run
    else
      run = nil
    end
  end
  return runs
end

--- All flows that share a port with a list of consecutive ports, each run of ports as a flow.
-- @tparam table network as of M.of
-- @tparam {integer,...} ports
-- @treturn {table,...} `flow` (number), `way`, and the run as of M.shared; in the order of flows
function M.over(network, ports)
  local place, seen, list = {}, {}, {}
  for hop, port in ipairs(ports) do place[port] = hop end
  for _, port in ipairs(ports) do
    for _, way in ipairs(network.at[port] or {}) do
      if not seen[way] then
        seen[way] = true
        for _, run in ipairs(M.shared(way.ports, place)) do
          for _, flow in ipairs(way.flows) do
            list[#list + 1] = { flow = flow, way = way, run = run }
          end
        end
      end
    end
  end
  table.sort(list, function(a, b)
    if a.flow ~= b.flow then return a.flow < b.flow end
    return a.run.first < b.run.first
  end)
  return list
end

return M
