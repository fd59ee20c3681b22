-- Numbers are exact on both virtual machines, or refused: 2^53 ps is 9007.199254740992 s.
local protobuf = require "weft.formats.protobuf"
local support = require "support"
local units = require "weft.units"
local weft = require "weft"

local files = support.files()
local file = files.write
after_each(files.remove)

-- The error of f at a line of the file written last, or at the line of this one.
local function error_of(f, ...)
  local text = support.error_of(f, ...):gsub("^tests/spec/%w+_?%w*.lua:%d+", "HERE")
  local path = files.last()
  if path and text:sub(1, #path) == path then text = "FILE" .. text:sub(#path + 1) end
  return text
end

local function star() return weft.topology.star { hosts = 2 } end

describe("a number of units", function()
  it("is multiplied exactly", function()
    assert.equal("9007199254740000", ("%.0f"):format(units.scaled(9007199254740, 1000, "x")))
    assert.equal("9007199254740992", ("%.0f"):format(units.scaled(2 ^ 53, 1, "x")))
    assert.equal(2, units.scaled(1.5, 1, "x"))
    assert.equal("HERE: x: expected at most 2^53 in the engine's unit, got 9007199254741 times "
      .. "1000", error_of(units.scaled, 9007199254741, 1000, "x"))
    assert.equal("f:7: x: expected at most 2^53 in the engine's unit, got inf",
      error_of(units.scaled, math.huge, 1, "x", "f:7"))
  end)

  it("is read from text by its digits", function()
    assert.equal(9007199254740992, units.whole "9007199254740992")
    assert.equal(-5, units.whole "-5")
    for _, text in ipairs { "9007199254740993", "99999999999999999999", "0x10", "1.0", "1e3", "",
      "inf" } do
      assert.is_nil(units.whole(text), text)
    end
    assert.equal(1000, units.decimal "1e3")
    for _, text in ipairs { "0x10", "inf", "nan", "1e999", "-", "" } do
      assert.is_nil(units.decimal(text), text)
    end
  end)
end)

describe("a quantity", function()
  it("ends at 2^53, as text and as number", function()
    assert.equal(9007199254740992, (units.convert("9007199254740992ps", "time")))
    assert.equal(4503599627370497, (units.convert(4503599627370497, "bytes"))) -- 2^52 + 1
    for value, unit in pairs { ["9007199254740993ps"] = "time", ["3h"] = "time",
      [9008] = "time", [2 ^ 63] = "bytes", [2 ^ 60] = "rate" } do -- order-free
      local result, why = units.convert(value, unit)
      assert.is_nil(result)
      assert.matches("^expected at most 2%^53 ", why)
    end
    for _, value in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert.matches("^expected a size in bytes or text such as '16MiB', got %-?[in][na][fn]$",
        select(2, units.convert(value, "bytes")))
    end
  end)

  it("of a bandwidth prints in a unit that fits", function()
    assert.equal("8.21 GB/s", units.format_bandwidth(8.21 * 8e9))
    assert.equal("2400.00 GB/s", units.format_bandwidth(2400 * 8e9))
    assert.equal("1.25 MB/s", units.format_bandwidth(10e6))
    assert.equal("1.00 GB/s", units.format_bandwidth(999.996 * 8e6))
    assert.equal("1.00 B/s", units.format_bandwidth(8))
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2, rate = "10Mbps" } }
    local job = sim:add_job(weft.workload.allreduce { size = "64kB" })
    sim:run()
    assert.matches("algorithm bandwidth %d+%.%d%d kB/s, bus bandwidth %d+%.%d%d kB/s$",
      job:summary())
  end)
end)

describe("a file's numbers", function()
  it("of GOAL are not wrapped", function()
    local function goal(calc)
      return weft.workload.goal {
        file = file(("num_ranks 2\nrank 0 {\nl1: calc %s\n}\n"):format(calc)),
      }
    end
    local sim = weft.simulation { topology = star() }
    local job = sim:add_job(goal "9007199254740")
    assert.equal("done", sim:run())
    assert.equal("9007199254740000", ("%.0f"):format(job:time_ps()))
    assert.equal("FILE:3: calc: expected at most 2^53 in the engine's unit, got 9007199254741 "
      .. "times 1000", error_of(goal, "9007199254741"))
    assert.matches("^FILE:3: a time: expected 0 to 9007199254740992, got 9007199254740993$",
      error_of(goal, "9007199254740993"))
  end)

  it("of Chakra are not wrapped", function()
    local function message(text) return protobuf.encode(#text) .. text end
    local node = protobuf.field(1, 0) .. protobuf.field(2, "n") .. protobuf.field(3, 4)
      .. protobuf.field(7, 20000000000000) -- us, which is 2e19 ps: beyond 2^64
    local path = file(message(protobuf.field(1, "0.0.4")) .. message(node))
    assert.matches("^FILE:[^:]*: duration_micros: expected at most 2%^53 in the engine's unit, got "
      .. "20000000000000 times 1000000$", error_of(weft.workload.chakra, { files = { path } }))
  end)

  it("of AICB are not wrapped", function()
    local path = file("HYBRID_TRANSFORMER model_parallel_NPU_group: 1 ep: 1 pp: 1 vpp: 1 ga: 1"
      .. " all_gpus: 2 checkpoints: 0 checkpoint_initiates: 0\n1\n"
      .. "layer -1 9007199254740 NONE 0 1 NONE 0 1 NONE 0 1\n")
    local sim = weft.simulation { topology = star() }
    local work = weft.workload.aicb { file = path, iterations = 2 }
    assert.matches("^FILE:3: computing times %(ps%): expected at most 2%^53",
      error_of(sim.add_job, sim, work))
  end)

  it("of a distribution are plain decimals, and small enough", function()
    local function load_of(text)
      local sizes = { file = file(text) }
      local sim = weft.simulation { topology = star() }
      sim:add_job(weft.workload.synthetic { load = 0.3, flows = 20, sizes = sizes })
      sim:run { events = 1000 }
    end
    for _, word in ipairs { "0x10", "inf", "nan", "1e999" } do
      assert.equal(("FILE:1: expected 'bytes percent', got '%s 50'"):format(word),
        error_of(load_of, word .. " 50\n100000 100\n"))
    end
    assert.equal("FILE:2: expected at most 2^53 bytes and 100 percent, got 1e+16, 100",
      error_of(load_of, "1 50\n1e16 100\n"))
    -- Each flow takes a day: the second would begin behind 2^53 ps.
    assert.matches("^HERE: synthetic: start of a flow %(ps%): expected at most 2%^53 in the "
      .. "engine's unit, got %d", error_of(load_of, "1 50\n9e15 100\n"))
  end)

  it("of a matrix are plain, and its weights do not wrap", function()
    local function first_pair(rows)
      local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
      local matrix = { file = file("src,dst,weight\n" .. rows) }
      sim:add_job(weft.workload.synthetic { load = 0.3, flows = 20, matrix = matrix, seed = 1 })
      sim:run { events = 2000 }
      local pairs_seen = {}
      for i, row in sim:flows():rows() do pairs_seen[i] = row.src .. row.dst end
      return table.concat(pairs_seen, " ")
    end
    for _, word in ipairs { "0x1", "inf", "nan" } do
      assert.matches(("^FILE:2: unknown node '%s' in star"):format(word),
        error_of(first_pair, word .. ",1,1\n"))
    end
    -- 2^63 - 1 against 1: the other pair is never drawn. Two of them would be -2 if they wrapped.
    assert.is_nil(first_pair("0,1,1\n1,2,9223372036854775807\n"):find "01")
    local both = first_pair("0,1,9223372036854775807\n1,2,9223372036854775807\n")
    assert.truthy(both:find "01" and both:find "12")
  end)

  it("of starts are not wrapped", function()
    local function run(text)
      local sim = weft.simulation { topology = star() }
      sim:add_job(weft.workload.flows { file = file(text, ".csv") })
      sim:run()
    end
    local head = "src,dst,size_bytes,%s\n0,1,1000,%s\n"
    for unit, start in pairs { start_ns = "9007199254741", start_ps = "9007199254740993" } do
      assert.matches("^FILE:2: .*expected .*2%^53", error_of(run, head:format(unit, start)))
    end
    run(head:format("start_ns", "9007199254"))
  end)
end)

describe("time", function()
  it("ends at 2^53 ps for a run", function()
    local sim = weft.simulation { topology = star() }
    sim:add_flow { src = 0, dst = 1, size = 1000, start = "9007199254740000ps" }
    assert.equal("HERE: run: expected an end before 2^53 ps (9007 s), beyond which times are not "
      .. "exact; got more to do then", error_of(sim.run, sim))
  end)

  it("of stop_at is not past", function()
    local sim = weft.simulation { topology = star() }
    sim:add_flow { src = 0, dst = 1, size = "1MB" }
    assert.equal("until", sim:run { stop_at = "5us" })
    assert.equal("HERE: run: option 'stop_at': expected a time from now on, 5 us, got 4.999 us",
      error_of(sim.run, sim, { stop_at = "4999ns" }))
    assert.equal("until", sim:run { stop_at = "5us" })
    assert.equal("done", sim:run())
  end)
end)
