local fail = require "weft.fail"
local check = require "weft.check"
local support = require "support"

describe("a user error", function()
  it("names the line of the script that called into weft", function()
    local line
    local text = support.error_of(function()
      line = debug.getinfo(1, "l").currentline + 1
      check.options("thing", { wrong = 1 }, {})
    end)
    assert.equal(("tests/spec/fail_spec.lua:%d: thing: unknown option 'wrong'"):format(line), text)
  end)

  it("names a given place instead", function()
    local text = support.error_of(fail.at, "topology.txt:17", "got %d", 3)
    assert.equal("topology.txt:17: got 3", text)
  end)

  it("takes a message without arguments literally", function()
    assert.matches("100%% of 'x'$", support.error_of(fail.raise, "100% of 'x'"))
  end)

  it("hands nothing to the terminal but text", function()
    local got = "\n\0\155é\194\155\192x\t"
    local text = support.error_of(fail.at, "a\27]0;b\7.txt:1", "got '%s'", got)
    assert.equal([[a\x1b]0;b\x07.txt:1: got '\n\x00\x9bé\xc2\x9b\xc0x\t']], text)
    assert.equal("a\n\tb", fail.printable("a\n\tb", true))
    assert.equal("gpu0 \226\134\146 leaf \240\159\152\128", -- an arrow, a face
      fail.printable "gpu0 \226\134\146 leaf \240\159\152\128")
  end)

  it("differs from other errors", function()
    local _, plain = pcall(error, "plain")
    local _, other = pcall(error, { message = "other" })
    assert.is_false(fail.is(plain))
    assert.is_false(fail.is(other))
    assert.is_false(fail.is(nil))
  end)
end)

describe("the nearest name", function()
  local names = { "delay", "hosts", "nic", "nvlink", "rate" }

  it("allows a third of the letters to be wrong", function()
    assert.equal("rate", fail.nearest("rat", names))
    assert.equal("rate", fail.nearest("raet", names))
    assert.equal("nvlink", fail.nearest("NVlnik", names))
    assert.equal("hosts", fail.nearest("host", names))
  end)

  it("is nil when none is near", function()
    assert.is_nil(fail.nearest("spines", names))
    assert.is_nil(fail.nearest("x", names))
    assert.is_nil(fail.nearest("", names))
    assert.is_nil(fail.nearest("rate", {}))
  end)

  it("is the first of equally near ones", function()
    assert.equal("gpu1", fail.nearest("gpu9", { "gpu1", "gpu2" }))
  end)

  it("gives way to the list of names when none is near and the list is short", function()
    assert.equal("; did you mean 'rate'?", fail.hint("rte", names))
    assert.equal("; expected one of: delay, hosts, nic, nvlink, rate", fail.hint("spines", names))
    assert.equal("", fail.hint("spines", {}))
  end)
end)

describe("a value in a message", function()
  it("looks the same on both virtual machines", function()
    assert.equal("3", fail.show(3.0))
    assert.equal("0.1", fail.show(0.1))
    assert.equal("'a?b'", fail.show("a\nb"))
    assert.equal("a table", fail.show({}))
    assert.equal("nil", fail.show(nil))
  end)

  it("is cut when it is long", function()
    assert.equal("'" .. ("x"):rep(57) .. "...'", fail.show(("x"):rep(1000)))
  end)
end)
