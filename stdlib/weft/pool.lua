--- Many runs of a script in processes of this program, so many at a time, on all cores.
-- @module weft.pool
-- @usage
-- pool.run { program = arg[-1], script = arg[0], arguments = { "--seed", 1 }, items = { "a", "b" },
--   done = function(line) print(line) end }

local check = require "weft.check"
local guard = require "weft.guard"

local M = {}

local function quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- Number of cores, or 1 if the system doesn't say.
-- @treturn number
function M.cores()
  local pipe = io.popen("getconf _NPROCESSORS_ONLN 2>/dev/null")
  local count = pipe and tonumber(pipe:read("*l") or "")
  if pipe then pipe:close() end
  return count or 1
end

local rule = {
  program = { type = "string", required = true },
  script = { type = "string", required = true },
  arguments = { type = "list", default = {} },
  items = { type = "list", required = true },
  option = { type = "string", default = "--run" },
  jobs = { type = "integer", min = 1 },
  done = { type = "any", required = true },
}

--- Run a script once for each item, in processes of its own; each takes the next when it is free.
-- xargs hands them out, so Ctrl-C, which goes to all, ends it.
-- @tparam table options `program` (its own: arg[-1]), `script`, `arguments` (list), `items` (texts
-- without blanks and quotes), `option` (before the item, default "--run"), `jobs` (at a time;
-- default: as many as cores), `done` (called with each line that a process prints)
-- @treturn string "done", "failed" (some process was) or "interrupted"
function M.run(options)
  local o = check.options("pool.run", options, rule)
  if #o.items == 0 then return "done" end
  local words = { quoted(o.program), quoted(o.script) }
  for _, argument in ipairs(o.arguments) do words[#words + 1] = quoted(argument) end
  words[#words + 1] = o.option
  local items = {}
  for i, item in ipairs(o.items) do items[i] = quoted(item) end
  local jobs = math.min(o.jobs or M.cores(), #items)
  -- The last line is its status: LuaJIT's pipe:close() doesn't tell. Without one it was killed.
  local pipe = io.popen(("printf '%%s\\n' %s | xargs -P %d -n 1 %s; echo \"end $?\""):format(
    table.concat(items, " "), jobs, table.concat(words, " ")))
  local outcome = "interrupted"
  while true do
    local line = pipe:read("*l")
    if not line then break end
    local status = line:match("^end (%d+)$")
    if status then
      outcome = status == "0" and "done" or "failed"
    else
      o.done(line)
    end
  end
  pipe:close()
  return outcome
end

return guard.module("pool", M)
