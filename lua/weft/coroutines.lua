--- Coroutines that Ctrl-C stops. Lua 5.4 has a hook for each thread, and the handler of the signal
-- needs the one that runs; LuaJIT has one for all.
local host = require "weft.host"

local library = rawget(_G, "coroutine")
local create, resume, close = library.create, library.resume, library.close
local wrap_unknown = library.wrap

local function leave(...)
  host.leave()
  return ...
end

local function resume_known(thread, ...)
  if type(thread) ~= "thread" then return resume(thread, ...) end -- raises
  host.enter(thread)
  return leave(resume(thread, ...))
end

-- As coroutine.wrap ends: with the results, or with the error, text behind the caller's place.
local function finish(thread, good, ...)
  if good then return ... end
  local err = ...
  if coroutine.status(thread) == "dead" then close(thread) end
  error(err, type(err) == "string" and 2 or 0)
end

local function wrap(f)
  if type(f) ~= "function" then return wrap_unknown(f) end -- raises
  local thread = create(f)
  return function(...) return finish(thread, resume_known(thread, ...)) end
end

local M = {}

--- Have coroutine.resume and coroutine.wrap say which thread runs.
function M.install()
  library.resume, library.wrap = resume_known, wrap
end

return M
