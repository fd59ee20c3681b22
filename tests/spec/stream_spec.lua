local support = require "support"
local weft = require "weft"

local stream = require "weft.workload.stream"

local CHUNK = stream.CHUNK
local path

before_each(function()
  path = os.tmpname()
end)

after_each(function()
  stream.CHUNK = CHUNK
  os.remove(path)
  os.remove(path .. ".csv")
end)

local function write(text)
  local file = assert(io.open(path .. ".csv", "w"))
  file:write(text)
  file:close()
  return path .. ".csv"
end

-- Flows of a few packets, some of them at the same time, in the order of their starts.
local function trace(count)
  local random = weft.random.stream(1, "trace")
  local lines, time = { "id,src,dst,size_bytes,start_ns" }, 0
  for i = 1, count do
    time = time + math.max(0, random:integer(400) - 100)
    local src = random:integer(16) - 1
    lines[i + 1] = ("%d,%d,%d,%d,%d"):format(i - 1, src, (src + random:integer(15)) % 16,
      random:integer(5000), time)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function simulate(file)
  local sim = weft.simulation { topology = weft.topology.fat_tree { k = 4 }, cc = "dctcp" }
  return sim, sim:add_job(weft.workload.flows { file = file })
end

local function totals(sim)
  local stats = sim:stats()
  return { stats.fingerprint, stats.events, stats.flows_done, stats.now_ps }
end

describe("flows of a file", function()
  it("are the same in chunks and at once", function()
    local file = write(trace(500))
    local sim, job = simulate(file)
    sim:run()
    local whole, slowest = totals(sim), job:slowest(9)
    assert.equal(500, whole[3])
    for _, chunk in ipairs { 1, 7, 100, 499, 500 } do
      stream.CHUNK = chunk
      sim, job = simulate(file)
      assert.is_true(sim:stats().flows_added <= math.max(chunk, 20))
      assert.is_false(chunk < 500 and job:result().complete)
      assert.equal("done", sim:run())
      assert.same(whole, totals(sim))
      assert.same(slowest, job:slowest(9))
      assert.is_true(job:result().complete)
      assert.equal(500, job:result().flows)
    end
  end)

  it("are the same however a run is cut, and in a fork", function()
    local file = write(trace(300))
    stream.CHUNK = 16
    local sim = simulate(file)
    sim:run()
    local whole = totals(sim)
    local cut = simulate(file)
    assert.equal("until", cut:run { stop_at = "10us" })
    assert.equal(10000000, cut:stats().now_ps)
    local events = cut:stats().events
    assert.equal("budget", cut:run { events = 1000 })
    assert.equal(events + 1000, cut:stats().events)
    local fork = cut:fork()
    assert.equal("done", fork:run())
    assert.same(whole, totals(fork))
    assert.is_true(fork.jobs[1]:result().complete)
    assert.is_false(cut.jobs[1]:result().complete)
    assert.equal("done", cut:run { progress = true })
    assert.same(whole, totals(cut))
  end)

  it("are read as far as the run has come", function()
    stream.CHUNK = 10
    local sim = simulate(write(trace(300)))
    sim:run { stop_at = "5us" }
    assert.is_true(sim:stats().flows_added < 150)
  end)

  it("have errors with the line, however late", function()
    stream.CHUNK = 4
    local head = "src,dst,size_bytes,start_ns\n0,1,1000,0\n1,2,1000,10\n2,3,1000,20\n3,4,1000,30\n"
    local function late(line)
      local sim = simulate(write(head .. "4,5,1000,40\n" .. line .. "\n"))
      local text = support.error_of(sim.run, sim)
      return text:sub(#path + 5)
    end
    assert.equal(":7: column 'size_bytes': expected a whole number, got 'x'", late "5,6,x,50")
    assert.matches("^:7: .*expected a host.*", late "5,16,1000,50")
    assert.equal(":7: flow 6: expected different hosts, got 'h5' twice", late "5,h5,1000,50")
    assert.equal(":7: start: expected at least 30 ns, which flows before it have reached, got 29 ns"
      .. "; more than 4 flows have to be in the order of their starts", late "5,6,1000,29")
    assert.matches("^:7: flow start_ps: expected ", late "5,6,1000,5000000000000000")
  end)

  it("of a list may come in any order", function()
    stream.CHUNK = 2
    local list = {}
    for i = 1, 9 do list[i] = { src = i, dst = 0, size = 1000, start = (10 - i) .. "us" } end
    local sim = weft.simulation { topology = weft.topology.star { hosts = 10 } }
    local job = sim:add_job(weft.workload.flows(list))
    sim:run()
    assert.is_true(job:result().complete)
    assert.equal(9000000, sim:flows():column("start_ps")[1])
  end)
end)

describe("many flows", function()
  it("are added all or none, with the number of the one refused", function()
    local core = weft.simulation { topology = weft.topology.star { hosts = 3 } }.core
    local function add(src, dst)
      return core:flows_add { src = src, dst = dst, size_bytes = { 1000, 2000 },
        start_ps = { 5, 0 }, tag = 9 }
    end
    assert.equal(0, add({ 0, 1 }, { 1, 2 }))
    assert.equal(2, add({ 0, 1 }, { 1, 2 }))
    assert.error_matches(function() add({ 0, 1 }, { 1, 1 }) end,
      "WEFT_EINVAL: flow 1: flow dst: expected another host", 1, true)
    assert.error_matches(function() add({ 0, 1 }, { 1 }) end, "as many elements as in src", 1, true)
    assert.error_matches(function() add({ 0, 0.5 }, { 1, 2 }) end, "argument `src`", 1, true)
    assert.equal(4, core:stats().flows_added)
    core:run()
    assert.equal(4, core:stats().flows_done)
    assert.same({ 9, 9, 9, 9 }, core:column("flows", "tag"))
    assert.same({ 1000, 2000, 1000, 2000 }, core:column("flows", "size_bytes"))
  end)
end)
