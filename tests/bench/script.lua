-- What a congestion control in Lua costs: DCTCP in C and in Lua on a permutation of a fat tree of
-- 16 hosts. Prints "name value unit" rows, medians of three; run by build/weft and build/weftjit.

local weft = require "weft"
dofile("examples/06-own-cc/dctcp.lua")

local function hop_ns(cc)
  local values = {}
  for i = 1, 3 do
    local sim = weft.simulation { topology = weft.topology.fat_tree { k = 4 }, cc = cc }
    for host = 0, 15 do
      sim:add_flow { src = host, dst = (host + 7) % 16, size = "4MB" }
    end
    local begin = os.clock()
    sim:run()
    values[i] = (os.clock() - begin) * 1e9 / sim:stats().packet_hops
  end
  table.sort(values)
  return values[2]
end

local vm = jit and "luajit" or "lua5.4"
if not jit then print(("hop_ns/perm_k4/dctcp %.4g ns"):format(hop_ns("dctcp"))) end
print(("hop_ns/perm_k4/%s_dctcp %.4g ns"):format(vm, hop_ns("lua_dctcp")))
