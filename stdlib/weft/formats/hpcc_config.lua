--- Configuration files of the HPCC simulator and of those made from it: m3's branch of it, SimAI,
-- conweave. Lines of a key and its values; what follows in braces or behind '#' is a comment.
--
-- The simulators read words, not lines, and skip what they do not know. Here a key that is not
-- known is kept with its line, and a known one with a value that does not fit is an error.
-- What the keys mean for weft: weft.formats.hpcc_options.
local core = require "weft.core"
local fail = require "weft.fail"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

M.FORMATS = { "conweave", "hpcc", "m3", "simai" }

-- What a key's value is: "count" (32 bits), "flag" (0 or 1), "number", "rate", "file" (that is
-- read), "output" (concerns what the simulator writes: any words), "counts" and "numbers" (by
-- rate), "link" (time in us, two nodes).
local KEYS = {
  ACK_HIGH_PRIO = "flag", ALPHA_RESUME_INTERVAL = "number", BUFFER_SIZE = "count",
  CC_MODE = "count", CLAMP_TARGET_RATE = "flag", DATA_RATE = "output", DCTCP_RATE_AI = "rate",
  ENABLE_PFC = "flag", -- of all that was made from HPCC's
  ENABLE_QCN = "flag", ENABLE_TRACE = "output", ERROR_RATE_PER_LINK = "number",
  EWMA_GAIN = "number", FAST_REACT = "flag", FAST_RECOVERY_TIMES = "count",
  FCT_OUTPUT_FILE = "output", FLOW_FILE = "file", GLOBAL_T = "flag", HAS_WIN = "flag",
  INT_MULTI = "count", KMAX_MAP = "counts", KMIN_MAP = "counts", L2_ACK_INTERVAL = "count",
  L2_BACK_TO_ZERO = "flag", L2_CHUNK_SIZE = "count", LINK_DELAY = "output", LINK_DOWN = "link",
  MIN_RATE = "rate", MI_THRESH = "count", MULTI_RATE = "flag", PACKET_PAYLOAD_SIZE = "count",
  PAUSE_TIME = "number", PFC_OUTPUT_FILE = "output", PINT_LOG_BASE = "number",
  PINT_PROB = "number", PMAX_MAP = "numbers", QLEN_MON_END = "output", QLEN_MON_FILE = "output",
  QLEN_MON_START = "output", RATE_AI = "rate", RATE_BOUND = "flag",
  RATE_DECREASE_INTERVAL = "number", RATE_HAI = "rate", RP_TIMER = "number",
  SAMPLE_FEEDBACK = "flag", SIMULATOR_STOP_TIME = "number", TOPOLOGY_FILE = "file",
  TRACE_FILE = "file", TRACE_OUTPUT_FILE = "output", USE_DYNAMIC_PFC_THRESHOLD = "flag",
  U_TARGET = "number", VAR_WIN = "flag",
}

-- Keys that only one of the simulators made from it knows; those in MARKS tell that it is this one.
local MORE = {
  hpcc = { NIC_TOTAL_PAUSE_TIME = "count" }, -- as astra-sim's copy has it
  m3 = {
    BASE_RTT = "count", FIXED_WIN = "count", FLOW_ON_PATH_FILE = "output",
    FLOW_PATH_MAP_FILE = "output", MAX_RATE = "rate", TIMELY_BETA = "number",
    TIMELY_T_HIGH = "count", TIMELY_T_LOW = "count",
  },
  simai = {
    BW_MON_FILE = "output", BW_MON_INTERVAL = "output", CNP_MON_FILE = "output",
    MON_END = "output", MON_START = "output", NIC_TOTAL_PAUSE_TIME = "count",
    QLEN_MON_INTERVAL = "output", QP_MON_INTERVAL = "output", RATE_MON_FILE = "output",
  },
  conweave = {
    CNP_OUTPUT_FILE = "output", CONN_MON_FILE = "output",
    CONWEAVE_DEFAULT_VOQ_WAITING_TIME = "count", CONWEAVE_EXTRA_VOQ_FLUSH_TIME = "count",
    CONWEAVE_PATH_PAUSE_TIME = "count", CONWEAVE_REPLY_TIMEOUT_EXTRA = "count",
    CONWEAVE_TX_EXPIRY_TIME = "count", ENABLE_IRN = "flag",
    EST_ERROR_MON_FILE = "output", FLOWGEN_START_TIME = "number", FLOWGEN_STOP_TIME = "number",
    FLOW_INPUT_FILE = "output", LB_MODE = "count", LOAD = "number", RANDOM_SEED = "count",
    SW_MONITORING_INTERVAL = "output", UPLINK_MON_FILE = "output",
    VOQ_MON_DETAIL_FILE = "output", VOQ_MON_FILE = "output",
  },
}

local MARKS = {
  conweave = { "ENABLE_IRN", "FLOWGEN_START_TIME", "FLOWGEN_STOP_TIME", "LB_MODE" },
  m3 = { "BASE_RTT", "FIXED_WIN", "FLOW_ON_PATH_FILE", "FLOW_PATH_MAP_FILE", "MAX_RATE" },
  simai = { "BW_MON_FILE", "CNP_MON_FILE", "MON_END", "MON_START", "QP_MON_INTERVAL",
    "RATE_MON_FILE" },
}

-- What conweave lacks that the others have.
local LACKS = { conweave = { "ACK_HIGH_PRIO", "ENABLE_TRACE", "PINT_LOG_BASE", "PINT_PROB",
  "SIMULATOR_STOP_TIME", "TRACE_FILE", "TRACE_OUTPUT_FILE" }, simai = { "TOPOLOGY_FILE" } }

local function keys_of(format)
  local keys = {}
  for _, list in ipairs { KEYS, MORE[format] or {} } do
    for name, kind in pairs(list) do keys[name] = kind end -- order-free: a copy
  end
  for _, name in ipairs(LACKS[format] or {}) do keys[name] = nil end
  return keys
end

local function starts_comment(word)
  return word:find("^[{#;]") ~= nil or word:find("^//") ~= nil
end

-- All words of the file, each with its line; a comment ends its line.
local function words_of(path)
  local reader, words = text.open(path), {}
  for line in function() return reader:line() end do
    for word in line:gmatch("%S+") do
      if starts_comment(word) then break end
      words[#words + 1] = { text = word, line = reader.number }
    end
  end
  reader:close()
  return words
end

-- ---- values -----------------------------------------------------------------------------------

local COUNT_MAX = 2 ^ 32 - 1

local Words = {}
Words.__index = Words

-- The next word of an entry; those of maps may be on the lines that follow.
function Words:take(entry, wanted, anywhere)
  local word = self.list[self.at]
  if not word or (not anywhere and word.line ~= entry.line) then
    fail.at(entry.place, "%s: expected %s, got end of %s", entry.name, wanted,
      word and "line" or "file")
  end
  self.at = self.at + 1
  entry.text = entry.text and entry.text .. " " .. word.text or word.text
  return word.text
end

function Words:count(entry, max, anywhere, what)
  local word = self:take(entry, "a whole number", anywhere)
  local value = word:find("^%d+$") and tonumber(word)
  if not value or value > max then
    fail.at(entry.place, "%s: %sexpected a whole number, 0 to %.0f, got %s", entry.name,
      what and what .. ": " or "", max, fail.show(word))
  end
  return util.integer(value)
end

function Words:number(entry, anywhere)
  local word = self:take(entry, "a number", anywhere)
  local value = word:find("^[%d.]+[eE]?[-+]?%d*$") and units.decimal(word)
  if not value or value == math.huge then
    fail.at(entry.place, "%s: expected a number, 0 or more, got %s", entry.name, fail.show(word))
  end
  return value
end

local RATES_MAX = 1e5

function Words:map(entry, read)
  local map, count = {}, self:count(entry, RATES_MAX, true, "number of rates")
  for _ = 1, count do
    local rate = self:count(entry, 1e14, true, "rate in bit/s")
    if map[rate] then
      fail.at(entry.place, "%s: the rate %.0f is there twice", entry.name, rate)
    end
    map[rate] = read(self, entry)
  end
  return map
end

local read = {}

function read.count(words, entry) return words:count(entry, COUNT_MAX) end

function read.flag(words, entry)
  local word = words:take(entry, "0 or 1")
  if word ~= "0" and word ~= "1" then
    fail.at(entry.place, "%s: expected 0 or 1, got %s", entry.name, fail.show(word))
  end
  return word == "1"
end

function read.number(words, entry) return words:number(entry) end

function read.rate(words, entry)
  local word = words:take(entry, "a rate such as '50Mb/s'")
  local bps, message = core.parse(word, "rate")
  if not bps then fail.at(entry.place, "%s: %s", entry.name, message) end
  return bps
end

function read.file(words, entry) return words:take(entry, "the name of a file") end

-- Thresholds in KB of 1000 B, which have to fit 32 bits in bytes.
local KB_MAX = 4e6

function read.counts(words, entry)
  return words:map(entry, function() return words:count(entry, KB_MAX, true, "KB") end)
end

function read.numbers(words, entry)
  return words:map(entry, function() return words:number(entry, true) end)
end

-- Simulated time is exact to 2^53 ps.
local LATEST_US = 9e9

function read.link(words, entry)
  return {
    after_us = words:count(entry, LATEST_US, false, "time in us"),
    a = words:count(entry, COUNT_MAX, false, "node"),
    b = words:count(entry, COUNT_MAX, false, "node"),
  }
end

-- The rest of the line as it stands.
local function rest_of_line(words, entry)
  local word = words.list[words.at]
  while word and word.line == entry.line do
    words:take(entry, "")
    word = words.list[words.at]
  end
  return entry.text or ""
end

read.output = rest_of_line

-- ---- files ------------------------------------------------------------------------------------

-- Which simulator a file is for: the first key that only one of them knows tells.
local function format_of(path, words)
  for _, word in ipairs(words) do
    for format, names in util.sorted_pairs(MARKS) do
      for _, name in ipairs(names) do
        if word.text == name then return format end
      end
    end
  end
  return path:match("[^/]*$"):find("^SimAI.*%.conf$") and "simai" or "hpcc"
end

-- What follows a value on its line has to be another key.
local function check_rest(words, entry, keys)
  local word = words.list[words.at]
  if word and word.line == words.list[words.at - 1].line and not keys[word.text] then
    fail.at(entry.place, "%s: expected the end of the line behind %s, got %s", entry.name,
      fail.show(entry.text), fail.show(word.text))
  end
end

local function entries_of(path, list, format)
  local keys = keys_of(format)
  local names = util.sorted_keys(keys)
  local words = setmetatable({ list = list, at = 1 }, Words)
  local entries = {}
  while list[words.at] do
    local word = list[words.at]
    local entry = { name = word.text, line = word.line, kind = keys[word.text] }
    entry.place = word.place or ("%s:%d"):format(path, word.line)
    words.at = words.at + 1
    entries[#entries + 1] = entry
    if entry.kind then
      entry.value = read[entry.kind](words, entry)
      check_rest(words, entry, keys)
    else
      entry.hint = fail.nearest(entry.name, names)
      rest_of_line(words, entry)
    end
    entry.text = entry.text or ""
  end
  return entries
end

--- Read a file.
-- @tparam string path
-- @tparam[opt] string format one of M.FORMATS; default: as its keys tell
-- @treturn {table,...} entries in the order of the file: `name`, `line`, `place` ("config.txt:3"),
-- `text` (of the value), `kind` (nil: not known to that simulator), `value`, `hint` (nearest known
-- name)
-- @treturn string format
function M.read(path, format)
  local words = words_of(path)
  format = format or format_of(path, words)
  local entries = entries_of(path, words, format)
  for _, entry in ipairs(entries) do
    if entry.kind then return entries, format end
  end
  return fail.at(path .. ":1", "expected lines of a key and its value, as 'CC_MODE 3', got none")
end

local function word_text(value)
  if type(value) == "boolean" then return value and "1" or "0" end
  if type(value) ~= "number" then return tostring(value) end
  return (value % 1 == 0 and "%.0f" or "%.17g"):format(value)
end

--- The same entries from a table, as in { CC_MODE = 3, KMIN_MAP = "1 100000000000 400" }.
-- @tparam string what for messages
-- @tparam table values
-- @tparam string format
function M.from_table(what, values, format)
  local words = {}
  for i, name in ipairs(util.sorted_keys(values)) do
    for word in (name .. " " .. word_text(values[name])):gmatch("%S+") do
      words[#words + 1] = { text = word, line = i, place = what }
    end
  end
  return entries_of(what, words, format)
end

return M
