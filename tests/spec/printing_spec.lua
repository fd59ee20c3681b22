-- What tables, rows and jobs print: values with their units, and no more than is shown.
local core = require "weft.core"
local weft = require "weft"

local function star(hosts) return weft.topology.star { hosts = hosts } end

local function simulation(options)
  options = options or {}
  options.topology = options.topology or star(4)
  return weft.simulation(options)
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

describe("a table of results prints", function()
  it("its rows with units, names and states, and a dash for what is not there", function()
    local sim = simulation()
    sim:add_flow { src = 0, dst = 1, size = "1MB", start = "2us", tag = 7 }
    local lines = lines_of(tostring(sim:flows()))
    assert.matches("^flows: 1 row of src, dst, size_bytes, ", lines[1])
    assert.matches("^row  src  dst  size +start  fct  slowdown +state ", lines[3])
    assert.matches("^  1  h0   h1   1 MB +2 us +%- +%- +waiting", lines[4])
    sim:run()
    assert.matches("\n  1  h0   h1   1 MB +2 us +[%d.]+ us +[%d.]+ +done ", tostring(sim:flows()))
    assert.is_nil(tostring(sim:flows()):find("4294967295", 1, true))
  end)

  it("its head and its tail, and how much lies between", function()
    local sim = simulation()
    for i = 1, 12 do sim:add_flow { src = 0, dst = 1, size = i } end
    assert.is_nil(tostring(sim:flows()):find("more row", 1, true))
    for i = 13, 100 do sim:add_flow { src = 0, dst = 1, size = i } end
    local lines = lines_of(tostring(sim:flows()))
    local first, gap, last = lines[4], lines[9], lines[#lines]
    assert.matches("^  1  h0   h1  +1 B", first)
    assert.equal("... 90 more rows", gap)
    assert.matches("^100  h0   h1  +100 B", last)
    for _, line in ipairs(lines) do assert.is_true(#line <= 100, line) end
  end)

  it("without reading what it does not show", function()
    local sim = simulation()
    for i = 1, 50 do sim:add_flow { src = 0, dst = 1, size = i } end
    local flows, rows = sim:flows(), 0
    local class = core._sim.__index
    local column = class.column
    class.column = function(self, name, of, first, count)
      local values = column(self, name, of, first, count)
      rows = math.max(rows, #values)
      return values
    end
    local good, text = pcall(tostring, flows)
    class.column = column
    assert.is_true(good, text)
    assert.equal(5, rows) -- at a time
  end)

  it("that its simulation has run on, or is closed, and is no error then", function()
    local sim = simulation()
    sim:add_flow { src = 0, dst = 1, size = 1 }
    local flows = sim:flows()
    sim:run()
    assert.matches("%(the simulation has run on since; ask for the table again%)$", tostring(flows))
    flows = sim:flows()
    sim:close()
    assert.matches("%(expected an open simulation, got a closed one%)$", tostring(flows))
  end)

  it("what the core describes: kinds, flags, jobs, ends of sends alone", function()
    local sim = simulation()
    sim:add_job(weft.workload.allreduce { size = "1MB" })
    sim:run()
    local tasks = tostring(sim:tasks())
    assert.matches("\n  1  collective   done    0 s +[%d.]+ us  1 MB +%- +%- +%- +job 1$", tasks)
    assert.matches("\n  1  h0 +%S+ +yes  100 Gbit/s", tostring(sim:ports()))
  end)

  it("as one row, which stays what it was", function()
    local sim = simulation()
    sim:add_flow { src = 0, dst = 1, size = "1MB" }
    local row = sim:flows():row(1)
    sim:run()
    assert.matches("^a row of flows\n  src h0, dst h1, size 1 MB, start 0 s, fct %-, slowdown %-, "
      .. "state waiting, ", tostring(row))
    assert.equal(4294967295, row.task)
  end)
end)

describe("rows", function()
  it("are counted from 1, and flows from 0", function()
    local sim = simulation()
    for i = 1, 130 do sim:add_flow { src = 0, dst = 1, size = i } end
    local flows = sim:flows()
    for _, i in ipairs { 1, 64, 65, 130 } do
      assert.equal(i, flows:row(i).size_bytes)
      assert.equal(i, flows:at(i - 1).size_bytes)
    end
    local seen = 0
    for i, row in flows:rows() do
      assert.equal(i, row.size_bytes)
      seen = seen + 1
    end
    assert.equal(130, seen)
  end)

  it("that are not there are errors", function()
    local flows = simulation():flows()
    for _, wrong in ipairs { -1, 0, 0.5, "1", 2 ^ 60 } do
      local good, err = pcall(flows.at, flows, wrong)
      assert.is_false(good)
      assert.matches("table of flows: expected a number from 0 to %-1, got ", tostring(err))
    end
  end)
end)

describe("jobs print", function()
  it("in a line that names what is stuck, whatever else there is", function()
    local sim = simulation()
    local list = {}
    for i = 1, 6 do list[i] = { src = i < 3 and 2 or 3, dst = 1, size = 1000, start = 0 } end
    local job = sim:add_job(weft.workload.flows(list))
    assert.matches("^job 1: 0 of 6 flows complete, 6 kB$", tostring(job))
    sim:fail("h1", { at = 0 })
    sim:run()
    assert.matches("; 6 flows got stuck: h2 to h1 after 0 B of 1 kB .*, and 3 more$", tostring(job))
  end)
end)

describe("pictures and charts print", function()
  it("what they are", function()
    local chart = weft.viz.chart.new { title = "t", series = { { x = { 1, 2 }, y = { 1, 2 } } } }
    assert.equal("chart of 1 panel; chart:write \"file.png\" draws it\n  1: 1 series",
      tostring(chart))
  end)
end)
