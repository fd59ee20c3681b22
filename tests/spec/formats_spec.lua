local fabric = require "weft.fabric"
local flows = require "weft.formats.flows"
local hpcc = require "weft.formats.hpcc"
local simai = require "weft.formats.simai"
local text = require "weft.formats.text"
local topology = require "weft.topology"
local support = require "support"
local weft = require "weft"

local NS3 = "tests/reference/ns3-fabric/inputs/"
local temporary

after_each(function()
  if temporary then os.remove(temporary) end
  temporary = nil
end)

-- Write with one function, read back with another.
local function round_trip(write, read, value)
  temporary = os.tmpname()
  write(temporary, value)
  return read(temporary)
end

local function read_text(read, content)
  temporary = support.file(content)
  return read(temporary)
end

local function collect(iterate)
  return function(path)
    local list = {}
    for item in iterate(path) do
      item.line = nil
      list[#list + 1] = item
    end
    return list
  end
end

local function assert_same_links(expected, got)
  assert.equal(#expected.links, #got.links)
  for i, link in ipairs(expected.links) do
    for _, key in ipairs { "id", "a", "b", "rate_bps", "delay_ps", "loss" } do
      assert.equal(link[key], got.links[i][key])
    end
  end
end

describe("text reader", function()
  it("keeps lines whole across its blocks, with and without a last newline", function()
    local long = ("x"):rep(70000)
    temporary = support.file(long .. "\n\n  b\tc \n" .. long .. "\nlast")
    local reader = text.open(temporary)
    assert.same({ long }, reader:fields())
    assert.same({ "b", "c" }, reader:fields())
    assert.equal(temporary .. ":3", reader:place())
    assert.same({ long }, reader:fields())
    assert.same({ "last" }, reader:fields())
    assert.is_nil(reader:fields())
    assert.equal(temporary .. ":6", reader:place())
    reader:close()
  end)

  it("passes over the mark that editors put in front of UTF-8", function()
    local MARK = "\239\187\191"
    local net = read_text(topology.from_file, MARK .. "2 0 1\r\n\r\n0 1 1Gbps 1us 0\r\n")
    assert.equal(1, #net.links)
    os.remove(temporary)
    assert.equal(1, #read_text(collect(hpcc.flows), MARK .. "1 \r\n0 1 3 100 5 2 \r\n"))
    os.remove(temporary)
    assert.equal(1, #read_text(collect(flows.rows),
      MARK .. "src,dst,size_bytes,start_ns\r\n0,1,5,0\r\n"))
    os.remove(temporary)
    assert.equal(2, read_text(require("weft.formats.goal").read, MARK .. "num_ranks 2 \r\n"
      .. "rank 0 {\r\nsend 5b to 1\r\n}\r\nrank 1 {\r\nrecv 5b from 0 \r\n}").count)
    os.remove(temporary)
    assert.equal(1, read_text(require("weft.formats.htsim").read,
      MARK .. "Nodes 2\r\nConnections 1\r\n0->1 start 0 size 5 \r\n").count)
    os.remove(temporary)
    assert.equal(0, #read_text(function(path)
      local reader = text.open(path)
      return { reader:fields() }
    end, MARK))
    assert.equal(":1: expected UTF-8 text, got UTF-16; save the file as UTF-8",
      support.error_in_file(topology.from_file, "\255\2542\0 \0001\0"))
  end)

  it("refuses binary data", function()
    local expected = ":2: expected a line of text, got binary data"
    assert.equal(expected, support.error_in_file(topology.from_file, "\n1 \0 2\n"))
    assert.equal(expected, support.error_in_file(topology.from_file, "\n" .. ("x"):rep(2 ^ 21)))
  end)
end)

describe("HPCC topology", function()
  it("is read back as it was written", function()
    local net = fabric.new("net")
    net:add_node("h0", "host")
    net:add_node("switch1", "switch")
    net:add_node("h2", "host")
    net:add_link(0, 1, "12.5Gbps", "1ps", 0.1)
    net:add_link(1, 2, 1500000001, "2s", 1 / 3)
    net:add_link(1, 2, "100Tbps", 0)
    local back = round_trip(hpcc.write_topology, hpcc.read_topology, net)
    assert_same_links(net, back)
    for i, node in ipairs(net.nodes) do
      assert.equal(node.name, back.nodes[i].name)
      assert.equal(node.kind, back.nodes[i].kind)
    end
  end)

  it("may hold notes behind the links, blank lines and ids on several lines", function()
    local net = read_text(hpcc.read_topology,
      "4 2 3\n1 \n3\n\n0 1 1Gbps 1us 0\r\n1 3 1Gbps 1us 0.0\n3 2 1Gbps 1us 0\n\nFirst line: nodes")
    assert.equal("4 nodes 3", ("%d nodes %d"):format(#net.nodes, #net.links))
    assert.equal("switch3", net.nodes[4].name)
  end)

  it("without switches has an empty second line", function()
    assert.equal(1, #read_text(hpcc.read_topology, "2 0 1\n\n0 1 1Gbps 1us 0\n").links)
  end)

  it("cannot hold NVLink switches", function()
    assert.matches("the format has no NVLink switches; use weft.formats.simai", support.error_of(
      hpcc.write_topology, "never-written", topology.rail_optimized { servers = 1, spines = 1 }))
    assert.is_nil(support.content("never-written"))
  end)

  it("with a fault names the line", function()
    local function at(content) return support.error_in_file(hpcc.read_topology, content) end
    assert.equal(":1: expected 'nodes switches links' (HPCC), got end of file", at "")
    assert.equal(":1: expected 'nodes switches links' (HPCC), got '2 1'", at "2 1\n")
    assert.equal(":1: nodes: expected a whole number, got 'x'", at "x 1 1\n")
    assert.equal(":1: switches: expected 0 to 2, got 3", at "2 3 1\n")
    assert.equal(":2: switch id: expected 0 to 1, got 2", at "2 1 1\n2\n")
    assert.equal(":2: switch id 1 is there twice", at "3 2 1\n1 1\n")
    assert.equal(":2: expected 1 switch ids, got 2 or more", at "3 1 1\n1 2\n")
    assert.equal(":3: expected 'node node rate delay loss', got '0 1 1Gbps'",
      at "2 1 1\n1\n0 1 1Gbps\n")
    assert.equal(":3: node of the link: expected 0 to 1, got 2",
      at "2 1 1\n1\n0 2 1Gbps 1us 0\n")
    assert.equal(":3: link from 'h0' to itself", at "2 1 1\n1\n0 0 1Gbps 1us 0\n")
    assert.equal(":1: nodes: expected at most 0, the ends of 0 links, got 4194304",
      at "4194304 0 0\n")
    assert.equal(":1: links: expected at most 2 in a file of 25 B, got 16777216",
      at "4194304 0 16777216\n0 1 1G")
    assert.matches("^:3: rate of link h0%-switch1: .* got 0 bit/s$",
      at "2 1 1\n1\n0 1 0Gbps 1us 0\n")
    assert.matches("^:3: rate '1Gbpz'.*nearest is 'Gbps'$", at "2 1 1\n1\n0 1 1Gbpz 1us 0\n")
    assert.matches("^:3: time '1usec'.*nearest is 'us'$", at "2 1 1\n1\n0 1 1Gbps 1usec 0\n")
    assert.matches("^:3: loss of link h0%-switch1: .*got 2$", at "2 1 1\n1\n0 1 1Gbps 1us 2\n")
    assert.matches("^:3: loss: .*got 'none'$", at "2 1 1\n1\n0 1 1Gbps 1us none\n")
    assert.equal(":4: expected link 2 of 2, got end of file", at "2 1 2\n1\n0 1 1Gbps 1us 0\n")
    assert.equal(":4: expected end of file after 1 links, got '1 0 1Gbps 1us 0'; lenient = true"
      .. " leaves out what is behind them", at "2 1 1\n1\n0 1 1Gbps 1us 0\n1 0 1Gbps 1us 0\n")
  end)

  it("is read as far as its count says, if told so", function()
    local function links(content)
      local net
      local said = support.notices_of_file(function(path)
        net = topology.from_file(path, { lenient = true })
      end, content)
      return #net.links, said
    end
    -- As HPCC's own topology: links behind the count, to nodes that there are not, and notes.
    local count, said = links("3 1 2\n0\n0 1 100Gbps 1us 0\n0 2 100Gbps 1us 0\n"
      .. "0 3 100Gbps 1us 0\n0 4 25Gbps 1us 0\n\nFirst line: total node #, switch node #, link #")
    assert.equal(2, count)
    assert.same({ ":5: 2 more links than the 2 that the first line says are left out" }, said)
    count, said = links("4 1 0 1 2 A100\n2\n0 2 1Gbps 1us 0\n1 2 1Gbps 1us 0\n3 2 1Gbps 1us 0\n")
    assert.equal(2, count)
    assert.same({ ":5: 1 more links than the 2 that the first line says are left out" }, said)
    count, said = links("2 0 1\n\n0 1 1Gbps 1us 0\n\nnotes\n0 1 2\n")
    assert.equal(1, count)
    assert.same({}, said)
    assert.matches("topology.from_file: unknown option 'lenint'; did you mean 'lenient'%?",
      support.error_of(topology.from_file, "x", { lenint = true }))
  end)
end)

describe("SimAI topology", function()
  it("is read back as it was written", function()
    local net = topology.rail_optimized {
      servers = 4, gpus_per_server = 4, servers_per_pod = 2, nic = "200Gbps", nvlink = "1800Gbps",
    }
    net.attributes.gpu = "H100"
    local back = round_trip(simai.write_topology, simai.read_topology, net)
    assert_same_links(net, back)
    assert.same(net.attributes, back.attributes)
    for i, node in ipairs(net.nodes) do
      assert.equal(node.name, back.nodes[i].name)
      assert.equal(node.kind, back.nodes[i].kind)
      assert.equal(node.tier, back.nodes[i].tier)
    end
  end)

  it("is told from HPCC's by its first line", function()
    assert.equal("A100", topology.from_file("scenarios/data/rail_32gpu.txt").attributes.gpu)
    assert.equal(":1: expected 'nodes switches links' (HPCC), or 'nodes gpus_per_server nvswitches "
      .. "switches links gpu' (SimAI), or 'Nodes n', 'Tiers n', 'Podsize n' (htsim), got 2 fields",
      support.error_in_file(topology.from_file, "1 2\n"))
    assert.matches("got 0 fields$", support.error_in_file(topology.from_file, ""))
  end)
end)

describe("HPCC flow list", function()
  it("is read back as it was written, to the picosecond", function()
    local list = {
      { src = 0, dst = 1, priority = 3, port = 100, size_bytes = 1, start_ps = 0 },
      { src = 1, dst = 0, priority = 1, port = 9, size_bytes = 2 ^ 40, start_ps = 2000000000001 },
      { src = 5, dst = 7, priority = 3, port = 100, size_bytes = 1000, start_ps = 123456789000 },
    }
    support.notices(function()
      assert.same(list, round_trip(hpcc.write_flows, collect(hpcc.flows), list))
    end)
  end)

  it("counts as many lines as its first line says", function()
    local function said(content) return support.notices_of_file(collect(hpcc.flows), content) end
    assert.same({ ":3: lines behind the 1 flows that the first line says are left out, as the"
      .. " simulator does" }, said "1\n0 1 3 100 5 2\n2 3 3 100 5 2.5\n9 9 1 100 5 9\n")
    assert.same({}, said "1\n0 1 3 100 5 2\n\nFirst line: flow #\nsrc dst priority port size t\n")
    assert.same({}, said "0\n\n")
  end)

  it("of conweave has no port", function()
    assert.same({
      { src = 0, dst = 1, priority = 3, size_bytes = 100000, start_ps = 2000000100000 },
      { src = 2, dst = 1, priority = 3, size_bytes = 5000, start_ps = 2000000200000 },
    }, read_text(collect(hpcc.flows), "2 \n0 1 3 100000 2.000000100\n2 1 3 5000 2.000000200\n"))
    os.remove(temporary)
    -- 100,000 bytes in 100 packets of 1,048 and 5,000 in 5, over two links of 100G and 1 us each.
    temporary = support.file("2\n0 1 3 100000 0.000000100\n2 1 3 5000 0.001\n")
    local sim = weft.simulation { topology = weft.topology.star {
      hosts = 3, rate = "100Gbps", delay = "1us" }, cc = "window" }
    sim:add_job(weft.workload.flows { file = temporary })
    sim:run()
    assert.same({ 101 * 83840 + 2000000, 6 * 83840 + 2000000 }, sim:flows():column "fct_ps")
    assert.same({ 100000, 1000000000 }, sim:flows():column "start_ps")
  end)

  it("says once that classes are not simulated, at the first flow of another group", function()
    local function said(content) return support.notices_of_file(collect(hpcc.flows), content) end
    local rest = ": classes are not simulated, all flows share one"
    assert.same({ ":4: priority group 1, flows before it have 3" .. rest },
      said "4\n0 1 3 100 5 2\n0 1 3 100 5 2\n0 1 1 100 5 2\n0 1 0 100 5 2\n")
    assert.same({ ":4: priority group 2, flows before it have 4" .. rest },
      said "2\n0 1 4 5 2\n\n0 1 2 5 2\n")
    assert.same({}, said "2\n0 1 1 100 5 2\n0 1 1 100 5 2\n")
    -- A stream opens its file more than once.
    temporary = support.file("2\n0 1 1 100 5 0\n1 0 2 100 5 0\n")
    assert.same({ temporary .. ":3: priority group 2, flows before it have 1" .. rest },
      support.notices(function()
        local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
        sim:add_job(weft.workload.flows { file = temporary })
        sim:run()
      end))
  end)

  it("may be empty", function()
    temporary = support.file("0\n")
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
    local job = sim:add_job(weft.workload.flows { file = temporary })
    sim:run()
    assert.equal("0 of 0 flows complete, 0 B in 0 s", job:summary())
  end)

  it("may have fewer flows than its first line says, if told so", function()
    temporary = support.file("10\n0 1 3 5 0\n1 0 3 5 0\n")
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
    assert.matches(":4: expected flow 3 of 10, got end of file$", support.error_of(function()
      sim:add_job(weft.workload.flows { file = temporary })
    end))
    assert.same({ temporary .. ":1: 2 flows, where the first line says 10" },
      support.notices(function()
        sim:add_job(weft.workload.flows { file = temporary, lenient = true })
      end))
    sim:run()
    assert.equal(2, #sim:flows())
    assert.matches("flows: option 'lenient' is for lists that say how many flows they have;",
      support.error_of(weft.workload.flows, { file = "x.csv", lenient = true }))
  end)

  it("with a fault names the line", function()
    local function at(content) return support.error_in_file(collect(hpcc.flows), content) end
    assert.equal(":1: expected the number of flows, got end of file", at "")
    assert.equal(":3: expected flow 2 of 2, got end of file", at "2\n0 1 3 100 5 2\n")
    assert.equal(":2: expected 'src dst priority port bytes start_s', got '0 1 3'", at "1\n0 1 3\n")
    assert.matches("^:2: bytes: expected 1 to 9007199254740992, got 0$", at "1\n0 1 3 100 0 2\n")
    assert.equal(":2: start: expected a number of seconds, got 'soon'", at "1\n0 1 3 100 5 soon\n")
    assert.equal(":3: expected 'src dst priority bytes start_s', got '0 1 3 100 5 2'",
      at "2\n0 1 3 5 2\n0 1 3 100 5 2\n")
    assert.equal(":2: expected 'src dst priority port bytes start_s', got 'src dst priority packets"
      .. " start_s stop_s' of an older simulator: write bytes instead of packets, and no stop",
      at "2\n2 1 3 10000000 2.0 9.5\n")
  end)
end)

describe("HPCC completion times", function()
  it("have addresses in hexadecimal and times in ns", function()
    temporary = os.tmpname()
    hpcc.write_fct(temporary, {
      { src = 0, dst = 8, size_bytes = 1000, start_ps = 0, fct_ps = 4999999, ideal_ps = 4000000 },
      { src = 0, dst = 8, size_bytes = 500, start_ps = 2000000, ideal_ps = 4000000 },
      { src = 0, dst = 8, size_bytes = 10, start_ps = 2000000, fct_ps = 1000, ideal_ps = 1000 },
      { src = 300, dst = 1, size_bytes = 7, start_ps = 0, fct_ps = 1000, ideal_ps = 1000 },
    })
    assert.equal("0b000001 0b000801 10000 100 1000 0 4999 4000\n"
      .. "0b000001 0b000801 10002 100 10 2000 1 1\n"
      .. "0b012c01 0b000101 10000 100 7 0 1 1\n", support.content(temporary))
  end)
end)

describe("flow CSV", function()
  it("is written as the recorded ones are", function()
    temporary = os.tmpname()
    flows.write(temporary, flows.read(NS3 .. "W5.flows.csv"))
    assert.equal(support.content(NS3 .. "W5.flows.csv"), support.content(temporary))
  end)

  it("is read back as it was written, names and fractions of ns included", function()
    local list = {
      { id = 3, src = "gpu0", dst = "gpu31", size_bytes = 2 ^ 50, start_ps = 1 },
      { id = 1, src = 4, dst = 5, size_bytes = 1, start_ps = 123456789012345 },
    }
    assert.same(list, round_trip(flows.write, collect(flows.rows), list))
  end)

  it("needs no ids, and takes an empty start for 0", function()
    assert.same({
      { id = 0, src = 1, dst = 2, size_bytes = 5, start_ps = 0 },
      { id = 1, src = 2, dst = 1, size_bytes = 6, start_ps = 1000 },
    }, read_text(collect(flows.rows), "dst,src,size_bytes,start_ns\n2,1,5,\n1,2,6,1\n"))
  end)

  it("takes starts in ps", function()
    local read = read_text(collect(flows.rows), "src,dst,size_bytes,start_ps\n0,1,5,5000000001\n")
    assert.equal(5000000001, read[1].start_ps)
  end)

  it("says once that classes are not simulated", function()
    local function said(content) return support.notices_of_file(flows.read, content) end
    assert.same({ ":4: pg '1', flows before it have '3': classes are not simulated, all flows share"
      .. " one" }, said("src,pg,dst,size_bytes,start_ns\n0,3,1,5,0\n0,3,1,5,0\n0,1,1,5,0\n"
      .. "0,2,1,5,0\n"))
    assert.same({}, said "src,priority,dst,size_bytes,start_ns\n0,3,1,5,0\n0,3,1,5,0\n")
    assert.same({}, said "src,dst,size_bytes,start_ns\n0,1,5,0\n")
  end)

  it("does not take a start that it cannot read for 0", function()
    local function at(header)
      return support.error_in_file(flows.read, "src,dst,size_bytes" .. header .. "\n")
    end
    local wanted = ":1: expected a column 'start_ns' or 'start_ps', got "
    assert.equal(wanted .. "neither", at "")
    assert.equal(wanted .. "both", at ",start_ns,start_ps")
    assert.equal(wanted .. "'start_us'", at ",start_us")
    assert.equal(wanted .. "'start'", at ",start_ns,start")
  end)

  it("is what a simulation writes", function()
    local path = support.file("")
    finally(function() os.remove(path) end)
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    sim:add_flow { src = "h0", dst = "h1", size = "1MB", start = "5ms" }
    sim:run()
    sim:flows():write_csv(path)
    local flow = flows.read(path)[1]
    assert.same({ 0, 1, 1000000, 5e9 }, { flow.src, flow.dst, flow.size_bytes, flow.start_ps })
  end)

  it("with a fault names the line", function()
    local function at(rows)
      return support.error_in_file(flows.read, "id,src,dst,size_bytes,start_ns\n" .. rows)
    end
    assert.equal(":4: id 1 is there twice", at "1,0,1,5,0\n2,0,1,5,0\n1,0,1,5,0\n")
    assert.equal(":4: id 9 is there twice", at "1,0,1,5,0\n9,0,1,5,0\n9,0,1,5,0\n")
    assert.equal(":2: expected different hosts, got 3 twice", at "0,3,3,5,0\n")
    assert.equal(":2: column 'dst': expected a host's id or name, got ''", at "0,3,,5,0\n")
    assert.equal(":2: column 'size_bytes': expected at least 1, got '0'", at "0,3,4,0,0\n")
    assert.equal(":2: column 'start_ns': expected a time in ns, 0 or more, got '-1'",
      at "0,3,4,5,-1\n")
    assert.equal(":2: column 'start_ns': expected a time in ns, 0 or more, got '0.0001'",
      at "0,3,4,5,0.0001\n")
  end)
end)
