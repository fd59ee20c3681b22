--- Small helpers that several modules need.
local core = require "weft.core"
local fail = require "weft.fail"

local util = {}

local TYPE_ORDER = { number = 1, string = 2, boolean = 3 }

--- Numbers before strings before the rest, each in its own order.
local function key_before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a == kind_b then
    if kind_a == "number" or kind_a == "string" then return a < b end
    return tostring(a) < tostring(b)
  end
  return (TYPE_ORDER[kind_a] or 4) < (TYPE_ORDER[kind_b] or 4)
end

--- The keys of a table in an order that is the same in every run and on both virtual machines.
-- @treturn {any,...}
function util.sorted_keys(t)
  if type(t) ~= "table" then fail.raise("expected a table, got %s", fail.show(t)) end
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end -- order-free
  table.sort(keys, key_before)
  return keys
end

--- A number with its noun: "1 flow", "2 switches".
-- @tparam number count
-- @tparam string one the noun
-- @tparam[opt] string many its plural; default: with an s
-- @treturn string
function util.counted(count, one, many)
  if type(count) ~= "number" or count % 1 ~= 0 then
    fail.raise("util.counted: expected a whole number, got %s", fail.show(count))
  elseif type(one) ~= "string" then
    fail.raise("util.counted: expected a noun, got %s", fail.show(one))
  end
  return ("%.0f %s"):format(count, count == 1 and one or many or one .. "s")
end

--- Like pairs, in the order of util.sorted_keys.
function util.sorted_pairs(t)
  local keys, i = util.sorted_keys(t), 0
  return function()
    i = i + 1
    local key = keys[i]
    if key ~= nil then return key, t[key] end
  end
end

--- Entries of a list by what `key_of(entry)` gives for them.
-- @treturn {table,...} lists in the order of their first entries
function util.group_by(list, key_of)
  if type(list) ~= "table" or type(key_of) ~= "function" then
    fail.raise("util.group_by: expected a list and a function, got %s and %s", fail.show(list),
      fail.show(key_of))
  end
  local groups, index = {}, {}
  for _, entry in ipairs(list) do
    local key = key_of(entry)
    if key == nil then fail.raise("util.group_by: expected a key of every entry, got nil") end
    if not index[key] then
      index[key] = #groups + 1
      groups[#groups + 1] = {}
    end
    local members = groups[index[key]]
    members[#members + 1] = entry
  end
  return groups
end

--- A whole number as Lua 5.4's integer subtype, so that it prints without ".0"; LuaJIT has one
-- number type and gets the value itself.
function util.integer(value)
  return math.tointeger and math.tointeger(value) or value
end

--- The part of an io or lfs error message behind the file name.
local function reason_of(path, message)
  local text = tostring(message)
  if text:sub(1, #path + 2) == path .. ": " then return text:sub(#path + 3) end
  return text
end

-- LuaJIT and Lua 5.4 would both end a name at a zero byte.
local function check_path(path)
  if type(path) ~= "string" or path:find("\0", 1, true) then
    fail.raise("expected the name of a file, got %s", fail.show(path))
  end
end

-- Names of copies of what can be read but once.
local spooled = {}

--- A name to open a file by that is to be read: its own, or that of a copy if it is a pipe, which
-- gives what it has once: readers open files several times.
-- @tparam string path
-- @treturn string
function util.readable(path)
  check_path(path)
  if not spooled[path] then
    local name, why = core._spool(path)
    if not name then fail.raise("cannot read '%s': %s", path, why) end
    if name == path then return path end
    spooled[path] = name
  end
  return spooled[path]
end

--- Whether there is a file that can be opened.
function util.exists(path)
  check_path(path)
  local file = io.open(util.readable(path))
  if file then file:close() end
  return file ~= nil
end

local function cannot_write(path, why)
  fail.raise("cannot write '%s': %s", path, why)
end

--- What a function writes, as text without the last end of line.
-- @tparam function content gets an object with a `write` method
-- @treturn string
function util.text_of(content)
  if type(content) ~= "function" then
    fail.raise("text_of: expected a function, got %s", fail.show(content))
  end
  local parts = {}
  content { write = function(self, ...)
    for _, text in ipairs { ... } do parts[#parts + 1] = text end
    return self
  end }
  return (table.concat(parts):gsub("\n$", ""))
end

--- Write a file, whole or not at all: `path` holds the old content or the whole new one, whoever
-- else writes it. A symbolic link stays, and leads to the new one; a device or a pipe is
-- written to.
-- @tparam string path
-- @tparam string|function content text, or a function that gets an object with a `write` method,
-- which raises on a short write (a full disk, for example)
function util.write_file(path, content)
  check_path(path)
  if type(content) ~= "string" and type(content) ~= "function" then
    fail.raise("write_file: expected text or a function, got %s", fail.show(content))
  end
  local file, why = core._output(path)
  if not file then cannot_write(path, why) end
  local output = {}
  function output:write(...)
    local done, reason = file:write(...)
    if not done then cannot_write(path, reason) end
    return self
  end
  local ran, err = pcall(function()
    if type(content) == "function" then content(output) else output:write(content) end
  end)
  if not ran then
    file:discard()
    error(err, 0)
  end
  local done, reason = file:commit()
  if not done then cannot_write(path, reason) end
end

--- Raise the error of util.write_file now, if it is to come; before much work, for example.
-- @tparam string path
function util.check_writable(path)
  check_path(path)
  local file, why = core._output(path)
  if not file then cannot_write(path, why) end
  file:discard()
end

--- Create a folder and the folders above it; existing ones are fine.
-- @tparam string path
function util.make_directory(path)
  check_path(path)
  local lfs = require "lfs"
  local made = path:sub(1, 1) == "/" and "/" or ""
  for part in path:gmatch("[^/]+") do
    made = made .. part
    local mode = lfs.attributes(made, "mode")
    if not mode then
      local done, message = lfs.mkdir(made)
      -- Another process may have made it in between.
      if not done and lfs.attributes(made, "mode") ~= "directory" then
        fail.raise("cannot create folder '%s': %s", made, reason_of(made, message))
      end
    elseif mode ~= "directory" then
      fail.raise("cannot create folder '%s': '%s' is a %s", path, made, mode)
    end
    made = made .. "/"
  end
end

--- Seconds since some moment in the past, by a clock on the wall: how long something takes is the
-- difference. Nothing simulated depends on it.
-- @treturn number
function util.wall_s() return core._clock() end

return util
