-- What has no effect is said, once; what has some is not.
local notice = require "weft.notice"
local program = require "program"
local support = require "support"
local util = require "weft.util"
local weft = require "weft"

local said, write

before_each(function()
  said, write = {}, notice.write
  notice.forget()
  notice.write = function(text) said[#said + 1] = text end
end)

after_each(function() notice.write = write end)

local function star(options)
  options.topology = weft.topology.star { hosts = 4 }
  return weft.simulation(options)
end

describe("an option without effect", function()
  local here = "^tests/spec/effect_spec.lua:%d+: simulation: "

  local function says(options, text)
    star(options)
    assert.equal(1, #said, text)
    assert.matches(here .. text .. "$", said[1])
  end

  it("is one of another congestion control", function()
    says({ cc = "dctcp", hpcc_eta = 0.9 }, "option 'hpcc_eta' has no effect with cc = 'dctcp'")
  end)

  it("is told with others for the same reason, in `set` too", function()
    says({ cc = "swift", dcqcn_g = 0.5, set = { timely_ai = "1Mbps" } },
      "options dcqcn_g, timely_ai have no effect with cc = 'swift'")
  end)

  it("is one of compat, of PFC or of acceleration, without these", function()
    says({ ack_priority = "hosts" }, "option 'ack_priority' has no effect without compat")
    said = {}
    says({ pfc = false, pfc_resume = "1kB" }, "option 'pfc_resume' has no effect with pfc = false")
    said = {}
    says({ theta = 0.1 }, "option 'theta' has no effect without fast_forward or memoize")
  end)

  it("of a congestion control in Lua is told with its name", function()
    weft.cc.define("effectless", { start = function() end })
    says({ cc = "effectless", hpcc_eta = 0.9 },
      "option 'hpcc_eta' has no effect with cc = 'effectless'")
  end)

  it("is not one that is read, nor one that has its default", function()
    star { hpcc_eta = 0.9 }
    star { cc = "dctcp", dctcp_g = 0.1, hpcc_eta = 0.95, ack_priority = "fifo" }
    star { compat = "ns3", hpcc_int_multi = 2, ack_priority = "all" }
    star { fast_forward = true, theta = 0.1, audit = 0.5 }
    star { pfc_resume = "4kB", ecn_kmin = "10kB" }
    assert.same({}, said)
  end)

  -- What a scene with contention and random marks comes to, with so many packets lost on wires.
  local function scene(options, loss)
    local net = weft.fabric.new "two_leaves"
    for i = 0, 3 do net:add_node("h" .. i, "host") end
    for i = 0, 1 do net:add_node("s" .. i, "switch") end
    for i = 0, 3 do net:add_link("h" .. i, "s" .. i % 2, "100Gbps", "1us", { loss = loss }) end
    net:add_link("s0", "s1", "100Gbps", "2us")
    local all = { topology = net }
    for name, value in pairs(options) do all[name] = value end -- order-free: a copy
    local sim = weft.simulation(all)
    for i = 0, 3 do sim:add_flow { src = i, dst = (i + 1) % 4, size = 300000 } end
    for i = 1, 3 do sim:add_flow { src = i, dst = 0, size = 100000, start = "10us" } end
    sim:run { stop_at = "50ms" }
    return sim:stats().fingerprint
  end

  local function outcome(options) return scene(options, 0) .. scene(options, 0.02) end

  it("changes nothing, and one that changes something is not told", function()
    local free = { cc = "dctcp", window_mode = "none" }
    local fixed = { cc = "dctcp", window = "100kB" }
    local ns3, open = { compat = "ns3", cc = "dctcp" }, { cc = "dctcp", pfc = false }
    for _, one in ipairs {
      { free, "base_rtt", "50us", "with cc = 'dctcp' and window_mode = 'none'" },
      { free, "window", "100kB", "with window_mode = 'none'" },
      { { cc = "window", window_mode = "none" }, "base_rtt", "50us",
        "with cc = 'window' and window_mode = 'none'" },
      { { cc = "swift", window_mode = "none" }, "base_rtt", "50us" },
      { { cc = "hpcc", window_mode = "none" }, "base_rtt", "50us" },
      { fixed, "base_rtt", "50us", "with cc = 'dctcp' beside window" },
      { { cc = "window", window = "100kB" }, "base_rtt", "50us",
        "with cc = 'window' beside window" },
      { { cc = "hpcc", window = "100kB" }, "base_rtt", "50us" },
      { { cc = "dctcp" }, "base_rtt", "50us" }, { { cc = "dctcp" }, "window", "100kB" },
      { ns3, "ack", 500, "with compat = 'ns3'" }, { { cc = "dctcp" }, "ack", 500 },
      { ns3, "recovery", "none", "with compat = 'ns3'" },
      { { cc = "dctcp" }, "recovery", "none" },
      { ns3, "rto", "20us", "with compat = 'ns3', which has no time%-outs" },
      { { cc = "dctcp" }, "rto", "20us" }, { { cc = "dctcp", recovery = "none" }, "rto", "20us" },
      { ns3, "give_up_after", "9us", "with compat = 'ns3', which has no time%-outs" },
      { ns3, "pfc_headroom", "50kB", "with compat = 'ns3'" },
      { open, "pfc_headroom", "50kB", "with pfc = false" },
      { { cc = "dctcp", ecn_pmax = 0 }, "ecn_kmin", "1kB", "with ecn_pmax = 0" },
      { { cc = "dctcp", ecn_kmin = "50kB", ecn_kmax = "50kB" }, "ecn_pmax", 0.9,
        "with ecn_kmin = ecn_kmax" },
      { { cc = "dctcp" }, "ecn_pmax", 0.9 }, { { cc = "dctcp" }, "ecn_kmin", "1kB" },
      { { cc = "dctcp", memoize = true, theta = 0 }, "steady_samples", 9,
        "with theta = 0, by which nothing is steady" },
      { { cc = "window" }, "min_rate", "100Gbps", "with cc = 'window'" },
      { { cc = "dctcp" }, "min_rate", "100Gbps" },
      { { cc = "dctcp" }, "int_header", 500, "with cc = 'dctcp'" },
      { { cc = "hpcc" }, "int_header", 500 },
    } do
      local context, name, value, reason = one[1], one[2], one[3], one[4]
      local options = { [name] = value }
      for key, given in pairs(context) do options[key] = given end -- order-free: a copy
      said = {}
      notice.forget()
      notice.write = function(text)
        if text:find("no effect", 1, true) then said[#said + 1] = text end
      end
      local before = outcome(context)
      assert.same({}, said)
      local after, what = outcome(options), ("%s beside %s"):format(name, context.cc)
      assert.equal(reason ~= nil, before == after, what)
      assert.equal(reason and 1 or 0, #said, what)
      if reason then
        assert.matches(("option '%s' has no effect %s$"):format(name, reason), said[1])
      end
    end
  end)

  it("of a workload is told where the others leave it unread", function()
    local function says_work(name, options, text)
      said = {}
      notice.forget()
      weft.workload[name](options)
      assert.same(text and 1 or 0, #said, text or said[1])
      if text then assert.matches("^tests/spec/effect_spec.lua:%d+: " .. text .. "$", said[1]) end
    end
    local function model(options)
      for name, value in pairs { layers = 4, hidden = 64, heads = 4 } do -- order-free
        options[name] = value
      end
      return options
    end
    local times = { forward = "1us", backward = "2us" }
    for _, one in ipairs {
      { { flops = 1e12, gpu = "H100" }, "option 'gpu' has no effect beside flops" },
      { { compute = times, gpu = "H100", flops = 1e12, mfu = 0.3, recompute = "selective" },
        "options flops, gpu, mfu, recompute have no effect beside compute" },
      { { gpu = "H100", mfu = 0.3, recompute = "full" } },
      { { compute = times, recompute = "full", tp = 2 } },
      { { tp_rate = "1Tbps", tp = 2 },
        "option 'tp_rate' has no effect with tp_traffic = 'simulate'" },
      { { tp_rate = "1Tbps", tp = 2, tp_traffic = "time" } },
      { { tp_algorithm = "tree", tp = 2, tp_traffic = "ignore" },
        "option 'tp_algorithm' has no effect with tp_traffic = 'ignore'" },
      { { tp_algorithm = "tree", tp_traffic = "time", dp = 2 },
        "options tp_algorithm, tp_traffic have no effect with tp = 1" },
      { { dp_algorithm = "tree", bucket = "1MB", overlap = false },
        "options bucket, dp_algorithm, overlap have no effect with dp = 1" },
      { { bucket = "1MB", overlap = false, dp = 2 },
        "option 'bucket' has no effect with overlap = false" },
      { { bucket = "1MB", dp_algorithm = "tree", dp = 2 } },
      { { embedding_traffic = "ignore", dp = 2 },
        "option 'embedding_traffic' has no effect with pp = 1" },
      { { sequence_parallel = false, tp = 2 },
        "option 'sequence_parallel' has no effect with pp = 1" },
      { { sequence_parallel = false, tp = 2, pp = 2 } },
      { { gradient_precision = "fp32" }, "option 'gradient_precision' has no effect with dp = 1" },
      { { gradient_precision = "fp32", pp = 2 } },
      { { gradient_precision = "bf16" } },
      { { order = "dp-tp-pp", tp = 2 }, "option 'order' has no effect where less than two of tp,"
        .. " dp and pp are above 1" },
      { { channels = 2 }, "option 'channels' has no effect where nothing is sent in rings" },
    } do
      says_work("gpt", model(one[1]), one[2] and "gpt: " .. one[2])
    end
    says_work("moe", model { experts = 2, dp = 2, ep_algorithm = "pairwise", capacity_factor = 2 },
      "moe: options capacity_factor, ep_algorithm have no effect with ep = 1")
    says_work("moe", model { experts = 2, dp = 2, ep = 2, ep_algorithm = "pairwise" })
    says_work("allreduce", { size = 100, per_server = 2 },
      "allreduce: option 'per_server' has no effect with algorithm = 'ring'")
    says_work("allreduce", { size = 100, per_server = 2, algorithm = "tree" })
    says_work("all_to_all", { size = 100, per_server = 2 },
      "all_to_all: option 'per_server' has no effect with algorithm = 'direct'")
    says_work("all_to_all", { size = 100, per_server = 2, algorithm = "hierarchical" })
  end)

  it("is left out of a set of parameters for several", function()
    local only = require("weft.effect").only
    assert.same({ cc = "hpcc", hpcc_eta = 0.9, mtu = 1000, ecn_kmin = 1 },
      only { cc = "hpcc", hpcc_eta = 0.9, dctcp_g = 0.1, mtu = 1000, ecn_kmin = 1 })
  end)
end)

describe("threads that were not used", function()
  local function run(options, work)
    options.topology = weft.topology.leaf_spine { leaves = 2, spines = 2, hosts_per_leaf = 4 }
    options.threads = options.threads or 2
    local sim = weft.simulation(options)
    work(sim)
    sim:run()
    return sim
  end

  local function flows(sim)
    for i = 0, 99 do sim:add_flow { src = i % 4, dst = 4, size = "1kB", start = i * 1e-3 } end
  end

  it("are told with the reason", function()
    local sim = run({}, function(sim)
      sim:add_job(weft.workload.allreduce { size = "64kB" })
    end)
    assert.same({ 1, "tasks" }, { sim.core:threads_used() })
    assert.same({ "threads = 2 had no effect: tasks, and so collectives, run on one; with "
      .. "fast_forward or memoize they need not" }, said)
    for why, options in pairs { compat = { compat = "ns3" }, selective = { recovery = "selective" },
      little = {} } do -- order-free
      said = {}
      sim = run(options, flows)
      assert.same({ 1, why }, { sim.core:threads_used() })
      assert.equal(1, #said)
    end
    said = {}
    sim = star { threads = 2 }
    for i = 0, 1 do sim:add_flow { src = i, dst = 2 + i, size = "1MB" } end
    sim:run()
    assert.same({ 1, "fabric" }, { sim.core:threads_used() })
  end)

  it("are in the report with the reason", function()
    local sim = run({}, function(sim) sim:add_job(weft.workload.allreduce { size = "64kB" }) end)
    local threads, text = sim:report().threads, tostring(sim:report())
    assert.same({ 2, 1, "tasks" }, { threads.asked, threads.used, threads.why })
    assert.matches("threads%s+1 of 2: tasks, and so collectives, run on one", text)
    assert.matches("run%s+done at", tostring(sim:report()))
    sim = run({ threads = 1 }, flows)
    assert.is_nil(sim:threads().text)
    assert.matches("threads%s+1\n", tostring(sim:report()) .. "\n")
    assert.matches("flows%s+100 of 100 done, 0 failed", tostring(sim:report()))
  end)

  it("have a text for each reason, and refusals of skips do", function()
    local core, effect = require "weft.core", require "weft.effect"
    assert.same(#core.constants.threads_why - 1, #util.sorted_keys(effect.why_threads))
    for i, why in ipairs(core.constants.threads_why) do
      assert.equal(i > 1 and "string" or "nil", type(effect.why_threads[why]), why)
    end
    for _, why in ipairs(core.constants.refusal) do
      assert.is_string(effect.refusals[why], why)
    end
  end)

  it("are told at a limit too", function()
    local sim = star { threads = 2 }
    for i = 0, 1 do sim:add_flow { src = i, dst = 2 + i, size = "1MB" } end
    for i = 1, 3 do sim:run { stop_at = i * 1e-5 } end
    assert.equal(1, #said)
    assert.matches("^threads = 2 had no effect: ", said[1])
  end)

  it("are not those that were", function()
    local sim = run({}, function(sim)
      for i = 0, 63 do sim:add_flow { src = i % 4, dst = 4 + (i * 5 + 1) % 4, size = "1MB" } end
    end)
    assert.same({ 2, "enough" }, { sim.core:threads_used() })
    run({ threads = 1 }, flows)
    assert.same({}, said)
  end)
end)

describe("a run that skips nothing", function()
  it("says why", function()
    local sim = star { fast_forward = true }
    sim:trace_acks()
    sim:add_flow { src = 0, dst = 1, size = "20MB" }
    sim:run()
    assert.equal(1, #said)
    assert.matches("^fast_forward skipped nothing: every ACK is recorded %d+ x; flows of no job: "
      .. "1 flow, none longer than 1%.%d+ ms$", said[1])
    for _ = 1, 2 do
      sim = star { fast_forward = true, memoize = true }
      sim:add_flow { src = 0, dst = 1, size = "1kB" }
      sim:run()
    end
    assert.matches("^fast_forward and memoize skipped nothing: no rates were steady, no transient "
      .. "came again; flows of no job: 1 flow, none longer than %d%.%d+ us$", said[2])
    assert.is_nil(said[3])
  end)

  it("says why for the flows of each job", function()
    local sim = star { fast_forward = true, cc = "window" }
    sim:trace_acks()
    sim:add_job(weft.workload.allreduce { size = "40kB" })
    sim:add_job(weft.workload.send { src = 0, dst = 1, size = "5kB" })
    sim:add_flow { src = 0, dst = 1, size = "1MB" }
    sim:run()
    assert.equal(1, #said)
    assert.matches("; flows of no job: 1 flow, none longer than %S+ us; job 1 %(allreduce%): "
      .. "24 flows, none longer than %S+ us; job 2 %(send%): 1 flow, none longer than %S+ us$",
      said[1])
  end)

  it("says it at a limit too, once for each simulation", function()
    local sim = star { fast_forward = true }
    sim:trace_acks()
    sim:add_flow { src = 0, dst = 1, size = "20MB" }
    for i = 1, 3 do sim:run { stop_at = i * 4e-4 } end
    assert.equal(1, #said)
    assert.matches("^fast_forward skipped nothing up to %S+ us: every ACK is recorded %d+ x; flows "
      .. "of no job: 1 flow, none longer than %S+ us$", said[1])
    sim = star { fast_forward = true, cc = "dctcp" }
    sim:trace_acks()
    for dst = 1, 2 do sim:add_flow { src = 0, dst = dst, size = "20MB" } end
    sim:run { events = 100000 }
    assert.equal(2, #said)
  end)

  it("is not one that skips, nor one without work", function()
    local sim = star { fast_forward = true }
    sim:run()
    sim:add_flow { src = 0, dst = 1, size = "20MB" }
    sim:run()
    assert.is_true(sim:acceleration().events_skipped > 0)
    assert.same({}, said)
  end)
end)

describe("arguments of a script", function()
  local function errors_of(text, arguments)
    local path = support.file(text)
    local _, errors, status = program.run(path .. " " .. (arguments or "--load 0.3"))
    os.remove(path)
    assert.equal(0, status, errors)
    return (errors:gsub(path, "SCRIPT", 1))
  end

  it("that it cannot have read are told", function()
    local text = "local weft = require 'weft'\n-- takes arg ...\nlocal options = { load = 0.3 }\n"
    assert.equal("weft: SCRIPT: arguments --load 0.3 had no effect: the script neither calls "
      .. "weft.params nor reads arg\n", errors_of(text))
    assert.equal("", errors_of(text, ""))
  end)

  it("that it may have read are not", function()
    for _, text in ipairs { "local a = { ... }", "print(#arg)", "return _G['a' .. 'rg']",
      "load('return a' .. 'rg')()", "local weft = require 'weft'\nlocal args = weft.params { "
        .. "name = 'x', { name = 'load' } }" } do
      assert.equal("", errors_of(text))
    end
  end)

  it("leave arg a plain table", function()
    local path = support.file("print(#arg, arg[1], table.concat(arg, ' '), getmetatable(arg))")
    assert.equal("2\ta\ta b\tnil\n", (program.run(path .. " a b")))
    os.remove(path)
  end)
end)
