-- m4's gray-failure study: SimAI's AllReduce, its ns-3 model, and the sweep over fabrics.

local helper = require "helper"
local support = require "support"
local weft = require "weft"

local program = require "program"

local gray = dofile("scenarios/build/gray_failures.lua")
local simai = require "weft.workload.simai"

local DATA = "tests/reference/gray-failures"
local SCRIPT = "scenarios/gray_failures.lua"

local function rail(servers, per_server)
  return weft.topology.rail_optimized { servers = servers, gpus_per_server = per_server }
end

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("SimAI's AllReduce", function()
  it("has a ring for each rank of a server, which changes rails between servers", function()
    local rings = simai.rings(rail(2, 4), { 0, 1, 2, 3, 4, 5, 6, 7 })
    assert.same({
      { 0, 1, 2, 3, 4, 5, 6, 7 }, { 1, 2, 3, 0, 5, 6, 7, 4 },
      { 2, 3, 0, 1, 6, 7, 4, 5 }, { 3, 0, 1, 2, 7, 4, 5, 6 },
    }, rings)
  end)

  it("leaves every rank with the sum of all", function()
    -- Which ranks are in the piece that a rank holds, as the messages of the rings add or copy it.
    for _, order in ipairs(simai.rings(rail(2, 4), { 0, 1, 2, 3, 4, 5, 6, 7 })) do
      local n, held = #order, {}
      for i = 1, n do
        held[i] = {}
        for piece = 0, n - 1 do held[i][piece] = 2 ^ order[i] end
      end
      for step = 0, 2 * (n - 1) - 1 do
        local moved = {}
        for i = 1, n do moved[i] = held[i][(i - 1 - step) % n] end
        for i = 1, n do
          local to, piece = i % n + 1, (i - 1 - step) % n
          held[to][piece] = step < n - 1 and held[to][piece] + moved[i] or moved[i]
        end
      end
      for i = 1, n do
        for piece = 0, n - 1 do assert.equal(2 ^ n - 1, held[i][piece]) end
      end
    end
  end)

  it("takes a decision, the latency and a flow for each step on an empty fabric", function()
    local sim = weft.simulation { topology = rail(2, 1), cc = "window", completion = "sender" }
    local job = sim:add_job(weft.workload.simai {
      layers = { { compute = "1us", allreduce = "64KiB" } }, latency = "3us",
    })
    sim:run()
    local flows, result = sim:flows(), job:result()
    assert.equal(4, #flows)
    assert.equal(32768, flows:row(1).size_bytes)
    assert.equal(1000000 + 10000 + 3000000, flows:row(1).start_ps)
    assert.equal(2 * (10000 + 3000000 + flows:row(1).fct_ps), result.layers[1].time_ps)
    assert.equal(1000000 + result.layers[1].time_ps, result.time_ps)
    assert.is_true(result.complete)
    assert.equal(4 * 32768, sim:stats().payload_delivered)
  end)

  it("lets groups go through the layers on their own", function()
    local sim = weft.simulation { topology = rail(2, 2), cc = "window" }
    local job = sim:add_job(weft.workload.simai {
      group = 2, layers = { { allreduce = "64KiB" }, { compute = "5us", allreduce = 4096 } },
    })
    sim:run()
    -- Two groups, two rings, two ranks, two steps, two layers.
    assert.equal(32, #sim:flows())
    assert.truthy(job:summary():find("2 groups of 2, rank 0: allreduce of 64 KiB: ", 1, true))
  end)

  it("refuses what has no lowering", function()
    local sim = weft.simulation { topology = rail(2, 4), cc = "window" }
    local function add(options)
      return function() sim:add_job(weft.workload.simai(options)) end
    end
    fails("expected a divisor of the 8 hosts", add { group = 3, layers = { { allreduce = 1024 } } })
    fails("at least a byte for each of 8 ranks and 4 rings, got 31 B",
      add { layers = { { allreduce = 31 } } })
    fails("expected a list, got an empty one", add { layers = {} })
    fails("option 'allreduce' is missing", add { layers = { { compute = "1us" } } })
    local star = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "window" }
    fails("hosts that are grouped into servers", function()
      star:add_job(weft.workload.simai { layers = { { allreduce = 1024 } } })
    end)
  end)
end)

describe("compat simai", function()
  it("divides integers where compat ns3 cuts a double", function()
    local function fct_ns(compat)
      local sim = weft.simulation {
        topology = weft.topology.star { hosts = 2, rate = "240Gbps", delay = "100ns" },
        cc = "window", compat = compat, header = 52, rto = 0,
      }
      sim:add_flow { src = "h0", dst = "h1", size = 8 }
      sim:run()
      return sim:flows():row(1).fct_ps / 1000
    end
    assert.equal(2 * 100 + 2 * 2, fct_ns "simai")
    assert.equal(2 * 100 + 2 * 1, fct_ns "ns3")
  end)

  it("never marks in NVLink switches", function()
    local function marks(compat)
      local sim = weft.simulation {
        topology = rail(1, 4), cc = "dctcp", compat = compat, rto = 0, ecn_kmin = "2KiB",
        ecn_kmax = "4KiB",
      }
      for i = 1, 3 do sim:add_flow { src = i, dst = 0, size = "100KiB" } end
      sim:run()
      return sim:stats().ecn_marks
    end
    assert.equal(0, marks "simai")
    assert.is_true(marks "ns3" > 0)
  end)

  it("takes the seed for ns-3's run number", function()
    local function print_of(seed)
      local sim = weft.simulation {
        topology = weft.topology.star { hosts = 5 }, cc = "dctcp", compat = "simai", seed = seed,
        rto = 0, ecn_kmin = "1KiB", ecn_kmax = "1MiB", ecn_pmax = 0.5,
      }
      for i = 1, 4 do sim:add_flow { src = i, dst = 0, size = "100KiB" } end
      sim:run()
      return sim:stats().fingerprint
    end
    assert.equal(print_of(1), print_of())
    assert.not_equal(print_of(1), print_of(2))
    assert.not_equal(print_of(2), print_of(2 ^ 40))
  end)
end)

describe("gray failures", function()
  it("have the fabrics of the study by rule", function()
    local format = require "weft.formats.simai"
    for _, scenario in ipairs(gray.scenarios(DATA)) do
      if scenario.file then
        local from_file, by_rule = support.file "", support.file ""
        format.write_topology(from_file, gray.fabric_of(scenario))
        format.write_topology(by_rule, gray.fabric(gray.degraded(scenario.degraded),
          scenario.factor))
        assert.equal(support.content(from_file), support.content(by_rule))
        os.remove(from_file)
        os.remove(by_rule)
      end
    end
    assert.same({ 0, 1, 8 }, gray.degraded(3))
    assert.same({ 0, 1, 2, 3, 4, 5, 6, 7, 16 }, gray.degraded(9))
  end)

  it("give ns-3's time where its random numbers have no share", function()
    local sweep = dofile("scenarios/build/gray_sweep.lua")
    local ns3 = sweep.recorded(DATA .. "/completion_times.csv").ns3
    local scenario = gray.scenario(16, 10)
    local sim, job = gray.build(scenario, { seed = 1, sizes = { gray.SIZES[1] } })
    sim:run()
    local time_us = job:result().layers[1].time_ps / 1e6
    assert.near(ns3[scenario.name].allreduce_16mib_us, time_us, 1)
    assert.same({ 0, 0 }, { sim:stats().packets_dropped, sim:stats().pfc_pauses })
  end)

  it("are swept by processes that go on where they were", function()
    local folder = os.tmpname()
    os.remove(folder)
    local function run(more)
      return program.run(("%s --shrink 4096 --degraded 9 --factor 7 --format csv --out %s %s")
        :format(SCRIPT, folder, more or ""))
    end
    local output, errors, status = run("--jobs 2")
    assert.equal(0, status, errors)
    assert.truthy(output:find("^degraded_gpus,reduction_factor,backend,allreduce_16mib_us,"
      .. "allreduce_256mib_us,total_us\n9,7,weft_packet,%d+%.?%d*,%d+%.?%d*,%d+%.?%d*\n$"), output)
    assert.truthy(errors:find("1 of 1: n09_r07", 1, true), errors)
    local again, quiet = run()
    assert.equal(output, again)
    assert.is_nil(quiet:find("n09_r07", 1, true))
    local _, refused, mistake = run("--seed 7")
    assert.equal(2, mistake)
    assert.truthy(refused:find("results of other parameters", 1, true), refused)
    os.execute("rm -r " .. folder)
  end)

  it("are drawn", function()
    local sweep = dofile("scenarios/build/gray_sweep.lua")
    local recorded = sweep.recorded(DATA .. "/completion_times.csv")
    local rows, drawn = {}, {}
    for _, row in weft.util.sorted_pairs(recorded.m4) do rows[#rows + 1] = row end
    local names = dofile("scenarios/build/gray_plot.lua")(function(name)
      drawn[#drawn + 1] = os.tmpname()
      return drawn[#drawn] .. "." .. name:match("%a+$")
    end, { rows = rows, recorded = recorded, backend = "weft_packet", sweep = sweep, gray = gray })
    assert.equal("completion.png maps.png fabric.png errors.png", names)
    for _, path in ipairs(drawn) do
      assert.truthy(support.content(path .. ".png"):find("^\137PNG"))
      os.remove(path)
      os.remove(path .. ".png")
    end
    assert.same({ 34, 10.6 }, { #rows, math.floor(
      sweep.summary("m4", recorded.m4, recorded.ns3).total_us * 10 + 0.5) / 10 })
  end)

  it("say what is wrong before they start", function()
    local function complaint(arguments)
      local _, errors, status = program.run(("%s --out %s/none %s"):format(SCRIPT, helper.build,
        arguments))
      assert.equal(2, status)
      assert.equal(1, select(2, errors:gsub("\n", "")), errors)
      return errors
    end
    assert.truthy(complaint("--engine lerned"):find("learned", 1, true))
    assert.truthy(complaint("--data nowhere"):find("completion_times.csv in 'nowhere'", 1, true))
    assert.truthy(complaint("--recorded"):find("no such scenario; say where with --data", 1, true))
  end)
end)
