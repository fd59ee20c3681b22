local core = require "weft.core"
local fabric = require "weft.fabric"
local topology = require "weft.topology"
local support = require "support"

-- Two hosts on one switch, the second by two parallel links.
local function small()
  local net = fabric.new("small")
  net:add_node("a", "host")
  net:add_node("b", "host")
  net:add_node("s", "switch", { tier = 1 })
  net:add_link("a", "s", "100Gbps", "1us")
  net:add_link("s", "b", "100Gbps", "1us")
  net:add_link("b", "s", 25e9, 5e-7, 0.25)
  return net
end

describe("fabric", function()
  it("numbers nodes and links from 0", function()
    local net = small()
    assert.equal(2, net:node("s").id)
    assert.equal("b", net:node(1).name)
    assert.same({ 0, 1 }, net:hosts())
    assert.equal(0, net:link("a", "s").id)
    assert.equal(net:link("a", "s"), net:link("s", "a"))
  end)

  it("keeps parallel links apart", function()
    local net = small()
    assert.equal(1, net:link("b", "s").id)
    assert.equal(2, net:link("b", "s", 2).id)
    assert.equal("s-b", net:link("b", "s"):name())
    assert.equal("b-s#2", net:link("b", "s", 2):name())
    assert.equal(2, #net:links_of("b"))
    assert.equal(3, #net:links_of("s"))
  end)

  it("accepts a node or link wherever a name is asked for", function()
    local net = small()
    local link = net:link(2)
    assert.equal(link, net:link(link))
    assert.equal(net:node("a"), net:node(net:node("a")))
  end)

  it("prints its parts", function()
    local net = small()
    assert.equal("link 0  a - s  100 Gbit/s  1 us", tostring(net:link("a", "s")))
    assert.equal("link 2  b - s  25 Gbit/s  500 ns  loss 0.25", tostring(net:link(2)))
    assert.equal("node 2  s  switch  tier 1", tostring(net:node("s")))
    assert.equal("small: 2 hosts, 1 switch, 3 links (1 x 25 Gbit/s, 2 x 100 Gbit/s)", tostring(net))
    assert.equal("empty: 0 hosts, 0 links", tostring(fabric.new("empty")))
  end)

  it("knows the class of a link by its ends, or as given", function()
    local net = fabric.new("classes")
    for i = 0, 3 do net:add_node("gpu" .. i, "host", { group = i < 2 and 0 or 1 }) end
    net:add_node("nv", "nvswitch")
    net:add_node("pcie", "switch")
    net:add_link("gpu0", "nv", "2400Gbps", "25ns")
    net:add_link("gpu0", "gpu1", "200Gbps", "25ns")
    net:add_link("gpu1", "gpu2", "200Gbps", "25ns")
    net:add_link("gpu0", "pcie", "256Gbps", "100ns", { class = "pcie", cost = 7, loss = 0.5 })
    local classes = {}
    for i, link in ipairs(net.links) do classes[i] = link:link_class() end
    assert.same({ "nvlink", "nvlink", "net", "pcie" }, classes)
    assert.equal("link 3  gpu0 - pcie  256 Gbit/s  100 ns  loss 0.5  pcie  cost 7",
      tostring(net:link(3)))
    local sim = core.new {}
    net:build(sim)
    assert.equal("pcie", sim:port_info(6).link_class)
    assert.equal(7, sim:port_info(7).cost)
    assert.equal("nvlink", sim:port_info(2).link_class)
  end)

  it("refuses classes and costs that are not", function()
    local net = small()
    local function refused(more)
      return support.error_of(net.add_link, net, "a", "s", 1e9, 0, more)
    end
    assert.matches("class of link a%-s: expected a class, got 'foo'; expected one of: nvlink, pcie",
      refused { class = "foo" })
    assert.matches("did you mean 'nvlink'", refused { class = "nvlnk" })
    assert.matches("cost of link a%-s: expected a whole number, 1 to 65535, got 0",
      refused { cost = 0 })
    assert.matches("cost of link a%-s: expected .*, got 1.5", refused { cost = 1.5 })
    assert.matches("options of link a%-s: expected loss, jitter, class or cost, got 'clas'",
      refused { clas = "net" })
    assert.matches("loss of link a%-s: expected a probability, 0 to 1, got 2", refused { loss = 2 })
    assert.matches("loss of link a%-s: expected a probability, 0 to 1, got 2", refused(2))
  end)

  it("measures distances in links, never through a host", function()
    local net = topology.rail_optimized { servers = 2, gpus_per_server = 2, spines = 1 }
    local distance = net:distances("gpu0")
    assert.equal(0, distance[net:node("gpu0").id + 1])
    assert.equal(2, distance[net:node("gpu1").id + 1])
    assert.equal(2, distance[net:node("gpu2").id + 1])
    assert.equal(4, distance[net:node("gpu3").id + 1])
    assert.equal(2, distance[net:node("spine0").id + 1])
  end)

  it("groups its nodes by tier", function()
    local tiers = topology.rail_optimized({ servers = 2, gpus_per_server = 2, spines = 1 }):tiers()
    assert.same({
      { tier = -1, nodes = { 4, 5 } },
      { tier = 0, nodes = { 0, 1, 2, 3 } },
      { tier = 1, nodes = { 6, 7 } },
      { tier = 2, nodes = { 8 } },
    }, tiers)
  end)

  it("builds the same nodes and links in the engine", function()
    local net = small()
    local sim = core.new {}
    net:build(sim)
    assert.equal(3, sim:node_count())
    assert.equal(3, sim:link_count())
    assert.equal("switch", sim:node_kind(2))
    local port = sim:port_info(2 * 2 + 1)
    assert.equal(2, port.from)
    assert.equal(1, port.to)
    assert.equal(25e9, port.rate_bps)
    assert.equal(500000, port.delay_ps)
    sim:close()
  end)

  it("is told from other tables", function()
    assert.is_true(fabric.is(small()))
    assert.is_false(fabric.is({}))
  end)
end)

describe("fabric errors", function()
  local function error_of(f)
    return support.error_of(f, small())
  end

  it("name the nearest node", function()
    local net = topology.rail_optimized { servers = 4, spines = 1 }
    assert.matches("^tests/spec/fabric_spec.lua:%d+: unknown node 'gpu33' in rail_optimized; "
      .. "did you mean 'gpu3'%?$", support.error_of(function() net:link("gpu33", "leaf3") end))
    assert.matches("unknown node 45: expected 0 to 44",
      support.error_of(function() net:node(45) end))
  end)

  it("say which links a node has", function()
    local net = topology.rail_optimized { servers = 4, spines = 1 }
    assert.matches("no link between 'gpu3' and 'leaf4': 'gpu3' has links to nvswitch0, leaf3",
      support.error_of(function() net:link("gpu3", "leaf4") end))
    assert.matches("link 2 of 'gpu3' and 'leaf3': expected 1 to 1",
      support.error_of(function() net:link("gpu3", "leaf3", 2) end))
    assert.matches("expected a link of rail_optimized %(two nodes, or an id 0 to 71%), got 72",
      support.error_of(function() net:link(72) end))
  end)

  it("reject a node twice, of no kind or without a name", function()
    assert.matches("there is a node 'a' already", error_of(function(n) n:add_node("a", "host") end))
    assert.matches("kind of 'c': got 'hots'; did you mean 'host'%?",
      error_of(function(n) n:add_node("c", "hots") end))
    assert.matches("expected a name, got nil", error_of(function(n) n:add_node(nil, "host") end))
    for _, name in ipairs { "a\27[2Jb", "a\nb", "a\155b" } do
      assert.matches("expected a name in UTF%-8 without control characters, got 'a\\[x0-9a-z]+",
        error_of(function(n) n:add_node(name, "host") end))
    end
  end)

  it("reject impossible links", function()
    local function link(...)
      local arguments = { ... }
      return error_of(function(n) n:add_link(arguments[1], arguments[2], arguments[3], arguments[4],
        arguments[5]) end)
    end
    assert.matches("unknown node 'ss' in small; did you mean 's'%?", link("a", "ss", 1e9, 0))
    assert.matches("link from 'a' to itself", link("a", "a", 1e9, 0))
    assert.matches("rate of link a%-s: expected 1 Mbit/s to 100 Tbit/s, got 0 bit/s",
      link("a", "s", "0Gbps", 0))
    assert.matches("rate of link a%-s: .*got %-5 bit/s", link("a", "s", -5, 0))
    assert.matches("delay of link a%-s: expected 0 to 10 s, got %-1 us", link("a", "s", 1e9, -1e-6))
    assert.matches("delay of link a%-s: time '1usec': .*nearest is 'us'",
      link("a", "s", 1e9, "1usec"))
    assert.matches("loss of link a%-s: expected a probability, 0 to 1, got 2",
      link("a", "s", 1e9, 0, 2))
  end)

  it("leave the fabric as it was", function()
    local net = small()
    pcall(net.add_link, net, "a", "s", 0, 0)
    pcall(net.add_link, net, "a", "a", 1e9, 0)
    pcall(net.add_node, net, "c", "hots")
    assert.equal(3, #net.links)
    assert.equal(3, #net.nodes)
    assert.equal(1, #net:links_of("a"))
  end)

  it("tell a host from another node", function()
    local net = small()
    assert.equal("a", net:host("a").name)
    assert.matches("expected a host, got switch 's'",
      support.error_of(function() net:host("s") end))
  end)
end)
