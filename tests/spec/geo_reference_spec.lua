-- What an independent program has computed of NetStorm and its baselines, row by row.

local support = require "support"
local weft = require "weft"

local reference = dofile("scenarios/build/geo_reference.lua")

local DATA = "tests/reference/netstorm"

-- By file: columns that name a row; those that are to be equal as text; numbers, within TOLERANCE.
local FILES = {
  trees = { { "overlay", "root", "node" }, { "parent", "hops" }, { "cost" } },
  roots = {
    { "overlay", "root" },
    { "rank_down", "rank_up", "rank_both", "quota_R1", "elements_R1", "quota_R3", "elements_R3",
      "quota_RN", "elements_RN" },
    { "perf_down", "perf_up", "perf_both" },
  },
  chunks = { { "overlay", "R" }, { "root_of_chunk" }, {} },
  aux = { { "overlay", "src", "dst", "k" }, { "path" }, { "cost" } },
  times = {
    { "overlay", "strategy", "root", "routes", "R", "metric", "pull", "model" }, {}, { "seconds" },
  },
  tsengine = { { "overlay", "root", "phase", "sender", "receiver" }, {}, { "start_s" } },
  dynamic = { { "scenario", "strategy", "iteration" }, {}, { "start_s", "end_s" } },
  measure = { { "case", "sample" }, { "reported" }, { "estimate_mb_s" } },
}

local TOLERANCE = 1e-6 -- the files have 9 digits, times 6 behind the point

local function text(value)
  return weft.csv.field(value)
end

local function key_of(row, names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = text(row[name]) end
  return table.concat(parts, ",")
end

-- What differs, as a list of texts; and how many rows were compared.
local function differences(name, rows)
  local keys, exact, numbers = FILES[name][1], FILES[name][2], FILES[name][3]
  local got, found, count = {}, {}, 0
  for _, row in ipairs(rows) do got[key_of(row, keys)] = row end
  for row in weft.csv.rows(DATA .. "/" .. name .. ".csv") do
    local key = key_of(row, keys)
    local mine = got[key]
    count = count + 1
    if not mine then found[#found + 1] = name .. " has no row " .. key end
    for _, column in ipairs(mine and exact or {}) do
      if text(mine[column]) ~= row[column] then
        found[#found + 1] = ("%s %s: %s is %s, expected %s"):format(name, key, column,
          text(mine[column]), row[column])
      end
    end
    for _, column in ipairs(mine and numbers or {}) do
      local expected, value = tonumber(row[column]), mine[column]
      local equal = expected == value
        or expected and value and math.abs(value - expected) <= TOLERANCE * math.abs(expected)
      if not equal then
        found[#found + 1] = ("%s %s: %s is %s, expected %s"):format(name, key, column,
          text(value), row[column])
      end
    end
  end
  return found, count
end

describe("geo_training --reference", function()
  local files = support.files()
  after_each(files.remove)

  local rows = reference.compute(reference.read(DATA))

  for name, count in weft.util.sorted_pairs {
    trees = 262, roots = 47, chunks = 23, aux = 544, tsengine = 78, measure = 18,
  } do
    it("gives every row of " .. name, function()
      local found, compared = differences(name, rows[name])
      assert.same({}, found)
      assert.equal(count, compared)
    end)
  end

  it("gives every time, in whatever order what happens at once is taken", function()
    local found, compared = differences("times", rows.times)
    assert.same({}, found)
    assert.equal(998, compared)
  end)

  it("gives iterations under rates that change in the middle of a message", function()
    local found, compared = differences("dynamic", rows.dynamic)
    assert.same({}, found)
    assert.equal(36, compared)
  end)

  it("has the models that are built in as the program worked them out", function()
    local models = {}
    for row in weft.csv.rows(DATA .. "/models.csv", {
      "model", { "elements", type = "integer" },
    }) do
      models[row.model] = models[row.model] or {}
      table.insert(models[row.model], row.elements)
    end
    models.hand = nil
    for name, tensors in weft.util.sorted_pairs(models) do
      assert.same(tensors, weft.geo.models.tensors(name))
    end
  end)

  it("names what is wrong with a folder", function()
    local lfs = require "lfs"
    local folder = support.file ""
    os.remove(folder)
    lfs.mkdir(folder)
    local function write(name, content)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(content)
      file:close()
    end
    local function message() return support.error_of(reference.read, folder) end
    write("meta.csv", "overlay,model\nA,alexnet\n")
    write("overlays.csv", "overlay,u,v,mbps\nA,1,2,10\nA,2,1,10\nB,1,2,5\nB,2,1,5\n")
    assert.matches("meta%.csv: overlay 'B' is missing", message())
    write("meta.csv", "overlay,model\nA,alexnett\n")
    assert.matches("meta%.csv:2: no model 'alexnett'; did you mean 'alexnet'%?", message())
    write("meta.csv", "overlay,model\nA,alexnet\n")
    write("overlays.csv", "overlay,u,v,mbps\nA,1,2,10\nA,2,1,0\n")
    assert.matches("overlays%.csv:3: column 'mbps': expected a rate of more than 0, got 0",
      message())
    write("overlays.csv", "overlay,u,v,mbps\nA,1,2,10\nA,2,1,4\nA,2,3,4\n")
    assert.matches("overlays%.csv: A: geo%.overlay: there is no route from 3 to 1", message())
    write("overlays.csv", "overlay,u,v,mbps\nA,1,2,10\nA,2,1,4\n")
    write("models.csv", "model,key,elements\nalexnet,0,5\nalexnet,2,5\n")
    assert.matches("models%.csv:3: column 'key': expected 1, got 2", message())
    os.remove(folder .. "/models.csv")
    assert.equal(2, reference.read(folder).overlays[1].nodes)
    for _, name in ipairs { "meta.csv", "overlays.csv" } do os.remove(folder .. "/" .. name) end
    lfs.rmdir(folder)
  end)
end)
