-- DCTCP in Lua, the same as the engine's: see core/packet/cc/dctcp.c.
local weft = require "weft"

local G, INCREASE, LEAST = 1 / 16, 615e6, 100e6 -- dctcp_g, dctcp_ai, min_rate

-- Whether a window of data has been acknowledged; then alpha takes in its part of marked packets.
local function end_window(f)
  if f.acked <= f.window_end then return false end
  if f.window_end == 0 then
    f.packets = math.floor(f.sent / f.mtu) + 1
  else
    f.alpha = (1 - G) * f.alpha + G * math.min(f.marked / f.packets, 1)
    f.packets = math.floor((f.sent - f.acked) / f.mtu) + 1
    f.marked = 0
  end
  f.window_end = f.sent
  return true
end

weft.cc.define("lua_dctcp", {
  start = function(f)
    f.alpha, f.marked, f.window_end, f.recovery_end = 1, 0, 0, nil
  end,

  on_ack = function(f, ack)
    if ack.ecn then f.marked = f.marked + 1 end
    local ended = end_window(f)
    if f.recovery_end and f.acked > f.recovery_end then f.recovery_end = nil end
    if ack.ecn and not f.recovery_end then
      f.rate = math.max(f.rate * (1 - f.alpha / 2), LEAST)
      f.recovery_end = f.sent
    end
    if ended and not f.recovery_end then f.rate = f.rate + INCREASE end
  end,
})
