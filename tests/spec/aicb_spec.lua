-- Workload files of SimAI and AICB as jobs.
local aicb = require "weft.formats.aicb"
local program = require "program"
local support = require "support"
local weft = require "weft"

local FIXTURES = "tests/fixtures/"
local temporary

after_each(function()
  if temporary then os.remove(temporary) end
  temporary = nil
end)

local function simulation(hosts)
  return weft.simulation { topology = weft.topology.star { hosts = hosts }, cc = "window" }
end

local function run(work, hosts)
  local sim = simulation(hosts)
  local job = sim:add_job(work)
  sim:run()
  return job, sim
end

-- How long a collective takes alone, in ps.
local function alone(kind, size, ranks, hosts)
  local sim = simulation(hosts)
  sim.core:collective_add { kind = kind, size_bytes = size, ranks = ranks }
  sim:run()
  return sim:tasks():column "end_ps"[1]
end

-- A file of the given header and layers.
local function file_of(header, layers)
  temporary = support.file(("%s\n%d\n%s\n"):format(header, #layers, table.concat(layers, "\n")))
  return temporary
end

local TP2 = "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2"

-- Pairs of hosts that send to each other, as sorted text.
local function pairs_of(sim)
  local seen, list = {}, {}
  for _, row in sim:flows():rows() do
    local pair = ("%d-%d"):format(math.min(row.src, row.dst), math.max(row.src, row.dst))
    if not seen[pair] then list[#list + 1] = pair end
    seen[pair] = true
  end
  table.sort(list)
  return table.concat(list, " ")
end

describe("AICB workload", function()
  it("goes forward and backward, and lets weights' gradients go on beside", function()
    local job, sim = run(weft.workload.aicb { file = FIXTURES .. "aicb_tp2.txt" }, 4)
    local forward = alone("allreduce", 40000, { 0, 1 }, 4)
    local input = alone("reduce_scatter", 20000, { 0, 1 }, 4)
    local weight = alone("allreduce", 60000, { 0, 2 }, 4)
    assert.equal(3000e3 + forward + 100e3 + 2000e3       -- forward
      + 4000e3 + input + 50e3 + 700e3                    -- backward, second layer
      + 1000e3 + 500e3 + weight + 100e3,                 -- backward, first layer
      job:time_ps())
    assert.equal("0-1 0-2 1-3 2-3", pairs_of(sim))
    assert.matches("^aicb of %d+ operations over 4 ranks, ", job:summary())
  end)

  it("waits for a layer's weights when the layer comes again", function()
    local function time(iterations)
      return run(weft.workload.aicb {
        file = file_of("DATA", { "a -1 1000 NONE 0 1 NONE 0 1 ALLREDUCE 50000 0",
          "b -1 2000 NONE 0 1 NONE 0 9000 NONE 0 0" }), iterations = iterations,
      }, 2):time_ps()
    end
    local once = alone("allreduce", 50000, { 0, 1 }, 2) + 12003e3
    assert.equal(once, time(1))
    assert.equal(3 * once, time(3))
  end)

  it("has the groups of SimAI", function()
    local function partners(layer)
      local _, sim = run(weft.workload.aicb { file = file_of(TP2 .. " ep: 2", { layer }) }, 8)
      return pairs_of(sim)
    end
    assert.equal("0-1 2-3 4-5 6-7", partners "a -1 1 ALLGATHER 8000 1 NONE 0 1 NONE 0 1")
    assert.equal("0-2 1-3 4-6 5-7", partners "a -1 1 ALLTOALL_EP 8000 1 NONE 0 1 NONE 0 1")
    assert.equal("0-4 1-5 2-6 3-7", partners "a -1 1 NONE 0 1 NONE 0 1 REDUCESCATTER_DP_EP 8000 1")
    assert.equal("0-2 0-6 1-3 1-7 2-4 3-5 4-6 5-7",
      partners "a -1 1 NONE 0 1 NONE 0 1 ALLREDUCE 8000 1")
  end)

  it("repeats the forward pass from a checkpoint", function()
    local layers = { "a -1 10 NONE 0 100 NONE 0 0 NONE 0 0", "b -1 20 NONE 0 100 NONE 0 0 NONE 0 0",
      "c -1 40 NONE 0 100 NONE 0 0 NONE 0 0" }
    local function ns(header) -- the computations of all ranks are one
      return run(weft.workload.aicb { file = file_of(TP2 .. header, layers) }, 2):time_ps() / 1000
    end
    assert.equal(370, ns "")
    assert.equal(370 + 20, ns " checkpoints: 1 1 checkpoint_initiates: 1 2")
    assert.equal(370 + 10 + 20, ns " checkpoints: 1 0 checkpoint_initiates: 1 2")
  end)

  it("runs inference forward only, and a micro benchmark line by line", function()
    local function time(header)
      return run(weft.workload.aicb { file = file_of(header, {
        "a -1 9000 ALLREDUCE 8192 1 NONE 0 5000 ALLREDUCE 8192 0",
        "b -1 9000 ALLREDUCE 8192 1 NONE 0 5000 ALLREDUCE 8192 0" }) }, 2):time_ps()
    end
    local one = alone("allreduce", 8192, { 0, 1 }, 2)
    assert.equal(2 * (one + 9000e3), time "DISTRIBUTED_INFERENCE model_parallel_NPU_group: 2")
    assert.equal(2 * (one + 5000e3), time "MICRO")
  end)

  it("scales bytes and computations, and sends no less than SimAI", function()
    local file = file_of(TP2, { "a -1 1000 ALLREDUCE 100 1 NONE 0 1 NONE 0 0" })
    local job = run(weft.workload.aicb { file = file, scale_bytes = 0.5, scale_compute = 2 }, 2)
    assert.equal(alone("allreduce", 2048, { 0, 1 }, 2) + 2004e3, job:time_ps())
  end)

  it("shares a collective over as many channels as a server has ranks of it", function()
    local fabric = weft.topology.rail_optimized { servers = 2, gpus_per_server = 4 }
    local function flows(layer)
      local sim = weft.simulation { topology = fabric, cc = "window" }
      local job = sim:add_job(weft.workload.aicb {
        file = file_of(TP2 .. " ep: 2", { layer }), channels = 4 })
      sim:run()
      assert.is_true(job:result().complete)
      return #sim:flows()
    end
    -- Two rings of two ranks with 2 steps each; then four pairs, one rank in a server.
    assert.equal(4 * 2 * 2 * 2, flows "a -1 1 ALLREDUCE 8000 1 NONE 0 1 NONE 0 1")
    assert.equal(4 * 2 * 2, flows "a -1 1 NONE 0 1 NONE 0 1 ALLREDUCE_DP_EP 8000 1")
    assert.equal(4 * 2, flows "a -1 1 ALLTOALL_EP 8000 1 NONE 0 1 NONE 0 1")
  end)

  it("takes fewer ranks if told so", function()
    local function fails(fragment, options, hosts)
      options.file = FIXTURES .. "aicb_tp2.txt"
      local message = support.error_of(function()
        run(weft.workload.aicb(options), hosts)
      end)
      assert.truthy(message:find(fragment, 1, true), message)
    end
    fails("is for 4 GPUs, and star has 2 hosts; option 'ranks' takes fewer", {}, 2)
    fails("expected a multiple of 2 ranks, got 3", { ranks = 3 }, 4)
    local job = run(weft.workload.aicb { file = FIXTURES .. "aicb_tp2.txt", ranks = 2 }, 2)
    assert.equal(2, job:result().ranks)
  end)

  it("reads the headers that today's generators write", function()
    local LAYER = "attention -1 1000 ALLREDUCE 40000 1000 NONE 0 1000 NONE 0 0"
    local one = alone("allreduce", 40000, { 0, 1 }, 4)
    for _, header in ipairs {
      -- Training with pipeline stages and sequence parallelism: a size that Python has divided.
      "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 1 pp: 1 vpp: 4 ga: 2 "
        .. "all_gpus: 4 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 1048576.0",
      "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 all_gpus: 4 pp_comm 349525.3333",
      "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2.0 ep: 1.0 all_gpus: 4.",
      -- Inference.
      "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 2 pp: 1 all_gpus: 4 mode: 1 "
        .. "vpp: 1 ga: 1 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 0",
      -- Micro benchmarks of several AllReduces.
      "HYBRID_TRANSFORMER_FWD_IN_BCKWD\tmodel_parallel_NPU_group: 2        "
        .. "expert_parallel_npu_group: 2 pp: 1     ga: 1 all_gpus: 4 checkpoints: 0 "
        .. "checkpoint_initiates: 0 \r",
    } do
      local job, sim
      assert.same({}, support.notices(function()
        job, sim = run(weft.workload.aicb { file = file_of(header, { LAYER }) }, 6)
      end))
      os.remove(temporary)
      assert.equal(one + 3000e3, job:time_ps(), header)
      assert.equal("0-1 2-3", pairs_of(sim), header)
      -- Two groups, each 2 (n - 1) x 40,000 bytes.
      assert.equal(2 * 2 * 40000, job:result().size_bytes)
    end
  end)

  it("leaves out words of the header that nobody knows, and says so once", function()
    local function said(header)
      return support.notices_of_file(aicb.read,
        header .. "\n1\na -1 1 NONE 0 1 NONE 0 1 NONE 0 1\n")
    end
    assert.same({}, said "MICRO")
    assert.same({ ":1: header: not known and left out: 'cp: 2 gpu_type: H100'" },
      said(TP2 .. " cp: 2 ep: 1 gpu_type: H100 all_gpus: 4"))
    assert.same({ ":1: header: not known and left out: 'zero 3 stages'" },
      said "DATA zero 3 stages")
    assert.same({ ":1: pp: 2: pipeline stages and their messages are not simulated; the lines are"
      .. " those of one stage" }, said(TP2 .. " pp: 2 pp_comm: 65536.5"))
    local model
    support.notices(function()
      model = aicb.read(file_of(TP2 .. " cp: 2 moe ep: 3 x: 1", {
        "a -1 1 NONE 0 1 NONE 0 1 NONE 0 1" }))
    end)
    assert.same({ 2, 3 }, { model.tp, model.ep })
    assert.same({ ":3: dependency: layers are run in the order of the file, as in SimAI" },
      support.notices_of_file(aicb.read, "DATA\n1\na 0 1 NONE 0 1 NONE 0 1 NONE 0 1\n"))
  end)

  it("lets the embeddings of DLRM go on beside the bottom layers", function()
    local function layers()
      local list = { "embedding -1 10000 ALLTOALL 90000 900000 ALLTOALL 60000 1000 NONE 0 0" }
      for i = 1, 3 do
        list[i + 1] = ("mlp%d -1 200000 NONE 0 %d00000 NONE 0 5000 NONE 0 0"):format(i, i)
      end
      return list
    end
    local function time_us(policy, last_bottom)
      local header = policy .. " DLRM_LAST_BOTTOM_LAYER: " .. last_bottom
      local job = run(weft.workload.aicb { file = file_of(header, layers()) }, 3)
      os.remove(temporary)
      -- 90,000 and 60,000 bytes to two others each way.
      assert.equal(3 * 2 * (30000 + 20000), job:result().size_bytes)
      return job:time_ps() / 1e6
    end
    -- All to all of some 5 us is over long before 200 us of a bottom layer: only computing counts,
    -- 10 + 3 x 200 forward, backward 5 + 300 + 5 + 200 + 5 + 100 + 1; the first layer's gradient of
    -- the input is never computed.
    assert.equal(610 + 616, time_us("HYBRID_DLRM", 1))
    assert.equal(610 + 616, time_us("HYBRID_DLRM_ENHANCED", 2))
    -- Where the embedding itself is the last, it is waited for at once, and on the way back but
    -- for the 1 us of its weights' gradient.
    local back = alone("all_to_all", 60000, { 0, 1, 2 }, 3) / 1e6
    local forth = alone("all_to_all", 90000, { 0, 1, 2 }, 3) / 1e6
    assert.is_true(back > 1 and back < 100)
    assert.equal(610 + 616 + forth + back - 1, time_us("HYBRID_DLRM", 0))
    -- A layer that needs no time backward lets the gradients' exchange be seen.
    local job = run(weft.workload.aicb { file = file_of("HYBRID_DLRM 0", {
      "e -1 0 ALLTOALL 90000 1 ALLTOALL 60000 0 NONE 0 0",
      "t -1 50000 NONE 0 0 NONE 0 0 NONE 0 0" }) }, 3)
    assert.equal((forth + 50 + back) * 1e6, job:time_ps())
  end)

  it("says what DLRM and MODEL leave out", function()
    assert.same({ ":3: HYBRID_DLRM: the collective of the input's gradient is not run: it begins"
      .. " with the layer behind the last bottom layer, and there is none" },
      support.notices_of_file(aicb.read, "HYBRID_DLRM DLRM_LAST_BOTTOM_LAYER: 1\n2\n"
        .. "e -1 1 ALLTOALL 8 1 ALLTOALL 8 1 NONE 0 1\nb -1 2 NONE 0 2 NONE 0 2 ALLREDUCE 8 1\n"))
    assert.same({ ":4: HYBRID_DLRM: only the first layer has collectives forward and of its"
      .. " input's gradient, as in SimAI" },
      support.notices_of_file(aicb.read, "HYBRID_DLRM DLRM_LAST_BOTTOM_LAYER: 0\n2\n"
        .. "e -1 1 ALLTOALL 8 1 ALLTOALL 8 1 NONE 0 1\nb -1 2 ALLTOALL 8 2 NONE 0 2 NONE 0 1\n"))
    assert.same({ ":3: MODEL: collectives of weights' gradients are not run, as in SimAI" },
      support.notices_of_file(aicb.read, "MODEL\n1\na -1 1 NONE 0 1 NONE 0 1 ALLREDUCE 8 1\n"))
  end)

  it("runs MODEL over all ranks", function()
    local job, sim = run(weft.workload.aicb { file = file_of("MODEL", {
      "a -1 1000 ALLGATHER 30000 2000 ALLREDUCE 9 3000 NONE 0 0",
      "b -1 1000 NONE 0 0 ALLREDUCE 60000 400000 NONE 0 0" }) }, 3)
    -- The sum of b's input gradients (60,000 bytes) goes on beside 400 us of its weights'.
    assert.equal(alone("all_gather", 30000, { 0, 1, 2 }, 3) + 2000e3 + 400000e3 + 2000e3 + 3000e3,
      job:time_ps())
    assert.equal("0-1 0-2 1-2", pairs_of(sim))
    assert.equal(2 * 30000 + 2 * 2 * 60000, job:result().size_bytes)
  end)

  it("with a fault names the line", function()
    local function at(content) return support.error_in_file(aicb.read, content) end
    local function layer(text) return at("MICRO\n1\n" .. text .. "\n") end
    assert.equal(":1: expected a policy such as HYBRID_TRANSFORMER, got end of file", at "")
    assert.equal(":1: policy: got 'MIRCO'; did you mean 'MICRO'?", at "MIRCO\n")
    assert.equal(":1: header: unknown word 'epp:'; did you mean 'ep:'?", at "DATA epp: 3\n")
    assert.equal(":1: ep:: expected a whole number, got ''", at "DATA ep:\n")
    assert.equal(":1: ep:: expected a whole number, got '1.5'", at "DATA ep: 1.5\n")
    assert.equal(":1: pp_comm:: expected a whole number, got 'big'", at "DATA pp_comm: big\n")
    assert.equal(":1: header: 'DLRM_LAST_BOTTOM_LAYER:' is missing", at "HYBRID_DLRM\n")
    for _, policy in ipairs { "HYBRID_DATA_MODEL", "HYBRID_MODEL_DATA", "HYBRID_CUSTOMIZED" } do
      assert.equal(":1: policy: " .. policy .. " takes its groups from the dimensions of a"
        .. " topology, which the file does not name; HYBRID_TRANSFORMER with"
        .. " model_parallel_NPU_group says them", at(policy .. "\n1\n"))
    end
    assert.equal(":1: checkpoint_initiates: layer 0 has no checkpoint before it",
      at "DATA checkpoint_initiates: 1 0\n1\na -1 1 NONE 0 1 NONE 0 1 NONE 0 1\n")
    for _, first in ipairs { "comm_type,comm_group,msg_size", "[rank0 ~ rank127]" } do
      assert.equal(":1: expected a workload for SimAI, got AICB's list of calls for a run on a"
        .. " cluster", at(first .. "\n"))
    end
    assert.equal(":2: expected the number of layers, got 'a -1'", at "MICRO\na -1\n")
    assert.equal(":3: expected layer 1 of 1, got end of file; option 'layers' reads fewer",
      at "MICRO\n1\n")
    assert.equal(":3: expected 12 fields (name, dependency, 3 x (ns, collective, bytes), ns),"
      .. " got 2", layer "a -1")
    assert.equal(":3: dependency: expected a whole number, got 'x'",
      layer "a x 1 NONE 0 1 NONE 0 1 NONE 0 1")
    assert.equal(":3: input compute time: expected a whole number, 0 or more, got '-1'",
      layer "a -1 1 NONE 0 -1 NONE 0 1 NONE 0 1")
    assert.equal(":3: weight size: expected a whole number, 0 or more, got '1k'",
      layer "a -1 1 NONE 0 1 NONE 0 1 ALLREDUCE 1k 1")
    assert.equal(":4: expected end of file after 1 layers, got 'b'",
      layer "a -1 1 NONE 0 1 NONE 0 1 NONE 0 1\nb")
  end)

  it("with a fault ends the program with status 2", function()
    local file = FIXTURES .. "aicb_line3_collective.txt"
    local _, message, status = program.run(
      ("-e 'require(\"weft\").workload.aicb { file = \"%s\" }'"):format(file))
    assert.equal("weft: " .. file
      .. ":3: weight collective: got 'ALREDUCE'; did you mean 'ALLREDUCE'?\n", message)
    assert.equal(2, status)
  end)
end)
