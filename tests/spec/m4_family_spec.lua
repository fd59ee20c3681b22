-- m4's family of workloads: what its cases are drawn from, and that they are the same everywhere.

local weft = require "weft"

local family = require "weft.families.m4"

local function near(wanted, got, share, what)
  assert.is_true(math.abs(got - wanted) <= share * math.abs(wanted),
    ("%s: expected %.4g, got %.4g"):format(what, wanted, got))
end

describe("the family m4", function()
  it("has the demand of three clusters, for 8 and for 32 racks", function()
    for _, cluster in ipairs(family.CLUSTERS) do
      for _, racks in ipairs { 8, 32 } do
        local sum, matrix = 0, family.matrix(cluster, racks)
        assert.equal(racks, #matrix)
        for _, row in ipairs(matrix) do
          assert.equal(racks, #row)
          for _, part in ipairs(row) do sum = sum + part end
        end
        near(racks == 8 and 1e5 or 1e6, sum, 1e-3, cluster)
      end
    end
    -- Racks of cluster C keep most to themselves, those of A next to nothing.
    local function inside(cluster)
      local sum = 0
      for i, row in ipairs(family.matrix(cluster, 8)) do sum = sum + row[i] end
      return sum / 1e5
    end
    near(0.732, inside "C", 0.001, "C")
    near(0.0011, inside "A", 0.1, "A")
  end)

  it("draws sizes of Meta's distributions", function()
    -- Percent of flows of at most so many bytes.
    for name, points in pairs { -- order-free: each on its own
      webserver = { [305] = 20.37, [2140] = 62.75, [329000] = 97.38 },
      cachefollower = { [561] = 27.11 },
    } do
      for bytes, percent in pairs(points) do -- order-free
        near(bytes, family.meta_sizes(name).quantile(percent / 100), 1e-6, name)
      end
    end
    local case = family.case(6, { flows = 4000 })
    local small, limit = 0, family.meta_sizes(case.sizes).quantile(0.5)
    for _, flow in ipairs(case.flows) do if flow.size_bytes <= limit then small = small + 1 end end
    near(0.5, small / 4000, 0.05, "median")
  end)

  it("loads the link with most traffic as it says", function()
    -- Rack 1 sends all to rack 5, in the other pod: of four hosts each sends a quarter; the two
    -- links of the rack, of four times the rate, carry a half each, and so do two to spines.
    local matrix = {}
    for i = 1, 8 do
      matrix[i] = {}
      for j = 1, 8 do matrix[i][j] = i == 1 and j == 5 and 1 or 0 end
    end
    assert.equal(1 / 4, family.largest_share(matrix, 4))
    assert.equal(1 / 4, family.largest_share(matrix, 1))
    -- All racks of a pod to the other, one spine of a plane: a half on each link to it, at 4.
    for i = 1, 8 do
      for j = 1, 8 do matrix[i][j] = i <= 4 and j == i + 4 and 1 / 4 or 0 end
    end
    assert.equal(1 / 8, family.largest_share(matrix, 1))
    assert.equal(1 / 16, family.largest_share(matrix, 2)) -- = that of a host, 1/4/4
    -- Measured on many flows: bytes expected of the mean size on the most loaded NIC.
    local case = family.case(3, { flows = 20000 })
    local out, into, span = {}, {}, case.flows[#case.flows].start_ns
    for i = 0, 31 do out[i], into[i] = 0, 0 end
    for _, flow in ipairs(case.flows) do
      out[flow.src], into[flow.dst] = out[flow.src] + 1, into[flow.dst] + 1
    end
    local most = 0
    for i = 0, 31 do most = math.max(most, out[i], into[i]) end
    local load = most * case.mean_bytes * 8 / (span * 1e-9) / case.rate_bps
    assert.is_true(load < 1.15 * case.load, ("%g of %g"):format(load, case.load))
    near(case.mean_gap_ns, span / (#case.flows - 1), 0.1, "gap")
  end)

  it("has flows between different hosts, in the order of their starts", function()
    for _, hosts in ipairs(family.HOSTS) do
      local case = family.case(11, { hosts = hosts, rate_bps = 100e9, flows = 500 })
      assert.equal(hosts / 4, #case.matrix)
      local before = 0
      for _, flow in ipairs(case.flows) do
        assert.is_true(flow.src ~= flow.dst and flow.src < hosts and flow.dst < hosts)
        assert.is_true(flow.start_ns >= before and flow.size_bytes >= 1)
        before = flow.start_ns
      end
    end
  end)

  it("builds fabrics of two pods and two planes", function()
    local case = family.case(1)
    case.oversubscription = 2
    local net = family.fabric(case)
    -- 8 racks, 4 fabric switches, 2 spines in each plane.
    assert.equal(32 + 8 + 4 + 4, #net.nodes)
    assert.equal(32 + 8 * 2 + 4 * 2, #net.links)
    assert.equal(10e9, net:link("h5", "tor1").rate_bps)
    assert.equal(40e9, net:link("tor5", "fabric3").rate_bps)
    assert.equal(40e9, net:link("fabric3", "spine2").rate_bps)
    assert.equal(1e6, net:link("fabric3", "spine2").delay_ps)
  end)

  it("takes parameters of the congestion control from published ranges", function()
    local seen = {}
    for seed = 1, 40 do
      local case = family.case(seed, { flows = 1 })
      local s = case.parameters
      seen[case.cc] = (seen[case.cc] or 0) + 1
      assert.is_true(s.buffer_kib >= 100 and s.buffer_kib <= 500)
      assert.is_true(s.init_window_bytes >= 5000 and s.init_window_bytes <= 30000)
      assert.is_true(s.ecn_kmin_kb <= s.ecn_kmax_kb and case.load >= 0.25 and case.load <= 0.75)
    end
    for _, cc in ipairs(family.CCS) do assert.equal(10, seen[cc]) end
    -- Rates and bytes grow with the rate of the hosts, round trips of 12 us of delay hardly.
    local case = family.case(5, { flows = 1, rate_bps = 100e9 })
    local slow = family.case(5, { flows = 1 })
    assert.equal(10 * slow.parameters.init_window_bytes, case.parameters.init_window_bytes)
    assert.equal(12240, case.parameters.base_rtt_ns)
    assert.equal(10e9, family.options(case, family.fabric(case)).min_rate)
  end)

  it("draws a synthetic distribution for each case", function()
    local mean
    for seed = 1, 10 do
      local case = family.case(seed, { sizes = "synthetic", flows = 10 })
      assert.equal("synthetic", case.sizes)
      assert.is_true(case.mean_bytes > 500 and case.mean_bytes ~= mean)
      mean = case.mean_bytes
    end
  end)

  it("computes exp() with nothing of the C library", function()
    for _, x in ipairs { -40, -3.3, -0.1, 0, 1e-9, 0.34, 0.35, 1, 7.5 } do
      near(math.exp(x), family.exp(x), 1e-14, "exp(" .. x .. ")")
    end
  end)

  it("is the same on every machine", function()
    -- Sums over the flows of seed 7, as recorded on x86-64 with both virtual machines.
    local case, bytes, starts, ends = family.case(7, { flows = 1000 }), 0, 0, 0
    for i, flow in ipairs(case.flows) do
      bytes, starts = bytes + flow.size_bytes, starts + flow.start_ns
      ends = ends + i * (32 * flow.src + flow.dst)
    end
    assert.equal("589333545 28942039115 257325022", ("%.0f %.0f %.0f"):format(bytes, starts, ends))
    assert.equal("44601", weft.units.fixed(case.mean_gap_ns, 0))
  end)
end)
