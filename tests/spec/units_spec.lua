local units = require "weft.units"
local support = require "support"

describe("quantities", function()
  it("are read exactly", function()
    assert.equal(1000000, units.time_ps("1us"))
    assert.equal(500000, units.time_ps("0.0005ms"))
    assert.equal(400e9, units.rate_bps("400Gbps"))
    assert.equal(2400e9, units.rate_bps("2400 Gbit/s"))
    assert.equal(16777216, units.bytes("16MiB"))
  end)

  it("as numbers are seconds, bit/s and bytes", function()
    assert.equal(1000000, units.time_ps(1e-6))
    assert.equal(3, units.time_ps(2.6e-12))
    assert.equal(1e9, units.rate_bps(1e9))
    assert.equal(1500, units.bytes(1500))
  end)

  it("with a bad unit are an error that names the value and the nearest unit", function()
    assert.matches("units_spec.lua:%d+: delay: time '1usec': .*got unit 'usec'; nearest is 'us'",
      support.error_of(function() units.time_ps("1usec", "delay") end))
    assert.matches("rate: rate '10Gbpz': .*nearest is 'Gbps'",
      support.error_of(function() units.rate_bps("10Gbpz") end))
    assert.matches("expected a size in bytes or text such as '16MiB', got nil",
      support.error_of(function() units.bytes(nil) end))
  end)
end)

describe("formatted quantities", function()
  it("have four digits and a unit", function()
    assert.equal("0 s", units.format_time(0))
    assert.equal("1 ps", units.format_time(1))
    assert.equal("500 ns", units.format_time(500000))
    assert.equal("1.235 us", units.format_time(1234567))
    assert.equal("-1 ms", units.format_time(-1e9))
    assert.equal("3200000 s", units.format_time(3.2e18))
    assert.equal("400 Gbit/s", units.format_rate(400e9))
    assert.equal("2400 Gbit/s", units.format_rate(2400e9))
    assert.equal("100 Tbit/s", units.format_rate(1e14))
  end)

  it("take the next unit where rounding reaches it", function()
    assert.equal("999.9 ns", units.format_time(999949))
    assert.equal("1 us", units.format_time(999960))
  end)

  it("show sizes in binary units where that is exact and shorter", function()
    assert.equal("0 B", units.format_bytes(0))
    assert.equal("1 KiB", units.format_bytes(1024))
    assert.equal("16 MiB", units.format_bytes(16777216))
    assert.equal("1.5 MiB", units.format_bytes(1572864))
    assert.equal("256 kB", units.format_bytes(256000))
    assert.equal("10 GB", units.format_bytes(1e10))
    assert.equal("1.5 kB", units.format_bytes(1500))
  end)

  it("for files read back to the same value", function()
    for _, rate in ipairs { 1, 400e9, 25e8, 1500000001 } do
      assert.equal(rate, units.rate_bps(units.exact(rate, "rate")))
    end
    for _, time in ipairs { 0, 1, 25000, 500000, 1e9, 123456789 } do
      assert.equal(time, units.time_ps(units.exact(time, "time")))
    end
    assert.equal("25ns", units.exact(25000, "time"))
  end)
end)
