--- Training iterations in the setting of Wormhole (Long et al., NSDI 2026, section 6): a
-- rail-optimised fabric, one GPU a host, flows of data, pipeline and expert parallelism.
-- What could not be read of the paper is decided here: parallel groups, delays, speed of the GPUs.

local util = require "weft.util"
local weft = require "weft"

local M = {}

local PER_SERVER = 8 -- GPUs of a server, which are one tensor group

-- Stages that are wanted of a pipeline, and replicas (2) that are left at least; see M.groups.
-- Mixtures do better without: where messages of a pipeline join an all-to-all, the plain engine
-- gives other times if links are 10 ps longer. But 4 ranks to sum the gradients of an expert would
-- meet those of all the rest.
local MODELS = {
  gpt7b = { kind = "gpt", model = "7B", stages = 2 },
  gpt13b = { kind = "gpt", model = "13B", stages = 2 },
  gpt22b = { kind = "gpt", model = "22B", stages = 4 },
  gpt175b = { kind = "gpt", model = "175B", stages = 8 },
  moe8x7b = { kind = "moe", model = "8x7B", stages = 1 },
  moe8x13b = { kind = "moe", model = "8x13B", stages = 1 },
  moe32x22b = { kind = "moe", model = "32x22B", stages = 4, replicas = 32 },
}

--- Names of the models, in the order of their size.
M.models = { "gpt7b", "gpt13b", "gpt22b", "gpt175b", "moe8x7b", "moe8x13b", "moe32x22b" }

local function largest_divisor(whole, most)
  for n = math.min(whole, most), 2, -1 do
    if whole % n == 0 then return n end
  end
  return 1
end

--- Parallel groups of a model on so many GPUs: the tensor group is a server; the pipeline has as
-- many stages as wanted, or fewer so that replicas are left; experts are spread as far as possible.
-- @tparam string model
-- @tparam number gpus
-- @tparam ?number pp stages, instead
-- @tparam ?number ep ranks that share a set of experts, instead
-- @treturn table `tp`, `pp`, `dp`, `ep`
function M.groups(model, gpus, pp, ep)
  local setting = MODELS[model]
  if gpus % PER_SERVER ~= 0 then
    weft.fail.raise("expected a multiple of %d GPUs, which are a server, got %d", PER_SERVER, gpus)
  end
  local servers, stages = gpus / PER_SERVER, pp
  if not pp then
    stages = setting.stages
    while stages > 1 and servers / stages < (setting.replicas or 2) do stages = stages / 2 end
  end
  if servers % stages ~= 0 or servers == stages and setting.kind == "moe" then
    weft.fail.raise("expected stages (%d) to divide %d servers into replicas", stages, servers)
  end
  local dp = util.integer(servers / stages)
  local experts = tonumber(setting.model:match("^(%d+)x"))
  return {
    tp = PER_SERVER, pp = util.integer(stages), dp = dp,
    ep = experts and (ep or largest_divisor(dp, experts)) or 1,
  }
end

-- Delay of a link, and one that should make no difference.
local DELAY, DELAY_OF_TWIN = "500ns", "500.01ns"

local function workload(options)
  local setting, groups = MODELS[options.model], options.groups
  return weft.workload[setting.kind] {
    model = setting.model, tp = groups.tp, pp = groups.pp, dp = groups.dp,
    ep = setting.kind == "moe" and groups.ep or nil,
    tp_traffic = "ignore",
    -- A mixture of experts has no table with two copies.
    embedding_traffic = setting.kind == "gpt" and groups.pp > 1 and not options.embedding
      and "ignore" or nil,
    overlap = false, -- gradients are summed once, in whole
    iterations = options.iterations, scale_bytes = options.scale_bytes,
  }
end

-- Options of the core by the name of what accelerates.
local ACCELERATIONS = {
  none = {},
  steady = { fast_forward = true },
  memo = { memoize = true },
  both = { memoize = true, fast_forward = true },
}

--- Names of what can accelerate a run.
M.accelerations = { "none", "steady", "memo", "both" }

--- Build a run.
-- @tparam table options `model` (one of M.models), `gpus`, `groups` (of M.groups), `nic` (bit/s),
-- `iterations`, `scale_bytes`, `embedding` (sum its gradients too), `accel` (one of
-- M.accelerations), `twin` (links a little longer), `engine` (options of the core), `set` (the
-- same, which win)
-- @treturn table `sim`, `job`, `accel`, `building_wall_s`
function M.build(options)
  local began = util.wall_s()
  local engine = {
    topology = weft.topology.rail_optimized {
      servers = util.integer(options.gpus / PER_SERVER), nic = options.nic,
      delay = options.twin and DELAY_OF_TWIN or DELAY,
    },
    -- A flow's way by its hosts, as its number may be another one when runs are compared.
    ecmp = "pair", set = options.set,
  }
  for _, from in ipairs { options.engine, ACCELERATIONS[options.accel] } do
    for key, value in pairs(from) do engine[key] = value end -- order-free: a copy
  end
  local sim = weft.simulation(engine)
  local job = sim:add_job(workload(options))
  return {
    sim = sim, job = job, accel = options.accel, engine = options.engine.engine,
    building_wall_s = util.wall_s() - began,
  }
end

--- Run what was built, and take the time on the wall and on the processor.
-- @tparam table run of M.build; gets `outcome`, `wall_s`, `cpu_s`
-- @tparam[opt] boolean progress on standard error
-- @treturn table run
function M.run(run, progress)
  collectgarbage()
  local wall, cpu = util.wall_s(), os.clock()
  run.outcome = run.sim:run { progress = progress }
  run.wall_s, run.cpu_s = util.wall_s() - wall, os.clock() - cpu
  return run
end

return M
