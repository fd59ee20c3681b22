-- sim:partitions(): which flows contend, and which contend in the same way.
local canvas = require "weft.viz.canvas"
local weft = require "weft"

-- Two groups of three senders on a star, each to a receiver of its own, and a flow alone.
local function scene()
  local sim = weft.simulation { topology = weft.topology.star { hosts = 10 }, cc = "hpcc" }
  for i, pair in ipairs { { 0, 6 }, { 3, 7 }, { 1, 6 }, { 4, 7 }, { 2, 6 }, { 5, 7 }, { 8, 9 } } do
    sim:add_flow { src = "h" .. pair[1], dst = "h" .. pair[2], size = "1MB", tag = i }
  end
  sim:run { stop_at = "2us" }
  return sim
end

describe("partitions", function()
  it("hold the flows that meet, in the order of their numbers", function()
    local found = scene():partitions()
    assert.equal(3, #found)
    assert.equal(2, found.patterns)
    assert.equal(7, found.flows)
    assert.same({ 0, 2, 4 }, found[1].flows)
    assert.same({ 1, 3, 5 }, found[2].flows)
    assert.same({ 6 }, found[3].flows)
  end)

  it("share the ports where they meet, by what they send there", function()
    local sim = scene()
    local found = sim:partitions { acks = "none" }
    assert.same({ sim:port("switch0", "h6") }, found[1].shared)
    assert.equal(4, #found[1].ports)
    assert.same({}, found[3].shared)
    for i, use in ipairs(found[1].uses) do
      assert.same({ flow = 2 * (i - 1), port = found[1].shared[1], ack = 0 }, use)
    end
  end)

  it("of one pattern are matched flow by flow", function()
    local found = scene():partitions()
    assert.equal(found[1].pattern, found[2].pattern)
    assert.equal(found[1].key, found[2].key)
    assert.matches("^%x+$", found[1].key)
    local map, images = found:match(1, 2), {}
    for _, flow in ipairs(found[1].flows) do images[#images + 1] = map[flow] end
    table.sort(images)
    assert.same(found[2].flows, images)
    assert.is_nil(found:match(1, 3))
  end)

  it("meet by ACKs as far as is asked for", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    for i = 0, 2 do sim:add_flow { src = i, dst = (i + 1) % 3, size = "1MB" } end
    sim:run { stop_at = "2us" }
    assert.equal(3, #sim:partitions { acks = "none" })
    assert.equal(1, #sim:partitions()) -- a ring: each host's ACKs meet its data
  end)

  it("print as a table of patterns", function()
    local text = tostring(scene():partitions())
    assert.matches("^7 flows in 3 partitions of 2 patterns at 2 us\n", text)
    assert.matches("\n +1 +2 +3 +4 +1 +1 +switch0 %-> h6 %(3%)\n", text)
    assert.matches("\n +2 +1 +1 +2 +0 +3 +alone$", text)
    local idle = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    assert.equal("0 flows in 0 partitions of 0 patterns at 0 s", tostring(idle:partitions()))
  end)

  it("say what is wrong with a question", function()
    local sim = scene()
    assert.error_matches(function() sim:partitions { ack = "none" } end, "did you mean 'acks'?", 1,
      true)
    assert.error_matches(function() sim:partitions { rates = -1 } end, "rates", 1, true)
    local first = sim:partitions()
    assert.error_matches(function() first:match(1, 9) end, "from 1 to 3, got 9", 1, true)
    sim:partitions()
    assert.error_matches(function() first:match(1, 2) end, "asked for again", 1, true)
  end)

  it("stay what they were while an accelerated run goes on", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 10 }, cc = "hpcc",
      memoize = true, fast_forward = true }
    for i = 0, 5 do
      sim:add_flow { src = i % 2 * 3 + math.floor(i / 2), dst = 6 + i % 2, size = "10MB" }
    end
    sim:add_flow { src = 8, dst = 9, size = "10MB" }
    sim:run { stop_at = "2us" }
    local found = sim:partitions()
    sim:add_flow { src = 1, dst = 9, size = "100kB", start = "100us" } -- joins two of them
    sim:run()
    local map, images = found:match(1, 2), {}
    for _, flow in ipairs(found[1].flows) do images[#images + 1] = map[flow] end
    table.sort(images)
    assert.same({ 1, 3, 5 }, images)
    assert.is_nil(found:match(1, 3))
  end)

  it("are drawn with every flow and port named, and no text on another", function()
    local sim, file = scene(), os.tmpname() .. ".png"
    finally(function() os.remove(file) end)
    local page, seen = weft.viz.partition(sim:partitions(), 1, { file = file, title = "three" }), {}
    for i, box in ipairs(page.boxes) do
      seen[box.text] = true
      for k = 1, i - 1 do assert.is_false(canvas.overlap(box, page.boxes[k], 0.5)) end
    end
    assert.is_true(seen["h0\226\134\146h6"])
    assert.is_true(seen["switch0\226\134\146h6"])
    assert.error_matches(function() weft.viz.partition(sim:partitions(), 4, { file = file }) end,
      "expected a partition from 1 to 3, got 4", 1, true)
    assert.error_matches(function() weft.viz.partition({}, 1, { file = file }) end,
      "expected the result of sim:partitions()", 1, true)
  end)
end)
