--- Options of a simulation from the parameters of a scenario of the m3 authors' simulator (HPCC's
-- ns-3), as its configuration file would have them.
-- @module weft.families.hpcc

local config = require "weft.config"

local M = {}

local MODE = { dcqcn = 1, hpcc = 3, timely = 7, dctcp = 8 }

-- The thresholds hold at 10 Gbit/s and grow with the rate up to 40 Gbit/s; faster ports got none,
-- and mark every packet that leaves others behind.
local ECN_FACTOR = { [10e9] = 1, [40e9] = 4 }

local function recorded_factor(bps) return ECN_FACTOR[bps] or 0 end
local function same_for_all() return 1 end

-- The map of a threshold, for all rates of a fabric.
local function map(fabric, kb, factor_of)
  local words, seen = {}, {}
  for _, link in ipairs(fabric.links) do
    local bps = link.rate_bps
    if not seen[bps] then
      seen[bps] = true
      words[#words + 1] = ("%.0f %.17g"):format(bps, kb * factor_of(bps))
    end
  end
  return #words .. " " .. table.concat(words, " ")
end

local function mbps(value) return ("%.17gMb/s"):format(value) end

--- Engine options of a scenario: its configuration as that simulator reads it.
-- @tparam table s columns of scenarios.csv
-- @tparam weft.Fabric fabric
-- @tparam[opt] function factor_of ECN thresholds of a port over those of the scenario, by its rate;
-- default: as recorded
-- @treturn table
function M.options(s, fabric, factor_of)
  factor_of = factor_of or recorded_factor
  return config.from_table({
    ACK_HIGH_PRIO = s.ack_high_priority, ALPHA_RESUME_INTERVAL = s.dcqcn_alpha_resume_us,
    BASE_RTT = s.base_rtt_ns, BUFFER_SIZE = s.buffer_kib, CC_MODE = MODE[s.cc],
    DCTCP_RATE_AI = mbps(s.dctcp_rate_ai_mbps), ENABLE_PFC = s.pfc, EWMA_GAIN = s.ewma_gain,
    FAST_REACT = s.hpcc_fast_react, FAST_RECOVERY_TIMES = s.dcqcn_fast_recovery_times,
    FIXED_WIN = s.init_window_bytes, HAS_WIN = s.has_window,
    KMAX_MAP = map(fabric, s.ecn_kmax_kb, factor_of),
    KMIN_MAP = map(fabric, s.ecn_kmin_kb, factor_of),
    MAX_RATE = mbps(s.max_rate_mbps), MIN_RATE = mbps(s.min_rate_mbps),
    MI_THRESH = s.hpcc_mi_thresh, MULTI_RATE = s.hpcc_multi_rate,
    PMAX_MAP = map(fabric, s.ecn_pmax, same_for_all), RATE_AI = mbps(s.rate_ai_mbps),
    RATE_DECREASE_INTERVAL = s.dcqcn_rate_decrease_us, RATE_HAI = mbps(s.rate_hai_mbps),
    RP_TIMER = s.dcqcn_rp_timer_us, TIMELY_BETA = s.timely_beta, TIMELY_T_HIGH = s.timely_t_high_ns,
    TIMELY_T_LOW = s.timely_t_low_ns, U_TARGET = s.hpcc_u_target, VAR_WIN = s.window_follows_rate,
  }, { format = "m3", compat = true, topology = fabric }).options
end

return M
