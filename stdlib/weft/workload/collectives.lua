--- Collectives as jobs: AllReduce, ReduceScatter, AllGather, Broadcast, Reduce, and a message from
-- one host to another. All-to-all is in weft.workload.all_to_all.
--
-- `size` is what nccl-tests call the size: the buffer of AllReduce, Broadcast and Reduce; what a
-- rank gives to ReduceScatter; what a rank gets from AllGather. Bus bandwidth is algorithm
-- bandwidth (size / time) x the factor below, which are those of nccl-tests (doc/PERFORMANCE.md).
-- @module weft.workload.collectives

local base = require "weft.workload.base"
local check = require "weft.check"
local effect = require "weft.effect"
local fail = require "weft.fail"
local rings = require "weft.rings"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- By kind: algorithms, the first being the default; bus factor, and bytes delivered over size.
local kinds = {
  allreduce = {
    algorithms = { "ring", "bidirectional", "tree", "double_tree", "halving_doubling",
      "hierarchical" },
    bus_factor = function(n) return 2 * (n - 1) / n end,
    copies = function(n) return 2 * (n - 1) end,
  },
  reduce_scatter = {
    algorithms = { "ring", "bidirectional", "halving_doubling" },
    bus_factor = function(n) return (n - 1) / n end,
    copies = function(n) return n - 1 end,
  },
  all_gather = {
    algorithms = { "ring", "bidirectional", "halving_doubling" },
    bus_factor = function(n) return (n - 1) / n end,
    copies = function(n) return n - 1 end,
  },
  broadcast = {
    algorithms = { "ring", "tree" },
    bus_factor = function() return 1 end,
    copies = function(n) return n - 1 end,
  },
  reduce = {
    algorithms = { "ring", "tree" },
    bus_factor = function() return 1 end,
    copies = function(n) return n - 1 end,
  },
}

local common_rule = {
  size = { type = "bytes", required = true, min = 1 },
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
  chunk = { type = "bytes", min = 1 },
  keep_flows = { type = "boolean", default = true },
}

local function rule_of(kind)
  local algorithms = kinds[kind].algorithms
  local rule = base.extend(common_rule, {
    algorithm = { type = "enum", choices = algorithms, default = algorithms[1] },
  })
  if kind == "broadcast" or kind == "reduce" then
    rule.root = { type = "any" }
    return rule
  end
  rule.channels = { type = "integer", default = 1, min = 1, max = 64 }
  if kind == "allreduce" then rule.per_server = { type = "integer", min = 1 } end
  return rule
end

local has_channels = { ring = true, bidirectional = true, tree = true, double_tree = true }
local is_tree = { tree = true, double_tree = true }

-- Pieces that the buffer of a channel is cut into; none may be empty.
local function pieces(kind, algorithm, n)
  if algorithm == "bidirectional" then return 2 * n end
  if algorithm == "double_tree" then return 2 end
  if kind == "broadcast" or kind == "reduce" or algorithm == "tree" then return 1 end
  return n
end

local function check_sizes(kind, options, ranks)
  if #ranks < 2 then fail.raise("%s: expected at least 2 ranks, got %d", kind, #ranks) end
  local channels = options.channels or 1
  local least = pieces(kind, options.algorithm, #ranks)
  if base.share(options.size, channels, channels) < least then
    fail.raise("%s: size: expected at least a byte for each of %d ranks and %s, "
      .. "%s in all, got %s", kind, #ranks, util.counted(channels, "channel"),
      units.format_bytes(channels * least), units.format_bytes(options.size))
  end
  if channels > 1 and not has_channels[options.algorithm] then
    fail.raise("%s: channels: expected 1 with algorithm '%s', got %d; rings and trees have more",
      kind, options.algorithm, channels)
  end
end

-- Place of the root among the ranks, from 0; the first rank if not said.
local function root_of(kind, fabric, ranks, root)
  if root == nil then return 0 end
  local host = fabric:host(root)
  for i, id in ipairs(ranks) do
    if id == host.id then return i - 1 end
  end
  return fail.raise("%s: root: '%s' is none of the %d ranks", kind, host.name, #ranks)
end

-- Orders of the ranks, one for each channel, and ranks per server where the algorithm asks.
local function orders_of(kind, sim, options, ranks)
  local channels, algorithm = options.channels or 1, options.algorithm
  if algorithm == "hierarchical" or is_tree[algorithm] and (channels > 1 or options.per_server) then
    local order, per_server =
      rings.tiers(kind, sim.fabric, ranks, options.per_server, algorithm)
    return rings.rotations(order, per_server, channels), per_server
  end
  return rings.orders(sim.fabric, ranks, channels, kind), 0
end

local function begin(work, sim, engine)
  local kind, options = work.kind, work.options
  local ranks = base.resolve_ranks(kind, sim.fabric, options.ranks)
  check_sizes(kind, options, ranks)
  local root = root_of(kind, sim.fabric, ranks, options.root)
  local orders, per_server = orders_of(kind, sim, options, ranks)
  local parts, ends = {}, {}
  for c, order in ipairs(orders) do
    parts[c] = {
      kind = kind, algorithm = options.algorithm, ranks = order, root = root,
      ["local"] = per_server,
      size_bytes = base.share(options.size, #orders, c), chunk_bytes = options.chunk or 0,
      forget = options.keep_flows and 0 or 1, tag = work.tag, start_ps = work.start_ps,
    }
    base.need_collective(sim, engine, parts[c])
  end
  for c, part in ipairs(parts) do ends[c] = engine.call(sim.core, "collective_add", part) end
  return {
    ranks = #ranks, ends = ends, start_ps = work.start_ps,
    bytes = units.scaled(options.size, kinds[kind].copies(#ranks), kind .. ": bytes of all ranks"),
    bus_factor = kinds[kind].bus_factor(#ranks),
  }
end

local NEEDS = {
  per_server = function(options)
    local algorithm = options.algorithm
    if algorithm == "hierarchical" or is_tree[algorithm] then return nil end
    return ("with algorithm = '%s'"):format(algorithm)
  end,
}

local function new(kind, options)
  local rule = rule_of(kind)
  local checked = check.options(kind, options, rule)
  effect.of_work(kind, options, checked, rule, NEEDS, checked)
  return base.new { kind = kind, options = checked, begin = begin }
end

--- AllReduce: every rank gets the sum of all buffers.
-- @tparam table options `size` of each rank's buffer; `ranks`: hosts in order, or how many of the
-- first (default: all hosts); `start`; `algorithm`: "ring", "bidirectional" (ring, one half each
-- way), "tree", "double_tree", "halving_doubling", "hierarchical" (inside servers, then between
-- them on rails); `channels`: rings or trees that share the buffer and leave a server by different
-- NICs (weft.rings); `per_server`: ranks of a server, for "hierarchical" and for trees, where the
-- others of a server hang on one of them in a chain (default: as the fabric groups its hosts);
-- `chunk`: largest message, whose successors follow it (default: no limit); `keep_flows`: false to
-- have no rows of messages that are over in the table of flows, which then stays small
-- @treturn Workload
-- @usage weft.workload.allreduce { size = "16MiB", algorithm = "double_tree", chunk = "128KiB" }
function M.allreduce(options) return new("allreduce", options) end

--- ReduceScatter: every rank gets its part, size / n, of the sum of all buffers.
-- @tparam table options `size` of each rank's buffer, `ranks`, `start`, `algorithm`: "ring",
-- "bidirectional", "halving_doubling"; `channels`, `chunk`, `keep_flows`: as for allreduce
-- @treturn Workload
function M.reduce_scatter(options) return new("reduce_scatter", options) end

--- AllGather: every rank gets the parts of all, size / n of each.
-- @tparam table options `size` of what each rank has in the end, `ranks`, `start`, `algorithm`:
-- "ring", "bidirectional", "halving_doubling"; `channels`, `chunk`, `keep_flows`: as for allreduce
-- @treturn Workload
function M.all_gather(options) return new("all_gather", options) end

--- Broadcast: every rank gets the buffer of the root.
-- @tparam table options `size` of the buffer, `ranks`, `root` (a host; default: the first rank),
-- `start`, `algorithm`: "ring" (from rank to rank) or "tree"; `chunk` (without one every rank
-- waits for the whole buffer), `keep_flows`: as for allreduce
-- @treturn Workload
function M.broadcast(options) return new("broadcast", options) end

--- Reduce: the root gets the sum of all buffers.
-- @tparam table options as for broadcast
-- @treturn Workload
function M.reduce(options) return new("reduce", options) end

local send_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = { type = "time", min = 0 },
  chunk = { type = "bytes", min = 1 },
}

local function begin_send(work, sim, engine)
  local options = work.options
  local src, dst = sim.fabric:host(options.src), sim.fabric:host(options.dst)
  if src == dst then base.same_host("send", src) end
  base.need_path(sim, src.id, dst.id)
  local task = engine.call(sim.core, "collective_add", {
    kind = "broadcast", ranks = { src.id, dst.id }, size_bytes = options.size,
    chunk_bytes = options.chunk or 0, tag = work.tag, start_ps = work.start_ps,
  })
  return {
    ranks = 2, ends = { task }, start_ps = work.start_ps, bytes = options.size, bus_factor = 1,
  }
end

--- Point to point: one host sends to another, as sendrecv does.
-- @tparam table options `src`, `dst`, `size`, `start`, `chunk`
-- @treturn Workload
function M.send(options)
  return base.new {
    kind = "send", options = check.options("send", options, send_rule), begin = begin_send,
  }
end

return M
