-- Gates on the shape of the source: what each layer may not name, and how files are written.
-- Each gate has a name, which states the fact, and check() -> list of problems.

local M = { gates = {} }

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

-- Those of the folders that exist.
function M.present(folders)
  local found = {}
  for _, folder in ipairs(folders) do
    if os.rename(folder, folder) then found[#found + 1] = folder end
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

gate("the core has no mutable globals beside the allocator", function()
  return judge_lines(M.files({ "core" }, "%.c$"), function(line)
    local mutable = line:match("^static [%w_ ]+[ *][%w_%[%]]+ =") or line:match("^static [%w_ ]+;")
    if not mutable or mutable:find("const") or line:find("%(") then return nil end
    if line:find("allocator") then return nil end
    return "mutable file-scope variable: " .. line
  end)
end)

gate("bindings reach only the public header", function()
  return judge_lines(M.files({ "bindings" }, "%.[ch]$"), forbid(INCLUDE,
    { "_i%.h$", "^base/", "^fabric/", "^engine/", "^transport/", "^work/", "^cc/" },
    "is internal to the core"))
end)

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

gate("files have at most 800 lines", function()
  local problems = {}
  for _, path in ipairs(M.files(CODE, "%.[chl][ua]*$")) do
    local _, lines = read(path):gsub("\n", "")
    if lines > 800 then problems[#problems + 1] = ("%s: %d lines"):format(path, lines) end
  end
  return problems
end)

gate("C functions have at most 80 lines", function()
  local problems = {}
  for _, path in ipairs(M.files(CODE, "%.c$")) do
    local number, start = 0, nil
    for line in (read(path) .. "\n"):gmatch("(.-)\n") do
      number = number + 1
      if line:find("^[%w].*%) {$") or (line == "{") then start = number end
      if line == "}" and start then
        if number - start > 80 then
          problems[#problems + 1] = ("%s:%d: %d lines"):format(path, start, number - start)
        end
        start = nil
      end
    end
  end
  return problems
end)

gate("every public function has an entry in the API manifest", function()
  local text = {}
  for _, path in ipairs(M.files({ "bindings/api" }, "%.lua$")) do text[#text + 1] = read(path) end
  text = table.concat(text, "\n")
  -- Errors are raised in Lua, its memory is its own, and options() has the defaults.
  local c_only = { weft_sim_error = true, weft_error_name = true, weft_error_text = true,
    weft_config_default = true }
  local problems = {}
  for line in read("core/weft.h"):gmatch("[^\n]+") do
    local name = line:match("^[%w_ ]+[ *](weft_[%w_]+)%(")
    if name and not c_only[name] and not text:find("\"" .. name .. "\"", 1, true) then
      problems[#problems + 1] = name .. " is missing from bindings/api"
    end
  end
  return problems
end)

gate("the Makefile lists every C source", function()
  local makefile = read("Makefile"):gsub("\\\n", " ")
  local listed = {}
  for line in makefile:gmatch("[^\n]+") do
    local names = line:match("^%u+_SOURCES%s*:=%s*(.*)$")
    local prefix = names and names:match("^%$%(addprefix ([^,]+),") or ""
    for name in (names or ""):gmatch("[%w_/]+%.c") do listed[prefix .. name] = true end
  end
  local problems = {}
  for _, path in ipairs(M.files(CODE, "%.c$")) do
    if not listed[path] then problems[#problems + 1] = path .. " is in no list of sources" end
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

gate("the top level holds what it should and nothing else", function()
  local allowed = {}
  for word in ([[Makefile core lua bindings stdlib scenarios viz tests examples README.md docs
      LICENSE CHANGELOG.md build results .ci .git .clang-format .luacheckrc .busted .gitignore
      .editorconfig .gitattributes]]):gmatch("%S+") do
    allowed[word] = true
  end
  local problems = {}
  local pipe = assert(io.popen("ls -A"))
  for name in pipe:lines() do
    if not allowed[name] then problems[#problems + 1] = "unexpected: " .. name end
  end
  pipe:close()
  return problems
end)

return M
