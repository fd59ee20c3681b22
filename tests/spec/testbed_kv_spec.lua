-- The key-value application of m4's testbed against recorded times.

local helper = require "helper"
local support = require "support"

local kv = dofile("scenarios/build/kv.lua")

local DATA = "tests/reference/testbed"

-- Run a shell command; what it printed on both outputs, and its status.
local function shell(command)
  local pipe = assert(io.popen(("{ %s; } 2>&1; echo $?"):format(command)))
  local text = pipe:read("*a")
  pipe:close()
  local printed, status = text:match("^(.-)(%d+)\n$")
  return printed, tonumber(status)
end

describe("testbed_kv", function()
  local data = kv.read(DATA)

  local function error_pct(wanted, kind)
    for _, case in ipairs(data.cases) do
      if case.case == wanted then
        local sim, job = kv.build(case, {
          overheads = data.overheads, kind = kind or "recorded", operations = 100,
          start = 45e-3, seed = 1,
        })
        assert.equal("done", sim:run())
        local ms, complete = kv.completion_ms(job)
        assert.equal(1100, complete)
        assert.equal(0, sim:stats().packets_dropped + sim:stats().pfc_pauses)
        return 100 * math.abs(ms / case.hardware_ms - 1)
      end
    end
  end

  it("takes the recorded time for a read alone, near and far", function()
    assert.equal(25, #data.reads)
    local known = {}
    for _, read in ipairs(data.reads) do
      local key = read.client .. " " .. read.size_bytes
      known[key] = known[key] or kv.lone_read_ns(read.client, read.size_bytes)
      local off = math.abs(known[key] / read.duration_ns - 1)
      assert.is_true(off < 0.003, ("client %d, %d B: %g"):format(read.client, read.size_bytes, off))
    end
  end)

  it("completes within 3 % of the hardware, whatever the window", function()
    for _, case in ipairs { "100_2", "250_1", "250_2", "250_4" } do
      local off = error_pct(case)
      assert.is_true(off < 3, ("%s: %g %%"):format(case, off))
    end
  end)

  it("does so without any time on hosts: the server's link decides", function()
    assert.is_true(error_pct("250_1", "none") < 3)
  end)

  it("has 24 cases and two that the published figures leave out", function()
    assert.equal(26, #data.cases)
    assert.same({ "100_2", 100, 2 },
      { data.cases[1].case, data.cases[1].size_kb, data.cases[1].window })
    assert.equal("1000_4", data.cases[26].case)
  end)

  it("prints the same rows that it writes", function()
    local folder = os.tmpname()
    os.remove(folder)
    local printed, status = shell(("%s scenarios/testbed_kv.lua --case 100_2 --operations 91"
      .. " --format csv --out %s --plot %s"):format(helper.program, folder, folder))
    assert.equal(0, status, printed)
    assert.equal(support.content(folder .. "/completion.csv"), printed)
    assert.truthy(printed:find("\n100_2,100,2,90.17", 1, true), printed)
    assert.equal("\137PNG", support.content(folder .. "/completion.png"):sub(1, 4))
    os.execute("rm -r " .. folder)
  end)

  it("names the line of a recorded case that is none", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute(("cp -r %s %s"):format(DATA, folder))
    local file = assert(io.open(folder .. "/completion_ms.csv", "w"))
    file:write("case,time_in_milliseconds\n250_1,224\n250-2,224\n")
    file:close()
    local message = support.error_of(kv.read, folder)
    assert.truthy(message:find("/completion_ms.csv:3: column 'case': expected KB and window", 1,
      true), message)
    os.execute("rm -r " .. folder)
  end)

  it("says what is wrong with its input, and leaves nothing", function()
    local folder = os.tmpname()
    os.remove(folder)
    for options, message in pairs { -- order-free
      ["--case 250_3"] = "option --case: no recorded case '250_3'; did you mean '250_1'?",
      ["--operations 90"] = "option --operations: expected 91 to 100000, got 90",
      ["--data /nowhere"] = "option --data: cannot read '/nowhere/completion_ms.csv'",
      ["--case 250_1 --set mtu=3"] = "option --set: mtu=3: option 'mtu': expected 64 B to 16 KiB",
    } do
      local printed, status = shell(("%s scenarios/testbed_kv.lua %s --out %s"):format(
        helper.program, options, folder))
      assert.equal(2, status, printed)
      assert.truthy(printed:find(message, 1, true), printed)
    end
    assert.is_nil(io.open(folder))
  end)
end)
