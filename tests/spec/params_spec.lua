local support = require "support"
local weft = require "weft"

local declaration = {
  name = "script", brief = "Does things.",
  { name = "cc", choices = { "hpcc", "dctcp" }, default = "hpcc", help = "congestion control" },
  { name = "size", type = "bytes", default = "16MiB", min = 2 },
  { name = "link_rate", type = "rate", default = "100Gbps" },
  { name = "delay", type = "time", default = "1.5us" },
  { name = "count", type = "integer", default = 4, max = 10 },
  { name = "load", type = "number" },
  { name = "fast", type = "boolean" },
  { name = "file" },
}

-- Read the declaration with a command line.
local function read(line, declared)
  local before = rawget(_G, "arg")
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  rawset(_G, "arg", words)
  local good, result = pcall(weft.params, declared or declaration)
  rawset(_G, "arg", before)
  if not good then error(result, 0) end
  return result
end

local function fails(expected, line, declared)
  assert.equal(expected, support.error_of(read, line, declared))
end

describe("params", function()
  it("fills in defaults, in SI units", function()
    local args = read ""
    assert.same({ "hpcc", 2 ^ 24, 100e9, 1.5e-6, 4, false, 1, "table", "results/script", false },
      { args.cc, args.size, args.link_rate, args.delay, args.count, args.fast, args.seed,
        args.format, args.out, args.quiet })
    assert.is_nil(args.load)
    assert.is_nil(args.file)
  end)

  it("reads values", function()
    local args = read("--cc dctcp --size 1KiB --link-rate=25Gbps --delay 2ns --count 7"
      .. " --load 0.5 --fast")
    assert.same({ "dctcp", 1024, 25e9, 2e-9, 7, 0.5, true },
      { args.cc, args.size, args.link_rate, args.delay, args.count, args.load, args.fast })
  end)

  it("reads engine options", function()
    local args = read "--set buffer=4MiB --set pfc=false --set buffer_alpha=0.5"
    assert.same({ buffer = "4MiB", pfc = false, buffer_alpha = 0.5 }, args.set)
  end)

  it("gives the parameters that decide the results", function()
    local all = read("--seed 3 --quiet --format csv --out x"):parameters()
    assert.equal(3, all.seed)
    assert.equal("hpcc", all.cc)
    assert.same({ 2 ^ 24, 100e9, 1.5e-6 }, { all.size_bytes, all.link_rate_bps, all.delay_s })
    assert.is_nil(all.quiet or all.format or all.out)
  end)

  it("names the place, what was wrong and the nearest name", function()
    fails("script: unknown option '--siz'; did you mean '--size'?", "--siz 3")
    fails("script: option --cc: got 'hpc'; expected one of: hpcc, dctcp; did you mean 'hpcc'?",
      "--cc hpc")
    fails("script: option --count: expected at most 10, got 11", "--count 11")
    fails("script: option --count: expected a whole number, got 'many'", "--count many")
    fails("script: option --set: expected option=value, got 'pfc'", "--set pfc")
    assert.truthy(support.error_of(read, "--size 3x"):find("script: option --size: ", 1, true))
    assert.truthy(support.error_of(read, "--size"):find("requires an argument", 1, true))
    fails("script: expected options only, got 'more'", "--fast more or --count 1")
  end)

  it("blames engine options on the command line", function()
    fails("script: option --set: buffr=1: unknown option 'buffr'; did you mean 'buffer'?",
      "--set buffr=1")
    assert.truthy(support.error_of(read, "--set buffer=1ns")
      :find("script: option --set: buffer=1ns: option 'buffer': ", 1, true))
  end)

  it("lets a script blame what it was given", function()
    local args = read ""
    assert.equal("script: option --link-rate: no", support.error_of(args.blame, args, "link_rate",
      weft.fail.raise, "no"))
    assert.equal("file:3: no", support.error_of(args.blame, args, "file", weft.fail.at, "file:3",
      "no"))
    assert.same({ 1, 2 }, { args:blame(nil, function() return 1, 2 end) })
  end)

  it("has the engine's choices", function()
    local declared = { name = "script", { name = "cc", engine = true, default = "hpcc" } }
    assert.equal("dcqcn", read("--cc dcqcn", declared).cc)
    assert.truthy(support.error_of(read, "--cc dcqcm", declared):find("'dcqcn'?", 1, true))
    local wrong = { name = "script", { name = "mtu", engine = true } }
    assert.truthy(support.error_of(read, "", wrong)
      :find("params: 'mtu' is no engine option with choices", 1, true))
  end)

  it("knows which parameters must be given", function()
    fails("script: option --file: is missing", "",
      { name = "script", { name = "file", required = true } })
  end)

  it("refuses a wrong declaration and a wrong name in the script", function()
    assert.truthy(support.error_of(read, "", { name = "s", { nam = "x" } })
      :find("unknown option 'nam'; did you mean 'name'?", 1, true))
    assert.truthy(support.error_of(read, "", { name = "s", { name = "seed" } })
      :find("'seed' is declared twice", 1, true))
    local args = read ""
    assert.truthy(support.error_of(function() return args.sise end)
      :find("no parameter 'sise'; did you mean 'size'?", 1, true))
  end)

  it("leaves out the folder where a script writes nothing", function()
    local without = { name = "script", out = false }
    assert.truthy(support.error_of(read, "--out x", without)
      :find("unknown option '--out'", 1, true))
  end)
end)
