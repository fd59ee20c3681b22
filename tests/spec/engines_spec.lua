-- Words for engines: what options they stand for, and which go with them.

local engines = require "weft.engines"
local support = require "support"
local weft = require "weft"

local function simulation(options)
  options.topology = weft.topology.star { hosts = 4 }
  return weft.simulation(options)
end

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("a word for an engine", function()
  it("stands for an engine of the core and its options", function()
    local config = simulation({ engine = "accelerated" }).core:config()
    assert.same({ "packet", true, true },
      { config.engine, config.memoize, config.fast_forward })
    config = simulation({ engine = "accelerated", memoize = false }).core:config()
    assert.same({ false, true }, { config.memoize, config.fast_forward })
    config = simulation({ set = { engine = "accelerated" } }).core:config()
    assert.is_true(config.memoize)
    assert.is_false(simulation({}).core:config().memoize)
    assert.is_true(simulation({ engine = "accelerated" }):fresh().core:config().memoize)
  end)

  it("is found again", function()
    for _, word in ipairs(engines.words()) do
      assert.equal(word, engines.word_of(simulation({ engine = word }).core:config()))
    end
  end)

  it("refuses what contradicts it", function()
    fails("option 'dynamics': engine 'packet' has none; expected engine = 'fluid'", simulation,
      { engine = "packet", dynamics = "cc" })
    fails("engine 'packet' has none", simulation, { dynamics = "max-min" })
    fails("engine 'ideal' has none", simulation, { engine = "ideal", dynamics = "cc" })
    fails("did you mean 'max-min'", simulation, { dynamics = "maxmin" })
    fails("both are false", simulation,
      { engine = "accelerated", memoize = false, fast_forward = false })
    fails("did you mean 'accelerated'", simulation, { engine = "acelerated" })
  end)

  it("is read from lists", function()
    assert.same({ "packet", "ideal" }, engines.list("x", "packet, ideal"))
    assert.same({ "ideal" }, engines.list("x", { "ideal" }))
    fails("x: no engine 'paket'; did you mean 'packet'", engines.list, "x", "paket,ideal")
    fails("'ideal' is there twice", engines.list, "x", "ideal,packet,ideal")
    fails("no engine ''", engines.list, "x", "")
    fails("expected words of packet", engines.list, "x", {})
  end)

  it("leaves out options that it has no use for", function()
    local given = {
      topology = weft.topology.star { hosts = 2 }, compat = "ns3", ack_priority = "all",
      cc = "hpcc", mtu = 1000, memoize = true, engine = "packet", dynamics = "cc",
      set = { pfc = false, header = 48 },
    }
    local function names(word)
      local list, fitting = {}, weft.engines.fitting(word, given)
      assert.equal(word, fitting.engine)
      for name in weft.util.sorted_pairs(fitting) do list[#list + 1] = name end
      for name in weft.util.sorted_pairs(fitting.set) do list[#list + 1] = "set." .. name end
      return table.concat(list, " ")
    end
    assert.equal("ack_priority cc compat engine memoize mtu set topology set.header set.pfc",
      names "packet")
    assert.equal("cc engine memoize mtu set topology set.header set.pfc", names "accelerated")
    assert.equal("engine mtu set topology set.header", names "ideal")
    given.memoize = nil
    assert.equal("ideal", weft.engines.fitting("packet", { set = { engine = "ideal" } }).engine)
    for _, word in ipairs(engines.words()) do simulation(weft.engines.fitting(word, given)) end
  end)
end)
