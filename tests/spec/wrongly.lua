-- Calling functions wrongly: each argument, each option, and each element of a list in turn is what
-- is hardly ever right. What then is no user error at the caller's line is a problem.
local fail = require "weft.fail"

local wrongly = {}

local function nothing() end

-- "nil" stands for nil. No text is the name of a file that can be made.
wrongly.values = {
  "nil", -1, 0, 1.5, 2 ^ 31, 2 ^ 53, 2 ^ 63, -2 ^ 63, 1e300, math.huge, -math.huge, 0 / 0, "",
  "/dev/null/no", ("x"):rep(10000), {}, { 1 }, { "h0" }, { a = 1 }, { {} }, nothing, true,
  io.tmpfile(), { 0, nil, 1 }, { nil, "h1" },
}
if math.mininteger then wrongly.values[#wrongly.values + 1] = math.mininteger end

-- What a message of weft's own never says.
local INTERNAL = { "attempt to", "bad argument", "stdlib/", "viz/weft", "for iterator" }

local unpack = table.unpack or unpack

local function shown(value)
  return type(value) == "string" and value:sub(1, 9) or tostring(value)
end

local function is_proper(err, is_place)
  if not fail.is(err) or not is_place(tostring(err.place)) then return false end
  for _, word in ipairs(INTERNAL) do
    if err.message:find(word, 1, true) then return false end
  end
  return not tostring(err):find "\n"
end

--- A caller of functions.
-- @tparam function is_place whether an error's place is the caller's
-- @treturn table `problems` (list), `try(what, f, ...)`, `each(what, f, ...)`
function wrongly.new(is_place)
  local self = { problems = {} }

  function self.try(what, f, ...)
    local good, err = pcall(f, ...)
    if good or is_proper(err, is_place) then return end
    self.problems[#self.problems + 1] = ("%s: %s"):format(what, tostring(err):sub(1, 200))
  end

  --- Call f with each of its arguments wrong, and with each option of a last table wrong.
  function self.each(what, f, ...)
    local given, count = { ... }, select("#", ...)
    local values = wrongly.values
    for i = 1, count do
      for v = 1, #values do
        local wrong, arguments = values[v], { unpack(given, 1, count) }
        if wrong == "nil" then arguments[i] = nil else arguments[i] = wrong end
        self.try(("%s, argument %d = %s"):format(what, i, shown(wrong)), f,
          unpack(arguments, 1, count))
      end
    end
    local options = given[count]
    if type(options) ~= "table" or getmetatable(options) then return end
    for key in pairs(options) do -- order-free: each by itself
      for v = 1, #values do
        local wrong, copy, arguments = values[v], {}, { unpack(given, 1, count) }
        for name, value in pairs(options) do copy[name] = value end -- order-free: a copy
        if wrong == "nil" then copy[key] = nil else copy[key] = wrong end
        arguments[count] = copy
        self.try(("%s { %s = %s }"):format(what, tostring(key), shown(wrong)), f,
          unpack(arguments, 1, count))
      end
    end
  end

  return self
end

wrongly.shown = shown

return wrongly
