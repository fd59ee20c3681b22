--- Options of a simulation that contradict one another, or the fabric. The engine takes each by
-- itself.
-- @module weft.consistent

local effect = require "weft.effect"
local fail = require "weft.fail"
local notice = require "weft.notice"
local units = require "weft.units"

local M = {}

-- The rate of a host's fastest link, of the host where that is least.
local function slowest_host_bps(topology)
  local least = math.huge
  for _, host in ipairs(topology:hosts()) do
    local fastest = 0
    for _, link in ipairs(topology:links_of(host)) do
      fastest = math.max(fastest, link:direction(host).rate_bps)
    end
    least = math.min(least, fastest)
  end
  return least
end

local function check_rates(given, config, topology)
  local least, most = config.min_rate, config.max_rate
  local is_asked = given.min_rate ~= nil and config.cc ~= "window"
    and not effect.is_accepted("min_rate", given.min_rate)
  if not is_asked then return end
  if most > 0 and least > most then
    fail.raise("simulation: option 'min_rate': expected at most max_rate, %s, got %s",
      units.format_rate(most), units.format_rate(least))
  end
  local slowest = slowest_host_bps(topology)
  if slowest < least then
    notice.say("%s: simulation: option 'min_rate': %s is more than a host has, %s: the congestion "
      .. "control cannot slow its flows down", fail.place() or "script", units.format_rate(least),
      units.format_rate(slowest))
  end
end

--- Refuse what contradicts itself, and say what leaves the congestion control nothing to do.
-- @tparam table given options as the script gave them
-- @tparam table config the core's configuration
-- @tparam weft.Fabric topology
function M.check(given, config, topology)
  if config.cc == "timely" and config.timely_low > config.timely_high then
    fail.raise("simulation: option 'timely_low': expected at most timely_high, %s, got %s",
      units.format_time(config.timely_high), units.format_time(config.timely_low))
  end
  check_rates(given, config, topology)
end

return M
