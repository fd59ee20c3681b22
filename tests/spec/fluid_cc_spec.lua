-- The fluid with the congestion control's own laws, against packets.
local effect = require "weft.effect"
local weft = require "weft"
local family = require "weft.families.m4"

local function completion_times(case, fabric, options)
  local sim = weft.simulation { topology = fabric, set = effect.only(options) }
  local count = {}
  for _, flow in ipairs(case.flows) do
    local pair = flow.src .. "," .. flow.dst
    count[pair] = (count[pair] or 0) + 1
    sim.core:flow_add {
      src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
      start_ps = flow.start_ns * 1000, sport = 9999 + count[pair], dport = 100,
    }
  end
  sim:run()
  local times, column = {}, sim.core:column("flows", "fct_ps")
  for i = 1, #case.flows do times[i] = tonumber(column[i]) end
  assert.is_true(sim.core:check())
  sim.core:close()
  return times
end

-- Mean and 90th percentile of the relative difference of completion times.
local function errors(seed, cc)
  local case = family.case(seed, { flows = 250, sizes = "synthetic", cc = cc })
  local fabric = family.fabric(case)
  local packets = completion_times(case, fabric, family.options(case, fabric))
  local options = family.options(case, fabric)
  options.engine, options.rto, options.hpcc_int_multi = "fluid-cc", nil, nil
  local fluid, differences, sum = completion_times(case, fabric, options), {}, 0
  for i, time in ipairs(packets) do
    differences[i] = math.abs(fluid[i] / time - 1)
    sum = sum + differences[i]
  end
  table.sort(differences)
  return sum / #differences, differences[math.floor(0.9 * #differences)]
end

describe("the fluid with the congestion control's own laws", function()
  for _, cc in ipairs(family.CCS) do
    it("has the completion times of packets, with " .. cc, function()
      local mean, p90 = 0, 0
      for seed = 101, 102 do
        local m, p = errors(seed, cc)
        mean, p90 = mean + m / 2, p90 + p / 2
      end
      assert.is_true(mean < 0.055, ("mean %.3f"):format(mean))
      assert.is_true(p90 < 0.15, ("p90 %.3f"):format(p90))
    end)
  end

  it("is engine = 'fluid' with dynamics = 'cc', and says what it has", function()
    local fabric = weft.topology.star { hosts = 3 }
    local sim = weft.simulation {
      topology = fabric, engine = "fluid", dynamics = "cc", cc = "dctcp",
    }
    sim:add_flow { src = 1, dst = 0, size = "1MB" }
    sim:add_flow { src = 2, dst = 0, size = "1MB" }
    sim:run()
    assert.is_true(sim:ports():column("max_queue_bytes")[2] > 0)
    assert.is_true(tonumber(sim:stats().ecn_marks) >= 0)
    assert.error_matches(function()
      weft.simulation { topology = fabric, engine = "fluid", dynamics = "cc", cc = "script" }
    end, "script")
    assert.error_matches(function()
      weft.simulation { topology = fabric, engine = "fluid", dynamics = "cc", memoize = true }
    end, "memoize")
  end)
end)
