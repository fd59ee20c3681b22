-- TCP's congestion controls from Lua: options, refusals, connections.
local weft = require "weft"
local notice = require "weft.notice"

local function star(options)
  local given = { topology = weft.topology.star { hosts = 3 } }
  for name, value in pairs(options) do given[name] = value end -- order-free: a copy
  return weft.simulation(given)
end

describe("TCP", function()
  it("delivers all, with losses and without", function()
    for _, cc in ipairs { "reno", "cubic", "bbr" } do
      for _, pfc in ipairs { true, false } do
        local sim = star { cc = cc, pfc = pfc, buffer = pfc and "32MB" or "200kB" }
        for i = 0, 1 do sim:add_flow { src = i, dst = 2, size = "5MB" } end
        assert.equal("done", sim:run())
        assert.is_true(sim.core:check())
        assert.equal(10e6, sim:stats().payload_delivered)
        assert.equal(pfc, sim:stats().retransmits == 0)
      end
    end
  end)

  it("has the recovery that suits it", function()
    local function fingerprint(cc, recovery)
      local sim = star { cc = cc, recovery = recovery, pfc = false, buffer = "100kB" }
      for i = 0, 1 do sim:add_flow { src = i, dst = 2, size = "2MB" } end
      sim:run()
      return sim:stats().fingerprint
    end
    local suits = { cubic = "sack", bbr = "sack", window = "go_back_n" }
    for cc, recovery in pairs(suits) do -- order-free
      assert.equal(fingerprint(cc, recovery), fingerprint(cc))
      assert.equal(fingerprint(cc, recovery), fingerprint(cc, "auto"))
    end
    assert.not_equal(fingerprint("cubic", "selective"), fingerprint "cubic")
  end)

  it("is refused where there is no model of it", function()
    local function refused(text, options)
      assert.error_matches(function()
        local sim = star(options)
        sim:add_flow { src = 0, dst = 2, size = 1000 }
        sim:run()
      end, text, 1, true)
    end
    refused("engine 'fluid-cc' has no cubic; expected window",
      { cc = "cubic", engine = "fluid-cc" })
    refused("has bbr; expected compat = none", { cc = "bbr", compat = "ns3" })
    refused("expected sack or auto", { cc = "bbr", recovery = "go_back_n" })
    for _, cc in ipairs { "reno", "cubic", "bbr" } do
      refused(cc .. " does not describe its state", { cc = cc, fast_forward = true })
      refused(cc .. " does not describe its state", { cc = cc, memoize = true })
    end
  end)

  it("marks count where tcp_ecn says so", function()
    local function marked(tcp_ecn)
      local sim = star { cc = "cubic", tcp_ecn = tcp_ecn, window = "4MB" }
      for i = 0, 1 do sim:add_flow { src = i, dst = 2, size = "20MB" } end
      sim:run()
      local ports = sim:ports()
      local most = 0
      for i = 1, #ports do most = math.max(most, ports:row(i).max_queue_bytes) end
      return most
    end
    assert.is_true(marked(true) < marked(false) / 2)
  end)

  it("says what has no effect with it", function()
    local said, say = {}, notice.say
    notice.say = function(...) said[#said + 1] = string.format(...) end
    star { cc = "cubic", min_rate = "1Mbps", window_mode = "fixed" }
    star { cc = "hpcc", initial_window = 4 }
    star { cc = "bbr", hystart = false, initial_window = 4 }
    notice.say = say
    local text = table.concat(said, "\n")
    assert.matches("min_rate.*window_mode.* no effect with cc = 'cubic'", text)
    assert.matches("initial_window.* no effect with cc = 'hpcc'", text)
    assert.matches("hystart.* no effect with cc = 'bbr'", text)
    assert.equal(3, #said)
  end)
end)

describe("connections", function()
  it("share the bytes of a flow", function()
    local sim = star { cc = "cubic" }
    assert.equal(0, sim:add_flow { src = 0, dst = 2, size = 1000003, connections = 4 })
    assert.equal(4, sim:add_flow { src = 1, dst = 2, size = 10 })
    local job = sim:add_job(weft.workload.flows {
      { src = 0, dst = 1, size = 11, connections = 3 }, { src = 1, dst = 0, size = 5 },
    })
    assert.equal("done", sim:run())
    local flows, sizes = sim:flows(), {}
    for i = 1, #flows do sizes[i] = flows:row(i).size_bytes end
    assert.same({ 250001, 250001, 250001, 250000, 10, 4, 4, 3, 5 }, sizes)
    assert.equal(4, #job:flows())
  end)

  it("are no more than bytes", function()
    assert.error_matches(function()
      star({ cc = "cubic" }):add_flow { src = 0, dst = 2, size = 3, connections = 4 }
    end, "add_flow: option 'connections': expected at most 3, a byte for each, got 4", 1, true)
  end)
end)
