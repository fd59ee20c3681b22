--- A closed loop: clients that keep a number of operations going against a server, each new one
-- begun when an old one is over. An operation is a list of steps, done one after the other:
-- computations, which take time on a host, and messages, which cross the fabric.
-- @module weft.workload.closed_loop
-- @usage
-- local job = sim:add_job(weft.workload.closed_loop {
--   server = "h0", clients = { "h1", "h2" }, operations = 100, window = 4,
--   steps = {
--     { from = "client", size = 64 }, { compute = "5us" }, { from = "server", size = "1MB" },
--   },
-- })

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local stats = require "weft.stats"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local COUNT_MAX = 2 ^ 20
local TASKS_MAX = 2 ^ 28 - 1 -- for which the sources of the engine's events have numbers

local rule = {
  server = { type = "any", required = true },
  clients = { type = "list", required = true },
  operations = { type = "integer", required = true, min = 1, max = COUNT_MAX },
  window = { type = "integer", default = 1, min = 1, max = COUNT_MAX },
  start = { type = "time", min = 0 },
  delays = { type = "list" },
  steps = { type = "list", required = true },
}

local step_rule = {
  from = { type = "enum", choices = { "client", "server" } },
  size = { type = "bytes", min = 1 },
  compute = { type = "any" },
  in_order = { type = "boolean", default = false },
}

local time_rule = { type = "time", min = 0 }

-- A step with its `duration_ps(client, number)`, or its `from` and `size`.
local function check_step(i, given)
  local what = "closed_loop: step " .. i
  local step = check.options(what, given, step_rule)
  local is_message = step.from ~= nil and step.size ~= nil
  if (step.compute ~= nil) == is_message or (step.compute ~= nil and (step.from or step.size)) then
    fail.raise("%s: expected compute, or from and size", what)
  end
  local compute = step.compute
  if type(compute) == "function" then
    step.duration_ps = function(client, number)
      return check.value(what .. ": what compute returns", compute(client, number), time_rule)
    end
  elseif compute ~= nil then
    local duration_ps = check.value(what .. ": compute", compute, time_rule)
    step.duration_ps = function() return duration_ps end
  end
  return step
end

local function check_steps(given)
  local steps = {}
  for i, step in ipairs(given) do steps[i] = check_step(i, step) end
  if #steps == 0 then fail.raise("closed_loop: steps: expected at least one, got none") end
  return steps
end

local function check_delays(given, clients)
  local delays_ps = {}
  for i in ipairs(clients) do
    delays_ps[i] = given and given[i] ~= nil
      and check.value("closed_loop: delays: client " .. i, given[i], time_rule) or 0
  end
  return delays_ps
end

-- Nodes of server and clients, which reach each other.
local function resolve_hosts(sim, options)
  local server, clients = sim.fabric:host(options.server), {}
  for i, which in ipairs(options.clients) do
    local client = sim.fabric:host(which)
    if client == server then base.same_host("closed_loop: client " .. i, client) end
    base.need_path(sim, client.id, server.id)
    base.need_path(sim, server.id, client.id)
    clients[i] = client.id
  end
  if #clients == 0 then fail.raise("closed_loop: clients: expected at least one, got none") end
  local tasks = #clients * options.operations * #options.steps
  if tasks > TASKS_MAX then
    fail.raise("closed_loop: expected at most %d tasks, got %.0f: %s, %s, %s", TASKS_MAX, tasks,
      util.counted(#clients, "client"), util.counted(options.operations, "operation"),
      util.counted(#options.steps, "step"))
  end
  return server.id, clients
end

-- Times of all computations, asked for before anything is added: a script's function may fail.
local function durations_of(steps, clients, operations)
  local durations = {}
  for c = 1, clients do
    durations[c] = {}
    for number = 1, operations do
      local own = {}
      for s, step in ipairs(steps) do own[s] = step.duration_ps and step.duration_ps(c, number) end
      durations[c][number] = own
    end
  end
  return durations
end

-- All operations of one client as tasks. Each begins when the one `window` before it is over; a
-- step that is in order waits for that step of the operation before it.
local function add_client(add, after, work, server, client, start_ps, durations)
  local steps, tasks = work.steps, {}
  for number = 1, work.options.operations do
    local own, freed_by, previous = {}, tasks[number - work.options.window], tasks[number - 1]
    for s, step in ipairs(steps) do
      own[s] = add {
        kind = step.from and "send" or "compute", tag = work.tag,
        start_ps = s == 1 and start_ps or 0, duration_ps = durations[number][s],
        src = step.from == "server" and server or client,
        dst = step.from == "server" and client or server, size_bytes = step.size,
      }
      if s > 1 then after(own[s], own[s - 1]) end
      if s == 1 and freed_by then after(own[s], freed_by[#steps]) end
      if step.in_order and previous then after(own[s], previous[s]) end
    end
    tasks[number] = own
  end
  return tasks
end

-- Numbers of the job so far.
local function result(job)
  local loop, list = job.started, M.operations(job)
  local found = {
    kind = "closed_loop", size_bytes = loop.bytes, operations = loop.count, done = #list,
    complete = #list == loop.count,
  }
  if #list == 0 then return found end
  local times, last_ps = {}, 0
  for i, one in ipairs(list) do
    times[i] = one.end_ps - one.begin_ps
    last_ps = math.max(last_ps, one.end_ps)
  end
  found.operation_ps = stats.summary(times)
  if found.complete then found.time_ps = last_ps - loop.start_ps end
  return found
end

local function describe(_, found)
  local text = ("%d of %d operations complete, %s"):format(found.done, found.operations,
    units.format_bytes(found.size_bytes))
  if found.time_ps then text = text .. " in " .. units.format_time(found.time_ps) end
  if not found.operation_ps then return text end
  return ("%s; an operation takes %s, p99 %s"):format(text,
    units.format_time(found.operation_ps.p50), units.format_time(found.operation_ps.p99))
end

local function begin(work, sim, engine)
  local server, clients = resolve_hosts(sim, work.options)
  local delays_ps = check_delays(work.options.delays, clients)
  local durations = durations_of(work.steps, #clients, work.options.operations)
  local function add(task) return engine.call(sim.core, "task_add", task) end
  local function after(task, other) engine.call(sim.core, "task_after", task, other) end
  local tasks, ends, bytes = {}, {}, 0
  for c, client in ipairs(clients) do
    tasks[c] = add_client(add, after, work, server, client, work.start_ps + delays_ps[c],
      durations[c])
    for number = math.max(1, #tasks[c] - work.options.window + 1), #tasks[c] do
      ends[#ends + 1] = tasks[c][number][#work.steps]
    end
  end
  local count = #clients * work.options.operations
  for _, step in ipairs(work.steps) do bytes = bytes + count * (step.size or 0) end
  return {
    tasks = tasks, ends = ends, bytes = bytes, count = count, start_ps = work.start_ps,
    ranks = #clients + 1, result = result, describe = describe,
  }
end

--- A closed loop.
-- @tparam table options `server` and `clients` (hosts by name or number; a host may be several
-- clients), `operations` of each client, `window` (operations of a client under way at once;
-- default 1), `start`, `delays` (list: how long after the start each client begins; default: at
-- once), and `steps`, a list of `{ compute = }` (a time, or a function of the client's and the
-- operation's number, both from 1, that returns one) or `{ from = "client" or "server", size = }`.
-- A step with `in_order` also waits for that step of the client's operation before, as messages
-- on one queue pair do.
-- @treturn Workload
function M.closed_loop(options)
  local checked = check.options("closed_loop", options, rule)
  return base.new {
    kind = "closed_loop", options = checked, steps = check_steps(checked.steps), begin = begin,
  }
end

--- Times of a closed loop's operations that are complete, in the order in which they began.
-- @tparam Job job
-- @tparam[opt=1] number from step whose begin counts as that of the operation
-- @treturn table list of `{ client, number, begin_ps, end_ps }`; both numbers count from 1
function M.operations(job, from)
  local tasks, list = job.sim:tasks(), {}
  local begins, ends = tasks:column "begin_ps", tasks:column "end_ps"
  for client, operations in ipairs(job.started.tasks) do
    for number, steps in ipairs(operations) do
      local end_ps = ends[steps[#steps] + 1]
      if end_ps >= 0 then
        list[#list + 1] = {
          client = client, number = number,
          begin_ps = begins[steps[from or 1] + 1], end_ps = end_ps,
        }
      end
    end
  end
  table.sort(list, function(a, b)
    if a.begin_ps ~= b.begin_ps then return a.begin_ps < b.begin_ps end
    if a.client ~= b.client then return a.client < b.client end
    return a.number < b.number
  end)
  return list
end

--- How long a step of a closed loop took, or several in a row, in all operations where it is over.
-- @tparam Job job
-- @tparam number first step
-- @tparam[opt] number last step; default: `first`
-- @treturn table list of ps, client by client
function M.step_ps(job, first, last)
  local tasks, list = job.sim:tasks(), {}
  local begins, ends = tasks:column "begin_ps", tasks:column "end_ps"
  for _, operations in ipairs(job.started.tasks) do
    for _, steps in ipairs(operations) do
      local done = ends[steps[last or first] + 1]
      if done >= 0 then list[#list + 1] = done - begins[steps[first] + 1] end
    end
  end
  return list
end

return M
