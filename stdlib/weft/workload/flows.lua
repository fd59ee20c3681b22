--- Single flows, from a list or a file.
-- @module weft.workload.flows

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local stream = require "weft.workload.stream"

local M = {}

local start_rule = { type = "time", min = 0 }

local flow_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = start_rule,
  connections = base.connections_rule,
}

-- The same flows, so much later.
local function shifted(source, by_ps)
  return { file = source.file, what = source.what, whole = source.whole, open = function(skip)
    local next_flow = source.open(skip)
    return function()
      local src, dst, size_bytes, start_ps, line = next_flow()
      if src ~= nil then return src, dst, size_bytes, (start_ps or 0) + by_ps, line end
    end
  end }
end

local function begin_flows(work, sim)
  local source = work.source
  if work.options.start then source = shifted(source, work.options.start) end
  return stream.start(work, sim, source)
end

-- A name that ends in .csv is a CSV file, any other one a flow list of the HPCC simulator.
local function file_source(path, lenient)
  local is_csv = path:lower():find("%.csv$")
  if is_csv and lenient then
    fail.raise("flows: option 'lenient' is for lists that say how many flows they have; '%s' is"
      .. " CSV", path)
  end
  local values = require(is_csv and "weft.formats.flows" or "weft.formats.hpcc").values
  return { file = path, open = function(skip)
    local next_flow = values(path, { lenient = lenient })
    for _ = 1, skip do next_flow() end
    return next_flow
  end }
end

--- Single flows, from a list or from a file. A file is read as the simulation comes to its flows;
-- one of more than 32768 has to be sorted by start.
-- @tparam table options a list of `{ src, dst, size, start, connections }`, where one of several
-- `connections` is so many flows that share its bytes; or `{ file = path }`: CSV if its
-- name ends in .csv, a connection matrix of htsim if in .cm (weft.workload.connections), else a
-- flow list of the HPCC simulator or of conweave (with `lenient = true` it may have fewer flows
-- than its first line says); beside them `start`, from which the flows' own starts count
-- @treturn Workload
-- @usage weft.workload.flows { { src = "h0", dst = "h1", size = "1MB", start = "10us" } }
function M.flows(options)
  local source, start_ps
  if type(options) == "table" and options.file ~= nil then
    local o = check.options("flows", options, {
      file = { type = "string" }, start = start_rule, lenient = { type = "boolean" },
    })
    if options.file:lower():find("%.cm$") then
      return require("weft.workload.connections").connections(options)
    end
    source, start_ps = file_source(options.file, o.lenient), o.start
    source.open(0) -- a file that cannot be read is found here
  else
    if type(options) ~= "table" or #options == 0 then
      fail.raise("flows: expected a list of flows or a file, got %s",
        type(options) == "table" and "an empty list" or fail.show(options))
    end
    local flows, list, named = {}, check.apart("flows", options)
    start_ps = check.options("flows", named, { start = start_rule }).start
    for i, given in ipairs(list) do
      local flow = check.options("flows: flow " .. i, given, flow_rule)
      for _, size in ipairs(base.split("flows: flow " .. i, flow.size, flow.connections)) do
        flows[#flows + 1] = { src = flow.src, dst = flow.dst, size_bytes = size,
          start_ps = flow.start }
      end
    end
    source = stream.list(flows)
  end
  return base.new {
    kind = "flows", options = { start = start_ps }, source = source, begin = begin_flows,
  }
end

return M
