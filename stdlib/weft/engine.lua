--- Calls of the core (weft.core), whose errors are made errors of whoever is to blame.
-- @module weft.engine

local fail = require "weft.fail"

local M = {}

-- Fabrics of simulations, for the names of hosts.
local fabrics = setmetatable({}, { __mode = "k" })

--- Have errors of a simulation name its hosts.
-- @tparam userdata core
-- @tparam weft.Fabric fabric
function M.know(core, fabric) fabrics[core] = fabric end

-- A message with the names of the hosts of a route.
local function with_names(message, fabric)
  return (message:gsub("^(.*)from host (%d+) to host (%d+)", function(before, src, dst)
    local a, b = fabric.nodes[tonumber(src) + 1], fabric.nodes[tonumber(dst) + 1]
    return a and b and ("%sfrom '%s' to '%s'"):format(before, a.name, b.name) or nil
  end))
end

--- Raise again what a call of the core has raised. What it refuses is a mistake of the script;
-- memory is nobody's; what breaks in it, or in a callback, stays as it was.
-- @param err
-- @param[opt] core the simulation, whose hosts are named
function M.raise(err, core)
  -- What a callback has left in its flow is wrong: no line of it is at fault.
  local left = type(err) == "string" and err:match "^(argument `f%.[%w_]+`: [^\n]*)"
  if left then fail.raise("cc: %s", left) end
  -- An error of a callback comes with its traceback.
  if type(err) ~= "string" or err:find("\nstack traceback:", 1, true) then error(err, 0) end
  local status, message = err:match("WEFT_(%u+): (.*)$")
  -- "x.lua:3: argument `tag`: expected ..."
  if not status then message = err:match("argument `[%w_]+`: .*$") end
  if not message or status == "EINTERNAL" then error(err, 0) end
  if core ~= nil and fabrics[core] then message = with_names(message, fabrics[core]) end
  if status == "ENOMEM" then fail.broken("%s", message) end
  fail.raise("%s", message)
end

local function after(core, good, ...)
  if not good then M.raise((...), core) end
  return ...
end

--- Call a function of the core.
-- @return what it returns
function M.call(f, ...) return after((...), pcall(f, ...)) end

return M
