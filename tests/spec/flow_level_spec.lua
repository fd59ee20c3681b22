-- scenarios/flow_level.lua: cases, rows and what is said of wrong arguments.

local program = require "program"
local support = require "support"
local weft = require "weft"

local level = dofile("scenarios/build/flow_level.lua")
local max_min = dofile("scenarios/build/max_min.lua")

local SCRIPT = "scenarios/flow_level.lua"

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("flow_level", function()
  it("has a row per case and engine, and the same with each way to print", function()
    local arguments = SCRIPT .. " --family m4 --cases 2 --seed 3 --engines packet,ideal --flows 60"
    local output, errors, status = program.run(arguments)
    assert.equal(0, status, errors)
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal("case,cc,engine,flows,mean_err_pct,p90_err_pct,p99_slowdown_err_pct,wall_s,"
      .. "floor_mean_pct", lines[1])
    assert.equal(5, #lines)
    assert.matches("^1,hpcc,packet,60,0,0,0,[%d.e-]+,[%d.e-]+$", lines[2])
    assert.matches("^2,timely,ideal,60,%d+%.%d+,[%d.]+,[%d.]+,[%d.e-]+,[%d.e-]+$", lines[5])
    assert.truthy(errors:find("2 of 2", 1, true), errors)
    assert.truthy(errors:find("means over cases", 1, true), errors)
    local json = program.run(arguments .. " --format json --quiet")
    assert.truthy(json:find('"engine":"ideal"', 1, true) and json:find('"seed":4', 1, true), json)
    local text, said = program.run(arguments .. " --cc dctcp --quiet --jobs 1 --format table")
    assert.truthy(text:find "ideal +dctcp +2 ", text)
    assert.equal("", said)
  end)

  it("computes errors and the floor from the flows", function()
    local case = level.family.case(2, { flows = 80 })
    local samples = level.run(case, { "packet", "ideal" })
    local rows = level.rows(9, case, samples, { "packet", "ideal" })
    assert.same({ 9, "dcqcn", "packet", 0 },
      { rows[1].case, rows[1].cc, rows[1].engine, rows[1].mean_err_pct })
    local sum, packet, ideal = 0, level.simulation(case, "packet"), level.simulation(case, "ideal")
    packet:run()
    ideal:run()
    for i = 0, 79 do sum = sum + math.abs(ideal:flow(i).fct_ps / packet:flow(i).fct_ps - 1) end
    assert.near(100 * sum / 80, rows[2].mean_err_pct, 1e-9)
    assert.is_true(rows[1].floor_mean_pct > 0)
    assert.equal(rows[1].floor_mean_pct, rows[2].floor_mean_pct)
    -- A twin starts up to 100 ns later, not more.
    local later = level.simulation(case, "packet", { later = weft.random.stream(1, "x") })
    local most = 0
    for i, flow in ipairs(case.flows) do
      local by_ps = later:flow(i - 1).start_ps - flow.start_ns * 1000
      assert.is_true(by_ps >= 0 and by_ps <= 100000)
      most = math.max(most, by_ps)
    end
    assert.is_true(most > 90000)
  end)

  it("keeps the times of flows, and reads them again", function()
    local samples = level.run(level.family.case(1, { flows = 30 }), { "ideal" })
    local folder = os.tmpname()
    os.remove(folder)
    local path = weft.results.folder(folder)
    level.store(path, "one", samples)
    local again = level.load(path, "one")
    for i, sample in ipairs(samples) do assert.same(sample, again[i]) end
    os.execute("rm -r " .. folder)
  end)

  it("draws", function()
    local folder = os.tmpname()
    os.remove(folder)
    local _, errors, status = program.run(("%s --cases 2 --engines packet,ideal --flows 40"
      .. " --plot %s"):format(SCRIPT, folder))
    assert.equal(0, status, errors)
    assert.truthy(errors:find("errors.png tails.png by_cc.png", 1, true), errors)
    for _, name in ipairs { "errors", "tails", "by_cc" } do
      assert.truthy(support.content(folder .. "/" .. name .. ".png"):find "^\137PNG")
    end
    os.execute("rm -r " .. folder)
  end)

  it("says in one line what is wrong", function()
    local function complaint(arguments)
      local output, errors, status = program.run(SCRIPT .. " " .. arguments)
      assert.equal(2, status, errors)
      assert.equal("", output)
      assert.equal(1, select(2, errors:gsub("\n", "")), errors)
      return errors
    end
    assert.truthy(complaint("--engines packet,ideel"):find("did you mean 'ideal'", 1, true))
    assert.truthy(complaint("--engines packet --hosts 48"):find("expected 32, 64 or 128", 1, true))
    assert.truthy(complaint("--family m5"):find("m4", 1, true))
    assert.truthy(complaint("--engines packet --set mtuu=1"):find("mtu", 1, true))
    assert.truthy(complaint("--max-min nowhere"):find("nowhere/links.csv", 1, true))
  end)
end)

-- Lines of a CSV file by case and flow.
local function times_of(text)
  local times, count = {}, 0
  for case, flow, fct_ns in text:gmatch "(%d+),(%d+),([%d.]+)\n" do
    times[case .. "," .. flow], count = tonumber(fct_ns), count + 1
  end
  return times, count
end

describe("flows on given paths", function()
  it("take the times of exact progressive filling, to 2 ps or 1e-9", function()
    local dir = "tests/reference/flow-level/max-min"
    local output, errors, status = program.run(SCRIPT .. " --max-min " .. dir)
    assert.same({ 0, "" }, { status, errors })
    assert.matches("^case,flow,fct_ns\n0,0,%d+%.%d%d%d%d%d%d\n", output)
    local times, count = times_of(output)
    local flows = 0
    for row in weft.csv.rows(dir .. "/flows.csv",
      { "case", "flow", { "fct_ns", type = "number" } }) do
      local got = times[row.case .. "," .. row.flow]
      flows = flows + 1
      assert.is_true(math.abs(got - row.fct_ns) <= math.max(0.002, 1e-9 * row.fct_ns))
    end
    assert.equal(5680, flows)
    assert.equal(flows, count)
  end)

  local CASES = "case,fabric,hosts\nx,f,3\n"
  local LINKS = "fabric,a,b,gbps\nf,0,3,10\nf,1,3,10\nf,2,3,10\n"

  local function read(cases, links, flows)
    local folder = os.tmpname()
    os.remove(folder)
    local path = weft.results.folder(folder)
    for name, text in pairs { cases = cases, links = links, flows = flows } do -- order-free
      weft.util.write_file(path(name .. ".csv"), text)
    end
    local good, result = pcall(max_min.read, folder)
    os.execute("rm -r " .. folder)
    if not good then error(result, 0) end
    return result
  end

  it("share links by hand, on a fabric of any name", function()
    -- At 10 Gbit/s 1250 B take 1000 ns alone. Two share the link to host 1, and when the first is
    -- done, at 2 x 1000 ns, the other has 1250 B left; its start is 0.
    local set = read(CASES, LINKS,
      "case,flow,bytes,start_ns,path\nx,a,1250,0,0-3-1\nx,b,2500,0,2-3-1\n")
    local sim = max_min.simulation(set.cases[1])
    sim:run()
    assert.same({ 2e6, 3e6 }, { sim:flow(0).fct_ps, sim:flow(1).fct_ps })
  end)

  it("are read with their cases and fabrics", function()
    local set = read(CASES, LINKS, "case,flow,bytes,start_ns,path\nx,0,1000,0.5,0-3-1\n")
    assert.same({ "n0", "n3", "n1" }, set.flows[1].nodes)
    assert.same({ 3, 4, 3 }, { set.cases[1].hosts, set.cases[1].links.nodes, #set.cases[1].links })
    assert.equal(set.flows[1], set.cases[1].flows[1])
  end)

  it("are refused with their line", function()
    local head = "case,flow,bytes,start_ns,path\n"
    local function refused(fragment, cases, flows)
      fails(fragment, read, cases, LINKS, flows)
    end
    refused("flows.csv:2: case 'y' is not in cases.csv", CASES, head .. "y,0,1,0,0-3-1\n")
    refused("flows.csv:2: column 'path': expected nodes such as 0-16-1, got '0--1'", CASES,
      head .. "x,0,1,0,0--1\n")
    fails("flows.csv:2: column 'path': expected a single link 1-3, but fabric 'f' has 2", read,
      CASES, LINKS .. "f,3,1,20\n", head .. "x,0,1,0,0-3-1\n")
    assert.equal(1, #read(CASES, LINKS .. "f,3,2,20\n", head .. "x,0,1,0,0-3-1\n").flows)
    refused("column 'path' is missing", CASES, "case,flow,bytes,start_ns\nx,0,1,0\n")
    refused("cases.csv:2: fabric 'g' is not in links.csv", "case,fabric,hosts\nx,g,3\n", head)
    refused("column 'bytes': expected at least 1", CASES, head .. "x,0,0,0,0-3-1\n")
    for path, fragment in pairs { ["0-1-2"] = "no link", ["0-3"] = "" } do -- order-free
      local set = read(CASES, LINKS, head .. "x,0,9,0," .. path .. "\n")
      local text = support.error_of(max_min.simulation, set.cases[1])
      assert.truthy(text:find("flows.csv:2: ", 1, true) and text:find(fragment, 1, true), text)
    end
  end)
end)
