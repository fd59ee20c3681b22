--- What the keys of a configuration of the HPCC simulator (weft.formats.hpcc_config) mean for
-- weft.simulation.
--
-- A key that weft does not simulate is refused where it changes results and can be named, else
-- listed with the reason. What the simulators have in their source and not in the file (headers,
-- the share of the buffer that a port may take) belongs to them: FORMATS.
local check = require "weft.check"
local fail = require "weft.fail"
local notice = require "weft.notice"
local hpcc_compat = require "weft.formats.hpcc_compat"
local simulation = require "weft.simulation"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local KIB = 1024

-- Of each simulator: bytes of headers, share of the free buffer that a port may take, unit of
-- BUFFER_SIZE, what compat is called, where its completion times end, where ACKs go first, why
-- GLOBAL_T has no effect.
local FORMATS = {
  hpcc = { header = 48, alpha = 1 / 8, unit = "MiB", compat = "ns3", completion = "sender",
    acks_first = "hosts" },
  m3 = { header = 48, alpha = 1 / 4, unit = "KiB", compat = "ns3", completion = "receiver",
    acks_first = "all", global_t = "FIXED_WIN and BASE_RTT are for all" },
  -- Sequence numbers of 64 bits.
  simai = { header = 52, alpha = 1 / 8, unit = "MiB", compat = "simai", completion = "sender",
    acks_first = "hosts", global_t = "SimAI takes 1, whatever it says" },
  conweave = { header = 48, alpha = 1 / 16, unit = "MiB", recovery_times = 1, rp_timer = 300 },
}

local UNITS = { KiB = KIB, MiB = KIB * KIB }
M.BUFFER_UNITS = util.sorted_keys(UNITS)

local CC = { [0] = "window", [1] = "dcqcn", [3] = "hpcc", [7] = "timely", [8] = "dctcp",
  [12] = "window" }
local MARKING = { dcqcn = true, dctcp = true }

-- Why a known key is left out, where it is always the same.
local UNREAD = "the simulator reads it and uses it for nothing"
local OUTPUT = "concerns what the simulator writes"
local WHY = {
  DATA_RATE = UNREAD, LINK_DELAY = UNREAD, NIC_TOTAL_PAUSE_TIME = UNREAD, LOAD = UNREAD,
  USE_DYNAMIC_PFC_THRESHOLD = UNREAD, PAUSE_TIME = "a pause lasts until the resume",
  TRACE_FILE = "the nodes whose packets the simulator writes down",
  L2_CHUNK_SIZE = "has no effect without L2_BACK_TO_ZERO",
}
local NOT_SIMULATED = "not simulated"

-- ---- the values of a file ---------------------------------------------------------------------

local Values = {}
Values.__index = Values

-- Entries by name; of a key that is there twice the last one counts, as in the simulator.
local function collect(entries, skip)
  local self = setmetatable({ by_name = {}, ignored = {}, used = {}, missing = {}, rules = {} },
    Values)
  for _, entry in ipairs(entries) do
    local before = self.by_name[entry.name]
    if not entry.kind then
      self:ignore(entry, "unknown", "not a key of that simulator")
    elseif skip[entry.name] then
      self:ignore(entry, "asked", "left out as asked")
    else
      if before then
        self:ignore(before, "overridden", ("%s sets it again"):format(entry.place))
      end
      self.by_name[entry.name] = entry
    end
  end
  return self
end

function Values:ignore(entry, kind, why)
  entry.is_ignored = true
  self.ignored[#self.ignored + 1] = {
    name = entry.name, value = entry.text, line = entry.line, kind = kind, why = why,
    hint = entry.hint,
  }
end

-- The value of a key, or what the simulator takes without it.
function Values:get(name, default)
  local entry = self.by_name[name]
  self.used[name] = true
  if entry then return entry.value end
  return default
end

-- The value of a key for which the simulator has no default that works; weft's own is said.
function Values:need(name, default)
  local value = self:get(name, default)
  if value == nil then self.missing[#self.missing + 1] = name end
  return value
end

function Values:refuse(name, ...)
  local entry = self.by_name[name]
  if entry then fail.at(entry.place, "%s: %s", name, (string.format(...))) end
  fail.raise("%s: %s", name, (string.format(...)))
end

-- Put an option, checked by the rule of the core, at the line of its key.
function Values:put(options, option, value, name)
  if value == nil then return end
  local entry = name and self.by_name[name]
  if entry then
    fail.blame(entry.place, name, check.value, option, value, self.rules[option])
  else
    check.value(option, value, self.rules[option])
  end
  options[option] = value
end

-- ---- times ------------------------------------------------------------------------------------

-- Text of so many us; that simulator takes whole ones only.
local function us_text(us, whole)
  if us == nil then return nil end
  return ("%.0fps"):format(math.floor((whole and math.floor(us) or us) * 1e6 + 0.5))
end

local function ns_text(ns)
  return ns and ("%.0fns"):format(ns)
end

-- ---- parts of the options ---------------------------------------------------------------------

local cc_options = {}

function cc_options.window() end

function cc_options.dctcp(v, put)
  put("dctcp_g", v:need "EWMA_GAIN", "EWMA_GAIN")
  put("dctcp_ai", v:get("DCTCP_RATE_AI", 1e9), "DCTCP_RATE_AI")
end

function cc_options.dcqcn(v, put, o)
  put("dcqcn_g", v:need "EWMA_GAIN", "EWMA_GAIN")
  local function interval(option, us, key) put(option, us_text(us, o.compat), key) end
  interval("dcqcn_alpha", v:get("ALPHA_RESUME_INTERVAL", 55), "ALPHA_RESUME_INTERVAL")
  interval("dcqcn_decrease", v:get("RATE_DECREASE_INTERVAL", 4), "RATE_DECREASE_INTERVAL")
  interval("dcqcn_increase", v:need("RP_TIMER", o.own.rp_timer), "RP_TIMER")
  put("dcqcn_recovery_steps", v:get("FAST_RECOVERY_TIMES", o.own.recovery_times or 5),
    "FAST_RECOVERY_TIMES")
  put("dcqcn_clamp", v:get("CLAMP_TARGET_RATE", false), "CLAMP_TARGET_RATE")
  put("dcqcn_ai", v:need "RATE_AI", "RATE_AI")
  put("dcqcn_hai", v:need "RATE_HAI", "RATE_HAI")
end

function cc_options.hpcc(v, put, o)
  if v:get("SAMPLE_FEEDBACK", false) then
    v:refuse("SAMPLE_FEEDBACK", "sampled telemetry is not simulated, expected 0")
  elseif not v:get("HAS_WIN", true) then
    v:refuse("HAS_WIN", "HPCC (CC_MODE 3) divides by its window, expected 1")
  end
  put("hpcc_eta", v:get("U_TARGET", 0.95), "U_TARGET")
  put("hpcc_max_stage", v:get("MI_THRESH", 5), "MI_THRESH")
  put("hpcc_fast_react", v:get("FAST_REACT", true), "FAST_REACT")
  put("hpcc_multi_rate", v:get("MULTI_RATE", true), "MULTI_RATE")
  put("hpcc_ai", v:need "RATE_AI", "RATE_AI")
  if o.compat then
    put("hpcc_int_multi", v:get("INT_MULTI", 1), "INT_MULTI")
  elseif v.by_name.INT_MULTI then
    v:ignore(v.by_name.INT_MULTI, "unused", "coarsens telemetry on the wire, which is exact here")
  end
end

-- T_LOW and T_HIGH are keys of m3's branch; the others have them in their source.
function cc_options.timely(v, put)
  put("timely_alpha", 0.875)
  put("timely_beta", v:get("TIMELY_BETA", 0.8), "TIMELY_BETA")
  put("timely_low", ns_text(v:get("TIMELY_T_LOW", 50000)), "TIMELY_T_LOW")
  put("timely_high", ns_text(v:get("TIMELY_T_HIGH", 500000)), "TIMELY_T_HIGH")
  put("timely_min_rtt", "20us")
  put("timely_ai", v:need "RATE_AI", "RATE_AI")
  put("timely_hai", v:need "RATE_HAI", "RATE_HAI")
end

local function cc_of(v)
  local mode = v:get("CC_MODE", 1)
  if mode == 10 then
    v:refuse("CC_MODE", "10 (HPCC-PINT) is not simulated, expected 1 (DCQCN), 3 (HPCC), 7 (TIMELY),"
      .. " 8 (DCTCP) or 0 (none)")
  elseif not CC[mode] then
    v:refuse("CC_MODE", "expected 1 (DCQCN), 3 (HPCC), 7 (TIMELY), 8 (DCTCP) or 0 (none), got %d",
      mode)
  end
  return CC[mode], mode
end

-- What changes results and has no counterpart here.
local function refuse_what_differs(v)
  if not v:get("RATE_BOUND", true) then
    v:refuse("RATE_BOUND", "senders that are not paced by their rate are not simulated, expected 1")
  elseif v:get("L2_BACK_TO_ZERO", false) then
    v:refuse("L2_BACK_TO_ZERO", "going back to the begin of a chunk is not simulated, expected 0")
  end
  local interval, payload = v:get("L2_ACK_INTERVAL", 1), v:get("PACKET_PAYLOAD_SIZE", 1000)
  if interval < 1 or interval > payload then
    v:refuse("L2_ACK_INTERVAL", "expected 1, an ACK for every packet, got %d", interval)
  elseif interval > 1 then
    v:ignore(v.by_name.L2_ACK_INTERVAL, "unused", "the simulator acknowledges each packet that ends"
      .. (" at byte %d or later, so all but flows shorter than that"):format(interval))
  end
  local balancing = v:get("LB_MODE", 0)
  if balancing ~= 0 then
    local names = { [2] = "DRILL", [3] = "CONGA", [6] = "LetFlow", [9] = "ConWeave" }
    v:refuse("LB_MODE", "%d (%s) is not simulated, expected 0 (ECMP)", balancing,
      names[balancing] or "unknown")
  end
end

local function buffer_options(v, put, o)
  local unit = o.buffer_unit or o.own.unit
  local size = v:get("BUFFER_SIZE", 16)
  -- What cannot be MiB, of a simulator that counts bytes in 32 bits, is of a copy that counts KiB.
  if not o.buffer_unit and unit == "MiB" and size * UNITS.MiB >= 2 ^ 32 then
    unit = "KiB"
    notice.say("%s: BUFFER_SIZE: %d MiB do not fit the 32 bits of the simulator, taken as KiB, as "
      .. "copies of it count; option buffer_unit says which", v.by_name.BUFFER_SIZE.place, size)
  end
  if size * UNITS[unit] >= 2 ^ 32 then
    v:refuse("BUFFER_SIZE", "%d %s do not fit the 32 bits of the simulator", size, unit)
  end
  put("buffer", size * UNITS[unit], "BUFFER_SIZE")
  local pfc = v:get("ENABLE_PFC", true)
  put("pfc", pfc, "ENABLE_PFC")
  -- Without PFC, conweave lets a queue take as much as is left.
  put("buffer_alpha", not pfc and o.format == "conweave" and 1 or o.own.alpha)
end

local function window_options(v, put, o, options)
  local windowed = v:get("HAS_WIN", true)
  put("window_mode", not windowed and "none" or v:get("VAR_WIN", false) and "rate" or "fixed",
    "HAS_WIN")
  if o.format == "m3" then
    if windowed then put("window", v:need "FIXED_WIN", "FIXED_WIN") end
    if options.window == 0 then options.window, options.window_mode = nil, "none" end
    put("base_rtt", ns_text(v:need "BASE_RTT"), "BASE_RTT")
  end
  if v.by_name.GLOBAL_T and o.own.global_t then
    v:ignore(v.by_name.GLOBAL_T, "unused", o.own.global_t)
  elseif not v:get("GLOBAL_T", true) then
    v:ignore(v.by_name.GLOBAL_T, NOT_SIMULATED,
      "windows and HPCC's T are those of the largest round trip, not of each pair of hosts")
  end
end

-- List of thresholds by rate; nil: weft's own.
local function ecn_options(v, cc)
  local kmin, kmax, pmax = v:get "KMIN_MAP", v:get "KMAX_MAP", v:get "PMAX_MAP"
  if not v:get("ENABLE_QCN", true) then return {} end
  if not (kmin or kmax or pmax) then
    if MARKING[cc] then v.missing[#v.missing + 1] = "KMIN_MAP, KMAX_MAP, PMAX_MAP" end
    return nil
  end
  local list = {}
  for _, rate in ipairs(util.sorted_keys(kmin or {})) do
    local low, high, p = kmin[rate], kmax and kmax[rate], pmax and pmax[rate]
    if high and low > high then
      v:refuse("KMIN_MAP", "%d at %s, above KMAX_MAP's %d", low, units.format_rate(rate), high)
    elseif p and p > 1 then
      v:refuse("PMAX_MAP", "expected a probability, 0 to 1, at %s, got %g", units.format_rate(rate),
        p)
    end
    if high and p then
      list[#list + 1] = { rate = rate, kmin = low * 1000, kmax = high * 1000, pmax = p }
    end
  end
  if #list == 0 then
    v:refuse(kmin and "KMIN_MAP" or kmax and "KMAX_MAP" or "PMAX_MAP",
      "expected a rate that is in KMIN_MAP, KMAX_MAP and PMAX_MAP, got none")
  end
  return list
end

-- ---- compat -----------------------------------------------------------------------------------

local function compat_options(v, put, o, options)
  local own = o.own
  if not own.compat then
    fail.raise("config: option 'compat': there is no model of %s's switches, only of HPCC's,"
      .. " m3's and SimAI's", o.format)
  end
  put("compat", own.compat)
  put("ecmp", "ns3")
  put("completion", own.completion)
  put("rto", 0)
  put("pfc_reserve", 4 * KIB)
  put("pfc_resume", 3 * KIB)
  put("ack_priority", v:get("ACK_HIGH_PRIO", false) and own.acks_first or "fifo", "ACK_HIGH_PRIO")
  if o.format == "m3" then return end -- they are in the file; elsewhere they follow from the fabric
  local rtt_ns, window, same = hpcc_compat.largest_round_trip(o.fabric(), options.mtu)
  if not same and o.format == "hpcc" and not v:get("GLOBAL_T", true) then
    v:refuse("GLOBAL_T", "compat has one window for all pairs, whose round trips differ here;"
      .. " expected 1")
  end
  put("base_rtt", ns_text(rtt_ns))
  if v:get("HAS_WIN", true) then put("window", window) end
end

-- ---- all of it --------------------------------------------------------------------------------

-- What is left over is known, and has no use here.
local function ignore_the_rest(v, entries, cc, mode)
  for _, entry in ipairs(entries) do
    if not v.used[entry.name] and not entry.is_ignored then
      local why = WHY[entry.name] or entry.kind == "output" and OUTPUT
        or ("CC_MODE %d (%s) does not use it"):format(mode, cc)
      v:ignore(entry, entry.kind == "output" and "output" or "unused", why)
    end
  end
  table.sort(v.ignored, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    return a.name < b.name
  end)
end

-- Seconds as text, or nil beyond the times that are exact on both virtual machines, 2^53 ps.
local END_OF_TIME_S = 9007

local function stop_at(v, format)
  if format == "conweave" then
    return ("%.12fs"):format(v:get("FLOWGEN_STOP_TIME", 2.5) + 10):gsub("%.?0+s$", "s")
  end
  local entry, seconds = v.by_name.SIMULATOR_STOP_TIME, v:get "SIMULATOR_STOP_TIME"
  if not seconds then return nil end
  if format == "simai" then
    v:ignore(entry, "unused", "SimAI runs until its workload is done")
  elseif seconds > END_OF_TIME_S then
    v:ignore(entry, "unused", "later than simulated time goes (2.5 h): there is no stop")
  else
    return entry.text .. "s"
  end
end

local function link_down(v, o)
  local link = v:get "LINK_DOWN"
  if not link or link.after_us == 0 then return nil end
  if o.compat then v:refuse("LINK_DOWN", "links cannot fail with compat, expected 0 0 0") end
  local since_s = o.format == "conweave" and v:get("FLOWGEN_START_TIME", 2) or 2
  return { a = link.a, b = link.b, place = v.by_name.LINK_DOWN.place,
    at = ("%.0fps"):format(since_s * 1e12 + link.after_us * 1e6) }
end

--- Options of weft.simulation, and what else a configuration says.
-- @tparam {table,...} entries of weft.formats.hpcc_config
-- @tparam table o `format`, `compat` (boolean), `fabric` (function that gives it; with compat),
-- `buffer_unit`, `skip` (set of keys to be left out)
-- @treturn table `options`, `ignored`, `missing` (keys without which weft's own defaults hold),
-- `stop_at`, `link_down`, `loss`
function M.interpret(entries, o)
  local v = collect(entries, o.skip or {})
  v.rules = simulation.engine_rules()
  o.own = FORMATS[o.format]
  local options = {}
  local function put(option, value, name) v:put(options, option, value, name) end
  local cc, mode = cc_of(v)
  refuse_what_differs(v)
  put("cc", cc)
  put("mtu", v:get("PACKET_PAYLOAD_SIZE", 1000), "PACKET_PAYLOAD_SIZE")
  put("header", o.own.header)
  put("min_rate", v:get("MIN_RATE", 1e8), "MIN_RATE")
  if o.format == "m3" then put("max_rate", v:get("MAX_RATE", 1e10), "MAX_RATE") end
  buffer_options(v, put, o)
  window_options(v, put, o, options)
  cc_options[cc](v, put, o)
  options.ecn_by_rate = ecn_options(v, cc)
  if v:get("ENABLE_IRN", false) then
    put("recovery", "selective", "ENABLE_IRN")
    -- IRN bounds the bytes in flight by the product of bandwidth and delay in any case.
    if options.window_mode == "none" then put("window_mode", "fixed") end
  end
  put("seed", v:get "RANDOM_SEED", "RANDOM_SEED")
  if o.compat then
    compat_options(v, put, o, options)
  elseif v:get("ACK_HIGH_PRIO", false) then
    v:ignore(v.by_name.ACK_HIGH_PRIO, NOT_SIMULATED,
      "ACKs have a queue of their own with compat only")
  end
  local loss = v:get("ERROR_RATE_PER_LINK", 0)
  if loss > 1 then
    v:refuse("ERROR_RATE_PER_LINK", "expected a probability, 0 to 1, got %g", loss)
  end
  local result = {
    options = options, ignored = v.ignored, missing = v.missing, loss = loss,
    stop_at = stop_at(v, o.format), link_down = link_down(v, o),
  }
  v:get "TOPOLOGY_FILE"
  v:get "FLOW_FILE"
  if o.format == "simai" and v.by_name.FLOW_FILE then
    v:ignore(v.by_name.FLOW_FILE, "unused", "SimAI sends what its workload says")
  end
  ignore_the_rest(v, entries, cc, mode)
  return result
end

return M
