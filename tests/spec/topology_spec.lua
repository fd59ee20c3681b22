local topology = require "weft.topology"
local support = require "support"

local NS3 = "tests/reference/ns3-fabric/inputs/"

-- A fabric's links as comparable text.
local function links(net)
  local lines = {}
  for i, link in ipairs(net.links) do
    lines[i] = ("%d %d %.0f %.0f %g"):format(link.a, link.b, link.rate_bps, link.delay_ps,
      link.loss)
  end
  return table.concat(lines, "\n")
end

local function kinds_and_tiers(net)
  local lines = {}
  for i, node in ipairs(net.nodes) do lines[i] = node.kind .. node.tier end
  return table.concat(lines, " ")
end

describe("topology", function()
  it("numbers nodes and links as the recorded ns-3 runs do", function()
    for name, net in pairs { -- order-free
      star9 = topology.star { hosts = 9 },
      dumbbell = topology.dumbbell {},
      ft4 = topology.fat_tree { k = 4 },
      ft8 = topology.fat_tree { k = 8 },
    } do
      local recorded = topology.from_file(NS3 .. name .. ".topo.txt")
      assert.equal(links(recorded), links(net))
      assert.equal(kinds_and_tiers(recorded), kinds_and_tiers(net))
    end
  end)

  it("builds the fabric of the gray-failure study, apart from its degraded GPUs", function()
    local net = topology.rail_optimized { servers = 4, spines = 1 }
    local gray = topology.from_file("tests/reference/gray-failures/topologies/gray_topo_N2_R10.txt")
    assert.equal(72, #net.links)
    for i, node in ipairs(gray.nodes) do
      assert.equal(node.name, net.nodes[i].name)
      assert.equal(node.kind, net.nodes[i].kind)
      assert.equal(node.tier, net.nodes[i].tier)
      if node.kind ~= "switch" then assert.equal(node.group, net.nodes[i].group) end
    end
    for i, link in ipairs(gray.links) do
      local degraded = link.a == 0 or link.a == 8
      assert.equal(degraded and net.links[i].rate_bps / 10 or net.links[i].rate_bps, link.rate_bps)
      assert.equal(link.delay_ps, net.links[i].delay_ps)
    end
  end)

  it("has the demo's fabric as a file", function()
    local file = topology.from_file("scenarios/data/rail_32gpu.txt")
    assert.equal(links(topology.rail_optimized { servers = 4, spines = 1 }), links(file))
  end)

  it("builds a fat tree of 8192 hosts", function()
    local net = topology.fat_tree { k = 32 }
    assert.equal(8192, #net:hosts())
    assert.equal(8192 + 1280, #net.nodes)
    assert.equal(3 * 8192, #net.links)
    assert.equal(32, #net:links_of("core255"))
    assert.equal("edge1", net.nodes[net:link("h16", "edge1").b + 1].name)
  end)

  it("gives leaves full bandwidth unless told otherwise", function()
    local net = topology.leaf_spine { leaves = 4, hosts_per_leaf = 8, uplink = "400Gbps" }
    assert.equal("leaf_spine: 32 hosts, 6 switches, 40 links (32 x 100 Gbit/s, 8 x 400 Gbit/s)",
      net:describe())
    local half = topology.leaf_spine { leaves = 4, hosts_per_leaf = 8, oversubscription = 2 }
    assert.equal(8 + 4, #half:links_of("leaf0"))
    local given = topology.leaf_spine { leaves = 3, hosts_per_leaf = 8, spines = 5 }
    assert.equal(3, #given:links_of("spine4"))
  end)

  it("splits rails by pods", function()
    local net = topology.rail_optimized {
      servers = 4, gpus_per_server = 8, rails = 4, servers_per_pod = 2, nic = "200Gbps",
    }
    -- 2 pods of 4 rails; 4 NICs of 200 Gbit/s on each leaf need 4 spines.
    assert.equal("rail_optimized: 32 hosts, 4 NVLink switches, 12 switches, "
      .. "96 links (64 x 200 Gbit/s, 32 x 2400 Gbit/s)", net:describe())
    assert.equal("leaf3", net.nodes[net:link("gpu7", "leaf3").b + 1].name)
    assert.equal("leaf4", net.nodes[net:link("gpu20", "leaf4").b + 1].name)
    assert.equal(1, net:node("leaf4").group)
    assert.equal(2, net:node("gpu20").group)
  end)
end)

describe("topology options", function()
  local function error_of(build, options)
    return support.error_of(topology[build], options)
  end

  it("are checked", function()
    assert.matches("topology.star: option 'hosts' is missing", error_of("star", {}))
    assert.matches("topology.fat_tree: unknown option 'raet'; did you mean 'rate'%?",
      error_of("fat_tree", { k = 4, raet = "1Gbps" }))
    assert.matches("option 'rate': expected 1 Mbit/s to 100 Tbit/s, got '0Gbps'",
      error_of("star", { hosts = 2, rate = "0Gbps" }))
    assert.matches("option 'nvlink': rate '2400Gbs': .*nearest is 'Gbps'",
      error_of("rail_optimized", { servers = 4, nvlink = "2400Gbs" }))
  end)

  it("must make a whole fabric", function()
    assert.matches("option 'k': expected an even number, got 5", error_of("fat_tree", { k = 5 }))
    assert.matches("option 'rails': expected a divisor of gpus_per_server %(8%), got 3",
      error_of("rail_optimized", { servers = 4, rails = 3 }))
    assert.matches("option 'servers_per_pod': expected a divisor of servers %(4%), got 3",
      error_of("rail_optimized", { servers = 4, servers_per_pod = 3 }))
    assert.matches("oversubscription 2: expected a whole number of spines, got 1.5",
      error_of("leaf_spine", { leaves = 2, hosts_per_leaf = 3, oversubscription = 2 }))
    assert.matches("expected 'spines' or 'oversubscription', got both",
      error_of("leaf_spine", { leaves = 2, hosts_per_leaf = 4, oversubscription = 2, spines = 2 }))
  end)
end)
