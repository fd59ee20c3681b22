local json = require "weft.json"
local report = require "weft.report"
local support = require "support"
local weft = require "weft"

-- Something that can be written to and read back.
local function sink()
  local parts = {}
  local file = {}
  function file:write(...)
    for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
    return self
  end
  return file, function() return table.concat(parts) end
end

local columns = {
  { "name", "who" },
  { "time_ps", "time", weft.units.format_time },
  { "note" },
}
local rows = {
  { name = "a, b", time_ps = 1500, note = "x" },
  { name = "c", time_ps = 2 },
}

local function printed(format)
  local file, text = sink()
  local out = report.new(format, file)
  out:line("for %s", "people")
  out:table(columns, rows)
  return text()
end

describe("a report", function()
  it("aligns a table for people", function()
    assert.equal(table.concat({
      "for people",
      "who     time  note",
      "a, b  1.5 ns  x",
      "c       2 ps  -",
      "",
    }, "\n"), printed "table")
  end)

  it("is CSV and nothing else", function()
    assert.equal("name,time_ps,note\n\"a, b\",1500,x\nc,2,\n", printed "csv")
  end)

  it("is JSON and nothing else", function()
    assert.equal("[\n  {\"name\":\"a, b\",\"note\":\"x\",\"time_ps\":1500},\n"
      .. "  {\"name\":\"c\",\"time_ps\":2}\n]\n", printed "json")
  end)

  it("knows its formats", function()
    assert.truthy(support.error_of(report.new, "jsn"):find("did you mean 'json'", 1, true))
  end)

  it("shows the configuration and what of it was changed", function()
    local sim = weft.simulation {
      topology = weft.topology.star { hosts = 2 }, cc = "dctcp", buffer = "4MiB",
    }
    local by_name = {}
    local _, all = report.configuration(sim)
    for _, row in ipairs(all) do by_name[row.option] = row end
    assert.equal("4 MiB", by_name.buffer.text)
    assert.equal("changed", by_name.buffer.changed)
    assert.equal("dctcp", by_name.cc.value)
    assert.equal("", by_name.mtu.changed)
  end)
end)

describe("the configuration for files", function()
  it("has the unit of a quantity in its name", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, buffer = "4MiB" }
    local values = report.configuration_values(sim)
    assert.same({ 4 * 2 ^ 20, 100e6, "hpcc" },
      { values.buffer_bytes, values.min_rate_bps, values.cc })
    assert.is_nil(values.buffer)
    assert.is_number(values.rto_ps)
  end)
end)

describe("json", function()
  it("sorts keys and writes numbers that read back", function()
    local value = { d = "x\n\"\1", b = { c = true }, a = { 1, 0.1, 1e300 } }
    assert.equal([[{"a":[1,0.1,1e+300],"b":{"c":true},"d":"x\n\"\u0001"}]], json.encode(value))
    assert.equal(1 / 3, tonumber(json.number(1 / 3)))
  end)

  it("tells an empty list from an empty object", function()
    assert.equal("[{},[]]", json.encode { {}, json.array {} })
  end)

  it("refuses what JSON does not have", function()
    assert.error_matches(function() json.encode { 0 / 0 } end, "finite")
    assert.error_matches(function() json.encode { print } end, "function")
  end)
end)
