-- Runs the benchmarks and records their rows in tests/bench/<machine>.csv, one line a row and run,
-- so that a change of speed can be found. `make bench` starts it from the top folder.

local build = os.getenv("WEFT_BUILD") or "build/release"

local function first_line(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local line = pipe:read("*l")
  pipe:close()
  return line and line ~= "" and line or nil
end

-- "amd-epyc-7763-64-core-processor-2": the processor's name and how many we have.
local function machine()
  local model = first_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo") or "unknown"
  local name = model:lower():gsub("%b()", ""):gsub("@.*", ""):gsub("[^%w]+", "-"):gsub("%-$", "")
  return name .. "-" .. (first_line("nproc") or "1")
end

local path = "tests/bench/" .. machine() .. ".csv"
local version = first_line("git describe --always --dirty") or "unversioned"
local when = os.date("!%Y-%m-%dT%H:%MZ")

local exists = io.open(path)
if exists then exists:close() end
local out = assert(io.open(path, "a"))
if not exists then out:write("time,version,name,value,unit\n") end

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
    ok = record(build .. "/" .. program .. " tests/bench/script.lua") and ok
  end
end
out:close()
if not ok then os.exit(1) end
