-- Processes for the parts of a sweep.

local helper = require "helper"
local pool = require "weft.pool"
local support = require "support"

describe("a pool", function()
  local files = support.files()
  after_each(files.remove)

  local function run(script, options)
    local lines = {}
    options.program, options.script = helper.program, files.write(script, ".lua")
    options.done = function(line) lines[#lines + 1] = line end
    local outcome = pool.run(options)
    table.sort(lines)
    return outcome, lines
  end

  it("runs a script once for each item", function()
    local outcome, lines = run("print(arg[2] .. arg[1])",
      { items = { "a", "b", 3 }, option = "--item" })
    assert.same({ "done", { "3--item", "a--item", "b--item" } }, { outcome, lines })
    assert.same({ "done", {} }, { run("print(1)", { items = {} }) })
  end)

  it("hands on arguments as they are", function()
    local outcome, lines = run("print(arg[1], #arg)",
      { items = { "x" }, arguments = { "it's $HOME; \"a b\"" }, jobs = 1 })
    assert.same({ "done", { "it's $HOME; \"a b\"\t3" } }, { outcome, lines })
  end)

  it("says when a process has failed", function()
    local outcome, lines = run("if arg[2] == '2' then os.exit(1) end print(arg[2])",
      { items = { 1, 2, 3 } })
    assert.same({ "failed", { "1", "3" } }, { outcome, lines })
  end)

  it("knows the number of cores", function()
    assert.is_true(pool.cores() >= 1)
  end)
end)
