-- Topologies of htsim: counts, wiring and times by hand.

local notice = require "weft.notice"
local support = require "support"
local weft = require "weft"

local said, write

before_each(function()
  said, write = {}, notice.write
  notice.forget()
  notice.write = function(text) said[#said + 1] = text end
end)

after_each(function() notice.write = write end)

local function read(text)
  local path = support.file(text)
  local good, net = pcall(weft.topology.from_file, path)
  os.remove(path)
  if not good then error(net, 0) end
  return net
end

local function refuses(wanted, text)
  assert.equal(wanted, support.error_in_file(weft.topology.from_file, text))
end

-- Two pods of 4 hosts: 2 edges and 2 aggregation switches each; 4 cores, two links to each.
local THREE = [[
# three tiers
Nodes 8
Tiers 3
Podsize 4

Tier 0
Downlink_speed_Gbps 200
Radix_Down 2
Radix_Up 2
Downlink_Latency_ns 1000
Switch_Latency_ns 300

Tier 1
Downlink_speed_Gbps 200
Radix_Down 2
Radix_Up 4
Downlink_Latency_ns 1000
Switch_Latency_ns 501
Bundle 1

Tier 2
Downlink_speed_Gbps 100
Radix_Down 4
Downlink_Latency_ns 1000
Switch_Latency_ns 700
Bundle 2
]]

-- 4 leaves of 8 hosts, 2 spines.
local TWO = [[
nodes 32
TIERS 2
podsize 32

Tier 0
Downlink_speed_Gbps 100
Radix_Down 8
Radix_Up 2
Downlink_Latency_ns 500
Oversubscribed 4
Tier 1
Downlink_speed_Gbps 100
Radix_Down 4
Downlink_Latency_ns 2000
]]

local function count(net, a, b)
  return #net:links_between(a, b)
end

describe("htsim's .topo", function()
  it("builds three tiers, links side by side", function()
    local net = read(THREE)
    assert.matches("8 hosts, 12 switches, 32 links %(16 x 100 Gbit/s, 16 x 200 Gbit/s%)",
      tostring(net))
    assert.same({ 1, 1, 1, 0 }, { count(net, "h5", "edge2"), count(net, "edge2", "agg2"),
      count(net, "edge2", "agg3"), count(net, "edge2", "agg1") })
    -- Aggregation switch number p of a pod reaches the cores p, p + 2.
    assert.same({ 2, 0, 2, 0 }, { count(net, "agg2", "core0"), count(net, "agg2", "core1"),
      count(net, "agg2", "core2"), count(net, "agg2", "core3") })
    assert.equal(4, #net:links_of("core3"))
    assert.same({ 1, 1, 1 }, { net:node("h4").group, net:node("edge2").group,
      net:node("agg3").group })
    assert.same({}, said)
  end)

  it("builds leaf and spine", function()
    local net = read(TWO)
    assert.matches("32 hosts, 6 switches, 40 links", tostring(net))
    assert.same({ 1, 1, 1 }, { count(net, "h31", "leaf3"), count(net, "leaf3", "spine0"),
      count(net, "leaf0", "spine1") })
    assert.equal(2000000, net:link("leaf3", "spine0").delay_ps)
    assert.equal(3, net:node("h31").group)
  end)

  it("builds leaves with several links to a spine", function()
    local text = TWO:gsub("Radix_Down 4", "Radix_Down 8\nBundle 2"):gsub("32", "16")
      :gsub("Radix_Down 8\nRadix_Up 2", "Radix_Down 4\nRadix_Up 4", 1)
      :gsub("Oversubscribed 4", "Oversubscribed 1")
    local net = read(text)
    assert.matches("16 hosts, 6 switches, 32 links", tostring(net))
    assert.equal(2, count(net, "leaf3", "spine1"))
  end)

  -- A packet of 1048 B takes 41.92 ns at 200 Gbit/s and 83.84 ns at 100; links are 1 us long.
  it("gives a lone packet its time, with what switches take", function()
    local net = read(THREE)
    local function fct_ps(dst)
      local sim = weft.simulation { topology = net, cc = "window" }
      sim:add_flow { src = "h0", dst = dst, size = 1000 }
      sim:run()
      return sim:flows():row(1).fct_ps
    end
    assert.equal(2 * 41920 + 2 * 1000000 + 300000, fct_ps "h1")
    assert.equal(4 * 41920 + 4 * 1000000 + 300000 + 501000 + 300000, fct_ps "h2")
    assert.equal(4 * 41920 + 2 * 83840 + 6 * 1000000 + 2 * (300000 + 501000) + 700000, fct_ps "h7")
  end)

  -- What htsim's NDP takes for a lone packet of 9000 B + 64 B and its ACK of 64 B.
  it("gives a packet and its ACK the time that htsim gives them", function()
    local function fct_ps(text, dst)
      local sim = weft.simulation { topology = read(text), cc = "window", mtu = 9000, header = 64,
        ack = 64, completion = "sender" }
      sim:add_flow { src = "h0", dst = dst, size = 9000 }
      sim:run()
      return sim:flows():row(1).fct_ps
    end
    local bare = THREE:gsub("Switch_Latency_ns %d+\n", "")
    assert.same({ 4730240, 9460480, 14920960 },
      { fct_ps(bare, "h1"), fct_ps(bare, "h2"), fct_ps(bare, "h7") })
    assert.same({ 5330240, 11662480, 19524960 },
      { fct_ps(THREE, "h1"), fct_ps(THREE, "h2"), fct_ps(THREE, "h7") })
  end)

  it("is a configuration, whose flows come from a connection matrix", function()
    local topo = support.file(THREE)
    local matrix = support.file "Nodes 8\nConnections 1\n0->1 start 0 size 1000\n"
    os.rename(topo, topo .. ".topo")
    os.rename(matrix, matrix .. ".cm")
    local config = weft.config.from_file(topo .. ".topo", { flows = matrix .. ".cm" })
    assert.same({ "htsim", topo .. ".topo" }, { config.format, config.files.topology })
    local sim = config:run { cc = "window" }
    assert.equal(2 * 41920 + 2 * 1000000 + 300000, sim:flows():row(1).fct_ps)
    assert.matches("option 'compat': '.*%.topo' is a topology of htsim, which says nothing else",
      support.error_of(weft.config.from_file, topo .. ".topo", { compat = true }))
    os.remove(topo .. ".topo")
    os.remove(matrix .. ".cm")
  end)

  it("tells what it leaves out, with the line", function()
    local net = read(TWO .. "Queue_Down 100000\nBundel 2\nTier 2\nRadix_Down 3\n")
    assert.same({ { tier = 1, field = "queue_down", bytes = 100000 } }, net.attributes.queues)
    for i, text in ipairs(said) do said[i] = text:gsub("^[^:]*", "") end
    table.sort(said)
    assert.same({
      ":15: queue_down: ignored, ports of a switch share its buffer; see option buffer",
      ":16: Bundel: ignored, not a word of a tier; did you mean bundle?",
      ":17: Tier: ignored, there are 2 tiers, from 0",
    }, said)
  end)
end)

describe("errors of htsim's .topo", function()
  local function changed(text, from, to)
    local result, n = text:gsub(from, to, 1)
    assert.equal(1, n, from)
    return result
  end

  it("are at the line", function()
    refuses(":3: TIERS: expected 2 to 3, got 4", "Nodes 8\nPodsize 4\nTIERS 4\n")
    refuses(":2: Tiers: expected a whole number, got 'two'", "Nodes 8\nTiers two\n")
    refuses(":3: expected 'podsize n' before the first Tier", "Nodes 8\nTiers 2\nTier 0\n")
    refuses(":2: expected 'Tier 0', got end of file", "Nodes 8\n")
    refuses(":8: 'Radix_Down' of tier 0 is there twice",
      changed(TWO, "Radix_Up 2", "Radix_Down 2"))
    refuses(":6: expected 'Downlink_speed_Gbps' and a number, got 'Downlink_speed_Gbps 100 200'",
      changed(TWO, "Gbps 100", "Gbps 100 200"))
    refuses(":9: Downlink_Latency_ns: expected a whole number, got '0.5'",
      changed(TWO, "500", "0.5"))
    refuses(":5: delay of link h0-leaf0: expected 0 to 10 s, got 10.5 s",
      changed(TWO, "500", "10000000000\nSwitch_Latency_ns 1000000000"))
    refuses(":15: radix_up: the top tier, 1, has no links up", TWO .. "radix_up 3\n")
    refuses(":15: tier 1 is there twice", TWO .. "Tier 1\n")
  end)

  it("name what a tier lacks", function()
    refuses(":5: tier 0: 'radix_up' is missing", changed(TWO, "Radix_Up 2\n", ""))
    refuses(":11: tier 1: 'downlink_latency_ns' is missing",
      changed(TWO, "Downlink_Latency_ns 2000\n", ""))
    refuses(": tier 1 is missing", (TWO:gsub("Tier 1.*$", "")))
  end)

  it("name counts that do not go together, as htsim does", function()
    refuses(": podsize: expected a divisor of the nodes, 32, got 5", changed(TWO, "e 32", "e 5"))
    refuses(": podsize: two tiers are one pod, expected the nodes, 32, got 16",
      changed(TWO, "e 32", "e 16"))
    refuses(":5: tier 0: radix_down 8 over radix_up 3: expected the oversubscription, 4",
      changed(TWO, "Radix_Up 2", "Radix_Up 3"))
    refuses(":5: tier 0: radix_down: expected a divisor of the podsize, 32, got 7",
      changed(TWO, "Radix_Down 8", "Radix_Down 7"))
    refuses(":11: tier 1: 8 links up from tier 0 make 1 switches in each of 1 pod, with 1 links to "
      .. "each: expected tier 0's radix_up, 2, together",
      changed(TWO, "Radix_Down 4", "Radix_Down 8"))
    refuses(":21: tier 2: radix_down: expected a multiple of the bundle, 3, got 4",
      changed(THREE, "Bundle 2", "Bundle 3"))
    refuses(":21: tier 2: 16 links up from tier 1 make 2 switches, with 2 links to each, for 2 of "
      .. "a pod: expected tier 1's radix_up, 4, for each",
      changed(THREE, "Radix_Down 4", "Radix_Down 8"))
    refuses(":5: tier 0: 32 links of 100 Gbit/s at oversubscription 4 need a whole number of links "
      .. "of 300 Gbit/s, got 2.66667", changed(TWO, "Tier 1\nDownlink_speed_Gbps 100",
      "Tier 1\nDownlink_speed_Gbps 300"))
  end)
end)
