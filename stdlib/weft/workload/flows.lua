--- Single flows, from a list or a file.
-- @module weft.workload.flows

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local stream = require "weft.workload.stream"

local M = {}

local flow_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = { type = "time", min = 0 },
}

local function begin_flows(work, sim)
  return stream.start(work, sim, work.source)
end

-- A name that ends in .csv is a CSV file, any other one a flow list of the HPCC simulator.
local function file_source(path)
  local format = path:lower():find("%.csv$") and "weft.formats.flows" or "weft.formats.hpcc"
  local values = require(format).values
  return { file = path, open = function(skip)
    local next_flow = values(path)
    for _ = 1, skip do next_flow() end
    return next_flow
  end }
end

--- Single flows, from a list or from a file. A file is read as the simulation comes to its flows;
-- one of more than 32768 has to be sorted by start.
-- @tparam table options a list of `{ src, dst, size, start }`, or `{ file = path }`: CSV if its
-- name ends in .csv, a connection matrix of htsim if in .cm (weft.workload.connections), else a
-- flow list of the HPCC simulator
-- @treturn Workload
-- @usage weft.workload.flows { { src = "h0", dst = "h1", size = "1MB", start = "10us" } }
function M.flows(options)
  local source
  if type(options) == "table" and options.file ~= nil then
    check.options("flows", options, { file = { type = "string" } })
    if options.file:lower():find("%.cm$") then
      return require("weft.workload.connections").connections { file = options.file }
    end
    source = file_source(options.file)
    source.open(0) -- a file that cannot be read is found here
  else
    if type(options) ~= "table" or #options == 0 then
      fail.raise("flows: expected a list of flows or a file, got %s",
        type(options) == "table" and "an empty list" or fail.show(options))
    end
    local flows = {}
    for i, given in ipairs(options) do
      local flow = check.options("flows: flow " .. i, given, flow_rule)
      flows[i] = { src = flow.src, dst = flow.dst, size_bytes = flow.size, start_ps = flow.start }
    end
    source = stream.list(flows)
  end
  return base.new { kind = "flows", options = {}, source = source, begin = begin_flows }
end

return M
