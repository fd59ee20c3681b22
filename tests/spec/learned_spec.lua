-- Engine learned: corrections by a model, their causality, model files, examples.

local notice = require "weft.notice"
local weft = require "weft"

local HEAD = 9 -- bytes of a few lines of text, to be damaged

local function fabric()
  return weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 8, rate = "10Gbps" }
end

local function simulation(options)
  local given = { topology = fabric(), engine = "learned", cc = "dctcp" }
  for key, value in pairs(options or {}) do given[key] = value end -- order-free: a copy
  return weft.simulation(given)
end

local function incast(sim, flows)
  for i = 1, flows or 8 do
    sim:add_flow { src = "h" .. i, dst = "h0", size = 1000 * (7 * i % 40 + 1), start = i .. "us" }
  end
  sim:run()
  return sim.core:column("flows", "fct_ps")
end

local function model_bytes()
  local file = assert(io.open("stdlib/weft/models/sets.weft", "rb"))
  local bytes = file:read "*a"
  file:close()
  return bytes
end

local function with_file(bytes, f)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local good, message = pcall(f, path)
  os.remove(path)
  return good, tostring(message)
end

describe("engine learned", function()
  it("gives a lone flow its ideal time, to the ps", function()
    local sim = simulation()
    sim:add_flow { src = "h0", dst = "h9", size = "1MB" }
    sim:add_flow { src = "h0", dst = "h9", size = 100, start = "10ms" }
    sim:run()
    local ideal, fct = sim.core:column("flows", "ideal_ps"), sim.core:column("flows", "fct_ps")
    for i = 1, 2 do assert.are.equal(ideal[i], fct[i]) end
  end)

  it("corrects by at most its bound, and without a model is the fluid", function()
    local with = incast(simulation())
    local without, fluid = incast(simulation { model = "none" }), incast(simulation {
      engine = "fluid-cc" })
    assert.are.same(fluid, without)
    local differs = false
    for i = 1, #with do
      differs = differs or with[i] ~= fluid[i]
      -- e^0.1 is 1.1052; what one flow ends later, another may wait for
      assert.is_true(with[i] > 0.8 * fluid[i] and with[i] < 1.25 * fluid[i])
    end
    assert.is_true(differs)
  end)

  it("runs tasks in the order of causes", function()
    local sim = simulation()
    local job = sim:add_job(weft.workload.allreduce { size = "1MB" })
    sim:run()
    assert.are.equal("done", sim.outcome)
    local begin, done = sim.core:column("tasks", "begin_ps"), sim.core:column("tasks", "end_ps")
    for i = 1, #begin do assert.is_true(done[i] >= begin[i]) end
    assert.is_true(job:result().time_ps > 0)
  end)

  it("goes on in forks and by steps to the same bits", function()
    local one, two = simulation(), simulation()
    for _, sim in ipairs { one, two } do
      for i = 1, 8 do
        sim:add_flow { src = "h" .. i, dst = "h0", size = "30KB", start = i .. "us" }
      end
    end
    one:run()
    for us = 1, 20 do two.core:run(us * 1e6) end
    local fork = two:fork()
    two:run()
    fork:run()
    assert.are.equal(one:stats().fingerprint, two:stats().fingerprint)
    assert.are.equal(one:stats().fingerprint, fork:stats().fingerprint)
  end)

  it("keeps examples: of each flow that was not alone all features", function()
    local sim = simulation { examples = true }
    incast(sim)
    local examples = sim:examples()
    assert.is_true(#examples.rows >= 7)
    for _, row in ipairs(examples.rows) do
      assert.are.equal(#examples.flow_features, #row.values)
      assert.are.equal(row.flow == 7 and 4 or 2, #row.links) -- h8 is under the other leaf
      assert.are.equal(#examples.link_features, #row.links[1])
      assert.is_true(row.base_ps >= row.ideal_ps * 0.999)
    end
  end)

  it("refuses files that are no models, or damaged", function()
    local bytes = model_bytes()
    local function message_of(damaged)
      local good, message = with_file(damaged, function(path) simulation { model = path } end)
      assert.is_false(good)
      return message
    end
    assert.matches("no weft model", message_of(""))
    assert.matches("no weft model", message_of(("x"):rep(HEAD)))
    assert.matches("cut off", message_of(bytes:sub(1, -2)))
    assert.matches("too long", message_of(bytes .. "x"))
    local last = bytes:sub(-1) == "\0" and "\1" or "\0"
    assert.matches("damaged", message_of(bytes:sub(1, -2) .. last))
    for n = 0, 4000, 37 do message_of(bytes:sub(1, n)) end
  end)

  it("refuses a model that is told something else", function()
    local examples = weft.learn.examples { flow_features = { "size" }, link_features = { "queue" } }
    examples:add { group = 1, flow = { 1, 2 }, counts = { 1, 1 }, links = { 3, 4 },
      truth = { 11, 12 }, base = { 10, 10 }, ideal = { 9, 9 } }
    local model = weft.learn.train { examples = examples, steps = 1, quiet = true }
    local path = os.tmpname()
    model:save(path)
    local good, message = pcall(simulation, { model = path })
    os.remove(path)
    assert.is_false(good)
    assert.matches("model': .*: flow_features: expected 'packets' as number 2, got ''",
      tostring(message))
  end)

  it("says which quantity the model has not seen", function()
    local before, said = notice.write, {}
    notice.forget()
    notice.write = function(text) said[#said + 1] = text end
    local sim = simulation { cc = "swift" }
    local good, message = pcall(incast, sim)
    notice.write = before
    assert.is_true(good, message)
    assert.matches("engine learned: [%w_]+ is .*, and the model was trained on",
      table.concat(said, "\n"))
  end)

  it("is asked for by name", function()
    local good, message = pcall(weft.simulation, { topology = fabric(), model = "none" })
    assert.is_false(good)
    assert.matches("option 'model': engine 'packet' has no model", message)
    good, message = pcall(simulation, { model = "/nowhere" })
    assert.is_false(good)
    assert.matches("cannot read '/nowhere'", message)
  end)
end)
