local check = require "weft.check"
local support = require "support"

local SPEC = {
  hosts = { type = "integer", min = 1, max = 1024, required = true },
  rate = { type = "rate", default = "100Gbps", min = 1 },
  delay = { type = "time", default = 1e-6, min = 0 },
  size = { type = "bytes" },
  load = { type = "number", min = 0, max = 1 },
  mode = { type = "enum", choices = { "fast", "exact" } },
  name = { type = "string" },
  trace = { type = "boolean", default = false },
}

local function options(given)
  return check.options("thing", given, SPEC)
end

local function error_of(given)
  return support.error_of(options, given)
end

describe("checked options", function()
  it("fill in defaults and convert quantities", function()
    local o = options { hosts = 4, size = "16MiB" }
    assert.same({
      hosts = 4, rate = 100e9, delay = 1000000, size = 16777216, trace = false,
    }, o)
  end)

  it("take SI numbers: seconds, bit/s, bytes", function()
    local o = options { hosts = 4, delay = 5e-7, rate = 4e11, size = 1500 }
    assert.equal(500000, o.delay)
    assert.equal(400e9, o.rate)
    assert.equal(1500, o.size)
  end)

  it("leave the given table alone", function()
    local given = { hosts = 4, rate = "1Gbps" }
    options(given)
    assert.same({ hosts = 4, rate = "1Gbps" }, given)
  end)

  it("print integers alike on both virtual machines", function()
    local o = options { hosts = 4.0, delay = "1us" }
    assert.equal("4 1000000", ("%s %s"):format(o.hosts, o.delay))
  end)

  it("reject an unknown name and suggest the nearest", function()
    assert.matches("thing: unknown option 'raet'; did you mean 'rate'%?$",
      error_of { hosts = 4, raet = "1Gbps" })
  end)

  it("reject a value without a name", function()
    assert.matches("expected named options, got 3 without a name", error_of { 3, hosts = 4 })
  end)

  it("reject what is not a table", function()
    assert.matches("thing: expected a table of options, got 'x'", error_of("x"))
  end)

  it("insist on required ones", function()
    assert.matches("thing: option 'hosts' is missing", error_of {})
    assert.matches("thing: option 'hosts' is missing", error_of(nil))
  end)

  it("reject wrong types", function()
    assert.matches("option 'hosts': expected a whole number, got 4.5", error_of { hosts = 4.5 })
    assert.matches("option 'hosts': expected a whole number, got '4'", error_of { hosts = "4" })
    assert.matches("option 'name': expected text, got 3", error_of { hosts = 4, name = 3 })
    assert.matches("option 'trace': expected true or false, got 1",
      error_of { hosts = 4, trace = 1 })
    assert.matches("option 'load': expected a number, got a table",
      error_of { hosts = 4, load = {} })
    assert.matches("option 'rate': expected a rate in bit/s or text",
      error_of { hosts = 4, rate = {} })
  end)

  it("reject values out of range, in the unit of the option", function()
    assert.matches("option 'hosts': expected 1 to 1024, got 0", error_of { hosts = 0 })
    assert.matches("option 'rate': expected at least 1 bit/s, got %-5 bit/s",
      error_of { hosts = 4, rate = -5 })
    assert.matches("option 'delay': expected at least 0 s, got %-1 us",
      error_of { hosts = 4, delay = -1e-6 })
    assert.matches("option 'load': expected 0 to 1, got 1.5", error_of { hosts = 4, load = 1.5 })
  end)

  it("reject numbers that are none", function()
    assert.matches("option 'load': expected a number", error_of { hosts = 4, load = 0 / 0 })
    assert.matches("option 'delay': expected a time", error_of { hosts = 4, delay = 0 / 0 })
    assert.matches("option 'rate': expected a rate", error_of { hosts = 4, rate = math.huge })
    assert.matches("whole number of bytes, got 1.5", error_of { hosts = 4, size = 1.5 })
  end)

  it("list the choices of an enumeration", function()
    assert.equal("exact", options({ hosts = 4, mode = "exact" }).mode)
    assert.matches("option 'mode': got 'exakt'; expected one of: fast, exact; "
      .. "did you mean 'exact'%?", error_of { hosts = 4, mode = "exakt" })
    assert.matches("option 'mode': got 3; expected one of: fast, exact$",
      error_of { hosts = 4, mode = 3 })
  end)
end)
