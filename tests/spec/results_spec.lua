local csv = require "weft.csv"
local support = require "support"
local weft = require "weft"

local function run()
  local sim = weft.simulation { topology = weft.topology.star { hosts = 3 }, cc = "dctcp" }
  sim:add_flow { src = "h0", dst = "h2", size = 123456, tag = 5 }
  sim:add_flow { src = "h1", dst = "h2", size = 1, start = "1us" }
  sim:run()
  return sim
end

describe("a table of results", function()
  it("has rows, columns and a length", function()
    local flows = run():flows()
    assert.equal(2, #flows)
    assert.same({ 123456, 1 }, flows:column "size_bytes")
    assert.same({ "h0", "h1" }, flows:column "src_name")
    assert.equal(5, flows:row(1).tag)
    local seen = {}
    for i, row in flows:rows() do seen[i] = row.dst_name end
    assert.same({ "h2", "h2" }, seen)
    assert.equal(6, #run():ports())
    assert.equal(0, #run():tasks())
  end)

  it("gives the same in slices", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    local count = 4100
    local src, size, start = {}, {}, {}
    for i = 1, count do src[i], size[i], start[i] = i % 2, i, i * 1000 end
    local dst = {}
    for i = 1, count do dst[i] = 2 end
    sim.core:flows_add { src = src, dst = dst, size_bytes = size, start_ps = start }
    sim:run()
    local flows = sim:flows()
    for _, name in ipairs { "size_bytes", "src_name", "slowdown" } do
      local joined, slices = {}, 0
      for slice in flows:slices() do
        assert.equal(#joined, slice.first)
        slices = slices + 1
        for _, value in ipairs(slice:column(name)) do joined[#joined + 1] = value end
      end
      assert.same(flows:column(name), joined)
      assert.equal(2, slices)
    end
    sim:add_flow { src = 0, dst = 1, size = 1 }
    sim:run()
    assert.matches("ask for the table again", support.error_of(flows.slices, flows))
  end)

  it("gives a part of a column", function()
    local core = run().core
    local function part(...) return core:column("flows", "size_bytes", ...) end
    assert.same({ 123456, 1 }, part())
    assert.same({ 1 }, part(1))
    assert.same({ 123456 }, part(0, 1))
    assert.same({ 1 }, part(1, 9))
    assert.same({}, part(2))
    assert.same({}, part(9, 9))
    assert.error_matches(function() part(-1) end, "argument `first`", 1, true)
    assert.error_matches(function() part(0, 0.5) end, "argument `count`", 1, true)
  end)

  it("says which column was meant, and which rows there are", function()
    local flows = run():flows()
    assert.truthy(support.error_of(flows.column, flows, "fct"):find("no column 'fct'", 1, true))
    assert.truthy(support.error_of(flows.column, flows, "fct_pss")
      :find("did you mean 'fct_ps'?", 1, true))
    assert.truthy(support.error_of(flows.row, flows, 3):find("a row from 1 to 2, got 3", 1, true))
  end)

  it("belongs to one instant", function()
    local sim = run()
    local before = sim:flows()
    before:column "fct_ps"
    sim:add_flow { src = "h0", dst = "h1", size = 1 }
    sim:run()
    assert.equal(2, #before:column "fct_ps")
    assert.truthy(support.error_of(before.column, before, "retransmits")
      :find("the simulation has run on since", 1, true))
    assert.equal(3, #sim:flows())
  end)

  it("has a row for each ACK that was asked for", function()
    local sim = weft.simulation {
      topology = weft.topology.star { hosts = 2 }, cc = "dctcp", mtu = 1000,
    }
    assert.equal(0, #sim:acks())
    sim:trace_acks(100)
    sim:add_flow { src = "h0", dst = "h1", size = 12345 }
    sim:run()
    local acks = sim:acks()
    assert.equal(13, #acks)
    assert.equal(12345, acks:row(13).acked_bytes)
    assert.equal(sim:flows():row(1).acked_ps, acks:row(13).time_ps)
    assert.equal(0, acks:row(1).ecn)
    local bounded = weft.simulation { topology = weft.topology.star { hosts = 2 } }
    bounded:trace_acks(5)
    bounded:add_flow { src = "h0", dst = "h1", size = 12345 }
    bounded:run()
    assert.equal(5, #bounded:acks())
  end)

  it("is read back from its CSV file as it was", function()
    local flows = run():flows()
    local path = os.tmpname()
    flows:write_csv(path)
    local names = {}
    for i, column in ipairs(flows:describe()) do
      names[i] = { column.name, type = column.type == "string" and "string" or "number" }
    end
    local back = csv.read(path, names)
    os.remove(path)
    assert.equal(#flows, #back)
    for i, row in flows:rows() do
      for name, value in pairs(row) do assert.equal(value, back[i][name], name) end
    end
  end)

  it("writes several runs into one file", function()
    local path = os.tmpname()
    weft.results.write_runs(path, {
      { run = "one", table = run():ports() }, { run = "two", table = run():ports() },
    })
    local rows = csv.read(path, { { "run" }, { "from_name" }, { "tx_bytes", type = "integer" } })
    os.remove(path)
    assert.equal(12, #rows)
    assert.same({ "one", "two" }, { rows[6].run, rows[7].run })
    assert.equal(rows[3].tx_bytes, rows[9].tx_bytes)
  end)
end)

describe("a folder for results", function()
  it("is made, and gives paths", function()
    local name = os.tmpname()
    os.remove(name)
    local path = weft.results.folder(name .. "/deep")
    assert.equal(name .. "/deep/x.csv", path "x.csv")
    assert.is_true(os.remove(name .. "/deep") and os.remove(name))
  end)

  it("that cannot be made is an error", function()
    assert.truthy(support.error_of(weft.results.folder, "/dev/null/x")
      :find("cannot create folder '/dev/null/x'", 1, true))
  end)
end)
