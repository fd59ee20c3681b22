--- Collectives as jobs.
-- @module weft.workload.collectives

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local rings = require "weft.rings"
local units = require "weft.units"

local M = {}

local function check_ranks(what, ranks, size)
  if #ranks < 2 then fail.raise("%s: expected at least 2 ranks, got %d", what, #ranks) end
  if size < #ranks then
    fail.raise("%s: size: expected at least a byte for each of %d ranks, got %s", what, #ranks,
      units.format_bytes(size))
  end
end

local rule = {
  size = { type = "bytes", required = true, min = 2 },
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
  chunk = { type = "bytes", min = 1 },
}

local allreduce_rule = base.extend(rule, {
  algorithm = { type = "enum", choices = { "ring" }, default = "ring" },
  channels = { type = "integer", default = 1, min = 1, max = 64 },
})

local function add(sim, engine, kind, work, ranks, size)
  return engine.call(sim.core, "collective_add", {
    kind = kind, ranks = ranks, size_bytes = size, tag = work.tag, start_ps = work.start_ps,
    chunk_bytes = work.options.chunk or 0,
  })
end

local function begin_allreduce(work, sim, engine)
  local options = work.options
  local ranks = base.resolve_ranks("allreduce", sim.fabric, options.ranks)
  check_ranks("allreduce", ranks, base.share(options.size, options.channels, options.channels))
  local orders = rings.orders(sim.fabric, ranks, options.channels)
  for _, order in ipairs(orders) do
    for i = 1, #order do base.need_path(sim, engine, order[i], order[i % #order + 1]) end
  end
  local ends = {}
  for c, order in ipairs(orders) do
    ends[c] = add(sim, engine, "allreduce", work, order,
      base.share(options.size, options.channels, c))
  end
  return {
    ranks = #ranks, ends = ends, start_ps = work.start_ps,
    bytes = 2 * (#ranks - 1) * options.size, bus_factor = 2 * (#ranks - 1) / #ranks,
  }
end

local function begin_all_to_all(work, sim, engine)
  local ranks = base.resolve_ranks("all_to_all", sim.fabric, work.options.ranks)
  check_ranks("all_to_all", ranks, work.options.size)
  for _, src in ipairs(ranks) do
    for _, dst in ipairs(ranks) do
      if src ~= dst then base.need_path(sim, engine, src, dst) end
    end
  end
  local done = add(sim, engine, "all_to_all", work, ranks, work.options.size)
  return {
    ranks = #ranks, ends = { done }, start_ps = work.start_ps,
    bytes = (#ranks - 1) * work.options.size, bus_factor = (#ranks - 1) / #ranks,
  }
end

--- AllReduce as one or more rings.
-- @tparam table options `size` (of each rank's buffer), `ranks` (hosts in ring order, or how many
-- of the first; default: all hosts), `start`, `algorithm` ("ring"), `channels` (rings to share the
-- buffer; more than one leave a server by different NICs: weft.rings), `chunk` (largest message;
-- default: no limit)
-- @treturn Workload
function M.allreduce(options)
  return base.new {
    kind = "allreduce", options = check.options("allreduce", options, allreduce_rule),
    begin = begin_allreduce,
  }
end

--- All-to-all: every rank sends a part of its buffer to every other, all at once.
-- @tparam table options `size` (of each rank's buffer, its own part included), `ranks`, `start`,
-- `chunk`
-- @treturn Workload
function M.all_to_all(options)
  return base.new {
    kind = "all_to_all", options = check.options("all_to_all", options, rule),
    begin = begin_all_to_all,
  }
end

return M
