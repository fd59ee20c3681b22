-- Sends that follow one another as messages of one connection do.
local weft = require "weft"

-- 1 Gbit/s in the middle, 3 ms of delay in all, no headers.
local function new(engine)
  local options = {
    topology = weft.topology.dumbbell { hosts = 2, bottleneck = "1Gbps", delay = "1ms" },
    engine = engine, header = 0, int_header = 0, mtu = 1000,
  }
  if engine == "packet" then
    options.cc, options.window, options.pfc = "window", "1MB", false
  end
  return weft.simulation(options)
end

local function send(core, src, dst)
  return core:task_add { kind = "send", src = src, dst = dst, size_bytes = 10000000 }
end

describe("sends behind sends", function()
  it("keep a link busy without a gap for its delay", function()
    for _, engine in ipairs { "packet", "fluid" } do
      local sim = new(engine)
      local core, tasks = sim.core, {}
      for i = 1, 3 do
        tasks[i] = send(core, 0, 2)
        if i > 1 then core:task_behind(tasks[i], tasks[i - 1]) end
      end
      sim:run()
      for i, task in ipairs(tasks) do
        -- 80 ms each at 1 Gbit/s, 3 ms of delay, the first and last 1000 B at 100 Gbit/s.
        assert.equal((80 * i + 3) * 1e9 + 160000, sim:tasks():at(task).end_ps)
      end
    end
  end)

  it("also wait for what else they are put after, and fail with what they are behind", function()
    local sim = new "packet"
    local core = sim.core
    local first, late = send(core, 0, 2), core:task_add { kind = "compute", src = 1,
      duration_ps = 1e11 }
    local second = send(core, 0, 2)
    core:task_behind(second, first)
    core:task_after(second, late)
    sim:run()
    assert.equal(1e11, sim:tasks():at(second).begin_ps)

    local broken = weft.simulation { topology = weft.topology.star { hosts = 2 },
      give_up_after = "1ms" }
    local lost = send(broken.core, 0, 1)
    local behind = send(broken.core, 0, 1)
    broken.core:task_behind(behind, lost)
    broken:fail("h1-switch0", { at = "10us" })
    broken:run()
    assert.equal(-1, broken:tasks():at(lost).end_ps)
    assert.equal(-1, broken:tasks():at(behind).begin_ps)
    broken:unfinished()
  end)

  it("are refused behind what is no send, or runs", function()
    local sim = new "packet"
    local core = sim.core
    local compute = core:task_add { kind = "compute", src = 0, duration_ps = 1 }
    local first, second = send(core, 0, 2), send(core, 0, 2)
    local function refuses(text, task, other)
      local good, message = pcall(core.task_behind, core, task, other)
      assert.is_false(good)
      assert.matches(text, tostring(message))
    end
    refuses("expected a send that has not begun", second, compute)
    refuses("an earlier one", first, second)
    sim:run { stop_at = "1ms" }
    local third = send(core, 0, 2)
    refuses("expected a send that has not begun", third, first)
  end)
end)
