-- Runs every test and gate against the build in WEFT_BUILD, and ends with one line,
-- "N passed, N failed". `--hostile` adds what is slow: specs under sanitizers, asserts and
-- `-joff`, and valgrind on the C tests. Started from the top folder by `make test`.

local structure = dofile("tests/structure.lua")

local build = os.getenv("WEFT_BUILD") or "build/release"
local hostile = arg[1] == "--hostile"
local passed, failed, skipped = 0, 0, 0

-- Start a command; its standard error joins its output, and its status is the last line.
local function start(command)
  return assert(io.popen(("{ %s; } 2>&1; echo \"status $?\""):format(command)))
end

-- The C tests print "ok name", "not ok name" or "skip name", each after what it has to say.
local function count_c(line)
  if line:find("^ok ") then return "pass" end
  if line:find("^not ok ") then return "fail" end
  if line:find("^skip ") then return "skip" end
  if line:find("^%d+ passed, %d+ failed$") then return "end" end
  return nil
end

-- busted -o TAP: "ok 3 - name", "not ok 3 - name" followed by the message, then "1..N".
local function count_tap(line)
  if line:find("^ok %d+ %- # SKIP") then return "skip" end
  if line:find("^ok %d+") then return "pass" end
  if line:find("^not ok %d+") then return "fail" end
  if line:find("^1%.%.%d+$") then return "end" end
  return nil
end

-- A command that counts as one test: it passes when its status is 0.
local function count_nothing()
  return nil
end

-- Read a job to its end. Lines about passed tests are not shown. A job that dies before its
-- summary, or fails without naming a test, counts as one failure.
local function finish(job)
  local counts = { pass = 0, fail = 0, skip = 0 }
  local status, ended
  local held = {}
  for line in job.pipe:lines() do
    local what = job.count(line)
    status = line:match("^status (%d+)$") or status
    if what == "end" then
      ended = true
    elseif what then
      counts[what] = counts[what] + 1
    end
    if what ~= "pass" and what ~= "end" and not line:find("^status %d+$") then
      held[#held + 1] = line
    elseif what == "pass" and #held > 0 and counts.fail == 0 then
      held = {}
    end
  end
  job.pipe:close()
  local whole = job.count == count_nothing
  if whole and status == "0" then counts.pass = 1 end
  if counts.fail == 0 and (status ~= "0" or not (ended or whole)) then counts.fail = 1 end
  if counts.fail > 0 then io.write(table.concat(held, "\n"), "\n") end
  print(("%-26s %5d passed %3d failed %3d skipped"):format(job.name, counts.pass, counts.fail,
    counts.skip))
  passed, failed, skipped = passed + counts.pass, failed + counts.fail, skipped + counts.skip
end

-- Jobs run two at a time, and report in the order given. Neighbours run together: what shares
-- files, such as one set of specs on two machines, must not stand side by side.
local function run(jobs)
  local next_job = 1
  for i = 1, #jobs do
    while next_job <= #jobs and next_job <= i + 1 do
      jobs[next_job].pipe = start(jobs[next_job].command)
      next_job = next_job + 1
    end
    finish(jobs[i])
  end
end

local jobs = {}
local function add(name, count, command, ...)
  jobs[#jobs + 1] = { name = name, count = count, command = command:format(...) }
end

local function add_specs(name, config, vm, prefix)
  add("specs " .. name, count_tap, "WEFT_BUILD=build/%s %s %s /usr/bin/busted -o TAP", config,
    prefix or "", vm)
end

local config = build:match("[^/]+$")
add_specs("lua5.4", config, "lua5.4")
add("C tests, " .. config, count_c, "%s/tests/ctest", build)
add_specs("luajit", config, "luajit")
add("C tests, asan", count_c, "build/asan/tests/ctest")
add_specs("luajit -joff", config, "luajit -joff")
add("C tests, check", count_c, "build/check/tests/ctest")
if hostile then
  -- Lua itself is not built with the sanitizer, so the runtime must come first. Leaks are
  -- valgrind's matter: the sanitizer would count Lua's own at a spec's os.exit. What asks for more
  -- memory than there is gets none, as it does elsewhere.
  local asan = "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1"
    .. " LD_PRELOAD=$(gcc -print-file-name=libasan.so)"
  local valgrind = "valgrind -q --error-exitcode=9 --leak-check=full"
  add_specs("lua5.4, check", "check", "lua5.4")
  add("valgrind, C tests", count_c, "%s %s/tests/ctest", valgrind, build)
  add_specs("lua5.4, asan", "asan", "lua5.4", asan)
  add("random scenes, asan", count_c, "WEFT_FUZZ_COUNT=10000 build/asan/tests/ctest random_scenes")
  add_specs("luajit, asan", "asan", "luajit", asan)
end
add("luacheck", count_nothing, "luacheck -q --no-color %s",
  table.concat(structure.present({ "stdlib", "viz", "lua", "bindings", "scenarios", "tests",
    "examples" }), " "))
add("golden, lua5.4", count_c, "%s/weft tests/golden/golden.lua", build)
add("golden, luajit", count_c, "%s/weftjit tests/golden/golden.lua", build)
add("guide pages", count_c, "lua5.4 tests/docs.lua %s/weft", build)
add("header in ffi.cdef", count_nothing, "luajit tests/cdef.lua")
run(jobs)

for _, gate in ipairs(structure.gates) do
  local problems = gate.check()
  for _, problem in ipairs(problems) do print("  " .. problem) end
  if #problems > 0 then print("not ok " .. gate.name) end
  passed = passed + (#problems == 0 and 1 or 0)
  failed = failed + (#problems > 0 and 1 or 0)
end

if skipped > 0 then print(skipped .. " skipped, with their reasons in the output of each suite") end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
