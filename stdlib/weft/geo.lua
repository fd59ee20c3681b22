--- Training across data centres: overlays of slow, uneven links, strategies that sum up gradients
-- over them, how long an iteration takes chunk by chunk, and how long it must take.
-- Each part is loaded when it is first used.
-- @module weft.geo
-- @usage
-- local overlay = weft.geo.overlay.evaluation()
-- local tensors = weft.geo.models.tensors "alexnet"
-- local plan = weft.geo.strategies.get("netstorm").plan(overlay, tensors, { roots = 9 })
-- print(weft.geo.fifo.run(plan))

local fail = require "weft.fail"

local geo = {}

local parts = {
  "awareness", "bounds", "draws", "engine", "fifo", "maxmin", "models", "overlay", "plan", "roots",
  "routes", "strategies", "trace", "training",
}

return setmetatable(geo, {
  names = parts, -- for completion at the prompt
  __index = function(_, name)
    for _, part in ipairs(parts) do
      if part == name then
        local value = require("weft.geo." .. name)
        rawset(geo, name, value)
        return value
      end
    end
    fail.raise("weft.geo has no '%s'%s", tostring(name), fail.hint(tostring(name), parts))
  end,
})
