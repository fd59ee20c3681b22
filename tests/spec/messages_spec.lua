-- What is told about input that is almost right, and what used to be taken unseen.
local fail = require "weft.fail"
local notice = require "weft.notice"
local program = require "program"
local support = require "support"
local weft = require "weft"

local function star(rate)
  return weft.topology.star { hosts = 4, rate = rate or "100Gbps" }
end

local function simulation(options)
  local given = { topology = star() }
  for name, value in pairs(options or {}) do given[name] = value end -- order-free: a copy
  return weft.simulation(given)
end

local function refuses(text, f, ...)
  local good, err = pcall(f, ...)
  assert.is_false(good, text)
  assert.is_true(fail.is(err), tostring(err))
  assert.equal(text, (err.message:gsub("^/[^ ]*/", "")))
end

-- The notices that f gives, without the place of this file.
local function said(f)
  local lines, write = {}, notice.write
  notice.forget()
  notice.write = function(text) lines[#lines + 1] = text:gsub("^tests[^ ]*:%d+: ", "") end
  local good, err = pcall(f)
  notice.write = write
  if not good then error(err, 0) end
  return lines
end

-- Files are there until the test ends.
local files = support.files()
local file = files.write
after_each(files.remove)

describe("a list of flows", function()
  local function reading(content)
    local path = file(content)
    return function()
      local sim = simulation()
      sim:add_job(weft.workload.flows { file = path })
      sim:run()
    end
  end

  it("with a size in scientific notation or a negative start says so", function()
    refuses("bytes: expected a whole number, got '1e6'", reading "1\n0 1 3 100 1e6 0\n")
    refuses("start: expected a number of seconds, 0 or more, got '-1'",
      reading "1\n0 1 3 100 1000 -1\n")
    refuses("expected 'src dst priority port bytes start_s', got 'src dst priority packets start_s "
      .. "stop_s' of an older simulator: write bytes instead of packets, and no stop",
      reading "1\n0 1 3 100 0.5 1.5\n")
  end)

  it("as CSV without commas names what separates its columns", function()
    for mark, shown in pairs { [";"] = "';'", ["\t"] = "tabs", ["|"] = "'|'" } do -- order-free
      local path = file(("src,dst,size_bytes,start_ps\n0,1,1000,0\n"):gsub(",", mark))
      refuses("expected commas between columns, got " .. shown, weft.csv.read, path, { "src" })
    end
  end)
end)

describe("numbers", function()
  it("of a microsecond may have the Greek letter", function()
    for _, text in ipairs { "1us", "1\194\181s", "1\206\188s" } do
      assert.equal(1e6, weft.units.time_ps(text))
    end
  end)

  it("on the command line may be below 0", function()
    local script = file [[
      local weft = require "weft"
      local args = weft.params { name = "p", { name = "r", type = "number", help = "r" } }
      print(args.r)]]
    assert.same({ "-2.5\n", "", 0 }, { program.run(script .. " --r -2.5") })
    assert.same({ "-0.5\n", "", 0 }, { program.run(script .. " --r=-.5") })
    local _, errors, status = program.run(script .. " --seed -1")
    assert.same({ "weft: p: option --seed: expected 0 to 9007199254740992, got -1\n", 2 },
      { errors, status })
  end)
end)

describe("a failure", function()
  it("that would make a link too slow names it, its rate and the least", function()
    refuses("degrade: factor 1e-05 of link h0-switch0: expected a rate of 2.03 Mbit/s to 100 Tbit/s"
      .. ", got 1 Mbit/s of its 100 Gbit/s",
      function() simulation():degrade("h0-switch0", { factor = 1e-5 }) end)
  end)
end)

describe("a flow in the past", function()
  it("is refused in readable times", function()
    local sim = simulation()
    sim:add_flow { src = 0, dst = 1, size = "1MB" }
    sim:run { stop_at = "20us" }
    refuses("add_flow: start: expected at least the present, 20 us, got 10 us",
      function() sim:add_flow { src = 0, dst = 1, size = 1, start = "10us" } end)
  end)
end)

describe("options that contradict one another", function()
  it("are errors", function()
    refuses("simulation: option 'timely_low': expected at most timely_high, 50 us, got 60 us",
      simulation, { cc = "timely", timely_low = "60us", timely_high = "50us" })
    refuses("simulation: option 'min_rate': expected at most max_rate, 5 Gbit/s, got 10 Gbit/s",
      simulation, { cc = "dcqcn", min_rate = "10Gbps", max_rate = "5Gbps" })
    assert.same({}, said(function()
      simulation { cc = "timely", timely_low = "50us", timely_high = "50us" }
      simulation { cc = "dcqcn", min_rate = "5Gbps", max_rate = "5Gbps" }
    end))
  end)

  it("with the fabric or without an effect are said", function()
    assert.same({ "simulation: option 'min_rate': 200 Gbit/s is more than a host has, 100 Gbit/s: "
      .. "the congestion control cannot slow its flows down" },
      said(function() simulation { cc = "dcqcn", min_rate = "200Gbps" } end))
    assert.same({ "simulation: option 'swift_fs_min_cwnd' has no effect with swift_fs_range = 0" },
      said(function() simulation { cc = "swift", swift_fs_range = 0, swift_fs_min_cwnd = 0.2 } end))
  end)

  it("in a header of AICB or SimAI are told", function()
    local path = file "HYBRID_TRANSFORMER model_parallel_NPU_group: 2 ga: 1 all_gpus: 4 ga: 4\n0\n"
    refuses("header: 'ga:' is there twice", weft.workload.aicb, { file = path })
    local servers = {}
    for _, per_server in ipairs { 1, 2 } do
      local topology = file(("3 %d 1 0 2 H100\n2\n0 2 100Gbps 0.001ms 0\n1 2 100Gbps 0.001ms 0\n")
        :format(per_server))
      for _, line in ipairs(said(function() weft.topology.from_file(topology) end)) do
        servers[#servers + 1] = line:gsub("^.*:1: ", "")
      end
    end
    assert.same({
      "gpus_per_server is 1, and an NVLink switch has 2: servers are what NVLink joins",
    }, servers)
  end)
end)

describe("--out", function()
  it("is the folder that the script asks for, with its own default", function()
    local head = 'local weft = require "weft"\nlocal args = weft.params { name = "p" }\n'
    local asking = file(head .. "print(args.out)")
    assert.same({ "", "", 0 }, { program.run(file(head)) })
    assert.same({ "x\n", "", 0 }, { program.run(asking .. " --out=x") })
    assert.same({ "results/p\n", "", 0 }, { program.run(asking) })
  end)
end)

describe("an option that every script has", function()
  it("is an error for a script that does not ask for it", function()
    local head = 'local weft = require "weft"\nlocal args = weft.params { name = "p" }\n'
    local silent = file(head)
    local asking = file(head .. "print(args.seed, args.format, args.set.rto)")
    local shown = file(head .. "print(args.out, args.quiet)")
    local recording = file(head .. "print(args:parameters().seed, args.format)")
    for name, given in pairs { -- order-free: each is a run
      seed = "--seed=3", format = "--format csv", set = "--set rto=0", out = "--out x",
      quiet = "--quiet",
    } do
      local message = "weft: p: option --NAME had no effect: the script asks for no args.NAME\n"
      assert.same({ "", (message:gsub("NAME", name)), 2 },
        { program.run(silent .. " " .. given) })
    end
    assert.same({ "x\ttrue\n", "", 0 }, { program.run(shown .. " --out x --quiet") })
    assert.same({ "results/p\tfalse\n", "", 0 }, { program.run(shown) })
    assert.same({ "3\tcsv\t0\n", "", 0 },
      { program.run(asking .. " --seed 3 --format csv --set rto=0") })
    assert.same({ "3\ttable\n", "", 0 }, { program.run(recording .. " --seed 3") })
  end)
end)

describe("a notice on a run", function()
  it("is given for each simulation, of many for the first twenty", function()
    local lines = said(function()
      for _ = 1, 30 do notice.each("things", "%d things", 7) end
    end)
    assert.equal(21, #lines)
    assert.same({ "7 things", "7 things", "things in more simulations" },
      { lines[1], lines[20], lines[21] })
  end)
end)

describe("a prompt that reads from a pipe", function()
  it("ends with 1 after an error", function()
    assert.equal(1, select(3, program.run("", 'weft.topology.star { host = 3 }\nprint "on"\n')))
    assert.equal(1, select(3, program.run("", "x = = 2\n")))
    assert.equal(0, select(3, program.run("", "print(1)\n")))
  end)
end)

describe("a file that is a symbolic link", function()
  it("stays one, and what it leads to is written", function()
    local lfs = require "lfs"
    local target = file "old"
    local link, second = target .. ".link", target .. ".second"
    files.keep(link)
    files.keep(second)
    assert(lfs.link(target:match "[^/]*$", link, true)) -- beside it
    assert(lfs.link(link, second, true))
    weft.csv.write(second, { "a" }, { { a = 1 } })
    assert.equal("link", lfs.symlinkattributes(second, "mode"))
    assert.equal("link", lfs.symlinkattributes(link, "mode"))
    assert.equal("a\n1\n", support.content(target))
  end)
end)

describe("sim:close", function()
  it("frees a simulation, which can be closed again and nothing else", function()
    local sim = simulation()
    sim:close()
    sim:close()
    assert.equal("closed simulation", tostring(sim))
    refuses("sim:run: expected an open simulation, got a closed one", function() sim:run() end)
    refuses("sim:close: expected a simulation before the arguments (a colon, as in sim:close()), "
      .. "got nothing", function() sim.close() end)
  end)
end)
