--- The key-value application of m4's testbed: 11 clients read values of a server over RDMA, on a
-- tree of 10 Gbit/s links. Builds fabric and application, reads the recorded figures.
-- docs/testbed.md says where each number comes from.

local closed_loop = require "weft.workload.closed_loop"
local weft = require "weft"

local M = {}

local HOSTS, SERVER = 12, 1

-- Per link: cable, half of the switches at its ends, and a share of the two NICs.
local LINK_DELAY = "800ns"

--- What the testbed's hosts and NICs do, as options of the core.
M.engine_options = {
  mtu = 1024, -- RoCE's largest payload in Ethernet frames of 1500 B
  -- Ethernet 14 + 4, IPv4 20, UDP 8, BTH 12, ICRC 4; preamble and gap 20.
  header = 82,
  ack = 84, -- the shortest frame, preamble and gap
  cc = "window", window_mode = "none", -- the responder's own NIC is the bottleneck: nothing marks
  rto = 0, -- lossless
}

local REQUEST_BYTES, REPLY_BYTES = 17, 41
local READ_REQUEST_BYTES = 16 -- RETH: address, key, length

-- Steps of an operation.
local REQUEST, REPLY, READ, VALUE = 2, 4, 6, 7

-- Operations whose time was recorded: the last of a run.
local MEASURED = 1000

--- Bytes of the value in a case named for so many KB.
function M.value_bytes(size_kb) return size_kb * 1024 + 8 end

--- The tree: 6 top-of-rack switches with 2 hosts each, 2 aggregation switches, a core. Links: hosts
-- in order, racks in order, aggregation switches in order.
-- @treturn Fabric
function M.fabric()
  local net = weft.fabric.new("testbed")
  for i = 0, HOSTS - 1 do
    net:add_node("serv" .. i, "host", { group = math.floor(i / 2) })
  end
  for i = 0, 5 do net:add_node("tor" .. i, "switch", { tier = 1, group = math.floor(i / 3) }) end
  for i = 0, 1 do net:add_node("agg" .. i, "switch", { tier = 2, group = i }) end
  net:add_node("core0", "switch", { tier = 3 })
  local function join(lower, n, upper, fan_in)
    for i = 0, n - 1 do
      net:add_link(lower .. i, upper .. math.floor(i / fan_in), "10Gbps", LINK_DELAY)
    end
  end
  join("serv", HOSTS, "tor", 2)
  join("tor", 6, "agg", 3)
  join("agg", 2, "core", 2)
  return net
end

-- Client number c of the logs, from 0, as a host.
local function client_host(c) return c < SERVER and c or c + 1 end

local function column(name) return { name, type = "integer", min = 0 } end

-- "250_1" as `{ size_kb, window }`.
local function parse_case(field)
  local size_kb, window = field:match("^(%d+)_(%d+)$")
  if not size_kb then return nil, "expected KB and window such as 250_1" end
  local whole = weft.util.integer
  return { name = field, size_kb = whole(tonumber(size_kb)), window = whole(tonumber(window)) }
end

-- Cases in the order of sizes and windows.
local function read_cases(file)
  local cases = {}
  for i, row in ipairs(weft.csv.read(file, {
    { "case", type = parse_case }, { "time_in_milliseconds", type = "number", min = 1e-6 },
  })) do
    local case = row.case
    cases[i] = {
      case = case.name, size_kb = case.size_kb, window = case.window,
      hardware_ms = row.time_in_milliseconds,
    }
  end
  table.sort(cases, function(a, b)
    if a.size_kb ~= b.size_kb then return a.size_kb < b.size_kb end
    return a.window < b.window
  end)
  return cases
end

-- What hosts took in the logs, in ps: a client from the end of an operation to its next request
-- (`turnaround`), the server from request to reply (`server`), a client from there to its read
-- (`post`).
local function read_overheads(folder)
  local turnaround, server, post, done_ns = {}, {}, {}, nil
  for _, row in ipairs(weft.csv.read(folder .. "/client_operations.csv", {
    column "request_ns", column "reply_ns", column "read_ns", column "done_ns",
  })) do
    if done_ns then turnaround[#turnaround + 1] = 1000 * (row.request_ns - done_ns) end
    post[#post + 1] = 1000 * (row.read_ns - row.reply_ns)
    done_ns = row.done_ns
  end
  for i, row in ipairs(weft.csv.read(folder .. "/server_requests.csv", {
    column "received_ns", column "replied_ns",
  })) do
    server[i] = 1000 * (row.replied_ns - row.received_ns)
  end
  return { turnaround = turnaround, server = server, post = post }
end

--- The recorded figures of a folder.
-- @tparam string folder
-- @treturn table `cases` (`case`, `size_kb`, `window`, `hardware_ms`), `overheads` (lists of ps),
-- `reads` (alone on the fabric: `client`, `size_bytes`, `duration_ns`), `published` (`backend`,
-- `median_error_pct`)
function M.read(folder)
  return {
    cases = read_cases(folder .. "/completion_ms.csv"),
    overheads = read_overheads(folder),
    reads = weft.csv.read(folder .. "/uncontended_reads.csv", {
      column "client", column "size_bytes", column "duration_ns",
    }),
    published = weft.csv.read(folder .. "/published_errors.csv", {
      { "backend" }, { "median_error_pct", type = "number", min = 0 },
    }),
  }
end

-- A function that gives the time of each computation in s: drawn from the recorded ones, their
-- mean, or none.
local function overhead(list_ps, kind, stream)
  if kind == "none" then return function() return 0 end end
  local mean_s = weft.stats.mean(list_ps) / 1e12
  if kind == "mean" then return function() return mean_s end end
  return function() return list_ps[stream:integer(#list_ps)] / 1e12 end
end

local function simulation(settings, seed, engine)
  local options = { topology = M.fabric(), seed = seed, set = settings }
  for name, value in pairs(M.engine_options) do options[name] = value end -- order-free: a copy
  return weft.simulation(weft.engines.fitting(engine or "packet", options))
end

--- One case: the application as a closed loop.
-- @tparam table case `size_kb`, `window`
-- @tparam table options `overheads` (of M.read), `kind` ("recorded", "mean", "none"), `operations`
-- of each client, `start` (s; clients begin within this time), `seed`, `set` (engine options),
-- `engine` (word)
-- @treturn Simulation ready to run
-- @treturn Job
function M.build(case, options)
  local sim = simulation(options.set, options.seed, options.engine)
  local delays, clients, stream = {}, {}, weft.random.stream(options.seed, "start")
  for c = 0, HOSTS - 2 do
    clients[c + 1] = client_host(c)
    delays[c + 1] = stream:uniform() * options.start
  end
  local hosts = weft.random.stream(options.seed, "hosts")
  local function compute(name) return overhead(options.overheads[name], options.kind, hosts) end
  return sim, sim:add_job(weft.workload.closed_loop {
    server = SERVER, clients = clients, operations = options.operations, window = case.window,
    delays = delays,
    steps = {
      { compute = compute "turnaround" },
      { from = "client", size = REQUEST_BYTES },
      { compute = compute "server" },
      { from = "server", size = REPLY_BYTES },
      { compute = compute "post" },
      { from = "client", size = READ_REQUEST_BYTES },
      { from = "server", size = M.value_bytes(case.size_kb), in_order = true },
    },
  })
end

--- The recorded quantity: from the first request of the last 1,000 operations, in the order of
-- requests, to the end of the last one; of all, if there are fewer.
-- @tparam Job job
-- @treturn ?number ms; nil if no operation is complete
-- @treturn number operations that are complete
function M.completion_ms(job)
  local operations = closed_loop.operations(job, REQUEST)
  if #operations == 0 then return nil, 0 end
  local first, done_ps = math.max(1, #operations - MEASURED + 1), 0
  for i = first, #operations do done_ps = math.max(done_ps, operations[i].end_ps) end
  return (done_ps - operations[first].begin_ps) / 1e9, #operations
end

--- How long one read takes alone on the fabric.
-- @tparam number client as in the logs, from 0
-- @tparam number size_bytes
-- @treturn number ns from posting the read to its last byte
function M.lone_read_ns(client, size_bytes)
  local sim = simulation(nil, 1)
  local job = sim:add_job(weft.workload.closed_loop {
    server = SERVER, clients = { client_host(client) }, operations = 1,
    steps = {
      { from = "client", size = READ_REQUEST_BYTES },
      { from = "server", size = size_bytes },
    },
  })
  sim:run()
  return job:time_ps() / 1000
end

--- Mean times of the two parts of an operation, for comparison with the logs.
-- @tparam Job job
-- @treturn number us from a request to its reply
-- @treturn number us from posting a read to its last byte
function M.parts_us(job)
  local function mean_us(first, last)
    return weft.stats.mean(closed_loop.step_ps(job, first, last)) / 1e6
  end
  return mean_us(REQUEST, REPLY), mean_us(READ, VALUE)
end

return M
