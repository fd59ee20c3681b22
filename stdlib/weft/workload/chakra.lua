--- Execution traces of Chakra as jobs.
-- @module weft.workload.chakra

local base = require "weft.workload.base"
local chakra = require "weft.formats.chakra"
local check = require "weft.check"
local fail = require "weft.fail"
local schedule = require "weft.workload.schedule"

local M = {}

local rule = base.extend(schedule.collective_rule, {
  dir = { type = "string" },
  files = { type = "list" },
  groups = { type = "any" },
  control = { type = "boolean", default = false },
})
rule.file = nil

-- The files of the ranks, in order.
local function files_of(options)
  if (options.dir == nil) == (options.files == nil) then
    fail.raise("chakra: expected option 'dir' or 'files', got %s",
      options.dir and "both" or "neither")
  end
  if options.dir then return chakra.files((options.dir:gsub("(.)/+$", "%1"))) end
  if #options.files == 0 then fail.raise("chakra: option 'files': expected one file per rank") end
  for i, file in ipairs(options.files) do
    if type(file) ~= "string" then
      fail.raise("chakra: option 'files': expected names, got %s as number %d", fail.show(file), i)
    end
  end
  return options.files
end

-- Process groups: from a file, or a table of lists of ranks.
local function groups_of(given, count)
  if type(given) == "string" then return chakra.read_groups(given, count) end
  if given ~= nil and type(given) ~= "table" then
    fail.raise("chakra: option 'groups': expected a file or a table of lists of ranks, got %s",
      fail.show(given))
  end
  for name, ranks in pairs(given or {}) do -- order-free: each is checked on its own
    local listed = type(ranks) == "table" and ranks or { ranks }
    check.argument(("chakra: group '%s'"):format(tostring(name)), listed, "list")
    for _, rank in ipairs(listed) do
      if type(rank) ~= "number" or rank % 1 ~= 0 or rank < 0 or rank >= count then
        fail.raise("chakra: group '%s': expected ranks, 0 to %d, got %s", tostring(name), count - 1,
          fail.show(rank))
      end
    end
  end
  return given
end

--- Execution traces of Chakra, one file per rank; see weft.formats.chakra.
-- @tparam table options `dir` (a folder of files NAME.RANK.et, or NAME.RANK.json) or `files` (in
-- the order of the ranks); `groups` (process groups: a file as for ASTRA-sim, or a table of lists
-- of ranks by name), `control` (whether control dependencies count; default false), `ranks` (hosts
-- in the order of the ranks; default: the first of the fabric), `start`, `channels` and `chunk` as
-- for weft.workload.aicb
-- @treturn Workload
-- @usage sim:add_job(weft.workload.chakra { dir = "traces" })
function M.chakra(options)
  return schedule.new("chakra", options, rule, function(checked)
    local files = files_of(checked)
    checked.file = checked.dir or files[1]
    return chakra.read(files, {
      groups = groups_of(checked.groups, #files), control = checked.control,
    })
  end)
end

return M
