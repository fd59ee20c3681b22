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
    assert.matches("^fast_forward skipped nothing: every ACK is recorded %d+ x$", said[1])
    for _ = 1, 2 do
      sim = star { fast_forward = true, memoize = true }
      sim:add_flow { src = 0, dst = 1, size = "1kB" }
      sim:run()
    end
    assert.equal("fast_forward and memoize skipped nothing: no rates were steady, no transient "
      .. "came again", said[2])
    assert.is_nil(said[3])
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
