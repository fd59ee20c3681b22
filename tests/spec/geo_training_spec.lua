-- scenarios/geo_training.lua as a program.

local program = require "program"
local support = require "support"

describe("geo_training", function()
  local files = support.files()
  after_each(files.remove)

  local out = support.file ""
  os.remove(out)
  teardown(function() os.execute("rm -rf " .. out) end)

  local function run(arguments)
    return program.run("scenarios/geo_training.lua --quiet --out " .. out .. " " .. arguments)
  end

  local function refused(arguments)
    local _, errors, status = run(arguments)
    assert.equal(2, status, errors)
    return errors
  end

  it("prints strategies side by side, and writes iterations and links", function()
    local printed, errors, status = run "--seeds 2 --strategy star,netstorm --roots 9 --format csv"
    assert.equal("", errors)
    assert.equal(0, status)
    local seconds = {}
    for name, text in printed:gmatch "\n(%a+),([%d.]+)" do seconds[name] = tonumber(text) end
    assert.is_true(seconds.star > 5 * seconds.netstorm)
    local rows = support.content(out .. "/iterations.csv")
    assert.matches("evaluation 0,netstorm,58%.69970", rows)
    assert.matches("evaluation 0,star,310%.00719", rows)
    local _, lines = support.content(out .. "/links.csv"):gsub("\n", "")
    assert.equal(1 + 2 * 2 * 26, lines)
  end)

  it("runs iterations under a trace", function()
    local path = files.write("scenario,period_s,set,u,v,mbps\nA,10,0,1,2,8\nA,10,0,2,1,8\n"
      .. "A,10,1,1,2,80\nA,10,1,2,1,80\n")
    local printed, errors, status = run("--dynamic --model mobilenet --strategy star"
      .. " --iterations 3 --format csv --trace " .. path)
    assert.equal("", errors)
    assert.equal(0, status)
    -- 102.9328 Mbit up at 8 Mbit/s: 80 by 10 s, the rest at 80 by 10.28666 s. The chunk of 32 Mbit
    -- takes 0.4 s down, and all behind it as long as it took up.
    assert.matches("star,3,", printed)
    assert.matches("star,1,0,10%.68666", support.content(out .. "/iterations.csv"))
  end)

  it("draws times beside bounds, links over time, and iterations", function()
    local pictures = out .. "/pictures"
    local _, errors, status = run("--seeds 1 --strategy star,packing --plot " .. pictures)
    assert.equal("", errors)
    assert.equal(0, status)
    assert.equal(0, select(3, run("--dynamic --seeds 2 --strategy netstorm --compute 9s --plot "
      .. pictures)))
    for _, name in ipairs { "strategies.png", "links.png", "iterations.png" } do
      assert.equal("\137PNG", support.content(pictures .. "/" .. name):sub(1, 4))
    end
  end)

  it("tells what is wrong on the command line", function()
    assert.matches("no strategy 'netstrom'; did you mean 'netstorm'",
      refused "--strategy star,netstrom")
    assert.matches("option %-%-roots: none of these strategies has it: star",
      refused "--strategy star --roots 3")
    assert.matches("expected one of %-%-static and %-%-dynamic, got both",
      refused "--static --dynamic")
    assert.matches("option %-%-trace: goes with %-%-dynamic", refused "--trace none.csv")
    assert.matches("strategy 'tsengine' makes no plans",
      refused "--dynamic --seeds 2 --strategy tsengine")
    assert.matches("roots: expected 1 to 9, got 10", refused "--strategy netstorm --roots 10")
    assert.matches("cannot read 'no/such.csv'", refused "--overlay no/such.csv")
    local path = files.write "u,v,mbps\na,b,5\nb,a,5\nb,c,5\n"
    assert.matches("there is no route from c to a", refused("--overlay " .. path))
    path = files.write "overlay,u,v,mbps\nX1,1,2,5\nX1,2,1,5\n"
    assert.matches("no overlay 'X2'; did you mean 'X1'",
      refused("--only X2 --overlay " .. path))
  end)
end)
