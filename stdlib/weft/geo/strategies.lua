--- The strategies that are built in, by name; and a script's own, which is a table like theirs.
--
-- A strategy has a `name` and one of two functions of an overlay, the elements of each tensor, and
-- its options: `plan` gives a Plan, which weft carries out; `iterate` carries an iteration out by
-- itself and gives its seconds. `options` are rules as check.options has them.
-- @module weft.geo.strategies

local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

--- Names of those that are built in.
M.names = { "even", "kary_tree", "netstorm", "packing", "ring", "star", "star_app", "tsengine" }

--- A strategy.
-- @tparam string|table strategy a name, or a table with a name and `plan` or `iterate`
-- @treturn table
function M.get(strategy)
  if type(strategy) == "table" then
    local has = type(strategy.plan) == "function" or type(strategy.iterate) == "function"
    if has and type(strategy.name) == "string" then return strategy end
    fail.raise "geo.strategies: expected a table with a name and a function plan or iterate"
  end
  for _, name in ipairs(M.names) do
    if name == strategy then return require("weft.geo.strategies." .. name) end
  end
  fail.raise("geo.strategies: no strategy %s%s", fail.show(strategy),
    fail.hint(tostring(strategy), M.names))
end

return guard.module("geo.strategies", M)
