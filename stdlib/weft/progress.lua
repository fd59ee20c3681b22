--- Progress of a long run on standard error: one line that is rewritten on a terminal, else a line
-- every ten seconds, if asked for. Short runs say nothing.
-- @module weft.progress

local units = require "weft.units"

local M = {}

local FIRST_S, TERMINAL_S, LOG_S = 1, 0.25, 10

local Progress = {}
Progress.__index = Progress

--- Whether a file of the process is a terminal. Lua cannot ask; the shell can.
-- @tparam number number 1: standard output, 2: standard error
-- @treturn boolean
function M.is_terminal(number)
  local done = os.execute(("test -t %d"):format(number))
  return done == true or done == 0
end

--- Begin to watch a run.
-- @tparam table options `until_ps` (or nil), `total_bytes` (payload of all flows, or 0),
-- `on_terminal_only`
-- @param stats totals at the beginning
-- @treturn Progress
function M.start(options, stats)
  -- Processor time: the run is one thread that does not wait.
  local now = os.clock()
  return setmetatable({
    until_ps = options.until_ps,
    on_terminal_only = options.on_terminal_only,
    total_bytes = options.total_bytes,
    began = now,
    next_report = now + FIRST_S,
    events = stats.events,
  }, Progress)
end

-- The share that is done, by time or by payload, whichever is known.
local function share_done(self, stats)
  if self.until_ps and self.until_ps > 0 then return stats.now_ps / self.until_ps end
  if self.total_bytes > 0 then return stats.payload_delivered / self.total_bytes end
  return nil
end

local function describe(self, stats, now)
  local elapsed = now - self.began
  local text = ("%s simulated, %.2f M events/s"):format(units.format_time(stats.now_ps),
    (stats.events - self.events) / elapsed / 1e6)
  local share = share_done(self, stats)
  if not share or share <= 0 then return text end
  return ("%s, %.0f %%, %.0f s left"):format(text, math.min(share, 1) * 100,
    elapsed * math.max(1 - share, 0) / share)
end

--- Say where the run is, if it is time to.
function Progress:report(stats)
  local now = os.clock()
  if now < self.next_report then return end
  if self.terminal == nil then self.terminal = M.is_terminal(2) end -- once, when there is news
  if self.on_terminal_only and not self.terminal then
    self.next_report = math.huge
    return
  end
  self.next_report = now + (self.terminal and TERMINAL_S or LOG_S)
  local text = describe(self, stats, now)
  io.stderr:write(self.terminal and "\r\27[K" .. text or text .. "\n")
  io.stderr:flush()
  self.written = true
end

--- The run is over: leave a clean line.
function Progress:finish()
  if self.written and self.terminal then io.stderr:write("\r\27[K") end
end

return M
