-- Gates on the shape of the source: what each layer may not name, and how files are written.
-- Each gate has a name, which states the fact, and check() -> list of problems.

local M = { gates = {} }

local arrows = dofile("tests/arrows.lua")
local BUILD = os.getenv("WEFT_BUILD") or "build/release"

-- The files of the folders whose path matches a pattern, sorted.
function M.files(folders, pattern)
  local found = {}
  local pipe = assert(io.popen("find " .. table.concat(folders, " ") .. " -type f 2>/dev/null"))
  for path in pipe:lines() do
    if path:find(pattern) then found[#found + 1] = path end
  end
  pipe:close()
  table.sort(found)
  return found
end

local function exists(path) return os.rename(path, path) ~= nil end

-- Those of the folders that exist.
function M.present(folders)
  local found = {}
  for _, folder in ipairs(folders) do
    if exists(folder) then found[#found + 1] = folder end
  end
  return found
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function gate(name, check)
  M.gates[#M.gates + 1] = { name = name, check = check }
end

-- Call judge(line) for each line of the files; what it returns is a problem at that line.
local function judge_lines(files, judge)
  local problems = {}
  for _, path in ipairs(files) do
    local number = 0
    for line in (read(path) .. "\n"):gmatch("(.-)\n") do
      number = number + 1
      local problem = judge(line)
      if problem then problems[#problems + 1] = ("%s:%d: %s"):format(path, number, problem) end
    end
  end
  return problems
end

local CODE = { "core", "bindings", "stdlib", "viz", "lua", "scenarios", "tests", "examples" }

-- Headers and modules that a layer may not name.
local function forbid(pattern, words, why)
  return function(line)
    local name = line:match(pattern)
    for _, word in ipairs(name and words or {}) do
      if name:find(word) then return ("'%s' %s"):format(name, why) end
    end
    return nil
  end
end

local INCLUDE = "^%s*#%s*include%s*[<\"]([^>\"]+)"
local REQUIRE = "require%s*%(?%s*[\"']([%w_.]+)"

gate("the core includes no Lua, Cairo, CSV, MPI or BLAS header", function()
  return judge_lines(M.files({ "core" }, "%.[ch]$"), forbid(INCLUDE,
    { "^lua", "^lauxlib", "cairo", "^csv", "^mpi", "blas", "bindings", "%.%./" },
    "is above the core"))
end)

-- By sections of its symbols: no pattern over sources finds an array, a struct or a static local.
gate("the core has no variables beside simulations", function()
  local library = BUILD .. "/libweft.a"
  if not exists(library) then return { library .. ": not built" } end
  local problems = {}
  local pipe = assert(io.popen("nm -A --format=sysv " .. library))
  for line in pipe:lines() do
    local section = line:match("|%s*([^|]*)$") or ""
    local is_variable = section:find("^%.t?data") and not section:find("^%.data%.rel%.ro")
      or section:find("^%.t?bss") or section:find("COM")
    if is_variable then problems[#problems + 1] = line:match("([^:]+:[^:|%s]+)%s*|") end
  end
  pipe:close()
  return problems
end)

-- Their own headers are files beside them; weft_output.h is what the engine shares with its
-- modules, and installs nowhere.
gate("bindings, pictures and the program include nothing of the core but weft.h", function()
  local own = { ["weft.h"] = true, ["weft_output.h"] = true }
  for _, path in ipairs(M.files({ "bindings/capi", "viz", "lua" }, "%.h$")) do
    own[path:match("[^/]+$")] = true
  end
  return judge_lines(M.files({ "bindings", "viz", "lua" }, "%.[ch]$"), function(line)
    local name = line:match(INCLUDE)
    if not name or own[name] then return nil end
    local quoted = line:find("\"", 1, true) or io.open("core/" .. name)
    return quoted and ("'%s' is internal to the core"):format(name) or nil
  end)
end)

dofile("tests/rooms.lua").gates(arrows, BUILD, gate)

gate("stdlib requires neither the program nor the pictures", function()
  return judge_lines(M.files({ "stdlib" }, "%.lua$"), forbid(REQUIRE,
    { "^weft%.viz", "^weft%.cairo", "^weft%.cli", "^weft%.repl", "^weft%.help" },
    "is above stdlib"))
end)

gate("order of pairs() reaches nothing", function()
  return judge_lines(M.files({ "stdlib", "viz", "lua", "scenarios" }, "%.lua$"), function(line)
    if line:find("[^%w_]pairs%s*%(") and not line:find("[%w_]_pairs%s*%(")
      and not line:find("^%s*%-%-") and not line:find("-- order%-free") then
      return "bare pairs(): use weft.util.sorted_pairs, or say -- order-free"
    end
    return nil
  end)
end)

gate("random numbers and wall clock stay out of stdlib and core", function()
  local problems = judge_lines(M.files({ "stdlib" }, "%.lua$"), function(line)
    return line:find("math%.random") and "math.random: use a keyed stream" or nil
  end)
  for _, problem in ipairs(judge_lines(M.files({ "core" }, "%.c$"), function(line)
    return line:find("[^%w_]s?rand%(") and "rand(): use base/rng" or nil
  end)) do
    problems[#problems + 1] = problem
  end
  return problems
end)

gate("lines have at most 100 columns, no tabs and no trailing blanks", function()
  return judge_lines(M.files(CODE, "%.[chl][ua]*$"), function(line)
    local _, continued = line:gsub("[\128-\191]", "")
    if #line - continued > 100 then return ("%d columns"):format(#line - continued) end
    if line:find("\t") then return "tab" end
    return line:find("%s$") and "trailing blank" or nil
  end)
end)

-- The bodies of functions, from brace to brace, wherever heads are wrapped: each(first, last) with
-- the numbers of their lines. `code` has no comments or strings.
local function each_body(code, each)
  code = code:gsub("\\\n", "\1"):gsub("#[^\n]*", function(line)
    return (line:gsub("[^\1]", ""))
  end):gsub("\1", "\n")
  local depth, line, first = 0, 1, nil
  for from, sign in code:gmatch("()([{}\n])") do
    if sign == "\n" then
      line = line + 1
    elseif sign == "{" then
      if depth == 0 then first = code:sub(1, from - 1):find("%)%s*$") and line end
      depth = depth + 1
    else
      depth = depth - 1
      if depth == 0 and first then each(first, line) end
    end
  end
  return depth
end

gate("C functions have at most 80 lines", function()
  local problems = {}
  for _, path in ipairs(M.files(CODE, "%.[ch]$")) do
    local depth = each_body(arrows.code(read(path)), function(first, last)
      if last - first > 80 then
        problems[#problems + 1] = ("%s:%d: %d lines"):format(path, first, last - first)
      end
    end)
    if depth ~= 0 then problems[#problems + 1] = path .. ": its braces do not match" end
  end
  return problems
end)

-- Only the version that the files were formatted by agrees with them in everything.
gate("C files are formatted as `make format` does", function()
  local pipe = assert(io.popen("clang-format --version 2>/dev/null"))
  local version = pipe:read("*a"):match("version (%d+)")
  pipe:close()
  if version ~= "14" then
    print(("skipped, C files are formatted: %s"):format(version and "clang-format " .. version
      .. ", not 14" or "no clang-format"))
    return {}
  end
  local problems = {}
  pipe = assert(io.popen("clang-format --dry-run "
    .. table.concat(M.files(CODE, "%.[ch]$"), " ") .. " 2>&1"))
  for line in pipe:lines() do problems[#problems + 1] = line:match("^(%S+:%d+):%d+: warning") end
  pipe:close()
  return problems
end)

gate("the public header can be included in C++", function()
  if os.execute("command -v g++ >/dev/null") ~= true then
    print("skipped, the public header in C++: no g++")
    return {}
  end
  local pipe = assert(io.popen([[printf '#include "weft.h"\nint main() { ]]
    .. [[return weft_version()[0] + weft_config_default().pfc + WEFT_OK; }' ]]
    .. "| g++ -x c++ -std=c++11 -Wall -Wextra -Werror -Icore - -x none -o /dev/null " .. BUILD
    .. "/libweft.a -lm -pthread 2>&1"))
  local problems = {}
  for line in pipe:lines() do problems[#problems + 1] = line:match("error: .*") end
  pipe:close()
  return problems
end)

gate("every public function has an entry in the API manifest", function()
  local text = {}
  for _, path in ipairs(M.files({ "bindings/api" }, "%.lua$")) do text[#text + 1] = read(path) end
  text = table.concat(text, "\n")
  local c_only = dofile("bindings/api/skip.lua")
  local problems = {}
  for line in read("core/weft.h"):gmatch("[^\n]+") do
    local name = line:match("^[%w_ ]+[ *](weft_[%w_]+)%(")
    if name and not c_only[name] and not text:find("\"" .. name .. "\"", 1, true) then
      problems[#problems + 1] = name .. " is missing from bindings/api"
    end
  end
  return problems
end)

gate("the Makefile has every C source", function()
  local makefile = read("Makefile"):gsub("\\\n", " ")
  local listed = {}
  for line in makefile:gmatch("[^\n]+") do
    local names = line:match("^%u+_SOURCES%s*:=%s*(.*)$")
    local prefix = names and names:match("^%$%(addprefix ([^,]+),") or ""
    for name in (names or ""):gmatch("[%w_/]+%.c") do listed[prefix .. name] = true end
  end
  local problems = {}
  for _, path in ipairs(M.files(CODE, "%.c$")) do
    if not listed[path] and not path:find("^core/") then
      problems[#problems + 1] = path .. " is in no list of sources"
    end
  end
  return problems
end)

gate("examples have at most 100 lines", function()
  local problems = {}
  for _, path in ipairs(M.files({ "examples" }, "%.lua$")) do
    local _, lines = read(path):gsub("\n", "")
    if lines > 100 then problems[#problems + 1] = ("%s: %d lines"):format(path, lines) end
  end
  return problems
end)

return M
