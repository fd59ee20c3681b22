--- weft: simulate the networks that train large models.
-- `require "weft"` loads little; each part is loaded when it is first used: `weft.topology`,
-- `weft.workload`, `weft.viz` and so on.
-- @module weft

local fail = require "weft.fail"

local weft = {}

local parts = {
  "cc", "check", "config", "core", "csv", "engines", "export", "fabric", "fail", "failure",
  "geo", "json", "learn", "paths", "placement", "random", "report", "results", "stats", "topology",
  "units", "util", "viz", "workload",
}

--- Build a simulation: all that it takes is in help "options".
-- @tparam table options `topology` (a fabric), `cc`, `engine`, `seed`, ...
-- @treturn Simulation
function weft.simulation(options)
  return require("weft.simulation").new(options)
end

--- Declare the parameters of a script and read them from its command line; see weft.params.
function weft.params(declaration)
  return require("weft.params").read(declaration)
end

--- Run a scenario with several engines and compare the times of its flows; see weft.compare.
function weft.compare(options)
  return require("weft.compare").run(options)
end

local function known(name)
  for _, part in ipairs(parts) do
    if part == name then return true end
  end
  return false
end

local lazy = { names = parts } -- names: for completion at the prompt

function lazy.__index(_, name)
  local value
  if name == "version" then
    value = require("weft.core").version()
  elseif known(name) then
    value = require("weft." .. name)
  else
    local names = { "compare", "params", "simulation", "version" }
    for _, part in ipairs(parts) do names[#names + 1] = part end
    fail.raise("weft has no '%s'%s", tostring(name), fail.hint(tostring(name), names))
  end
  rawset(weft, name, value)
  return value
end

for _, name in ipairs { "compare", "params", "simulation" } do
  weft[name] = require("weft.guard").call(name, weft, weft[name])
end

return setmetatable(weft, lazy)
