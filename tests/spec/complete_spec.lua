-- What is offered at the cursor, by what stands before it.
local complete = require "weft.complete"
local core = require "weft.core"
local weft = require "weft"

-- Candidates behind a text, in one line.
local function offered(text)
  local _, words = complete.at(text)
  return table.concat(words, " ")
end

local function offers(expected, text) assert.equal(expected, offered(text), text) end

describe("completion", function()
  local globals = { "weft", "fabric", "sim", "list", "flows" }

  setup(function()
    _G.weft = weft
    _G.fabric = weft.topology.star { hosts = 3 }
    _G.sim = weft.simulation { topology = _G.fabric }
    _G.list = { { sim = _G.sim }, name = "x" }
    _G.flows = _G.sim:flows()
  end)
  teardown(function()
    for _, name in ipairs(globals) do _G[name] = nil end
  end)

  it("knows fields and methods of what is there, behind indexes, too", function()
    offers("degrade", "sim:deg")
    offers("degrade", "list[1].sim:deg")
    offers("", "list[2].sim:deg")
    offers("name", "list.n")
    offers("core fabric jobs stalls", "sim.")
    offers("at column describe row rows slice slices write_csv", "flows:")
    local methods = " " .. offered "sim:" .. " "
    for _, internal in ipairs { "apply_plan", "apply_failure", "__index" } do
      assert.is_nil(methods:find(" " .. internal .. " ", 1, true), internal)
    end
  end)

  it("knows what functions return, without calling them", function()
    offers("at", "sim:flows():a")
    offers("degrade", "weft.simulation { topology = fabric }:deg")
    offers("degrade", "local s = weft.simulation { topology = fabric }\ns:deg")
    offers("summary", "local j = sim:add_job(weft.workload.allreduce { size = 1 })\nj:sum")
    local called = false
    _G.list.f = function() called = true end
    offers("", "list.f():")
    _G.list.f = nil
    assert.is_false(called)
  end)

  it("knows options that are not given yet, in nested tables of `set`", function()
    offers("hosts = ", "weft.topology.star { rate = 1, h")
    offers("", "weft.topology.star { hosts = 1, ho")
    offers("rto = ", "weft.simulation { topology = fabric, set = { rt")
    offers("stop_at = ", "sim:run { s")
    offers("true false", "sim:run { progress = ")
  end)

  it("has the words of the core's options, whatever they are", function()
    local words = {}
    for i, name in ipairs(weft.engines.words()) do words[i] = '"' .. name .. '"' end
    offers(table.concat(words, " "), "weft.simulation { engine = ")
    for _, option in ipairs(core.options()) do
      assert.equal(option.name .. " = ", offered("weft.simulation { " .. option.name)
        :match("^" .. option.name .. " = "), option.name)
    end
  end)

  it("knows columns, nodes, links and modules within strings", function()
    offers('fct_ps"', 'flows:column "fct')
    offers("size_bytes'", "sim:flows():column('siz")
    offers('h1-switch0"', 'sim:fail("h1-')
    offers('switch0"', "sim:port('h0', \"sw")
    offers('weft.topology"', 'require "weft.topo')
    offers('port_bytes port_queue', 'sim:series("port')
  end)

  it("offers nothing in comments, numbers and what is no Lua", function()
    offers("", "-- we")
    offers("", "x = 12")
    offers("", "x = = we")
    offers("do", "for i = 1, 2 d")
  end)
end)
