--- Single flows, from a list or a file.
-- @module weft.workload.flows

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"

local M = {}

local flow_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = { type = "time", min = 0 },
}

local function begin_flows(work, sim, engine)
  local fabric, now_ps, bytes, resolved = sim.fabric, sim:now_ps(), 0, {}
  for i, flow in ipairs(work.flows) do
    local place = work.file and ("%s:%d"):format(work.file, flow.line)
    local src, dst = fabric:host(flow.src, place), fabric:host(flow.dst, place)
    if src == dst then base.same_host("flow " .. i, src, place) end
    resolved[i] = {
      src = src.id, dst = dst.id, size_bytes = flow.size_bytes, tag = work.tag,
      start_ps = base.start_of("flow " .. i, flow.start_ps, now_ps),
    }
    base.need_path(sim, engine, resolved[i].src, resolved[i].dst)
  end
  for _, flow in ipairs(resolved) do
    engine.add_flow(sim, flow)
    bytes = bytes + flow.size_bytes
  end
  return { count = #resolved, bytes = bytes }
end

-- A name that ends in .csv is a CSV file, any other one a flow list of the HPCC simulator.
local function read_flows(path)
  if path:lower():find("%.csv$") then return require("weft.formats.flows").read(path) end
  local flows = {}
  for flow in require("weft.formats.hpcc").flows(path) do flows[#flows + 1] = flow end
  return flows
end

--- Single flows, from a list or from a file.
-- @tparam table options a list of `{ src, dst, size, start }`, or `{ file = path }`: CSV if its
-- name ends in .csv, a connection matrix of htsim if in .cm (weft.workload.connections), else a
-- flow list of the HPCC simulator
-- @treturn Workload
-- @usage weft.workload.flows { { src = "h0", dst = "h1", size = "1MB", start = "10us" } }
function M.flows(options)
  local flows = {}
  if type(options) == "table" and options.file ~= nil then
    check.options("flows", options, { file = { type = "string" } })
    if options.file:lower():find("%.cm$") then
      return require("weft.workload.connections").connections { file = options.file }
    end
    flows = read_flows(options.file)
  else
    if type(options) ~= "table" or #options == 0 then
      fail.raise("flows: expected a list of flows or a file, got %s",
        type(options) == "table" and "an empty list" or fail.show(options))
    end
    for i, given in ipairs(options) do
      local flow = check.options("flows: flow " .. i, given, flow_rule)
      flows[i] = { src = flow.src, dst = flow.dst, size_bytes = flow.size, start_ps = flow.start }
    end
  end
  return base.new {
    kind = "flows", options = {}, flows = flows, file = options.file, begin = begin_flows,
  }
end

return M
