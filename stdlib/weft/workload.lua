--- Workloads: what is sent over a fabric. A workload is a passive value; `sim:add_job(workload)`
-- puts it to work and gives a job, from which results are read.
--
-- `weft.workload.NAME` is the function NAME of the module that has it, loaded when first used: the
-- one named below, else `weft.workload.NAME`. See weft.workload.base for how to write one.
-- @module weft.workload
-- @usage
-- local job = sim:add_job(weft.workload.allreduce { size = "16MiB" })
-- sim:run()
-- print(job:summary())

local base = require "weft.workload.base"
local fail = require "weft.fail"
local guard = require "weft.guard"
local job = require "weft.job"
local util = require "weft.util"

local M = {}

-- Module of each workload. Names are for hints and for completion at the prompt.
local home = {
  aicb = "aicb",
  all_gather = "collectives",
  all_to_all = "all_to_all",
  allreduce = "collectives",
  broadcast = "collectives",
  chakra = "chakra",
  closed_loop = "closed_loop",
  connections = "connections",
  flows = "flows",
  goal = "goal",
  gpt = "gpt",
  moe = "moe",
  reduce = "collectives",
  reduce_scatter = "collectives",
  send = "collectives",
  simai = "simai",
  synthetic = "synthetic",
}

--- Put a workload to work; called by sim:add_job.
function M.add_to(sim, work, engine)
  if not base.is_workload(work) then
    fail.raise("add_job: expected a workload such as weft.workload.allreduce { size = \"1MiB\" },"
      .. " got %s", fail.show(work))
  end
  local number = #sim.jobs + 1
  local tag = job.FIRST_TAG + number
  local start_ps = base.start_of(work.kind, work.options.start, sim:now_ps())
  local tagged = setmetatable({ tag = tag, start_ps = start_ps }, { __index = work })
  local started = work.begin(tagged, sim, engine)
  local streams = started.pull ~= nil -- and counts its bytes as they come
  if not streams then sim.total_bytes = sim.total_bytes + started.bytes end
  local added = job.new(sim, work, number, tag, started)
  sim.jobs[number] = added
  return added
end

local lazy = { names = util.sorted_keys(home) } -- names: for completion at the prompt

function lazy.__index(_, name)
  if type(name) ~= "string" then
    fail.raise("weft.workload: expected the name of a workload, got %s", fail.show(name))
  end
  local module = "weft.workload." .. (home[name] or name)
  local good, found = pcall(require, module)
  if good and type(found) == "table" and found[name] then
    local f = guard.call("workload." .. name, M, found[name])
    rawset(M, name, f)
    return f
  elseif not good and not tostring(found):find("module '" .. module .. "' not found", 1, true) then
    error(found, 0)
  end
  return fail.raise("weft.workload has no '%s'%s", name, fail.hint(name, lazy.names))
end

return setmetatable(M, lazy)
