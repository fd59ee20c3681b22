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

-- Rewrites the line of a terminal; writes another where there is none.
local Line = {}
Line.__index = Line

--- A line of progress of anything that takes long.
-- @treturn Line
function M.line() return setmetatable({ next_report = 0 }, Line) end

--- Whether it is time for news.
-- @tparam number now s on any clock
-- @treturn boolean
function Line:is_due(now) return now >= self.next_report end

--- Say where it is.
-- @tparam string text
-- @tparam number now s, on the clock of is_due
function Line:say(text, now)
  if self.terminal == nil then self.terminal = M.is_terminal(2) end
  self.next_report = now + (self.terminal and TERMINAL_S or LOG_S)
  io.stderr:write(self.terminal and "\r\27[K" .. text or text .. "\n")
  io.stderr:flush()
  self.written = true
end

--- It is over: leave a clean line.
function Line:finish()
  if self.written and self.terminal then io.stderr:write("\r\27[K") end
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
    line = setmetatable({ next_report = now + FIRST_S }, Line),
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
  if not self.line:is_due(now) then return end
  if self.line.terminal == nil then self.line.terminal = M.is_terminal(2) end
  if self.on_terminal_only and not self.line.terminal then
    self.line.next_report = math.huge
    return
  end
  self.line:say(describe(self, stats, now), now)
end

--- The run is over: leave a clean line.
function Progress:finish() self.line:finish() end

return M
