-- The training iterations of Wormhole's evaluation, at a thousandth of their size.

local program = require "program"
local support = require "support"
local weft = require "weft"

local comparison = dofile("scenarios/build/wormhole_compare.lua")
local wormhole = dofile("scenarios/build/wormhole.lua")

local SCRIPT = "scenarios/wormhole.lua --quiet"

local function new_folder()
  local folder = os.tmpname()
  os.remove(folder)
  return folder
end

-- Run the scenario in JSON; numbers and text of what it printed, by name.
local function report(arguments)
  local folder = new_folder()
  local printed, errors, status = program.run(("%s --format json --out %s %s"):format(SCRIPT,
    folder, arguments))
  assert.equal(0, status, errors)
  assert.equal("", errors)
  assert.equal("{\n", printed:sub(1, 2))
  os.execute("rm -r " .. folder)
  local found = {}
  for line in printed:gmatch "[^\n]+" do
    local name, value = line:match("^  \"([%w_]+)\": (.-),?$")
    if name then found[name] = tonumber(value) or value end
  end
  return found
end

describe("wormhole's rings on the fluid", function()
  it("take the same time when all steps of each are one flow", function()
    local each = report "--engine fluid --gpus 64"
    local merged = report "--engine fluid --gpus 64 --merge-steps 1000"
    assert.equal(each.iteration_s, merged.iteration_s)
    -- Rings of 4 replicas: 6 steps for each of 64 GPUs, where there is one now.
    assert.equal(64 * 5, each.flows - merged.flows)
  end)

  it("are merged with no other engine", function()
    local _, errors, status = program.run(SCRIPT .. " --merge-steps 2")
    assert.equal(2, status)
    assert.matches("--merge-steps: expected none with engine packet, got 2", errors, 1, true)
  end)
end)

describe("wormhole's parallel groups", function()
  it("take a server for tensors, and leave replicas for gradients and experts", function()
    assert.same({ tp = 8, pp = 2, dp = 8, ep = 1 }, wormhole.groups("gpt13b", 128))
    assert.same({ tp = 8, pp = 8, dp = 16, ep = 1 }, wormhole.groups("gpt175b", 1024))
    assert.same({ tp = 8, pp = 1, dp = 8, ep = 8 }, wormhole.groups("moe8x7b", 64))
    assert.same({ tp = 8, pp = 1, dp = 16, ep = 8 }, wormhole.groups("moe8x13b", 128))
    assert.same({ tp = 8, pp = 4, dp = 32, ep = 32 }, wormhole.groups("moe32x22b", 1024))
  end)

  it("take what they are told", function()
    assert.same({ tp = 8, pp = 4, dp = 4, ep = 2 }, wormhole.groups("moe8x13b", 128, 4, 2))
  end)

  it("send nothing but on the rail of a GPU", function()
    local run = wormhole.build {
      model = "moe8x7b", gpus = 32, groups = wormhole.groups("moe8x7b", 32, 2), nic = 1e11,
      iterations = 1, scale_bytes = 1e-4, accel = "none", engine = { cc = "dctcp" },
    }
    wormhole.run(run)
    local flows = run.sim:flows()
    local src, dst = flows:column "src", flows:column "dst"
    for i = 1, #flows do assert.equal(src[i] % 8, dst[i] % 8) end
    assert.is_true(#flows > 0 and run.job:result().complete)
  end)
end)

describe("wormhole's errors", function()
  local function star(rate)
    return weft.simulation { topology = weft.topology.star { hosts = 4, rate = rate } }
  end

  it("are of a flow against the same one, whatever their numbers", function()
    local one, other = star "100Gbps", star "100Gbps"
    one:add_flow { src = 0, dst = 1, size = "1MB" }
    one:add_flow { src = 2, dst = 3, size = "3MB" }
    other:add_flow { src = 2, dst = 3, size = "3MB" }
    other:add_flow { src = 0, dst = 1, size = "1MB" }
    one:run()
    other:run()
    local errors, unmatched = comparison.errors(one, other)
    assert.same({ 0, 0 }, errors)
    assert.equal(0, unmatched)
  end)

  it("are relative to the true time, and count who is missing", function()
    local slow, fast = star "50Gbps", star "100Gbps"
    slow:add_flow { src = 0, dst = 1, size = "8MB" }
    slow:add_flow { src = 0, dst = 2, size = "1MB", start = "10ms" }
    fast:add_flow { src = 0, dst = 1, size = "8MB" }
    slow:run()
    fast:run()
    local errors, unmatched = comparison.errors(slow, fast)
    assert.equal(1, #errors)
    assert.is_true(math.abs(errors[1] - 1) < 0.02, errors[1])
    assert.equal(1, unmatched)
  end)
end)

describe("the wormhole scenario", function()
  it("reports a run and the plain engine beside it, as one object", function()
    local found = report("--model gpt7b --gpus 32 --scale-bytes 1e-3 --accel none --compare")
    for _, name in ipairs {
      "wall_s", "plain_wall_s", "total_wall_s", "speedup", "events", "plain_events",
      "events_skipped_pct", "fct_mean_err_pct", "fct_p99_err_pct", "fct_max_err_pct", "iteration_s",
      "iteration_err_pct", "hits", "misses", "followers", "steady_spans", "memo_spans",
      "error_estimate", "audited", "fingerprint",
    } do
      assert.truthy(found[name], name)
    end
    assert.equal(found.plain_fingerprint, found.fingerprint)
    assert.equal(found.plain_events, found.events)
    assert.same({ 0, 0, 0, 0, 0 }, {
      found.events_skipped_pct, found.fct_max_err_pct, found.fct_mean_err_pct,
      found.iteration_err_pct, found.flows_unmatched,
    })
  end)

  it("says nothing of the plain engine where it was not run", function()
    local found = report("--model moe8x7b --gpus 16 --scale-bytes 1e-4 --cc dcqcn")
    assert.equal("\"moe8x7b\"", found.model)
    for _, name in ipairs { "plain_wall_s", "plain_events", "speedup", "fct_mean_err_pct" } do
      assert.is_nil(found[name])
    end
  end)

  it("draws rates, a partition, speed-ups and errors", function()
    local folder = new_folder()
    report("--model gpt7b --gpus 16 --scale-bytes 1e-4 --compare --plot " .. folder)
    for _, name in ipairs { "rates", "partition", "speedup", "errors" } do
      assert.equal("\137PNG", support.content(("%s/%s.png"):format(folder, name)):sub(1, 4))
    end
    os.execute("rm -r " .. folder)
  end)

  it("says what is wrong with its input, and leaves nothing", function()
    local folder = new_folder()
    for options, message in pairs { -- order-free
      ["--gpus 100"] = "option --gpus: expected a multiple of 8 GPUs, which are a server, got 100",
      ["--gpus 64 --pp 3"] = "expected stages (3) to divide 8 servers into replicas",
      ["--model moe8x7b --gpus 64 --ep 3"] = "option 'ep': expected a divisor",
      ["--accel steady --memo x.memo"] = "option --memo: expected --accel memo or both, got steady",
      ["--model gpt8b"] = "'gpt8b'",
    } do
      local _, errors, status = program.run(("%s %s --out %s"):format(SCRIPT, options, folder))
      assert.equal(2, status, errors)
      assert.truthy(errors:find(message, 1, true), errors)
    end
    assert.is_nil(io.open(folder))
  end)

  it("prints the plan of the largest of its runs", function()
    local printed = program.run(SCRIPT .. " --model gpt175b --gpus 1024 --plan")
    assert.truthy(printed:find("1024 GPUs: tp 8, pp 8, dp 16", 1, true), printed)
  end)
end)
