-- Beginnings of the code in the guide, for completion at the prompt: `prefixes.of(count)`.
local prefixes = {}

local function blocks()
  local list = {}
  local pipe = assert(io.popen("ls docs/*.md README.md"))
  for path in pipe:lines() do
    local file = assert(io.open(path))
    for block in file:read("*a"):gmatch "\n```lua\n(.-)\n```" do list[#list + 1] = block end
    file:close()
  end
  pipe:close()
  return list
end

--- So many beginnings of code, cut at places that are spread over all of it.
function prefixes.of(count)
  local all, sizes = blocks(), 0
  for _, block in ipairs(all) do sizes = sizes + #block end
  local list, passed, index = {}, 0, 1
  for i = 1, count do
    local at = math.floor((i - 0.5) * sizes / count) + 1
    while at > passed + #all[index] do passed, index = passed + #all[index], index + 1 end
    list[i] = all[index]:sub(1, at - passed)
  end
  return list
end

--- What code of the guide finds around it.
function prefixes.set_globals()
  local weft = require "weft"
  _G.weft = weft
  _G.fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4 }
  _G.sim = weft.simulation { topology = _G.fabric }
  _G.job = _G.sim:add_job(weft.workload.allreduce { size = "1MB" })
  _G.flows = _G.sim:flows()
end

return prefixes
