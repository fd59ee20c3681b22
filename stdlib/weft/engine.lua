--- Calls of the core (weft.core), whose errors are made errors of whoever is to blame.
-- @module weft.engine

local fail = require "weft.fail"

local M = {}

--- Raise again what a call of the core has raised. What it refuses is a mistake of the script;
-- memory is nobody's; what breaks in it, or in a callback, stays as it was.
-- @param err
function M.raise(err)
  -- An error of a callback comes with its traceback.
  if type(err) ~= "string" or err:find("\nstack traceback:", 1, true) then error(err, 0) end
  local status, message = err:match("WEFT_(%u+): (.*)$")
  -- "x.lua:3: argument `tag`: expected ..."
  if not status then message = err:match("argument `[%w_]+`: .*$") end
  if not message or status == "EINTERNAL" then error(err, 0) end
  if status == "ENOMEM" then fail.broken("%s", message) end
  fail.raise("%s", message)
end

local function after(good, ...)
  if not good then M.raise((...)) end
  return ...
end

--- Call a function of the core.
-- @return what it returns
function M.call(f, ...) return after(pcall(f, ...)) end

return M
