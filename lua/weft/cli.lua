--- The command line of weft and weftjit.
local fail = require "weft.fail"
local guard = require "weft.guard"
local host = require "weft.host"

local cli = {}

-- Statuses of the process; what a signal has stopped ends with 130 or 143, as shells have it.
local DONE, BROKEN, MISTAKE = 0, 1, 2

local usage = [=[
usage: weft [option ...] [script [argument ...]]

  weft script.lua [--name value ...]   run a script; --help behind it lists what it takes
  weft                                 type Lua, see results (reads standard input)
  weft train [architecture] [...]      train a model (--help lists what it takes)
  weft help [topic]                    topics: %s

options:
  -e CODE      run CODE
  -            run the script on standard input
  --version    print the version
  --help       print this text
  --           the script comes next, even if it starts with '-'
]=]

local OPTIONS = { "-e", "-", "--", "--version", "--help" }
local ALIASES = { ["-v"] = "--version", ["-h"] = "--help" }

local unpack = table.unpack or unpack

-- What Lua itself says when there is no memory, with nothing added: that would take some.
local NO_MEMORY = "not enough memory"

-- Errors of the core, called by the script itself: what it was given, or what it refuses.
local ENGINE_ERRORS = { ": (argument `[%w_]+`: [^\n]*)$", ": WEFT_%u+: ([^\n]*)$",
  ": (unknown %a+ '[^\n]*)$" }

local CLOSED = "expected an open simulation"

--- The user error that an error of the core comes down to; nil if it is none, or if weft's own
-- code has called the core.
local function engine_error(err)
  local message
  for _, pattern in ipairs(ENGINE_ERRORS) do message = message or err:match(pattern) end
  if not message or err:find("WEFT_EINTERNAL", 1, true) then return nil end
  local closed = message:find(CLOSED, 1, true) -- whoever has noticed
  local level = 4
  local info = debug.getinfo(level, "Sl")
  while info and info.currentline <= 0 do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  if not closed and (not info or fail.is_own(info.source)) then return nil end
  local raise = err:find("WEFT_ENOMEM", 1, true) and fail.broken or fail.raise
  return select(2, pcall(raise, "%s", message))
end

--- The user error that a module or a file of Lua comes down to that is not there or does not
-- compile; nil if the error is none of that. Called by on_error.
local function load_error(err)
  local module = err:match "^[^\n]-module '([^']*)' not found:\n"
  local place, message = err:match "^error loading module .-:\n%s*(.-:%d+): (.*)$"
  if not module and not place then
    local raiser = debug.getinfo(3, "f")
    if raiser and raiser.func == dofile then
      place, message = err:match "^(.-:%d+): (.* near .*)$"
    end
  end
  if module then
    return select(2, pcall(fail.raise, "module '%s' not found in package.path and package.cpath",
      module))
  elseif place then
    return select(2, pcall(fail.at, place, "%s", message))
  end
  return nil
end

--- What a script's error becomes: user errors stay, everything else gets a traceback.
local function on_error(err)
  if fail.is(err) or err == NO_MEMORY or host.interrupted() > 0 then return err end
  local known = type(err) == "string"
    and (load_error(err) or engine_error(err) or guard.missing(err, 2))
  if known then return known end
  local described = getmetatable(err) and getmetatable(err).__tostring
  local message = (type(err) == "string" or described) and tostring(err)
    or ("error object is a %s value"):format(type(err))
  -- Cut what is the program's own.
  local trace = debug.traceback(message, 2):gsub("\n[^\n]*in function 'xpcall'.*$", "")
  return (trace:gsub("\n[^\n]*%(%.%.%.tail calls%.%.%.%)$", ""))
end

local function complain(message)
  io.stderr:write("weft: ", fail.printable(tostring(message), true), "\n")
end

--- Whether a signal has stopped Lua code, or a run that did not go on since, though the script
-- ended in peace.
local function was_interrupted()
  return host.interrupted() > 0 and require("weft.core")._interrupted()
end

--- The status of a script that has ended in peace: not done, if its runs have left work for good
-- and it has not looked.
local function status_of_work()
  local incomplete = package.loaded["weft.incomplete"]
  local text = incomplete and incomplete.text()
  if text then complain(text) end
  return text and BROKEN or DONE
end

--- Run a compiled chunk; returns the status of the process.
local function run(chunk, ...)
  local arguments, count = { ... }, select("#", ...)
  local good, err = xpcall(function() return chunk(unpack(arguments, 1, count)) end, on_error)
  if good and was_interrupted() then return (host.interrupt_status()) end
  if good then return status_of_work() end
  local is_after = was_interrupted() and not require("weft.core")._is_interruption(err)
  if is_after then err = "interrupted, and then: " .. tostring(err) end
  complain(err == NO_MEMORY and "out of memory" or err)
  if fail.is(err) and not fail.is_broken(err) then return MISTAKE end
  return (is_after or host.interrupted() > 0) and host.interrupt_status() or BROKEN
end

local function run_code(code)
  local compile = loadstring or load
  local chunk, message = compile(code, "=(-e)")
  if not chunk then
    complain(message)
    return MISTAKE
  end
  return run(chunk)
end

--- "; did you mean 'x'?" for a script that is not there, from the names in its folder.
local function file_hint(path)
  local folder, name = path:match("^(.*/)([^/]*)$")
  if not folder then folder, name = "", path end
  local names = host.entries(folder == "" and "." or folder) or {}
  if folder == "" then
    names[#names + 1] = "help"
    names[#names + 1] = "train"
  end
  table.sort(names)
  local near = fail.nearest(name, names)
  return near and near ~= name and ("; did you mean '%s'?"):format(folder .. near) or ""
end

--- Arguments after `first` as the standard `arg`: 0 is the script, negative is what precedes it.
local function script_arguments(argv, first)
  local arguments = {}
  for i = 0, #argv do arguments[i - first] = argv[i] end
  return arguments
end

-- The text of a script, read once: it may come from a pipe. A folder can be opened, but not read.
local function read_script(path)
  local file, message = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  if text then return text end
  local why = message and message:match(": ([^:]*)$") or "not a readable file"
  complain(("cannot open '%s': %s%s"):format(path, why:lower(), file_hint(path)))
  return nil
end

-- As loadfile: without a byte order mark, and a first line that begins with '#' is a comment.
local function load_script(path, text)
  if path == "-" then return loadfile() end
  return load((text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")), "@" .. path)
end

local function run_script(argv, first)
  local path, text = argv[first], nil
  if path ~= "-" then
    text = read_script(path)
    if not text then return MISTAKE end
  end
  local arguments = require "weft.arguments" -- now: the script may set package.path
  local chunk, message = load_script(path, text)
  if not chunk then
    complain(message)
    return MISTAKE
  end
  local given = script_arguments(argv, first)
  _G.arg = given
  local status = run(chunk, unpack(given))
  arguments.say_unread(path, text, given)
  local params = package.loaded["weft.params"]
  if status ~= DONE or not params then return status end
  local unread = params.unread()
  if unread then complain(unread) end
  return unread and MISTAKE or status
end

local function run_train(argv, first)
  _G.arg = script_arguments(argv, first)
  local status
  local outcome = run(function() status = require("weft.train").main() end)
  local unread, is_mistake = require("weft.params").unread()
  if outcome ~= DONE then return outcome end
  if status ~= DONE or not unread then return status end
  complain(unread)
  return is_mistake and MISTAKE or DONE
end

local function print_version()
  local vm = jit and jit.version or _VERSION
  print(("weft %s (%s)"):format(require("weft.core").version(), vm))
end

local function print_help(topic)
  local help = require "weft.help"
  if not topic then
    io.write(usage:format(table.concat(help.topics, ", ")))
    return DONE
  end
  if topic == "--names" then -- for the completion of shells
    io.write(table.concat(help.names(), "\n"), "\n")
    return DONE
  end
  local text, hint = help.text(topic)
  if not text then
    complain(("no help on '%s'%s"):format(topic, hint))
    return MISTAKE
  end
  io.write(text)
  return DONE
end

local function unknown_option(option)
  complain(("unknown option '%s'%s"):format(option, fail.hint(option, OPTIONS)))
  return MISTAKE
end

--- What interactive code finds as globals without asking.
local function set_globals()
  _G.weft = require "weft"
  _G.help = require("weft.help").print
end

--- Run what the options ask for. Returns the status, or nil and the index of the script.
local function run_options(argv)
  local i, ran_code = 1, false
  while argv[i] and argv[i]:sub(1, 1) == "-" and argv[i] ~= "-" do
    local option = ALIASES[argv[i]] or argv[i]
    if option == "--" then
      i = i + 1
      break
    elseif option == "--version" then
      print_version()
      return DONE
    elseif option == "--help" then
      return print_help()
    elseif option ~= "-e" then
      return unknown_option(argv[i])
    end
    if not argv[i + 1] then
      complain("option '-e': expected code, got nothing")
      return MISTAKE
    end
    set_globals()
    local status = run_code(argv[i + 1])
    if status ~= DONE then return status end
    i, ran_code = i + 2, true
  end
  if ran_code and not argv[i] then return DONE end
  return nil, i
end

--- Do what the command line says.
-- @tparam table argv from 0, as in C
-- @treturn integer status of the process
function cli.main(argv)
  if jit then require("weft.ffi").install() else require("weft.coroutines").install() end
  local status, first = run_options(argv)
  if status then return status end
  if argv[first] == "help" then return print_help(argv[first + 1] or "overview") end
  if argv[first] == "train" then return run_train(argv, first) end
  if argv[first] then return run_script(argv, first) end
  set_globals()
  return require("weft.repl").run()
end

return cli
