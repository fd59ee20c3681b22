-- What a user sees for wrong input: one line with place, what was got, what was wanted and the
-- nearest valid name.
local flows = require "weft.formats.flows"
local topology = require "weft.topology"
local support = require "support"

local FIXTURES = "tests/fixtures/"

-- The error that `f` raises at a line of this file, without that line's number.
local function script_error(f)
  local place, message = support.error_of(f):match("^([^:]+):%d+: (.*)$")
  assert.equal("tests/spec/errors_spec.lua", place)
  return message
end

describe("wrong input", function()
  it("unknown option", function()
    local message = script_error(function()
      topology.rail_optimized { servers = 4, nvlnk = "2400Gbps" }
    end)
    assert.equal("topology.rail_optimized: unknown option 'nvlnk'; did you mean 'nvlink'?", message)
  end)

  it("bad unit", function()
    local message = script_error(function()
      topology.star { hosts = 2, delay = "1usec" }
    end)
    assert.equal("topology.star: option 'delay': time '1usec': expected a number with a unit such "
      .. "as '1us', got unit 'usec'; nearest is 'us'", message)
  end)

  it("unknown host", function()
    local message = script_error(function()
      topology.from_file("scenarios/data/rail_32gpu.txt"):host("gpu33")
    end)
    assert.equal("unknown node 'gpu33' in rail_32gpu.txt; did you mean 'gpu3'?", message)
  end)

  it("malformed line 17 of a CSV file", function()
    assert.equal(FIXTURES .. "flows_line17_malformed.csv:17: column 'size_bytes': "
      .. "expected a whole number, got '16kB'",
      support.error_of(flows.read, FIXTURES .. "flows_line17_malformed.csv"))
  end)

  it("malformed line 17 of a topology file", function()
    assert.equal(FIXTURES .. "topology_line17_malformed.txt:17: "
      .. "expected 'node node rate delay loss', got '7 32 2400Gbps 25ns'",
      support.error_of(topology.from_file, FIXTURES .. "topology_line17_malformed.txt"))
  end)

  it("link to a node that does not exist", function()
    assert.equal(FIXTURES .. "topology_line17_no_node.txt:17: "
      .. "node of the link: expected 0 to 44, got 45",
      support.error_of(topology.from_file, FIXTURES .. "topology_line17_no_node.txt"))
  end)

  it("zero rate", function()
    assert.equal(FIXTURES .. "topology_line17_zero_rate.txt:17: rate of link node7-node32: "
      .. "expected 1 Mbit/s to 100 Tbit/s, got 0 bit/s",
      support.error_of(topology.from_file, FIXTURES .. "topology_line17_zero_rate.txt"))
  end)

  it("truncated topology file", function()
    assert.equal(FIXTURES .. "topology_truncated.txt:41: expected link 39 of 72, got end of file",
      support.error_of(topology.from_file, FIXTURES .. "topology_truncated.txt"))
  end)

  it("file that is not there", function()
    assert.matches("cannot read 'nowhere.txt': No such file or directory$",
      support.error_of(topology.from_file, "nowhere.txt"))
  end)
end)
