--- Methods that are called as methods: with their object, by a colon, while it is open. Without
-- this, `s.run()` fails somewhere inside.
-- @module weft.guard

local fail = require "weft.fail"
local util = require "weft.util"

local M = {}

-- What each method was before it was guarded: help reads the comment above that.
local originals = setmetatable({}, { __mode = "k" })

-- Raise the error for what a method was called on.
local function refuse(what, noun, got)
  local article = noun:find "^[aeiou]" and "an" or "a"
  fail.raise("%s: expected %s %s before the arguments (a colon, as in %s()), got %s", what, article,
    noun, what, got == nil and "nothing" or fail.show(got))
end

--- Guard one method.
-- @tparam string what as it is called: "sim:run"
-- @tparam string noun of its object: "simulation"
-- @tparam function is whether a value is such an object; a second value is what is wrong with one
-- @tparam function method
-- @treturn function
function M.method(what, noun, is, method)
  local function guarded(self, ...)
    local good, why = is(self)
    if not good then
      if why then fail.raise("%s: expected an open %s, got %s", what, noun, why) end
      refuse(what, noun, self)
    end
    return method(self, ...)
  end
  originals[guarded] = method
  return guarded
end

--- Guard all methods of a class. Those whose names begin with an underscore are its own business.
-- @tparam string name of an object in messages: "sim"
-- @tparam string noun what it is: "simulation"
-- @tparam table class
-- @tparam[opt] function is as in M.method; default: whether the class is the metatable of a value
function M.class(name, noun, class, is)
  is = is or function(value) return getmetatable(value) == class end
  for _, key in ipairs(util.sorted_keys(class)) do
    local method = class[key]
    if type(method) == "function" and not key:find "^_" then
      class[key] = M.method(name .. ":" .. key, noun, is, method)
    end
  end
end

--- A function as it was written, for what reads its source.
-- @tparam function f
-- @treturn function
function M.original(f) return originals[f] or f end

return M
