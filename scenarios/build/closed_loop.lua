--- A closed loop as a task graph: clients that keep operations going against one server, each new
-- one begun when an old one is over. An operation is a list of steps, done one after the other:
-- computations, which cost time on a host, and messages, which cross the fabric.

local weft = require "weft"

local M = {}

local Loop = {}
Loop.__index = Loop

local rule = {
  server = { type = "any", required = true },
  clients = { type = "table", required = true },
  operations = { type = "integer", required = true, min = 1, max = 2 ^ 20 },
  window = { type = "integer", default = 1, min = 1, max = 2 ^ 20 },
  start_ps = { type = "table" },
  steps = { type = "table", required = true },
}

local step_rule = {
  from = { type = "enum", choices = { "client", "server" } },
  size = { type = "bytes", min = 1 },
  compute = { type = "any" },
  in_order = { type = "boolean", default = false },
}

local function check_step(i, given)
  local what = "closed loop: step " .. i
  local step = weft.check.options(what, given, step_rule)
  if (step.compute ~= nil) == (step.size ~= nil and step.from ~= nil) then
    weft.fail.raise("%s: expected compute, or from and size", what)
  end
  if step.compute ~= nil and type(step.compute) ~= "function" then
    local time = { type = "time", min = 0 }
    local duration_ps = weft.check.value(what .. ": compute", step.compute, time)
    step.compute = function() return duration_ps end
  end
  return step
end

-- One step of one operation as a task.
local function add_task(core, step, server, client, number, start_ps)
  if step.compute then
    return core:task_add {
      kind = "compute", duration_ps = step.compute(client, number), start_ps = start_ps,
    }
  end
  local src, dst = client, server
  if step.from == "server" then src, dst = server, client end
  return core:task_add {
    kind = "send", src = src, dst = dst, size_bytes = step.size, start_ps = start_ps,
  }
end

-- All operations of one client. Each begins when the one `window` before it is over; a step that is
-- in order waits for the same step of the operation before it.
local function add_client(core, o, steps, server, client, start_ps)
  local last = {} -- by number: tasks by step
  for number = 1, o.operations do
    local own, freed_by, previous = {}, last[number - o.window], last[number - 1]
    for s, step in ipairs(steps) do
      own[s] = add_task(core, step, server, client, number, s == 1 and start_ps or 0)
      if s > 1 then core:task_after(own[s], own[s - 1]) end
      if s == 1 and freed_by then core:task_after(own[s], freed_by[#steps]) end
      if step.in_order and previous then core:task_after(own[s], previous[s]) end
    end
    last[number] = own
  end
  return last
end

--- Put a closed loop to work.
-- @tparam Simulation sim
-- @tparam table options `server` and `clients` (hosts by name or number), `operations` of each
-- client, `window` (operations of a client under way at once; default 1), `start_ps` (a list: when
-- each client begins; default: at once), and `steps`, a list of `{ compute = }` (a time, or a
-- function of the client's node and the operation's number that returns ps) or
-- `{ from = "client" or "server", size = }`. A step with `in_order` also waits for that step of
-- the client's operation before, as messages on one queue pair do.
-- @treturn Loop
function M.add(sim, options)
  local o = weft.check.options("closed loop", options, rule)
  local steps, server = {}, sim.fabric:host(o.server).id
  for i, given in ipairs(o.steps) do steps[i] = check_step(i, given) end
  local loop = setmetatable({ sim = sim, clients = {} }, Loop)
  for c, which in ipairs(o.clients) do
    loop.clients[c] = add_client(sim.core, o, steps, server, sim.fabric:host(which).id,
      o.start_ps and o.start_ps[c] or 0)
  end
  return loop
end

--- Times of all operations that are complete, in the order in which their step `from` began.
-- @tparam[opt=1] number from step whose begin is an operation's begin
-- @treturn table list of `{ client, number, begin_ps, end_ps }`; clients count as in the options
function Loop:operations(from)
  local tasks, list = self.sim:tasks(), {}
  local begins, ends = tasks:column "begin_ps", tasks:column "end_ps"
  for client, operations in ipairs(self.clients) do
    for number, steps in ipairs(operations) do
      local one = {
        client = client, number = number, begin_ps = begins[steps[from or 1] + 1],
        end_ps = ends[steps[#steps] + 1],
      }
      if one.end_ps >= 0 then list[#list + 1] = one end
    end
  end
  table.sort(list, function(a, b)
    if a.begin_ps ~= b.begin_ps then return a.begin_ps < b.begin_ps end
    if a.client ~= b.client then return a.client < b.client end
    return a.number < b.number
  end)
  return list
end

--- How long a step took, of all operations that are complete.
-- @tparam number first step
-- @tparam[opt] number last step, if the time is that of several; default: `first`
-- @treturn table list of ps, client by client
function Loop:step_ps(first, last)
  local tasks, list = self.sim:tasks(), {}
  local begins, ends = tasks:column "begin_ps", tasks:column "end_ps"
  for _, operations in ipairs(self.clients) do
    for _, steps in ipairs(operations) do
      local done = ends[steps[last or first] + 1]
      if done >= 0 then list[#list + 1] = done - begins[steps[first] + 1] end
    end
  end
  return list
end

return M
