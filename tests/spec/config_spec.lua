-- Configurations of other simulators as options of weft.simulation.

local notice = require "weft.notice"
local support = require "support"
local weft = require "weft"

local folder, said, write

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  said, write = {}, notice.write
  notice.forget()
  notice.write = function(text) said[#said + 1] = text end
end)

after_each(function()
  notice.write = write
  os.execute("rm -r " .. folder)
end)

local function put(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- What an HPCC run has, with changes by key; false leaves one out.
local BASE = {
  { "PACKET_PAYLOAD_SIZE", "1000" }, { "TOPOLOGY_FILE", "star.txt" }, { "FLOW_FILE", "flow.txt" },
  { "SIMULATOR_STOP_TIME", "4.00" }, { "CC_MODE", "8" }, { "ALPHA_RESUME_INTERVAL", "1" },
  { "RATE_DECREASE_INTERVAL", "4" }, { "CLAMP_TARGET_RATE", "0" }, { "RP_TIMER", "900" },
  { "EWMA_GAIN", "0.0625" }, { "FAST_RECOVERY_TIMES", "1" }, { "RATE_AI", "50Mb/s" },
  { "RATE_HAI", "100Mb/s" }, { "MIN_RATE", "100Mb/s" }, { "DCTCP_RATE_AI", "1000Mb/s" },
  { "HAS_WIN", "1" }, { "GLOBAL_T", "1" }, { "VAR_WIN", "1" }, { "FAST_REACT", "1" },
  { "U_TARGET", "0.95" }, { "MI_THRESH", "0" }, { "INT_MULTI", "1" }, { "MULTI_RATE", "0" },
  { "KMAX_MAP", "2 25000000000 400 100000000000 1600" },
  { "KMIN_MAP", "2 25000000000 100 100000000000 400" },
  { "PMAX_MAP", "2 25000000000 0.2 100000000000 0.5" }, { "BUFFER_SIZE", "32" },
}

local function config_text(changes, more)
  local lines, left = {}, {}
  for key, value in pairs(changes or {}) do left[key] = value end
  for _, pair in ipairs(BASE) do
    local value = pair[2]
    if left[pair[1]] ~= nil then value, left[pair[1]] = left[pair[1]], nil end
    if value then lines[#lines + 1] = pair[1] .. " " .. value end
  end
  for key, value in pairs(left) do
    if value then lines[#lines + 1] = key .. " " .. value end
  end
  return table.concat(lines, "\n") .. "\n" .. (more or "")
end

local STAR = "3 1 2\n2\n0 2 100Gbps 0.001ms 0\n1 2 100Gbps 0.001ms 0\n"

local function read(changes, options, more)
  put("star.txt", STAR)
  put("flow.txt", "1\n0 1 3 100 1000000 0\n")
  return weft.config.from_file(put("config.txt", config_text(changes, more)), options)
end

local function refusal(changes, options, more)
  local text = support.error_of(read, changes, options, more)
  return (text:gsub("^.*config%.txt", "config.txt"))
end

describe("config.from_file, options", function()
  it("names the congestion control and takes its parameters only", function()
    local dctcp = read().options
    assert.same({ "dctcp", 0.0625, 1e9 }, { dctcp.cc, dctcp.dctcp_g, dctcp.dctcp_ai })
    assert.is_nil(dctcp.hpcc_eta)
    local hpcc = read({ CC_MODE = "3" }).options
    assert.same({ "hpcc", 0.95, 0, true, 50e6, false }, { hpcc.cc, hpcc.hpcc_eta,
      hpcc.hpcc_max_stage, hpcc.hpcc_fast_react, hpcc.hpcc_ai, hpcc.hpcc_multi_rate })
    local timely = read({ CC_MODE = "7" }).options
    assert.same({ "timely", 50e6, 100e6 }, { timely.cc, timely.timely_ai, timely.timely_hai })
    assert.equal("window", read({ CC_MODE = "0" }).options.cc)
  end)

  it("reads intervals in us, rates in text, the buffer in MiB and thresholds in KB", function()
    local o = read({ CC_MODE = "1", RP_TIMER = "1.5", EWMA_GAIN = "0.00390625" }).options
    assert.same({ "dcqcn", "1500000ps", "1000000ps", "4000000ps" },
      { o.cc, o.dcqcn_increase, o.dcqcn_alpha, o.dcqcn_decrease })
    assert.same({ 1, false, 50e6, 100e6 }, { o.dcqcn_recovery_steps, o.dcqcn_clamp, o.dcqcn_ai,
      o.dcqcn_hai })
    assert.same({ 32 * 2 ^ 20, 1000, 100e6, true }, { o.buffer, o.mtu, o.min_rate, o.pfc })
    assert.same({
      { rate = 25e9, kmin = 100000, kmax = 400000, pmax = 0.2 },
      { rate = 100e9, kmin = 400000, kmax = 1600000, pmax = 0.5 },
    }, o.ecn_by_rate)
  end)

  it("tells the three kinds of window apart", function()
    assert.equal("rate", read().options.window_mode)
    assert.equal("fixed", read({ VAR_WIN = "0" }).options.window_mode)
    assert.equal("none", read({ HAS_WIN = "0" }).options.window_mode)
  end)

  it("are all known to weft.simulation", function()
    for _, mode in ipairs { "0", "1", "3", "7", "8", "12" } do
      for _, compat in ipairs { false, true } do
        local config = read({ CC_MODE = mode }, { compat = compat })
        local options = { topology = config:topology() }
        for name, value in pairs(config.options) do options[name] = value end
        weft.simulation(options)
      end
    end
    assert.same({}, said)
  end)

  it("mark nothing with ENABLE_QCN 0", function()
    assert.same({}, read({ ENABLE_QCN = "0" }).options.ecn_by_rate)
  end)

  it("leave to weft, and say so, what is not there and has no default that works", function()
    local o = read({ EWMA_GAIN = false, KMIN_MAP = false, KMAX_MAP = false,
      PMAX_MAP = false }).options
    assert.is_nil(o.dctcp_g)
    assert.is_nil(o.ecn_by_rate)
    assert.equal(1, #said)
    assert.matches("config.txt: not there, so as weft has it: EWMA_GAIN, KMIN_MAP, KMAX_MAP,"
      .. " PMAX_MAP", said[1], 1, true)
  end)

  it("come from a table too", function()
    local config = weft.config.from_table({ CC_MODE = 3, RATE_AI = "50Mb/s", FAST_REACT = false,
      MIN_RATE = "1Gb/s" }, { format = "hpcc" })
    assert.same({ "hpcc", false, 1e9 }, { config.options.cc, config.options.hpcc_fast_react,
      config.options.min_rate })
  end)
end)

describe("config.from_file, what is left out", function()
  it("lists each key with its line and the reason", function()
    local by_name = {}
    for _, one in ipairs(read(nil, nil, "QLEN_MON_FILE mix/qlen.txt\n").ignored) do
      by_name[one.name] = one
    end
    assert.same({ name = "U_TARGET", value = "0.95", line = 20, kind = "unused",
      why = "CC_MODE 8 (dctcp) does not use it" }, by_name.U_TARGET)
    assert.same({ "output", 28 }, { by_name.QLEN_MON_FILE.kind, by_name.QLEN_MON_FILE.line })
    assert.same({}, said)
  end)

  it("tells unknown keys once, in one line, with their lines and the nearest name", function()
    local config = read(nil, nil, "FROBNICATE 1 2 3\nCC_MOD 3\n")
    assert.equal("dctcp", config.options.cc)
    read(nil, nil, "FROBNICATE 1 2 3\nCC_MOD 3\n")
    assert.equal(1, #said)
    assert.equal(folder .. "/config.txt: ignored: not known to that simulator (hpcc): "
      .. "FROBNICATE (line 28), CC_MOD (line 29; did you mean CC_MODE?)", said[1])
    local last = config.ignored[#config.ignored]
    assert.same({ "CC_MOD", "3", 29, "unknown" }, { last.name, last.value, last.line, last.kind })
  end)

  it("tells windows of each pair, and a key that is there twice: the last counts", function()
    local config = read({ GLOBAL_T = "0" }, nil, "CC_MODE 0\n")
    assert.equal("window", config.options.cc)
    assert.matches("CC_MODE (line 5: " .. folder .. "/config.txt:28 sets it again)", said[1], 1,
      true)
    assert.matches("GLOBAL_T (line 17: windows and HPCC's T are those of the largest round trip",
      said[1], 1, true)
  end)

  it("tells that ACKs have no queue of their own without compat", function()
    read({ ACK_HIGH_PRIO = "1" }, { compat = true })
    assert.same({}, said)
    read { ACK_HIGH_PRIO = "1" }
    assert.matches("ACKs have a queue of their own with compat only", said[1], 1, true)
  end)

  it("takes braces and '#' for comments", function()
    local o = read({ CC_MODE = "3 {1: DCQCN, 3: HPCC}", MI_THRESH = "5 # stages" }, nil,
      "# CC_MODE 8\n{ note }\n").options
    assert.same({ "hpcc", 5 }, { o.cc, o.hpcc_max_stage })
    assert.same({}, said)
  end)

  it("leaves out the keys that it is told to", function()
    local config = read({ CC_MODE = "10" }, { skip = { "CC_MODE" } })
    assert.equal("dcqcn", config.options.cc) -- that simulator's default
    assert.equal("config: option 'skip': there is no key 'CC_MOED'; did you mean 'CC_MODE'?",
      (refusal(nil, { skip = { "CC_MOED" } }):gsub("^.-:%d+: ", "")))
  end)
end)

describe("config.from_file, errors", function()
  local function refuses(changes, wanted, more)
    assert.equal(wanted, refusal(changes, nil, more))
  end

  it("names what weft does not simulate", function()
    refuses({ CC_MODE = "10" }, "config.txt:5: CC_MODE: 10 (HPCC-PINT) is not simulated, expected "
      .. "1 (DCQCN), 3 (HPCC), 7 (TIMELY), 8 (DCTCP) or 0 (none)")
    refuses({ CC_MODE = "2" }, "config.txt:5: CC_MODE: expected 1 (DCQCN), 3 (HPCC), 7 (TIMELY), "
      .. "8 (DCTCP) or 0 (none), got 2")
    refuses(nil, "config.txt:28: RATE_BOUND: senders that are not paced by their rate are not "
      .. "simulated, expected 1", "RATE_BOUND 0\n")
    refuses(nil, "config.txt:28: L2_BACK_TO_ZERO: going back to the begin of a chunk is not "
      .. "simulated, expected 0", "L2_BACK_TO_ZERO 1\n")
    refuses(nil, "config.txt:28: L2_ACK_INTERVAL: expected 1, an ACK for every packet, got 0",
      "L2_ACK_INTERVAL 0\n")
    refuses({ CC_MODE = "3" }, "config.txt:28: SAMPLE_FEEDBACK: sampled telemetry is not "
      .. "simulated, expected 0", "SAMPLE_FEEDBACK 1\n")
    refuses({ CC_MODE = "3", HAS_WIN = "0" }, "config.txt:16: HAS_WIN: HPCC (CC_MODE 3) divides by "
      .. "its window, expected 1")
    refuses(nil, "config.txt:28: LB_MODE: 9 (ConWeave) is not simulated, expected 0 (ECMP)",
      "LB_MODE 9\n")
  end)

  it("names the line and the value that does not fit", function()
    refuses({ CC_MODE = "three" },
      "config.txt:5: CC_MODE: expected a whole number, 0 to 4294967295, got 'three'")
    refuses({ VAR_WIN = "2" }, "config.txt:18: VAR_WIN: expected 0 or 1, got '2'")
    refuses({ EWMA_GAIN = "-0.1" },
      "config.txt:10: EWMA_GAIN: expected a number, 0 or more, got '-0.1'")
    refuses({ EWMA_GAIN = "1.5" }, "config.txt:10: EWMA_GAIN: dctcp_g: expected 0 to 1, got 1.5")
    refuses({ MIN_RATE = "100mb/s" }, "config.txt:14: MIN_RATE: rate '100mb/s': expected a number "
      .. "with a unit such as '100Gbps', got unit 'mb/s'; nearest is 'Mb/s'")
    refuses({ MIN_RATE = "1kb/s" },
      "config.txt:14: MIN_RATE: min_rate: expected 1 Mbit/s to 100 Tbit/s, got 1 kbit/s")
    refuses({ PACKET_PAYLOAD_SIZE = "20000" },
      "config.txt:1: PACKET_PAYLOAD_SIZE: mtu: expected 64 B to 16 KiB, got 20 kB")
    refuses({ BUFFER_SIZE = "100000" }, "config.txt:27: BUFFER_SIZE: 100000 MiB do not fit the 32 "
      .. "bits of the simulator; if yours counts KiB, say so with option buffer_unit")
  end)

  it("names what is missing or too much on a line", function()
    refuses({ CC_MODE = "" }, "config.txt:5: CC_MODE: expected a whole number, got end of line")
    refuses({ TOPOLOGY_FILE = "" },
      "config.txt:2: TOPOLOGY_FILE: expected the name of a file, got end of line")
    refuses({ RP_TIMER = "900 300" },
      "config.txt:9: RP_TIMER: expected the end of the line behind '900', got '300'")
    refuses(nil, "config.txt:28: LINK_DOWN: expected a whole number, got end of file",
      "LINK_DOWN 1 2")
  end)

  it("checks maps of thresholds", function()
    refuses({ KMAX_MAP = "2 25000000000 400" },
      "config.txt:24: KMAX_MAP: rate in bit/s: expected a whole number, 0 to 100000000000000, got "
      .. "'KMIN_MAP'")
    refuses({ KMAX_MAP = "1 25000000000 4294967295" },
      "config.txt:24: KMAX_MAP: KB: expected a whole number, 0 to 4000000, got '4294967295'")
    refuses({ KMAX_MAP = "1 25000000000 400 7" },
      "config.txt:24: KMAX_MAP: expected the end of the line behind '1 25000000000 400', got '7'")
    refuses({ KMAX_MAP = "2 25000000000 400 25000000000 500" },
      "config.txt:24: KMAX_MAP: the rate 25000000000 is there twice")
    refuses({ KMAX_MAP = "2 25000000000 99 100000000000 1600" },
      "config.txt:25: KMIN_MAP: 100 at 25 Gbit/s, above KMAX_MAP's 99")
    refuses({ KMAX_MAP = "1 40000000000 1600" },
      "config.txt:25: KMIN_MAP: expected a rate that is in KMIN_MAP, KMAX_MAP and PMAX_MAP, got "
        .. "none")
    refuses({ PMAX_MAP = "2 25000000000 0.2 100000000000 1.5" },
      "config.txt:26: PMAX_MAP: expected a probability, 0 to 1, at 100 Gbit/s, got 1.5")
  end)

  it("names a rate of the fabric that has no thresholds", function()
    put("star.txt", STAR:gsub("1 2 100Gbps", "1 2 40Gbps"))
    put("flow.txt", "1\n0 1 3 100 1000000 0\n")
    local config = weft.config.from_file(put("config.txt", config_text()))
    local text = support.error_of(config.simulation, config)
    assert.matches("simulation: option 'ecn_by_rate': no thresholds for the 40 Gbit/s of link "
      .. "h1-switch2, only for 25 Gbit/s, 100 Gbit/s", text, 1, true)
  end)

  it("is one line for a file that is no configuration", function()
    put("x.txt", "hello world\n")
    assert.equal(folder .. "/x.txt:1: expected lines of a key and its value, as 'CC_MODE 3',"
      .. " got none", support.error_of(weft.config.from_file, folder .. "/x.txt"))
    assert.matches("cannot read", support.error_of(weft.config.from_file, folder .. "/none.txt"))
  end)
end)

describe("config.from_file, files", function()
  it("finds them beside the configuration and in the folders above", function()
    os.execute("mkdir -p " .. folder .. "/mix/output/7")
    put("star.txt", STAR)
    put("mix/flow.txt", "1\n0 1 3 100 1000000 0\n")
    local config = weft.config.from_file(put("mix/output/7/config.txt",
      config_text { FLOW_FILE = "mix/flow.txt", TRACE_FILE = "gone.txt" }))
    assert.same({ topology = folder .. "/star.txt", flows = folder .. "/mix/flow.txt",
      trace = "gone.txt" }, config.files)
  end)

  it("takes others instead, or a fabric, or no flows", function()
    put("other.txt", "2\n0 1 3 100 1000 0\n1 0 3 100 1000 0\n")
    local config = read(nil, { topology = weft.topology.star { hosts = 2 },
      flows = folder .. "/other.txt" })
    local sim, job = config:simulation()
    assert.same({ 2, 2 }, { #sim.fabric:hosts(), #job:flows() })
    local _, none = read(nil, { flows = false }):simulation()
    assert.is_nil(none)
  end)

  it("says where it looked for one that is not there", function()
    local config = read { FLOW_FILE = "mix/none.txt" }
    assert.matches("FLOW_FILE 'mix/none.txt': there is no such file, neither from here nor from "
      .. "the folder of '" .. folder .. "/config.txt'; give option 'flows' (false: none)",
      support.error_of(config.simulation, config), 1, true)
    config = read { TOPOLOGY_FILE = "none.txt" }
    assert.matches("TOPOLOGY_FILE 'none.txt': there is no such file",
      support.error_of(config.topology, config), 1, true)
    config = read { TOPOLOGY_FILE = false }
    assert.matches("names no topology; give option 'topology'",
      support.error_of(config.simulation, config), 1, true)
  end)

  it("keeps what the simulator would write", function()
    assert.same({ FCT_OUTPUT_FILE = "mix/fct.txt" },
      read(nil, nil, "FCT_OUTPUT_FILE mix/fct.txt\n").outputs)
  end)

  it("prints as a whole", function()
    local text = tostring(read())
    assert.matches("config.txt: hpcc", text, 1, true)
    assert.matches("cc                   dctcp", text, 1, true)
    assert.matches("ignored line 20, U_TARGET 0.95: CC_MODE 8 (dctcp) does not use it", text, 1,
      true)
  end)
end)

-- ---- what runs --------------------------------------------------------------------------------

describe("an experiment that moved over", function()
  it("gives a lone flow its ideal time", function()
    -- 1000 packets of 1048 B, 83.84 ns each; the last one crosses a second link; 2 us of way.
    local sim = read():run()
    local flow = sim:flows():row(1)
    assert.equal(1000 * 83840 + 83840 + 2000000, flow.fct_ps)
    assert.equal(1, flow.slowdown)
  end)

  it("starts flows when the list says", function()
    put("star.txt", STAR)
    put("flow.txt", "2\n0 1 3 100 1000 2.000001\n1 0 3 100 1000 2.5\n")
    local sim, job = weft.config.from_file(put("config.txt", config_text())):run()
    assert.same({ 2000001000000, 2500000000000 }, sim:flows():column "start_ps")
    assert.is_true(job:result().complete)
  end)

  -- Five packets reach the port to h5 at once. The first goes before the others are there, the next
  -- leave 3, 2, 1 and 0 of 1048 B behind.
  local function marks_of(kb, rate)
    put("star.txt", ("7 1 6\n6\n0 6 100Gbps 1us 0\n1 6 100Gbps 1us 0\n2 6 100Gbps 1us 0\n"
      .. "3 6 100Gbps 1us 0\n4 6 100Gbps 1us 0\n5 6 %s 1us 0\n"):format(rate))
    put("flow.txt", "5\n0 5 3 100 1000 0\n1 5 3 100 1000 0\n2 5 3 100 1000 0\n3 5 3 100 1000 0\n"
      .. "4 5 3 100 1000 0\n")
    local text = config_text {
      KMIN_MAP = ("2 25000000000 %d 100000000000 %d"):format(kb[25], kb[100]),
      KMAX_MAP = ("2 25000000000 %d 100000000000 %d"):format(kb[25], kb[100]),
    }
    return weft.config.from_file(put("config.txt", text)):run():stats().ecn_marks
  end

  it("marks by the thresholds of each port's own rate", function()
    assert.equal(3, marks_of({ [25] = 50, [100] = 1 }, "100Gbps"))
    assert.equal(2, marks_of({ [25] = 50, [100] = 2 }, "100Gbps"))
    assert.equal(1, marks_of({ [25] = 50, [100] = 3 }, "100Gbps"))
    assert.equal(0, marks_of({ [25] = 50, [100] = 3 }, "25Gbps"))
    assert.equal(3, marks_of({ [25] = 1, [100] = 3 }, "25Gbps"))
  end)

  it("takes the link of LINK_DOWN down 2 s and so many us after the begin", function()
    put("star.txt", STAR)
    put("flow.txt", "2\n0 1 3 100 1000 2.0\n0 1 3 100 100000000 2.0\n")
    local config = weft.config.from_file(put("config.txt", config_text { LINK_DOWN = "10 1 2" }))
    assert.equal("2000010000000ps", config.link_down.at)
    local sim = config:simulation()
    sim:run { stop_at = "2.000009s" }
    assert.equal(1, sim.core:port_info(2).up)
    sim:run { stop_at = "2.000011s" }
    assert.equal(0, sim.core:port_info(2).up)
    assert.equal(1, sim.core:port_info(0).up)
    config = weft.config.from_file(put("config.txt", config_text { LINK_DOWN = "10 0 1" }))
    assert.matches("LINK_DOWN: there is no link between 'h0' and 'h1'",
      support.error_of(config.simulation, config), 1, true)
    config = weft.config.from_file(put("config.txt", config_text { LINK_DOWN = "10 0 7" }))
    assert.matches("unknown node 7: expected 0 to 2",
      support.error_of(config.simulation, config), 1, true)
  end)

  it("loses packets on links that have no loss of their own", function()
    put("star.txt", (STAR:gsub("1 2 100Gbps 0.001ms 0", "1 2 100Gbps 0.001ms 0.25")))
    put("flow.txt", "1\n0 1 3 100 1000 0\n")
    local path = put("config.txt", config_text { ERROR_RATE_PER_LINK = "0.01" })
    for _, compat in ipairs { false, true } do
      local net = weft.config.from_file(path, { compat = compat }):topology()
      assert.same({ 0.01, 0.25 }, { net.links[1].loss, net.links[2].loss })
    end
    local star = weft.topology.star { hosts = 2 }
    assert.matches("ERROR_RATE_PER_LINK: the fabric that was given has its own losses",
      support.error_of(weft.config.from_file, path, { topology = star }))
  end)

  it("takes other options first", function()
    local sim = read():simulation { cc = "window", mtu = 500 }
    assert.same({ "window", 500 }, { sim.core:config().cc, sim.core:config().mtu })
  end)

  it("stops when the configuration says", function()
    assert.equal("4.00s", read().stop_at)
    assert.is_nil(read({ SIMULATOR_STOP_TIME = "40000000000000.00" }).stop_at)
    assert.is_nil(read({ SIMULATOR_STOP_TIME = false }).stop_at)
  end)

  it("keeps its thresholds in fresh copies", function()
    local sim = read():simulation()
    local copy = sim:fresh()
    assert.same(sim.given.ecn_by_rate, copy.given.ecn_by_rate)
  end)
end)

-- ---- the recordings ---------------------------------------------------------------------------

local NS3 = "tests/reference/ns3-fabric/"

-- A recorded run as that simulator was given it: config.txt and a flow list.
local function recorded(wanted)
  local names, row
  for line in io.lines(NS3 .. "runs.csv") do
    local fields = {}
    for field in (line .. ","):gmatch("([^,]*),") do fields[#fields + 1] = field end
    names = names or fields
    if fields[1] == wanted then row = fields end
  end
  local lines, by_name = {}, {}
  for i, name in ipairs(names) do
    by_name[name] = row[i]
    -- From the 5th on they are keys of the configuration, up to what the run took.
    if i >= 5 and name ~= "enable_pfc" and not name:find("^ns3_") then
      lines[#lines + 1] = name:upper() .. " " .. row[i]
    end
    if name == "use_dynamic_pfc_threshold" then break end
  end
  local flows, count = {}, 0
  for line in io.lines(NS3 .. "inputs/" .. by_name.workload .. ".flows.csv") do
    local src, dst, size, start = line:match("^%d+,(%d+),(%d+),(%d+),(%d+)")
    if src then
      count = count + 1
      flows[count] = ("%s %s 3 100 %s %.0f.%09.0f"):format(src, dst, size,
        math.floor(start / 1e9), start % 1e9)
    end
  end
  put("flow.txt", count .. "\n" .. table.concat(flows, "\n") .. "\n")
  lines[#lines + 1] = "FLOW_FILE flow.txt"
  lines[#lines + 1] = ("TOPOLOGY_FILE %sinputs/%s.topo.txt\n"):format(NS3, by_name.topology)
  local times = {}
  for rows in weft.csv.rows(NS3 .. "fct/" .. wanted .. ".csv", {
    { "id", type = "integer" }, { "fct_ns", type = "integer", default = false },
  }) do times[rows.id + 1] = rows.fct_ns end
  return put("config.txt", table.concat(lines, "\n")), times
end

describe("compat = true", function()
  it("gives the recorded completion time of every flow", function()
    local flows = 0
    for _, name in ipairs { "W1-dcqcn", "W1-nocc_buf4", "W2-timely", "W6-dctcp_k30", "W6-hpcc" } do
      local path, times = recorded(name)
      local sim = weft.config.from_file(path, { compat = true }):run()
      for i, fct_ps in ipairs(sim:flows():column "fct_ps") do
        flows = flows + 1
        assert.equal(times[i], fct_ps / 1000, name .. " " .. i)
      end
    end
    assert.equal(8 + 8 + 2 + 240 + 240, flows)
  end)

  it("has window and round trip of the gray-failure study from its fabric and ns3.conf", function()
    local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 8, spines = 1 }
    local config = weft.config.from_file("tests/reference/gray-failures/ns3.conf",
      { compat = true, topology = fabric, buffer_unit = "KiB" })
    local o = config.options
    assert.equal("simai", config.format)
    assert.same({ "simai", "dctcp", 204000, "4080ns", 52, 100000 * 1024, "rate", 1 / 16, 2e9, 1e9,
      "hosts", "sender", 0, "ns3" }, { o.compat, o.cc, o.window, o.base_rtt, o.header, o.buffer,
      o.window_mode, o.dctcp_g, o.dctcp_ai, o.min_rate, o.ack_priority, o.completion, o.rto,
      o.ecmp })
    assert.same({ rate = 2400e9, kmin = 2400000, kmax = 9600000, pmax = 0.2 }, o.ecn_by_rate[15])
  end)

  it("says what it has no model of", function()
    assert.equal("config.txt:28: LINK_DOWN: links cannot fail with compat, expected 0 0 0",
      refusal(nil, { compat = true }, "LINK_DOWN 10 0 2\n"))
    put("two.txt", "5 2 4\n3 4\n0 3 100Gbps 1us 0\n1 3 100Gbps 1us 0\n2 4 100Gbps 1us 0\n"
      .. "3 4 100Gbps 1us 0\n")
    local two = { compat = true, topology = folder .. "/two.txt" }
    assert.equal("config.txt:17: GLOBAL_T: compat has one window for all pairs, whose round trips "
      .. "differ here; expected 1", refusal({ GLOBAL_T = "0" }, two))
    assert.equal("4160ns", read({ GLOBAL_T = "0" }, { compat = true }).options.base_rtt)
    assert.matches("there is no model of conweave's switches",
      support.error_of(read, { LB_MODE = "0" }, { compat = true }), 1, true)
  end)
end)

-- ---- what was made from HPCC's ----------------------------------------------------------------

describe("configurations of SimAI", function()
  local CONF = { FLOW_FILE = "/etc/flow1.txt", TOPOLOGY_FILE = false, CC_MODE = "1",
    PACKET_PAYLOAD_SIZE = "9000", EWMA_GAIN = "0.00390625", GLOBAL_T = "0",
    SIMULATOR_STOP_TIME = "40000000000000.00", RATE_MON_FILE = "/etc/rate.txt",
    KMAX_MAP = "1 400000000000 3200", KMIN_MAP = "1 400000000000 800",
    PMAX_MAP = "1 400000000000 0.2" }

  it("have no flows, no stop and one window for all", function()
    local config = read(CONF)
    assert.equal("simai", config.format)
    assert.same({ "dcqcn", 9000, 52, "rate", 32 * 2 ^ 20 }, { config.options.cc, config.options.mtu,
      config.options.header, config.options.window_mode, config.options.buffer })
    local why = {}
    for _, one in ipairs(config.ignored) do why[one.name] = one.why end
    assert.equal("SimAI takes 1, whatever it says", why.GLOBAL_T)
    assert.equal("SimAI sends what its workload says", why.FLOW_FILE)
    assert.equal("SimAI runs until its workload is done", why.SIMULATOR_STOP_TIME)
    assert.is_nil(config.stop_at)
    assert.same({}, said)
  end)

  it("run with a fabric and a workload, NVLink without thresholds", function()
    local fabric = weft.topology.rail_optimized { servers = 2, gpus_per_server = 2, spines = 1 }
    local sim, none = read(CONF, { topology = fabric }):simulation()
    assert.is_nil(none)
    -- Over NVLink: one packet of 9052 B twice at 2400 Gbit/s and 2 x 25 ns.
    sim:add_flow { src = "gpu0", dst = "gpu1", size = 9000 }
    local job = sim:add_job(weft.workload.allreduce { size = "1MiB" })
    sim:run()
    assert.is_true(job:result().complete)
  end)
end)

describe("configurations of m3's branch of HPCC's", function()
  local CONF = { FIXED_WIN = "18000", BASE_RTT = "14400", ENABLE_PFC = "0", BUFFER_SIZE = "364",
    MAX_RATE = "10000Mb/s", CC_MODE = "7", TIMELY_T_HIGH = "121182", TIMELY_T_LOW = "50897",
    TIMELY_BETA = "0.8" }

  it("give window and round trip, a buffer in KiB and a highest rate", function()
    local config = read(CONF)
    local o = config.options
    assert.equal("m3", config.format)
    assert.same({ 18000, "14400ns", false, 364 * 1024, 10e9, "50897ns", "121182ns", 1 / 4 },
      { o.window, o.base_rtt, o.pfc, o.buffer, o.max_rate, o.timely_low, o.timely_high,
        o.buffer_alpha })
  end)

  it("have no window with FIXED_WIN 0", function()
    local changes = {}
    for key, value in pairs(CONF) do changes[key] = value end
    changes.FIXED_WIN = "0"
    local o = read(changes).options
    assert.same({ "none" }, { o.window_mode, o.window })
  end)
end)

describe("a configuration of m3's branch with compat", function()
  it("gives the recorded completion times", function()
    local star = "tests/reference/ns3-star/"
    local row
    for scenario in weft.csv.rows(star .. "scenarios.csv", {
      { "scenario", type = "integer" }, { "cc" }, { "buffer_kib" }, { "init_window_bytes" },
      { "has_window" }, { "window_follows_rate" }, { "pfc" }, { "ecn_kmin_kb" }, { "ecn_kmax_kb" },
      { "ack_high_priority" }, { "dctcp_rate_ai_mbps" }, { "ewma_gain" }, { "base_rtt_ns" },
      { "min_rate_mbps" }, { "max_rate_mbps" }, { "ecn_pmax" },
    }) do
      if scenario.cc == "dctcp" then row = row or scenario end
    end
    local lines, times = {}, {}
    for flow in weft.csv.rows(star .. "flows.csv", {
      { "scenario", type = "integer" }, { "src", type = "integer" }, { "dst", type = "integer" },
      { "size_bytes", type = "integer" }, { "start_ns", type = "integer" },
      { "ns3_fct_ns", type = "integer", default = false },
    }) do
      if flow.scenario == row.scenario then
        local n = #lines + 1
        lines[n] = ("%d %d %d 3 100 %d %.0f.%09.0f"):format(n - 1, flow.src, flow.dst,
          flow.size_bytes, 1 + math.floor(flow.start_ns / 1e9), flow.start_ns % 1e9)
        times[n] = flow.ns3_fct_ns
      end
    end
    put("m3.txt", #lines .. "\n" .. table.concat(lines, "\n") .. "\n")
    local path = put("config.txt", config_text {
      FLOW_FILE = "m3.txt", TOPOLOGY_FILE = star .. "topology.txt", SIMULATOR_STOP_TIME = false,
      CC_MODE = "8", BUFFER_SIZE = row.buffer_kib, FIXED_WIN = row.init_window_bytes,
      HAS_WIN = row.has_window, VAR_WIN = row.window_follows_rate, ENABLE_PFC = row.pfc,
      KMIN_MAP = "1 10000000000 " .. row.ecn_kmin_kb, EWMA_GAIN = row.ewma_gain,
      KMAX_MAP = "1 10000000000 " .. row.ecn_kmax_kb, ACK_HIGH_PRIO = row.ack_high_priority,
      PMAX_MAP = "1 10000000000 " .. row.ecn_pmax, BASE_RTT = row.base_rtt_ns,
      DCTCP_RATE_AI = row.dctcp_rate_ai_mbps .. "Mb/s", MIN_RATE = row.min_rate_mbps .. "Mb/s",
      MAX_RATE = row.max_rate_mbps .. "Mb/s",
    })
    local sim = weft.config.from_file(path, { compat = true }):run()
    for i, fct_ps in ipairs(sim:flows():column "fct_ps") do
      assert.equal(times[i], fct_ps >= 0 and fct_ps / 1000, "flow " .. i)
    end
    assert.is_true(#times > 100)
  end)
end)

describe("configurations of conweave", function()
  it("give the seed, recovery, and a stop 10 s after the last flow", function()
    local config = read { LB_MODE = "0", ENABLE_IRN = "1", ENABLE_PFC = "0", RANDOM_SEED = "7",
      FLOWGEN_START_TIME = "2.0", FLOWGEN_STOP_TIME = "2.1", HAS_WIN = "0",
      SIMULATOR_STOP_TIME = false, LINK_DOWN = "5 0 2" }
    local o = config.options
    assert.same({ "conweave", 7, "selective", "fixed", false, "12.1s", "2000005000000ps" },
      { config.format, o.seed, o.recovery, o.window_mode, o.pfc, config.stop_at,
        config.link_down.at })
  end)
end)

describe("option ecn_by_rate", function()
  local function simulate(list)
    return weft.simulation { topology = weft.topology.star { hosts = 2 }, ecn_by_rate = list }
  end

  it("is checked", function()
    local function refuses(list, text)
      assert.matches(text, support.error_of(simulate, list), 1, true)
    end
    refuses({ { rate = "100Gbps", kmin = "2KB", kmax = "1KB" } },
      "option 'ecn_by_rate', number 1: expected kmin at most kmax = 1 kB, got 2 kB")
    refuses({ { rate = "100Gbps", kmin = 0, kmax = 1 }, { rate = 1e11, kmin = 0, kmax = 1 } },
      "option 'ecn_by_rate', number 2: 100 Gbit/s is there twice")
    refuses({ { rate = "100Gbps", kmax = 1 } }, "number 1: option 'kmin' is missing")
    refuses({ { rate = "25Gbps", kmin = 0, kmax = 1 } },
      "no thresholds for the 100 Gbit/s of link h0-switch0, only for 25 Gbit/s")
  end)
end)
