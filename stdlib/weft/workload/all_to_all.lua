--- All-to-all as a job: uniform, or skewed as the dispatch of a mixture of experts is.
-- @module weft.workload.all_to_all

local base = require "weft.workload.base"
local check = require "weft.check"
local effect = require "weft.effect"
local fail = require "weft.fail"
local rings = require "weft.rings"
local units = require "weft.units"

local M = {}

local rule = {
  size = { type = "bytes", min = 2 },
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
  algorithm = {
    type = "enum", choices = { "direct", "pairwise", "hierarchical" }, default = "direct",
  },
  chunk = { type = "bytes", min = 1 },
  per_server = { type = "integer", min = 1 },
  keep_flows = { type = "boolean", default = true },
  volumes = { type = "list" },
  loads = { type = "list" },
}

local function need_list(name, list, n)
  if #list ~= n then
    fail.raise("all_to_all: %s: expected %d, one for each rank, got %d", name, n, #list)
  end
end

-- Bytes from each rank to each other one, from a matrix of sizes.
local function read_volumes(volumes, n)
  local matrix = {}
  need_list("volumes", volumes, n)
  for i, row in ipairs(volumes) do
    local name = ("volumes of rank %d"):format(i)
    if type(row) ~= "table" then
      fail.raise("all_to_all: %s: expected a list of sizes, got %s", name, fail.show(row))
    end
    check.argument("all_to_all: " .. name, row, "list")
    need_list(name, row, n)
    matrix[i] = {}
    for j = 1, n do
      matrix[i][j] = check.value(("all_to_all: %s: %d"):format(name, j), row[j],
        { type = "bytes", min = 0 })
    end
  end
  return matrix
end

-- Every rank gives its size bytes to the others in proportion to their loads. Sums are rounded, not
-- parts, so that no byte is lost.
local function share_by_loads(loads, size, n)
  need_list("loads", loads, n)
  local total, row, given, sum = 0, {}, 0, 0
  for i, load in ipairs(loads) do
    total = total + check.value(("all_to_all: loads: %d"):format(i), load,
      { type = "number", min = 0, max = 1e15 })
  end
  if total == 0 then fail.raise("all_to_all: loads: expected one above 0, got none") end
  for j, load in ipairs(loads) do
    sum = sum + load
    local before = given
    given = j == n and size or math.floor(size * (sum / total))
    row[j] = given - before
  end
  local matrix = {}
  for i = 1, n do matrix[i] = row end
  return matrix
end

-- The matrix in another order of ranks.
local function reorder(matrix, ranks, order)
  local place, moved = {}, {}
  for i, id in ipairs(ranks) do place[id] = i end
  for i, src in ipairs(order) do
    moved[i] = {}
    for j, dst in ipairs(order) do moved[i][j] = matrix[place[src]][place[dst]] end
  end
  return moved
end

-- The most that a rank sends or receives, and the bytes of all.
local function busiest(matrix)
  local most, all, received = 0, 0, {}
  for i, row in ipairs(matrix) do
    local sent = 0
    for j, bytes in ipairs(row) do
      if i ~= j then
        sent = sent + bytes
        received[j] = (received[j] or 0) + bytes
      end
    end
    most, all = math.max(most, sent), all + sent
  end
  for j = 1, #matrix do most = math.max(most, received[j] or 0) end
  return most, all
end

-- Bytes that take two hops: those that leave the server by another rank than the one that has them.
local function forwarded(order, per_server, volume)
  local bytes, n = 0, #order
  for src = 0, n - 1 do
    local server = math.floor(src / per_server)
    local here = math.min(per_server, n - server * per_server)
    for dst = 0, n - 1 do
      local other = math.floor(dst / per_server) ~= server
      if other and dst % per_server % here ~= src % per_server then
        bytes = bytes + volume(src + 1, dst + 1)
      end
    end
  end
  return bytes
end

local function check_size(options, ranks)
  local n = #ranks
  if n < 2 then fail.raise("all_to_all: expected at least 2 ranks, got %d", n) end
  if options.volumes then
    if options.size or options.loads then
      fail.raise("all_to_all: expected volumes, or a size and maybe loads, not both")
    end
  elseif not options.size then
    fail.raise("all_to_all: option 'size' is missing")
  elseif options.size < n then
    fail.raise("all_to_all: size: expected at least a byte for each of %d ranks, got %s", n,
      units.format_bytes(options.size))
  end
end

local function begin(work, sim, engine)
  local options = work.options
  local ranks = base.resolve_ranks("all_to_all", sim.fabric, options.ranks)
  check_size(options, ranks)
  local n, order, per_server = #ranks, ranks, 0
  if options.algorithm == "hierarchical" then
    order, per_server = rings.tiers("all_to_all", sim.fabric, ranks, options.per_server)
  end
  local matrix = options.volumes and read_volumes(options.volumes, n)
    or options.loads and share_by_loads(options.loads, options.size, n)
  if matrix then matrix = reorder(matrix, ranks, order) end
  local size = options.size
  local bytes = units.scaled(size or 0, n - 1, "all_to_all: bytes of all ranks")
  if matrix then size, bytes = busiest(matrix) end
  if per_server > 0 then
    bytes = bytes + forwarded(order, per_server, function(src, dst)
      return matrix and matrix[src][dst] or base.share(size, n, dst)
    end)
  end
  local collective = {
    kind = "all_to_all", algorithm = options.algorithm, ranks = order, ["local"] = per_server,
    size_bytes = size, volumes = matrix or nil, chunk_bytes = options.chunk or 0,
    forget = options.keep_flows and 0 or 1, tag = work.tag, start_ps = work.start_ps,
  }
  base.need_collective(sim, engine, collective)
  local task = engine.call(sim.core, "collective_add", collective)
  return {
    ranks = n, ends = { task }, start_ps = work.start_ps, bytes = bytes, size_bytes = size,
    bus_factor = matrix and 1 or (n - 1) / n,
  }
end

local NEEDS = {
  per_server = function(options)
    return options.algorithm ~= "hierarchical"
      and ("with algorithm = '%s'"):format(options.algorithm) or nil
  end,
}

--- All-to-all: every rank sends a part of its buffer to every other.
-- @tparam table options `size` of each rank's buffer, its own part included; `ranks`, `start`,
-- `chunk`, `keep_flows` as for allreduce; `algorithm`: "direct" (all at once), "pairwise" (one
-- partner after the other) or "hierarchical" (inside servers to the rank whose NIC is on the rail
-- of the receiver, from there on; `per_server`: ranks of a server, default: as the fabric groups
-- its hosts); `loads`: a number for each rank, such as tokens for its experts, in proportion to
-- which it gets of every buffer; or in place of `size` and `loads`, `volumes`: a list for each rank
-- of the sizes that it sends to each. Where parts differ, the size in results is the most that a
-- rank sends or receives, and bus bandwidth is that over the time.
-- @treturn Workload
-- @usage weft.workload.all_to_all { size = "4MiB", ranks = 4, loads = { 5, 1, 1, 1 } }
function M.all_to_all(options)
  local checked = check.options("all_to_all", options, rule)
  effect.of_work("all_to_all", options, checked, rule, NEEDS, checked)
  return base.new { kind = "all_to_all", options = checked, begin = begin }
end

return M
