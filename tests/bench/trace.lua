-- A trace of a million short flows, streamed from a file: peak memory of the whole process, without
-- and with the job's summary and its flows as CSV, and processor time per flow. Prints "name value
-- unit" rows; run by build/weft and build/weftjit.

local weft = require "weft"

local FLOWS, HOSTS = 1000000, 128
local GAP_PS = 3000 -- on average: 1.5 kB each is 4 Tbit/s, a third of what the hosts can send

local path = os.tmpname() .. ".csv"
local random = weft.random.stream(1, "trace")
local file = assert(io.open(path, "w"))
file:write("src,dst,size_bytes,start_ps\n")
local time = 0
for _ = 1, FLOWS do
  time = time + math.floor(random:exponential(GAP_PS))
  local src = random:integer(HOSTS) - 1
  file:write(("%d,%d,%d,%.0f\n"):format(src, (src + random:integer(HOSTS - 1)) % HOSTS,
    random:integer(3000), time))
end
file:close()

local function peak_mib()
  for line in io.lines("/proc/self/status") do
    local kb = line:match("^VmHWM:%s*(%d+)")
    if kb then return tonumber(kb) / 1024 end
  end
  return 0
end

local begin = os.clock()
local sim = weft.simulation { topology = weft.topology.fat_tree { k = 8 }, cc = "dctcp" }
local job = sim:add_job(weft.workload.flows { file = path })
sim:run()
local took = os.clock() - begin
os.remove(path)
assert(sim:stats().flows_done == FLOWS, "not all flows are complete")

local vm = jit and "luajit" or "lua5.4"
print(("peak_mib/trace_1M/%s %.4g MiB"):format(vm, peak_mib()))
print(("flow_us/trace_1M/%s %.4g us"):format(vm, took * 1e6 / FLOWS))
assert(job:summary():find("1000000 of 1000000", 1, true))
sim:flows():write_csv(path)
os.remove(path)
print(("peak_mib/trace_1M/%s/results %.4g MiB"):format(vm, peak_mib()))
