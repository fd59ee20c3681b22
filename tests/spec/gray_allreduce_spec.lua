-- The main job from the outside: what it prints, what it leaves, and how it fails.

local lfs = require "lfs"

local csv = require "weft.csv"
local helper = require "helper"
local support = require "support"

local SCRIPT = "scenarios/gray_allreduce.lua"
local BRIEFLY = "--size 256KiB --cc dctcp"

-- Run a shell command; what it printed on both outputs, and its status.
local function shell(command)
  local pipe = assert(io.popen(("{ %s; } 2>&1; echo $?"):format(command)))
  local text = pipe:read("*a")
  pipe:close()
  local printed, status = text:match("^(.-)(%d+)\n$")
  return printed, tonumber(status)
end

local function run(options, program)
  return shell(("%s %s %s"):format(program or helper.program, SCRIPT, options))
end

local folder

local function in_folder(name)
  return support.content(folder .. "/" .. name)
end

describe("gray_allreduce", function()
  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
  end)

  after_each(function()
    os.execute("rm -rf " .. folder)
  end)

  it("prints a table and leaves its files", function()
    local printed, status = run(BRIEFLY .. " --out " .. folder)
    assert.equal(0, status, printed)
    assert.truthy(printed:find("\nhealthy +%S+ us +1%.00 "), printed)
    assert.truthy(printed:find("\ndegraded +%S+ us +%d+%.%d%d "), printed)
    assert.equal("\137PNG", in_folder("fabric.png"):sub(1, 4))
    assert.equal("\137PNG", in_folder("rates.png"):sub(1, 4))
    assert.truthy(in_folder("run.json"):find("\"scenario\": \"gray_allreduce\"", 1, true))
    assert.truthy(in_folder("run.json"):find("\"mtu_bytes\": 1000", 1, true))
    assert.truthy(in_folder("run.json"):find("\"size_bytes\": 262144", 1, true))
    assert.is_nil(in_folder("run.json"):find(folder, 1, true))
  end)

  it("leaves flows and ports that read back", function()
    run(BRIEFLY .. " --out " .. folder)
    local flows = csv.read(folder .. "/flows.csv", {
      { "run" }, { "fct_ps", type = "integer", min = 1 }, { "slowdown", type = "number", min = 1 },
    })
    assert.equal(2 * 8 * 62 * 32, #flows)
    assert.same({ "healthy", "degraded" }, { flows[1].run, flows[#flows].run })
    local ports = csv.read(folder .. "/ports.csv", {
      { "from_name" }, { "rate_bps", type = "integer" }, { "drops", type = "integer" },
    })
    assert.equal(2 * 2 * 72, #ports)
  end)

  it("gives the same bytes on both Lua programs, and run twice", function()
    local outputs, files = {}, {}
    for i, name in ipairs { "weft", "weftjit", "weft" } do
      outputs[i] = run(BRIEFLY .. " --format json --out " .. folder, helper.build .. "/" .. name)
      files[i] = in_folder "flows.csv" .. in_folder "ports.csv" .. in_folder "run.json"
    end
    assert.truthy(outputs[1]:find("\"fingerprint\":\"%x+\""), outputs[1])
    assert.equal(outputs[1], outputs[2])
    assert.equal(outputs[1], outputs[3])
    assert.is_true(files[1] == files[2] and files[1] == files[3])
  end)

  it("is slower the more its links are degraded", function()
    local before = 0
    for _, factor in ipairs { 1, 2, 10 } do
      local printed = run(("%s --format csv --factor %d --out %s"):format(BRIEFLY, factor, folder))
      local time = tonumber(printed:match("\ndegraded,(%d+),"))
      assert.is_true(time > before, printed)
      before = time
    end
  end)

  it("prints rows and nothing else for programs", function()
    local printed = run(BRIEFLY .. " --format csv --quiet --out " .. folder)
    local _, lines = printed:gsub("\n", "")
    assert.equal(3, lines)
    assert.equal("run,time_ps,", printed:sub(1, 12))
  end)

  it("explains itself", function()
    local printed, status = run "--help"
    assert.equal(0, status)
    assert.truthy(printed:find("--degraded <integer>", 1, true))
  end)

  it("refuses wrong parameters in one line, with status 2 and nothing written", function()
    local wrong = {
      ["--degrade 3"] = "did you mean '--degraded'?",
      ["--cc hpc"] = "did you mean 'hpcc'?",
      ["--size 1furlong"] = "option --size",
      ["--degraded 33"] = "option --degraded: failure.choose: count: expected at most the 32 hosts",
      ["--factor 0"] = "option --factor",
      ["--topology nowhere.txt"] = "cannot read 'nowhere.txt'",
      ["--set bufer=1"] = "option --set: bufer=1: unknown option 'bufer'; did you mean 'buffer'?",
      ["--set ecn_kmin=1MB"] = "expected at least ecn_kmin",
      ["--size 4"] = "at least a byte for each",
      ["--cc hpcc more"] = "'more'",
    }
    for options, fragment in pairs(wrong) do
      local printed, status = run(options .. " --out " .. folder)
      assert.equal(2, status, printed)
      assert.equal("weft: gray_allreduce: ", printed:sub(1, 22))
      assert.truthy(printed:find(fragment, 1, true), printed)
      local _, lines = printed:gsub("\n", "")
      assert.equal(1, lines, printed)
      assert.is_nil(lfs.attributes(folder))
    end
  end)

  it("refuses a folder that cannot be written before it runs", function()
    local printed, status = run "--out /dev/null/results"
    assert.equal(2, status)
    assert.truthy(printed:find("^weft: [^\n]*cannot create folder '/dev/null/results'[^\n]*\n$"))
  end)

  it("says which run is not complete, and why, and ends with status 1", function()
    local printed, status = run("--size 1MiB --cc window --factor 100 --set recovery=none"
      .. " --set pfc=false --set buffer=50kB --quiet --out " .. folder)
    assert.equal(1, status, printed)
    assert.truthy(printed:find("timeouts  failed flows", 1, true), printed)
    assert.truthy(printed:find("weft: degraded run: [^\n]*: not complete; %d+ flows got stuck: "),
      printed)
    assert.is_nil(printed:find("weft: healthy run", 1, true), printed)
    assert.truthy(in_folder("run.json"):find("\"flows_failed\": [1-9]"))
  end)

  it("stops on Ctrl-C with the results so far", function()
    -- Many seconds of work, of which it gets one.
    local printed, status = shell(("timeout --foreground --preserve-status -s INT 1 %s %s"
      .. " --size 1GiB --out %s"):format(helper.program, SCRIPT, folder))
    assert.equal(130, status, printed)
    assert.truthy(printed:find("weft: interrupted; results so far are in", 1, true), printed)
    assert.truthy(printed:find("\nhealthy +%- "), printed)
    assert.truthy(in_folder "flows.csv")
    assert.truthy(in_folder "run.json")
  end)
end)
