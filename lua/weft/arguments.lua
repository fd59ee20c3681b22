--- Whether a script can have seen its arguments, by its text: nothing is put in the way of `arg`,
-- which stays the plain table that Lua's own program gives. What might read them counts as reading,
-- so what is said of the others is true.
local notice = require "weft.notice"

local M = {}

-- weft.params and argparse read `arg`; code that comes from elsewhere may.
local READERS = {
  "%f[%w_]arg%f[^%w_]", "%.%.%.", "params", "argparse", "_G", "_ENV", "getfenv", "debug",
  "%f[%w_]load%w*%s*[%(%[\"']", "dofile",
}

local function reads(text)
  if not text then return true end
  text = ("\n" .. text):gsub("\n%s*%-%-[^%[\n][^\n]*", "\n") -- comments of a whole line
  for _, pattern in ipairs(READERS) do
    if text:find(pattern) then return true end
  end
  return false
end

local function content(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  return text
end

-- Files of modules that are not weft's own.
local function module_files()
  local files, search = {}, rawget(package, "searchpath")
  for name in pairs(package.loaded) do -- order-free: all are looked at
    local own = name == "weft" or name:find("^weft%.")
    local path = not own and search(name, package.path)
    if path then files[#files + 1] = path end
  end
  return files
end

--- Say that a script's arguments had no effect, if neither it nor its modules can have read them.
-- @tparam string path of the script
-- @tparam ?string text its content
-- @tparam {string,...} arguments
function M.say_unread(path, text, arguments)
  if #arguments == 0 or path == "-" or reads(text) then return end
  for _, file in ipairs(module_files()) do
    if reads(content(file)) then return end
  end
  notice.say("%s: %s %s had no effect: the script neither calls weft.params nor reads arg", path,
    #arguments == 1 and "argument" or "arguments", table.concat(arguments, " "))
end

return M
