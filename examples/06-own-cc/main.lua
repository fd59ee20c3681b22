-- A congestion control of one's own: DCTCP in Lua gives the same events as the engine's.
local folder = arg[0]:match("^(.*)/[^/]*$") or "."
local weft = require "weft"
dofile(folder .. "/dctcp.lua")

local function incast(cc)
  local sim = weft.simulation { topology = weft.topology.star { hosts = 17 }, cc = cc }
  for host = 1, 16 do sim:add_flow { src = host, dst = 0, size = "500kB" } end
  sim:run()
  return sim:stats()
end

for _, cc in ipairs({ "dctcp", "lua_dctcp" }) do
  local stats = incast(cc)
  print(("%-10s fingerprint %s, %.0f marks, done at %s"):format(cc, stats.fingerprint,
    stats.ecn_marks, weft.units.format_time(stats.now_ps)))
end
