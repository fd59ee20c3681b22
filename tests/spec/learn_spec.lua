-- Models, examples and their training, from Lua; and weft train.

local helper = require "helper"
local learn = require "weft.learn"
local runs = require "weft.learn_runs"
local support = require "support"
local weft = require "weft"

-- Flows whose time is that of the base engine times 1.1 where the queue is 1, times 0.95 else.
local function examples_of(groups, each)
  local examples = learn.examples { flow_features = { "size" },
    link_features = { "queue", "rate" } }
  local stream = weft.random.stream(1, "learn spec")
  for group = 1, groups do
    local its = { group = group, flow = {}, counts = {}, links = {}, truth = {}, base = {},
      ideal = {} }
    for i = 1, each do
      local queue, n = stream:integer(2) - 1, stream:integer(4)
      its.flow[i], its.counts[i] = stream:uniform(), n
      for link = 1, n do
        its.links[#its.links + 1] = link == 1 and queue or 0
        its.links[#its.links + 1] = stream:uniform()
      end
      its.base[i], its.ideal[i] = 2, 1
      its.truth[i] = 2 * (queue == 1 and 1.1 or 0.95)
    end
    examples:add(its)
  end
  return examples
end

local function train(options)
  local given = { examples = examples_of(8, 100), steps = 300, hidden = 16, batch = 128,
    quiet = true }
  for name, value in pairs(options or {}) do given[name] = value end -- order-free: a copy
  return learn.train(given)
end

local function message_of(f, ...)
  local good, err = pcall(f, ...)
  assert.is_false(good)
  return tostring(err)
end

describe("learning", function()
  local files = support.files()
  after_each(files.remove)

  it("finds what examples have in common", function()
    local model, state = train()
    assert.equal(1, state.held_groups)
    assert.equal(700, state.examples)
    assert.is_true(state.base.mean > 0.06 and state.best.mean < 0.005)
    assert.is_true(math.abs(model:predict({ 0.5 }, { 1, 0.5, 0, 0.5 }) - 1.1) < 0.01)
    assert.is_true(math.abs(model:predict({ 0.5 }, { 0, 0.5 }) - 0.95) < 0.01)
  end)

  it("gives the same file for a seed, whatever the threads", function()
    local texts = {}
    for i = 1, 2 do
      local model = train { threads = i, steps = 20 }
      local path = files.write("", ".weft")
      model:save(path)
      local file = assert(io.open(path, "rb"))
      texts[i] = file:read "*a"
      file:close()
    end
    assert.is_true(texts[1] == texts[2])
  end)

  it("says what a model is", function()
    local path = files.write("", ".weft")
    train { steps = 20, command = "by a spec", base = "fluid" }:save(path)
    local model = learn.load(path)
    local text = tostring(model)
    assert.matches("model sets: 1457 weights, corrects engine fluid, at most by e%^0.7", text)
    assert.matches("is told 1 quantity of a flow and 2 quantities of each link", text)
    assert.matches("by a spec", text)
    assert.same({ "queue", "rate" }, { model:features("link")[1].name,
      model:features("link")[2].name })
    assert.equal(1, model:features("link")[1].high)
    assert.is_number(model:metrics().held_mean_pct)
    assert.equal(16, #model.info.checksum)
  end)

  it("begins from a model, and goes on from a checkpoint", function()
    local model = train()
    local _, state = train { from = model, steps = 1, rate = 1e-9 }
    assert.is_true(state.best.mean < 0.005)
    local part = files.write("", ".part")
    local whole = train { steps = 40, checkpoint = part }
    local again, resumed = train { steps = 40, checkpoint = part, resume = true }
    assert.equal(40, resumed.step)
    assert.equal(whole:predict({ 0.5 }, { 1, 1 }), again:predict({ 0.5 }, { 1, 1 }))
    assert.matches("other examples or other settings",
      message_of(train, { steps = 41, checkpoint = part, resume = true }))
  end)

  it("keeps examples in files", function()
    local one, two = files.write("", ".examples"), files.write("", ".examples")
    examples_of(2, 10):save(one)
    examples_of(3, 10):save(two)
    assert.equal(50, learn.read_examples(one, two):count())
    local other = files.write("", ".examples")
    local examples = learn.examples { flow_features = { "size" }, link_features = { "queue" } }
    examples:save(other)
    assert.matches("link_features: others than before", message_of(learn.read_examples, one, other))
  end)

  it("tells in a line what is wrong", function()
    local path = files.write("weft model 1\nhidden = 3\ndata:\n", ".weft")
    assert.matches(path .. ": no line 'floats = '", message_of(learn.load, path), 1, true)
    assert.matches("cannot read it: No such file", message_of(learn.load, path .. ".not"))
    assert.matches("architecture: expected one of sets, got 'm5'",
      message_of(train, { architecture = "m5" }))
    assert.matches("examples: expected examples", message_of(train, { examples = {} }))
    assert.matches("option 'step'.*'steps'", message_of(train, { step = 3 }))
    local examples = learn.examples { flow_features = { "size" }, link_features = { "queue" } }
    local function add(change)
      local its = { group = 1, flow = { 1 }, counts = { 1 }, links = { 1 }, truth = { 1 },
        base = { 1 }, ideal = { 1 } }
      for name, value in pairs(change) do its[name] = value end -- order-free: a copy
      examples:add(its)
    end
    assert.matches("example 0: expected a true time > 0, got 0", message_of(add, { truth = { 0 } }))
    assert.matches("link 0: queue is no finite number", message_of(add, { links = { 1 / 0 } }))
    assert.matches("expected 1 numbers for each", message_of(add, { flow = { 1, 2 } }))
    assert.matches("as many numbers as counts", message_of(add, { base = {} }))
    assert.equal(0, examples:count())
    assert.matches("a base time of 1 for a true one of 1e%+06",
      message_of(add, { truth = { 1e6 } }))
  end)
end)

describe("examples of runs", function()
  local files = support.files()
  after_each(files.remove)

  it("have the times of packets as their truth", function()
    local case = runs.case(1, { seed = 3, flows = 60, sizes = "mixed" })
    assert.equal("synthetic", case.sizes)
    assert.is_true(runs.case(5, { seed = 1, flows = 10, sizes = "mixed" }).sizes ~= "synthetic")
    local examples, floor = runs.run(case, { floor = true })
    assert.is_true(examples:count() > 5 and examples:count() <= 60)
    assert.is_true(floor >= 0 and floor < 20)
  end)

  it("come from recordings", function()
    local net = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, rate = "10Gbps" }
    local sim = weft.simulation { topology = net, cc = "dctcp" }
    for i = 1, 40 do
      sim:add_flow { src = i % 7, dst = 7, size = 1000 * i, start = i .. "us" }
    end
    sim:run()
    local path = files.write("", ".csv")
    sim:flows():write_csv(path)
    local examples = runs.of_recordings({ path }, { topology = net, cc = "dctcp" })
    assert.is_true(examples:count() > 30)
    local bad = files.write("src,dst,size_bytes,start_ns,fct_ns\n0,1,100,0,90\n0,77,100,0,90\n",
      ".csv")
    assert.matches(bad .. ":3: ", message_of(runs.of_recordings, { bad }, { topology = net }), 1,
      true)
    local none = files.write("src,dst,size_bytes,start_ns\n0,1,100,0\n", ".csv")
    assert.matches("expected fct_ps, fct_ns, fct_us or fct_s",
      message_of(runs.of_recordings, { none }, { topology = net }))
  end)
end)

describe("weft train", function()
  local files = support.files()
  after_each(files.remove)

  local function run(arguments)
    local out = os.tmpname()
    local command = ("%s train %s >%s 2>&1"):format(helper.program, arguments, out)
    local done, _, code = os.execute(command)
    local file = assert(io.open(out, "rb"))
    local text = file:read "*a"
    file:close()
    os.remove(out)
    return text, type(done) == "number" and math.floor(done / 256) or code
  end

  it("makes a model of a few runs", function()
    local model = files.write("", ".weft")
    local text, status = run("sets --cases 2 --flows 60 --epochs 2 --held-out 0.5 --out " .. model)
    assert.equal(0, status, text)
    assert.matches("error on 1 run held out", text)
    assert.matches("floor of the mean", text)
    assert.equal("fluid-cc", learn.load(model).info.base)
    assert.matches("^weft train sets %-%-cases 2", learn.load(model).info.command)
  end)

  it("tells mistakes in a line, and ends with 2", function()
    local text, status = run("set --cases 2")
    assert.same({ "weft: train: unknown architecture 'set'; did you mean 'sets'?\n", 2 },
      { text, status })
    text, status = run("--case 2")
    assert.equal(2, status)
    assert.matches("unknown option '%-%-case'", text)
    text, status = run("--data x.csv")
    assert.same({ "weft: train: option --data: expected --topology with it, got none\n", 2 },
      { text, status })
    text, status = run("--hosts 33")
    assert.equal(2, status)
    assert.matches("^weft: train sets: option %-%-hosts: .*expected .*32, 64, 128.*\n$", text)
    text, status = run("--out /nowhere/x.weft")
    assert.equal(2, status)
    assert.matches("^weft: train sets: option %-%-out: [^\n]*/nowhere[^\n]*\n$", text)
    assert.equal(2, select(2, run("--resume")))
    text, status = run("--examples /nowhere")
    assert.same({ "weft: train sets: option --examples: learn.read_examples: /nowhere: cannot read "
      .. "it: No such file or directory\n", 2 },
      { text, status })
  end)
end)
