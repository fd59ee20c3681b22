-- The engine "fluid" against all recorded max-min rates: `make validate`.
local reference = dofile("scenarios/build/flow_reference.lua")
local DIR = "tests/reference/"

local worst, flows = reference.max_min(DIR .. "flow-level/max-min")
print(("max-min: %d flows, at most %.2f of 2 ps or 1e-9"):format(flows, worst))
assert(worst <= 1, "not within 2 ps or 1e-9")

local off_ns, count = reference.flowsim(DIR .. "ns3-line", DIR .. "flow-level/ns3-line-flowsim.csv")
print(("flowSim: %d flows, off by at most %.4f ns"):format(count, off_ns))
assert(off_ns <= 1, "not within 1 ns")
