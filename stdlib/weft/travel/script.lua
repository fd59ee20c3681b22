--- What a congestion control in Lua keeps, as it is at one moment, and put back: what hangs on its
-- flows, and what its callbacks and the functions that they call have around them (upvalues).
--
-- Put back is what is in the tables, not the tables: whoever holds one goes on holding it. Globals
-- are a script's own business, and stay.
-- @module weft.travel.script

local core = require "weft.core"
local fail = require "weft.fail"

local M = {}

-- Whether a table is an object of weft, such as a simulation: what is in it is put back elsewhere.
local function is_own(value)
  local meta = getmetatable(value)
  if type(meta) ~= "table" then return meta ~= nil end
  for _, f in pairs(meta) do -- order-free: whether there is one
    if type(f) == "function" and fail.is_own(debug.getinfo(f, "S").source) then return true end
  end
  return false
end

-- Libraries and globals are none of a congestion control's state.
local function known_tables()
  local known = { [_G] = true, [package.loaded] = true }
  for _, value in pairs(package.loaded) do -- order-free: a set
    if type(value) == "table" then known[value] = true end
  end
  return known
end

local function keep_table(self, from, reach)
  local copy = {}
  for key, value in next, from do
    copy[key] = value
    reach(key)
    reach(value)
  end
  self.tables[#self.tables + 1] = { table = from, copy = copy }
  reach(getmetatable(from))
end

local function keep_upvalues(self, f, reach)
  for i = 1, debug.getinfo(f, "u").nups do
    local _, value = debug.getupvalue(f, i)
    self.upvalues[#self.upvalues + 1] = { f = f, i = i, value = value }
    reach(value)
  end
end

--- What the congestion control of a simulation keeps now.
-- @param of simulation of the core
-- @treturn ?table nil if it has none in Lua
function M.keep(of)
  local anchor, flows, on_timer, on_ack, start = core._script(of)
  if not anchor then return nil end
  local pending, known, n = {}, known_tables(), 0
  local function reach(value)
    local kind = type(value)
    if (kind ~= "table" and kind ~= "function") or known[value] then return end
    known[value] = true
    n = n + 1
    pending[n] = value
  end
  for _, root in ipairs { flows, on_timer or 0, on_ack or 0, start or 0 } do reach(root) end
  local self = { anchor = anchor, tables = {}, upvalues = {} }
  local i = 0
  while i < n do
    i = i + 1
    local value = pending[i]
    if type(value) == "table" and not is_own(value) then
      keep_table(self, value, reach)
    elseif type(value) == "function" then
      local info = debug.getinfo(value, "S")
      local is_known = info.what == "C" or fail.is_own(info.source)
      if not is_known then keep_upvalues(self, value, reach) end
    end
  end
  return self
end

--- Put back what was kept.
-- @param of simulation of the core
-- @tparam ?table kept
function M.put_back(of, kept)
  if not kept then return end
  core._attach(of, kept.anchor)
  for _, one in ipairs(kept.tables) do
    local now, copy = one.table, one.copy
    for key in next, now do -- a field may be cleared on the way
      if copy[key] == nil then rawset(now, key, nil) end
    end
    for key, value in next, copy do rawset(now, key, value) end
  end
  for _, one in ipairs(kept.upvalues) do
    local _, value = debug.getupvalue(one.f, one.i)
    -- What never changes is compiled in by LuaJIT, and is left alone.
    if value ~= one.value then debug.setupvalue(one.f, one.i, one.value) end
  end
end

return M
