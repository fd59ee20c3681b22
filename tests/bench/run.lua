-- Runs the benchmarks and records their rows in tests/bench/<machine>.csv, so that a change of
-- speed can be found (compare.lua). `make bench` starts it from the top folder; with arguments,
-- only rows of the engine whose names contain one of them are run.

local recording = dofile("tests/bench/recording.lua")

local build = os.getenv("WEFT_BUILD") or "build/release"
local path = recording.file()
local version = recording.first_line("git describe --always --dirty") or "unversioned"
local when = os.date("!%Y-%m-%dT%H:%MZ")

local exists = io.open(path)
if exists then exists:close() end
local out = assert(io.open(path, "a"))
if not exists then out:write(recording.HEADER, "\n") end

-- Rows of a benchmark, shown and recorded; whether it ended well.
local function record(command)
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do
    print(line)
    io.stdout:flush()
    local name, value, unit = line:match("^(%S+)%s+(%S+)%s+(%S+)$")
    if name then out:write(table.concat({ when, version, name, value, unit }, ","), "\n") end
  end
  return pipe:close()
end

local ok = record(build .. "/tests/cbench " .. table.concat(arg, " "))
if #arg == 0 then
  for _, program in ipairs({ "weft", "weftjit" }) do
    for _, script in ipairs({ "script", "trace" }) do
      ok = record(("%s/%s tests/bench/%s.lua"):format(build, program, script)) and ok
    end
  end
end
out:close()
if not ok then os.exit(1) end
