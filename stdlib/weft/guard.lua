--- Public functions and methods that are called as they are declared: a method with its object, by
-- a colon, while that is open; a function of a module by a dot; neither with more arguments than it
-- has, nor by a name that is none. Without this, `s.run()` fails somewhere inside, and what
-- `s:fork { cc = "dctcp" }` asks for is dropped unseen.
-- @module weft.guard

local fail = require "weft.fail"
local util = require "weft.util"

local M = {}

-- What each function was before it was guarded: help reads the comment above that.
local originals = setmetatable({}, { __mode = "k" })

--- Classes by the names of their objects in messages ("sim"): `noun`, `class`. For help.
M.classes = {}

-- The last name that an object or a module was asked for and does not have. Asking is no mistake,
-- calling what it gives is.
local missed = {}

-- Raise the error for what a method was called on.
local function refuse(what, noun, got)
  local article = noun:find "^[aeiou]" and "an" or "a"
  fail.raise("%s: expected %s %s before the arguments (a colon, as in %s()), got %s", what, article,
    noun, what, got == nil and "nothing" or fail.show(got))
end

-- How many arguments a function declares; nil if it takes any number.
local function arity(f)
  local info = debug.getinfo(f, "u")
  return not info.isvararg and info.nparams or nil
end

-- Refuse arguments beyond those that are declared. nil is what one that is left out looks like.
local function refuse_surplus(what, most, ...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then
      fail.raise("%s: expected %s, got %s as number %d", what,
        most == 0 and "no arguments" or util.counted(most, "argument"), fail.show(value), most + i)
    end
  end
end

-- Have a class or a module note what it is asked for and does not have.
local function note_missing(object, name, mark)
  if getmetatable(object) then return end
  setmetatable(object, { __index = function(_, key)
    missed.object, missed.name, missed.mark, missed.key = object, name, mark, key
    return nil
  end })
end

--- Guard one method.
-- @tparam string what as it is called: "sim:run"
-- @tparam string noun of its object: "simulation"
-- @tparam function is whether a value is such an object; a second value is what is wrong with one
-- @tparam function method
-- @tparam[opt] string state what such an object must be: "an open"
-- @treturn function
function M.method(what, noun, is, method, state)
  state = state or "an open"
  local count = arity(method)
  local most = count and count - 1 -- without its object
  local function guarded(self, ...)
    local good, why = is(self)
    if not good then
      if why then fail.raise("%s: expected %s %s, got %s", what, state, noun, why) end
      refuse(what, noun, self)
    end
    if most and select("#", ...) > most then refuse_surplus(what, most, select(most + 1, ...)) end
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
-- @tparam[opt] string state as in M.method
function M.class(name, noun, class, is, state)
  is = is or function(value) return getmetatable(value) == class end
  M.classes[name] = { noun = noun, class = class }
  for _, key in ipairs(util.sorted_keys(class)) do
    local method = class[key]
    if type(method) == "function" and not key:find "^_" then
      class[key] = M.method(name .. ":" .. key, noun, is, method, state)
    end
  end
  note_missing(class, name, ":")
end

--- Guard a function of a module.
-- @tparam string what as it is called: "topology.star"
-- @tparam table module
-- @tparam function f
-- @treturn function
function M.call(what, module, f)
  local most = arity(f)
  if not most then return f end
  local function guarded(first, ...)
    if rawequal(first, module) then
      fail.raise("%s: expected a call with a dot, as in weft.%s(), got one with a colon", what,
        what)
    end
    if select("#", ...) >= most then
      if most == 0 then refuse_surplus(what, most, first, ...) end
      if most > 0 then refuse_surplus(what, most, select(most, ...)) end
    end
    return f(first, ...)
  end
  originals[guarded] = f
  return guarded
end

--- Guard all functions of a module.
-- @tparam string name "topology"
-- @tparam table module
-- @treturn table the module
function M.module(name, module)
  for _, key in ipairs(util.sorted_keys(module)) do
    local f = module[key]
    local is_public = type(f) == "function" and not key:find "^_" and not originals[f]
    if is_public then module[key] = M.call(name .. "." .. key, module, f) end
  end
  note_missing(module, name, ".")
  return module
end

--- The user error that an error of Lua comes down to when a script has called a method or function
-- that an object or a module of weft does not have; nil if it is none.
-- @tparam string err
-- @tparam number level of the function that has made the call, as seen from the caller
-- @treturn ?table
function M.missing(err, level)
  local action, key = err:match "attempt to (%a+) a nil value %(%a+ '([%w_]+)'%)" -- Lua 5.4
  if not key then action, key = err:match "attempt to (%a+) %a+ '([%w_]+)' %(a nil value%)" end
  local info = key and debug.getinfo(level + 1, "S")
  if not info or missed.key ~= key or fail.is_own(info.source) then return nil end
  local names = {}
  for _, name in ipairs(util.sorted_keys(missed.object)) do
    local is_public = type(name) == "string" and not name:find "^_"
    local is_table = type(missed.object[name]) == "table"
    if is_public and is_table == (action == "index") then names[#names + 1] = name end
  end
  local what = missed.mark == ":" and missed.name or "weft." .. missed.name
  local kind = action == "index" and "part" or missed.mark == ":" and "method" or "function"
  return select(2, pcall(fail.raise, "%s has no %s '%s'%s", what, kind, key,
    fail.hint(key, names)))
end

--- A function as it was written, for what reads its source.
-- @tparam function f
-- @treturn function
function M.original(f) return originals[f] or f end

return M
