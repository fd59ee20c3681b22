--- Congestion control written in Lua.
-- Callbacks get a table `f` for each flow. The core sets in it `id`, `src`, `dst` (numbers),
-- `mtu` (bytes), `line_rate` (bit/s), `base_rtt` (s) once, and before each call `now` (s), `acked`,
-- `sent` (bytes) and `rate` (bit/s). A callback may set `f.rate`, which is rounded down and kept
-- within min_rate and line_rate, and `f.timer` (s from now, for on_timer; replaces a timer that
-- runs). Everything else in `f` is the script's own.
-- An ACK has `ecn` and `nack` (booleans); `rtt` (s) with needs = "timestamp"; with needs =
-- "telemetry" `hops`, a list of { time (s), rate (bit/s), tx_bytes (modulo 2^32), queue (bytes) },
-- or nil while the path changes. The table is used again for the next ACK.
-- @module weft.cc
-- @usage
-- weft.cc.define("half", { start = function(f) f.rate = f.line_rate / 2 end })
-- local sim = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "half" }

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"
local util = require "weft.util"

local M = {}

local defined = {}

local rule = {
  needs = { type = "enum", choices = { "nothing", "telemetry", "timestamp" }, default = "nothing" },
  start = { type = "any" },
  on_ack = { type = "any" },
  on_timer = { type = "any" },
}

--- The core's own algorithms.
local function built_in()
  for _, option in ipairs(core.options()) do
    if option.name == "cc" then return option.choices end
  end
end

--- Define a congestion control, or define it anew.
-- @tparam string name for weft.simulation { cc = name }
-- @tparam table callbacks `start(f)`, `on_ack(f, ack)`, `on_timer(f)`, each optional; `needs`:
-- what packets carry for it, "nothing" (default), "timestamp" or "telemetry"
function M.define(name, callbacks)
  if type(name) ~= "string" or name == "" then
    fail.raise("cc.define: expected a name, got %s", fail.show(name))
  end
  for _, other in ipairs(built_in()) do
    if other == name then fail.raise("cc.define: '%s' is the engine's own", name) end
  end
  local what = "cc.define '" .. name .. "'"
  check.argument(what, callbacks, "table")
  local definition = check.options(what, callbacks, rule)
  for _, callback in ipairs({ "start", "on_ack", "on_timer" }) do
    local kind = type(definition[callback])
    if kind ~= "nil" and kind ~= "function" then
      fail.raise("%s: option '%s': expected a function, got %s", what, callback,
        fail.show(definition[callback]))
    end
  end
  defined[name] = definition
end

--- What was defined under a name, or nil.
function M.find(name) return defined[name] end

--- All names that weft.simulation takes for `cc`.
-- @treturn table list
function M.names()
  local names = {}
  for _, name in ipairs(built_in()) do
    if name ~= "script" then names[#names + 1] = name end
  end
  for name in util.sorted_pairs(defined) do names[#names + 1] = name end
  return names
end

return guard.module("cc", M)
