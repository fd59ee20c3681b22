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

describe("numbers as text", function()
  it("in the middle between two go to the even one, on both virtual machines", function()
    -- By hand: 10.625 lies between 10.62 and 10.63, of which 10.62 is even.
    assert.equal("10.62 ns", units.format_time(10625))
    assert.equal("10.38 ns", units.format_time(10375))
    assert.equal("10.63 ns", units.format_time(10626))
    assert.equal("1.062 us", units.format_time(1062500))
    assert.equal("1.188 us", units.format_time(1187500))
    assert.equal("100.2 ns", units.format_time(100250))
    assert.equal("-100.2 ns", units.format_time(-100250))
    assert.equal("1.062 kB", units.format_bytes(1062.5))
    assert.equal("1.12 B/s", units.format_bandwidth(9))
    for text, given in pairs { -- order-free
      ["0.12"] = { 0.125, 2 }, ["0.38"] = { 0.375, 2 }, ["0.2"] = { 0.25, 1 },
      ["0.13"] = { 0.126, 2 },
      ["1.062"] = { 1.0625, 3 }, ["2"] = { 2.5, 0 }, ["0"] = { 0.5, 0 }, ["-0.12"] = { -0.125, 2 },
      ["1.00"] = { 1.005, 2 }, ["12.2"] = { 12.25, 1 }, ["12.8"] = { 12.75, 1 },
    } do
      assert.equal(text, units.fixed(given[1], given[2]))
    end
    for text, given in pairs { -- order-free
      ["10.62"] = { 10.625, 4 }, ["1.12"] = { 1.125, 3 }, ["0.0625"] = { 0.0625, 4 },
      ["0.062"] = { 0.0625, 2 }, ["1.234e+04"] = { 12344.5, 4 }, ["inf"] = { math.huge, 4 },
    } do
      assert.equal(text, units.digits(given[1], given[2]))
    end
  end)

  it("are read the same, however long their exponent is", function()
    assert.equal(0, units.decimal("0e99999999999"))
    assert.equal(0, units.decimal("0e" .. ("0"):rep(300)))
    assert.equal(0, units.decimal("1e-99999999999"))
    assert.is_nil(units.decimal("1e99999999999"))
    assert.equal(10, units.decimal("1e" .. ("0"):rep(300) .. "1"))
    assert.is_nil(units.decimal("1.2.3e99999999999"))
  end)
end)
