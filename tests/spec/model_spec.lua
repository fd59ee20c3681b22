-- Training of models: counts against the papers' formulas, schedules against their bubbles, and the
-- bytes that a plan promises against those that flows carry.

local notice = require "weft.notice"
local support = require "support"
local weft = require "weft"

local model = require "weft.workload.model"
local parallel = require "weft.workload.parallel"
local schedule = require "weft.workload.model_schedule"

local workload = weft.workload

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

local function near(expected, got, tolerance)
  assert.is_true(math.abs(got - expected) <= tolerance * math.abs(expected),
    ("expected %.12g, got %.12g"):format(expected, got))
end

local write

-- Many of its options have no effect in some of the plans.
setup(function() write, notice.write = notice.write, function() end end)
teardown(function() notice.write = write end)

-- A model small enough to run, large enough to have every part.
local function tiny(more)
  local options = {
    layers = 4, hidden = 256, heads = 8, vocabulary = 1000, sequence = 64, bucket = "1KB",
    compute = { forward = "10us", backward = "20us" }, channels = 1,
  }
  for key, value in pairs(more or {}) do options[key] = value end
  return options
end

local function fabric_of(gpus, per_server)
  return weft.topology.rail_optimized {
    servers = gpus / per_server, gpus_per_server = per_server, spines = 1,
  }
end

local function run(work, fabric, options)
  local given = { topology = fabric or fabric_of(8, 2), cc = "window" }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given)
  local job = sim:add_job(work)
  sim:run()
  return job, sim
end

local function row_of(plan, group, collective)
  for _, row in ipairs(plan.traffic) do
    if row.group == group and (not collective or row.collective == collective) then return row end
  end
end

describe("the size of a model", function()
  it("is the published one, to the parameter", function()
    local function total(options)
      return model.parameters(model.resolve("gpt", options, model.gpt)).total
    end
    -- GPT-2 XL, Llama 2 7B: counted from their released weights.
    assert.equal(1557611200, total {
      layers = 48, hidden = 1600, heads = 25, vocabulary = 50257, sequence = 1024 })
    assert.equal(6738415616, total {
      layers = 32, hidden = 4096, heads = 32, vocabulary = 32000, ffn = 11008, block = "llama" })
    local mixtral = model.parameters(model.resolve("moe", { model = "8x7B" }, model.moe))
    assert.equal(46702792704, mixtral.total)
    assert.equal(12879925248, mixtral.active)
  end)

  it("is within 3 % of what each preset is called in its paper", function()
    for name, billions in pairs { ["7B"] = 6.7, ["13B"] = 13, ["22B"] = 22, ["175B"] = 175 } do
      local counted = model.parameters(model.resolve("gpt", { model = name }, model.gpt))
      near(billions * 1e9, counted.total, 0.03)
      assert.equal(counted.total, counted.active)
    end
  end)

  it("is eq. 2 and section 5.1 of the Megatron-LM paper", function()
    for name in pairs(model.gpt) do
      local shape = model.resolve("gpt", { model = name }, model.gpt)
      local l, h, s, V = shape.layers, shape.hidden, shape.sequence, shape.vocabulary
      near(12 * l * h ^ 2 * (1 + 13 / (12 * h) + (V + s) / (12 * l * h)),
        model.parameters(shape).total - 2 * h, 1e-12) -- the paper leaves the last norm out
      local flops = model.forward_flops(shape, 3 * s)
      near(72 * 3 * s * l * h ^ 2 * (1 + s / (6 * h) + V / (12 * l * h)),
        3 * (l * flops.layer + flops.head), 1e-12)
    end
  end)
end)

describe("parallel groups", function()
  it("of each kind hold every rank once", function()
    for _, order in ipairs { "tp-dp-pp", "pp-tp-dp", "dp-pp-tp" } do
      local layout = parallel.new("gpt", { tp = 4, dp = 6, pp = 2, ep = 3 }, order)
      for kind, size in pairs { tp = 4, dp = 6, pp = 2, ep = 3, edp = 2 } do
        local seen, groups = {}, layout:groups(kind)
        assert.equal(48 / size, #groups)
        for _, ranks in ipairs(groups) do
          assert.equal(size, #ranks)
          for _, rank in ipairs(ranks) do seen[#seen + 1] = rank end
        end
        table.sort(seen)
        for i = 1, 48 do assert.equal(i - 1, seen[i]) end
      end
      for rank = 0, 47 do assert.equal(rank, layout:rank(layout:place(rank))) end
    end
  end)

  it("are those of Megatron-LM: tensor ranks next to each other, stages far apart", function()
    local layout = parallel.new("gpt", { tp = 2, dp = 4, pp = 2, ep = 2 }, "tp-dp-pp")
    assert.same({ 0, 1 }, layout:groups("tp")[1])
    assert.same({ 1, 3, 5, 7 }, layout:groups("dp")[2])
    assert.same({ 3, 11 }, layout:groups("pp")[4])
    assert.same({ 4, 6 }, layout:groups("ep")[2])
    assert.same({ 2, 6 }, layout:groups("edp")[2])
    assert.equal("1-7 by 2", parallel.describe_ranks(layout:groups("dp")[2]))
  end)
end)

describe("the schedule of a pipeline", function()
  local cases = { { 1, 4, 1 }, { 2, 2, 1 }, { 4, 1, 1 }, { 4, 3, 1 }, { 8, 32, 1 }, { 2, 2, 3 },
    { 4, 4, 2 }, { 4, 16, 2 }, { 8, 16, 4 } }

  it("has no cycle and does every pass once, behind its input", function()
    for _, case in ipairs(cases) do
      local p, m, v = case[1], case[2], case[3]
      local order, seen = schedule.order(p, m, v), {}
      assert.equal(2 * p * m * v, #order)
      for i, op in ipairs(order) do
        local name = ("%s %d %d"):format(tostring(op.backward), op.chunk, op.micro)
        assert.is_nil(seen[name])
        seen[name] = true
        assert.equal(op.chunk % p, op.stage)
        assert.is_true((op.input or 0) < i and (op.previous or 0) < i)
        local back = op.backward or false
        local first = op.chunk == 0 and not back
        assert.equal(first, op.input == nil)
        if not first then
          local input = order[op.input]
          assert.equal(op.micro, input.micro)
          local own_forward = back and op.chunk == p * v - 1
          assert.equal(back and not own_forward, input.backward or false)
          assert.equal(own_forward and 0 or 1, math.abs(op.chunk - input.chunk))
        end
      end
    end
  end)

  it("idles (p - 1) / (v m) of its work", function()
    for _, case in ipairs(cases) do
      local p, m, v = case[1], case[2], case[3]
      local total, busy = schedule.makespan(schedule.order(p, m, v), function(op)
        return op.backward and 2 or 1
      end)
      near((p - 1) / (v * m), (total - busy[0]) / busy[0], 1e-12)
    end
  end)

  it("holds no more than p - stage micro-batches at once in 1F1B", function()
    for stage = 0, 3 do
      local held, most = 0, 0
      for _, op in ipairs(schedule.stage(4, stage, 16, 1)) do
        held = held + (op.backward and -1 or 1)
        most = math.max(most, held)
      end
      assert.equal(4 - stage, most)
    end
  end)
end)

describe("the plan of GPT", function()
  it("moves 2 (n - 1) / n of the gradients in data parallel groups", function()
    for _, precision in ipairs { "bf16", "fp32" } do
      local plan = workload.gpt({ model = "13B", dp = 16, precision = precision }):plan()
      local row = row_of(plan, "dp")
      near(2 * 15 / 16 * 12858214400 * model.bytes[precision], row.rank_bytes, 1e-9)
      near(16 * row.rank_bytes, row.sent_bytes, 1e-9)
      assert.same({ "allreduce", 1, 16 }, { row.collective, row.groups, row.ranks })
      assert.equal(1, #plan.traffic)
    end
  end)

  it("moves 8 b s h (t - 1) / t numbers a layer and micro-batch in tensor groups", function()
    local plan = workload.gpt({ model = "13B", tp = 8, pp = 2, dp = 2, micro_batch = 3,
      global_batch = 24 }):plan()
    local row = row_of(plan, "tp")
    near(4 * 20 * 8 * 3 * 2048 * 5120 * 7 / 8 * 2, row.rank_bytes, 1e-9)
    assert.equal(4 * 40 * 4 * 2, row.calls)
    assert.equal(4, row.groups)
  end)

  it("sends b s h numbers a micro-batch, direction and pair of chunks", function()
    for virtual = 1, 2 do
      for _, split in ipairs { true, false } do
        local plan = workload.gpt({ model = "7B", tp = 4, pp = 4, dp = 2, global_batch = 16,
          virtual_stages = virtual, sequence_parallel = split }):plan()
        local row = row_of(plan, "pp")
        assert.equal(2 * 8 * (4 * virtual - 1) * 8, row.calls)
        near(row.calls * 2048 * 4096 * 2 / (split and 4 or 1), row.sent_bytes, 1e-12)
      end
    end
  end)

  it("moves 2, 2, 2 and 3 times the parameters with ZeRO 0 to 3", function()
    local parameters = 6662266880
    for zero, times in pairs { [0] = 2, 2, 2, 3 } do
      local plan, sum = workload.gpt({ model = "7B", dp = 64, zero = zero }):plan(), 0
      for _, row in ipairs(plan.traffic) do sum = sum + row.rank_bytes end
      near(times * parameters * 2 * 63 / 64, sum, 1e-6)
    end
  end)

  it("scatters gradients for every micro-batch from ZeRO 2 on", function()
    local plan = workload.gpt({ model = "7B", dp = 4, zero = 2, global_batch = 12 }):plan()
    near(3 * 6662266880 * 2 * 3 / 4, row_of(plan, "dp", "reduce_scatter").rank_bytes, 1e-6)
    near(6662266880 * 2 * 3 / 4, row_of(plan, "dp", "all_gather").rank_bytes, 1e-6)
  end)

  it("computes 72 B s l h^2 (...) operations at the speed of its GPUs", function()
    local plan = workload.gpt({ model = "22B", tp = 8, pp = 4, dp = 2, global_batch = 16,
      gpu = "H100", mfu = 0.5 }):plan()
    local sum = 0
    for stage = 0, 3 do sum = sum + plan.busy_ps[stage] end
    local l, h, s, V = 48, 6144, 2048, 51200
    local flops = 72 * 8 * s * l * h ^ 2 * (1 + s / (6 * h) + V / (12 * l * h))
    near(flops / (8 * 989e12 * 0.5) * 1e12, sum, 1e-6)
  end)

  it("prints its groups before anything runs", function()
    local work = workload.gpt { model = "13B", tp = 8, pp = 2, dp = 8 }
    local text = tostring(work)
    assert.equal(text, tostring(work:plan()))
    assert.truthy(text:find("128 GPUs: tp 8, pp 2, dp 8", 1, true), text)
    assert.truthy(text:find("dp +16 +8 +0%-56 by 8 +allreduce"), text)
    assert.is_nil(text:find(" \n"))
  end)

  it("takes dp from the number of ranks", function()
    assert.equal(8, workload.gpt({ model = "13B", tp = 8, pp = 2, ranks = 128 }):plan().layout.dp)
  end)
end)

describe("the plan of a mixture of experts", function()
  it("exchanges top_k x tokens x hidden numbers four times a layer and micro-batch", function()
    local plan = workload.moe({ model = "8x13B", tp = 4, pp = 2, dp = 16, ep = 8,
      capacity_factor = 1.25 }):plan()
    local row = row_of(plan, "ep")
    near(4 * 20 * 2 * 2048 / 4 * 5120 * 2 * 1.25 * 2 * 7 / 8, row.rank_bytes, 1e-9)
    assert.equal(4 * 40 * 2 * 16 / 2, row.calls)
    assert.same({ 16, 8, "all_to_all" }, { row.groups, row.ranks, row.collective })
  end)

  it("sends tokens where the loads say, and has them computed there", function()
    local work = workload.moe(tiny { dp = 2, ep = 2, experts = 4, top_k = 1, heads = 4,
      expert_loads = { 2, 1, 1, 0 } })
    local plan = work:plan()
    -- Rank 0 sends a quarter of its tokens out, and back three quarters of those of rank 1.
    local one_way = 2 * 4 * 64 * 256 * 2
    near(one_way / 4 + one_way * 3 / 4, row_of(plan, "ep").rank_bytes, 1e-9)
    local even = workload.moe({ model = "8x7B", dp = 8, ep = 8 }):plan()
    local skewed = workload.moe({ model = "8x7B", dp = 8, ep = 8,
      expert_loads = { 2, 1, 1, 1, 1, 1, 1, 0 } }):plan()
    local op = even.order[1]
    near(even:compute_ps(op), skewed:compute_ps(op, 3), 1e-12)
    near(2 * even:compute_ps(op), skewed:compute_ps(op, 0) + skewed:compute_ps(op, 7), 1e-12)
    assert.is_true(skewed:compute_ps(op, 0) > 1.5 * even:compute_ps(op))
  end)

  it("sums experts only over the ranks that hold them, the rest over all replicas", function()
    local plan = workload.moe({ model = "8x7B", dp = 16, ep = 8 }):plan()
    local parameters = plan.parameters
    local experts = 32 * parameters.expert
    near(2 * 1 / 2 * experts * 2, row_of(plan, "edp").rank_bytes, 1e-9)
    near(2 * 15 / 16 * (parameters.total - 8 * experts) * 2, row_of(plan, "dp").rank_bytes, 1e-9)
  end)
end)

describe("an iteration", function()
  -- Bytes and number of the flows of a job.
  local function carried(job, sim)
    local bytes, sizes, count = 0, sim:flows():column "size_bytes", 0
    for _, id in ipairs(job:flows()) do
      bytes, count = bytes + sizes[id + 1], count + 1
    end
    return { bytes = bytes, count = count }
  end

  local function promised(plan)
    local sum = { bytes = 0, count = 0 }
    for _, row in ipairs(plan.traffic) do
      sum.bytes, sum.count = sum.bytes + row.sent_bytes, sum.count + row.messages
    end
    return sum
  end

  local cases = {
    ["data parallel"] = { dp = 8 },
    ["tensor and data parallel"] = { tp = 2, dp = 4 },
    ["1F1B"] = { tp = 2, pp = 2, dp = 2, global_batch = 8 },
    ["1F1B by layers"] = { tp = 2, pp = 2, dp = 2, global_batch = 4, granularity = "layer" },
    ["interleaved"] = { pp = 2, dp = 4, virtual_stages = 2, global_batch = 16 },
    ["interleaved without overlap"] = { pp = 2, dp = 4, virtual_stages = 2, overlap = false },
    ["ZeRO 1"] = { pp = 2, dp = 4, zero = 1 },
    ["ZeRO 2"] = { dp = 8, zero = 2, global_batch = 16 },
    ["ZeRO 3"] = { tp = 2, dp = 4, zero = 3, global_batch = 8, bucket = "1MB" },
    ["recomputing"] = { tp = 4, pp = 2, recompute = "full", block = "llama" },
  }

  for _, name in ipairs(weft.util.sorted_keys(cases)) do
    it("carries what its plan says: " .. name, function()
      local work = workload.gpt(tiny(cases[name]))
      local job, sim = run(work)
      assert.is_true(job:result().complete)
      assert.same(promised(work:plan()), carried(job, sim))
    end)
  end

  it("of GPT-13B on 128 GPUs is a few thousand tasks in a few megabytes, and runs", function()
    local sim = weft.simulation {
      topology = weft.topology.rail_optimized { servers = 16 }, cc = "hpcc",
    }
    local before = sim:stats().memory_bytes
    local job = sim:add_job(workload.gpt { model = "13B", tp = 8, pp = 2, dp = 8,
      scale_bytes = 1e-5, scale_compute = 1e-5 })
    assert.is_true(sim:stats().tasks_added < 5000)
    assert.is_true(sim:stats().memory_bytes - before < 4e6)
    sim:run()
    assert.is_true(job:result().complete)
    assert.same(promised(job.work:plan()), carried(job, sim))
  end)

  it("takes the same time in fewer rows if it keeps none of what is over", function()
    local function rows(keep)
      local job, sim = run(workload.gpt(tiny { tp = 2, pp = 2, dp = 2, keep_flows = keep }),
        weft.topology.star { hosts = 8 })
      return #sim:flows(), job:summary()
    end
    local all, first = rows(true)
    local few, second = rows(false)
    assert.equal(first, second)
    assert.is_true(few < all / 3)
  end)

  it("of a mixture carries what its plan says", function()
    for _, more in ipairs {
      { dp = 8, ep = 4 }, { tp = 2, dp = 4, ep = 4, zero = 1 },
      { dp = 8, ep = 4, expert_loads = { 5, 1, 0, 2 } },
      { tp = 2, pp = 2, dp = 2, ep = 2, granularity = "layer" },
    } do
      more.experts, more.top_k = 4, 2
      local work = workload.moe(tiny(more))
      local job, sim = run(work)
      assert.is_true(job:result().complete)
      assert.same(promised(work:plan()), carried(job, sim))
    end
  end)

  it("counts its time from its start", function()
    local at_once = run(workload.gpt(tiny { tp = 2, dp = 4, iterations = 2 })):result()
    local later = run(workload.gpt(tiny { tp = 2, dp = 4, iterations = 2, start = "3ms" })):result()
    assert.same(at_once, later)
  end)

  it("that breaks says what got stuck", function()
    local fabric = fabric_of(8, 2)
    local sim = weft.simulation { topology = fabric, cc = "window" }
    local job = sim:add_job(workload.gpt(tiny { dp = 8, ranks = 8 }))
    sim:fail(fabric:link("gpu1", "leaf1"), { at = "100us" })
    sim:run()
    assert.truthy(job:summary():find("0 of 1 iterations complete; %d+ flow.* got stuck"),
      job:summary())
  end)

  it("of one GPU takes its computations, and the optimizer", function()
    local result = run(workload.gpt(tiny {
      global_batch = 3, iterations = 2, optimizer = "5us", scale_compute = 0.5 })):result()
    assert.equal(2 * (3 * 4 * 15e6 + 5e6), result.time_ps)
    assert.equal(1, result.iterations[2].compute)
  end)

  it("of a pipeline with small messages takes (m + p - 1) / m of its work", function()
    for virtual = 1, 2 do
      local work = workload.gpt(tiny { layers = 8, pp = 4, global_batch = 8,
        virtual_stages = virtual, scale_bytes = 1e-9,
        compute = { forward = "1ms", backward = "2ms" } })
      local result = run(work):result()
      local busy = 8 * 2 * 3e9
      near(busy * (1 + 3 / (virtual * 8)), result.time_ps, 1e-2)
      near(3 / (virtual * 8 + 3), result.iterations[1].bubble, 1e-2)
      assert.is_true(result.iterations[1].exposed < 0.01)
    end
  end)

  it("is computation, idling and exposed communication, in parts that sum to it", function()
    local result = run(workload.gpt(tiny { tp = 2, pp = 2, dp = 2, iterations = 3 })):result()
    local sum = 0
    for _, one in ipairs(result.iterations) do
      near(1, one.compute + one.bubble + one.exposed, 1e-9)
      assert.is_true(one.exposed > 0)
      sum = sum + one.time_ps
    end
    assert.equal(result.time_ps, sum)
  end)

  it("hides gradients behind the backward pass", function()
    local function time(overlap)
      return run(workload.gpt(tiny { dp = 8, overlap = overlap, layers = 8,
        compute = { forward = "100us", backward = "200us" } })):time_ps()
    end
    assert.is_true(time(true) < time(false))
    assert.is_true(time(true) >= 8 * 300e6)
  end)

  it("leaves a server by as many NICs as a group has ranks in it", function()
    local fabric = fabric_of(8, 4)
    local function nic_bytes(channels)
      local options = tiny { dp = 8 }
      options.channels = channels
      local job, sim = run(workload.gpt(options), fabric)
      local sent = {}
      for _, port in sim:ports():rows() do
        if port.from_name:find("^gpu") and port.to_name:find("^leaf") then
          sent[#sent + 1] = port.tx_bytes > 1e6 and 1 or 0
        end
      end
      return table.concat(sent), job:time_ps()
    end
    local all, short = nic_bytes(nil)
    local one, long = nic_bytes(1)
    assert.same({ "11111111", "00010001" }, { all, one })
    assert.is_true(short < long)
  end)

  it("goes around the servers, whatever the order of its ranks", function()
    local function time(ranks)
      return run(workload.gpt { layers = 4, hidden = 256, heads = 8, vocabulary = 1000, dp = 8,
        sequence = 64, compute = { forward = "10us", backward = "20us" }, ranks = ranks }):time_ps()
    end
    assert.equal(time { 0, 1, 2, 3, 4, 5, 6, 7 }, time { 0, 2, 4, 6, 1, 3, 5, 7 })
  end)

  it("sends as many bytes with other algorithms", function()
    local function bytes(options)
      local job, sim = run(workload.moe(tiny(options)))
      assert.is_true(job:result().complete)
      return carried(job, sim).bytes
    end
    local function case(more)
      local options = { dp = 8, ep = 2, experts = 2, top_k = 1 }
      for key, value in pairs(more) do options[key] = value end
      return options
    end
    local expected = bytes(case {})
    for _, name in ipairs { "bidirectional", "tree", "double_tree", "halving_doubling",
      "hierarchical" } do
      assert.equal(expected, bytes(case { dp_algorithm = name }))
    end
    assert.equal(expected, bytes(case { ep_algorithm = "pairwise" }))
    assert.equal(bytes(case { zero = 1 }), bytes(case { zero = 1,
      dp_algorithm = "halving_doubling" }))
  end)

  it("gathers the next parameters while it computes with ZeRO 3", function()
    local job, sim = run(workload.gpt(tiny { dp = 8, zero = 3, layers = 8,
      compute = { forward = "1ms", backward = "2ms" } }))
    local begin, done = sim:tasks():column "begin_ps", sim:tasks():column "end_ps"
    local list = job.started.collectives.dp
    local function time(i) return done[list[i].last + 1] - begin[list[i].first + 1] end
    -- Only the first parameters of either pass and the last gradients have nothing to hide behind.
    assert.equal(8 + 8 + 8, #list)
    assert.equal(8 * 3e9 + time(1) + time(9) + time(24), job:time_ps())
  end)

  it("behind its computations takes as long as the AllReduce alone", function()
    local star = weft.topology.star { hosts = 4 }
    local work = workload.gpt(tiny { dp = 4, overlap = false })
    local size = row_of(work:plan(), "dp").buffer_bytes
    local alone = run(workload.allreduce { size = size, ranks = 4 }, star):time_ps()
    assert.equal(4 * 30e6 + alone, run(work, star):time_ps())
  end)

  it("of a pipeline takes its passes and a message at each change of stage", function()
    -- One micro-batch goes forward through two stages and back: two messages, nothing beside them.
    local star = weft.topology.star { hosts = 2 }
    local work = workload.gpt(tiny { pp = 2, block = "llama" })
    local sim = weft.simulation { topology = star, cc = "window" }
    sim:add_flow { src = 0, dst = 1, size = work:plan().message_bytes }
    sim:run()
    local message = sim:flows():row(1).fct_ps
    assert.equal(4 * 30e6 + 2 * message, run(workload.gpt(tiny {
      pp = 2, block = "llama", global_batch = 1 }), star):time_ps())
  end)

  it("waits for a slow GPU", function()
    local function time(slow)
      return run(workload.gpt(tiny { dp = 8, slow_gpus = slow, scale_bytes = 1e-9,
        compute = { forward = "1ms", backward = "2ms" } })):time_ps()
    end
    local even = time {}
    near(1.5 * even, time { gpu3 = 1.5 }, 1e-2)
    assert.equal(time { gpu3 = 1.5 }, time { [3] = 1.5 })
  end)

  it("does not blame the network for a GPU that becomes slow", function()
    local sim = weft.simulation { topology = fabric_of(8, 2), cc = "window" }
    local job = sim:add_job(workload.gpt(tiny { dp = 8, scale_bytes = 1e-9, iterations = 2,
      compute = { forward = "1ms", backward = "2ms" } }))
    sim:slow("gpu5", { at = "11.9ms", factor = 2 })
    sim:run()
    local first, second = job:result().iterations[1], job:result().iterations[2]
    near(2, second.time_ps / first.time_ps, 1e-2)
    near((1 + 1 / 8) / 2, second.compute, 1e-2)
    assert.is_true(second.exposed < 0.01)
  end)

  it("can leave tensor traffic to the clock or out", function()
    local function time(how)
      return run(workload.gpt(tiny { tp = 2, tp_traffic = how,
        tp_rate = how == "time" and "100Gbps" or nil })):time_ps()
    end
    local out = time "ignore"
    assert.equal(4 * 30e6, out)
    -- Four AllReduce a layer of 64 x 256 numbers of 2 bytes over two ranks.
    assert.equal(out + 4 * 4 * 64 * 256 * 2 * 8e12 / 100e9, time "time")
    assert.is_true(time "simulate" > out)
  end)

  it("names its tasks in a timeline", function()
    local _, sim = run(workload.gpt(tiny { pp = 2, dp = 2, virtual_stages = 2 }))
    local path = os.tmpname()
    weft.export.trace(sim, { file = path })
    local text = support.content(path)
    os.remove(path)
    for _, name in ipairs { "forward 1, chunk 3", "backward 0, chunk 2", "allreduce dp",
      "allreduce embedding" } do
      assert.truthy(text:find('"' .. name .. '"', 1, true), name)
    end
  end)

  it("runs on the hosts that it is given, as often as asked, and says how far it came", function()
    local fabric = fabric_of(8, 2)
    local sim = weft.simulation { topology = fabric, cc = "window" }
    local job = sim:add_job(workload.gpt(tiny { dp = 2, iterations = 3,
      ranks = { "gpu5", "gpu1" } }))
    sim:run { stop_at = "300us" }
    assert.is_false(job:result().complete)
    assert.truthy(job:summary():find("1 of 3 iterations complete", 1, true), job:summary())
    local fork = sim:fork()
    sim:run()
    fork:run()
    assert.equal(sim:stats().fingerprint, fork:stats().fingerprint)
    assert.equal(job:summary(), fork.jobs[1]:summary())
    for _, row in sim:flows():rows() do
      assert.is_true(row.src_name == "gpu5" or row.src_name == "gpu1")
    end
    assert.truthy(job:summary():find("communication exposed", 1, true))
  end)
end)

describe("a model that does not fit", function()
  it("is refused in one line", function()
    fails("expected a 'model' (7B, 13B, 22B, 175B)", workload.gpt, {})
    fails("'13b'", workload.gpt, { model = "13b" })
    fails("option 'heads' is missing", workload.gpt, { layers = 2, hidden = 64 })
    fails("expected a divisor of layers (40), got 3", workload.gpt, { model = "13B", pp = 3 })
    fails("expected a divisor of heads (40), got 16", workload.gpt, { model = "13B", tp = 16 })
    fails("expected pp of 2 or more", workload.gpt, { model = "13B", virtual_stages = 2 })
    fails("a number of micro-batches that pp (4) divides, got 6", workload.gpt,
      { model = "13B", pp = 4, virtual_stages = 2, global_batch = 6 })
    fails("expected a multiple of dp x micro_batch (8), got 9", workload.gpt,
      { model = "13B", dp = 4, micro_batch = 2, global_batch = 9 })
    fails("expected 0 or 1 with a pipeline", workload.gpt, { model = "13B", pp = 2, zero = 3 })
    fails("expected ring, bidirectional or halving_doubling with ZeRO 1, got 'tree'", workload.gpt,
      { model = "13B", dp = 2, zero = 1, dp_algorithm = "tree" })
    fails("fastest first, such as 'tp-dp-pp', got 'tp-pp'", workload.gpt,
      { model = "13B", order = "tp-pp" })
    fails("expected a multiple of tp x pp (16), got 100", workload.gpt,
      { model = "13B", tp = 8, pp = 2, ranks = 100 })
    fails("expected tp x dp x pp (4), got 2", workload.gpt,
      { model = "13B", dp = 4, ranks = { 0, 1 } })
    fails("expected a multiple of tp x pp (1), got 12.5", workload.gpt,
      { model = "13B", ranks = 12.5 })
    fails("expected at most 1e+14 parameters, got 1.", workload.gpt,
      { layers = 2 ^ 17, hidden = 2 ^ 13, heads = 1 })
    fails("for a backward pass of a layer", workload.gpt, { model = "13B", flops = 1e6 })
    fails("expected at most 1 PiB in a message or a buffer", function()
      return workload.gpt({ model = "13B", pp = 2, micro_batch = 2 ^ 20, sequence = 2 ^ 20,
        flops = 1e30 }):plan()
    end)
    fails("unknown option 'experts'", workload.gpt, { model = "13B", experts = 2 })
    fails("compute: option 'backward' is missing", workload.gpt,
      { model = "13B", compute = { forward = 1 } })
    fails("expected a divisor of dp (4), got 8", workload.moe, { model = "8x7B", ep = 8, dp = 4 })
    fails("expected a divisor of experts (8), got 3", workload.moe,
      { model = "8x7B", ep = 3, dp = 3 })
    fails("expected 8 numbers, not all 0, got 2", workload.moe,
      { model = "8x7B", expert_loads = { 1, 2 } })
    fails("option 'slow_gpus': expected hosts or ranks", workload.gpt,
      { model = "7B", slow_gpus = { gpu1 = -1 } })
  end)

  it("leaves nothing behind when the fabric is too small", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
    local function add(more)
      return function() sim:add_job(workload.gpt(tiny(more))) end
    end
    fails("at most the 4 hosts of star, got tp 2 x dp 4 x pp 1 = 8 ranks", add { tp = 2, dp = 4 })
    fails("a host of the job or a rank 0 to 1, got 'h3'", add { dp = 2, slow_gpus = { h3 = 2 } })
    fails("of computing, got", add { dp = 2, iterations = 10000, slow_gpus = { [1] = 1e6 } })
    fails("algorithm 'hierarchical' needs hosts that are grouped",
      add { dp = 4, dp_algorithm = "hierarchical" })
    fails("gpt: rank 2: 'h1' is rank 1 already",
      add { ranks = { "h1", 1 } })
    assert.equal(0, sim:stats().tasks_added)
  end)
end)
