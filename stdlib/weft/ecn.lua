--- ECN thresholds by the rate of a port: option `ecn_by_rate` of weft.simulation.
--
-- The core's own thresholds are given for 100 Gbit/s and scale with a port's rate. Here each rate
-- has its own, as in the K maps of the HPCC simulator. They are for ports of switches; NVLink
-- switches then mark nothing. An empty list: nothing is marked anywhere.
local check = require "weft.check"
local fail = require "weft.fail"
local units = require "weft.units"

local M = {}

--- The option, for weft.check.
M.rule = { type = "list",
  brief = "ECN thresholds by the rate of a switch's port: list of { rate, kmin, kmax, pmax }." }

local ENTRY = {
  rate = { type = "rate", min = 1e6, max = 1e14, required = true },
  kmin = { type = "bytes", min = 0, max = 4e9, required = true },
  kmax = { type = "bytes", min = 0, max = 4e9, required = true },
  pmax = { type = "number", min = 0, max = 1, default = 1 },
}

-- A threshold that the core takes for none.
local NEVER = 2 ^ 32 - 1

local function checked(list)
  local by_rate, rates = {}, {}
  for i, given in ipairs(list) do
    local what = ("simulation: option 'ecn_by_rate', number %d"):format(i)
    local entry = check.options(what, given, ENTRY)
    if entry.kmin > entry.kmax then
      fail.raise("%s: expected kmin at most kmax = %s, got %s", what,
        units.format_bytes(entry.kmax), units.format_bytes(entry.kmin))
    elseif by_rate[entry.rate] then
      fail.raise("%s: %s is there twice", what, units.format_rate(entry.rate))
    end
    by_rate[entry.rate] = entry
    rates[i] = units.format_rate(entry.rate)
  end
  return by_rate, rates
end

--- Set the thresholds of all ports.
-- @tparam table core_sim simulation of the core, its fabric built
-- @tparam table fabric
-- @tparam {table,...} list value of the option
function M.apply(core_sim, fabric, list)
  local by_rate, rates = checked(list)
  local function set(port, from, link)
    local kind, rate_bps = fabric.nodes[from + 1].kind, link:direction(from).rate_bps
    local entry = by_rate[rate_bps]
    if kind == "host" then return end
    if kind == "nvswitch" or #rates == 0 then
      core_sim:port_set_ecn(port, NEVER, NEVER, 0)
    elseif entry then
      core_sim:port_set_ecn(port, entry.kmin, entry.kmax, entry.pmax)
    else
      fail.raise("simulation: option 'ecn_by_rate': no thresholds for the %s of link %s, only for"
        .. " %s", units.format_rate(rate_bps), link:name(), table.concat(rates, ", "))
    end
  end
  for _, link in ipairs(fabric.links) do
    set(2 * link.id, link.a, link)
    set(2 * link.id + 1, link.b, link)
  end
end

return M
