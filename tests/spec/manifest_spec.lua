-- The manifest says all that is bound and nothing else, and what is generated from it is current.
local core = require "weft.core"
local manifest = require "api.manifest"
local skip = require "api.skip"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Functions that a header declares, as a set.
local function declared(path)
  local text = read(path):gsub("/%*.-%*/", ""):gsub("\n#[^\n]*", "")
  local names = {}
  for name in text:gmatch("(weft_[%w_]+)%(") do names[name] = true end
  return names
end

--- "core.new" or "sim.run" for everything that scripts can call, as a set.
local function bound()
  local names = {}
  for name, value in pairs(core) do -- order-free: a set
    if type(value) == "function" and name:sub(1, 1) ~= "_" then names["core." .. name] = true end
  end
  for name in pairs(core._sim.__index) do names["sim." .. name] = true end -- order-free: a set
  return names
end

describe("the manifest", function()
  it("covers every function of the public header, or says why not", function()
    local missing = declared("core/weft.h")
    for name in pairs(skip) do -- order-free: a set
      assert.is_true(missing[name], name .. " is skipped but not declared")
      missing[name] = nil
    end
    for _, entry in ipairs(manifest.functions) do missing[entry.c] = nil end
    assert.same({}, missing)
  end)

  it("names functions of the public header only", function()
    local header = declared("core/weft.h")
    for _, entry in ipairs(manifest.functions) do assert.is_true(header[entry.c], entry.c) end
  end)

  it("has exactly what is bound", function()
    local names = {}
    for _, entry in ipairs(manifest.functions) do
      names[entry.receiver .. "." .. entry.name] = true
    end
    -- The overlay's own method is documented with the overlay.
    local all = bound()
    all["sim.column_view"] = nil
    assert.same(all, names)
  end)

  it("describes every function fully", function()
    for _, entry in ipairs(manifest.functions) do
      assert.matches("%.$", entry.brief, entry.name)
      assert.is_string(entry.example, entry.name)
      for _, param in ipairs(entry.params) do assert.equal(3, #param, entry.name) end
      assert.is_true(entry.returns == nil or #entry.returns == 2, entry.name)
    end
  end)

  it("has examples that compile", function()
    local compile = loadstring or load
    for _, entry in ipairs(manifest.functions) do
      local code = entry.example:gsub("%-%->.*$", "")
      assert.is_truthy(compile(code) or compile("return " .. code), entry.name)
    end
  end)
end)

describe("the reference", function()
  it("is up to date (make docs)", function()
    local generate = assert(loadfile("bindings/api/generate.lua"))("generate")
    for _, page in ipairs(generate()) do
      assert.is_true(read("docs/reference/" .. page[1]) == page[2], page[1] .. " is out of date")
    end
  end)
end)

describe("help", function()
  local help = require "weft.help"

  it("has a text for every topic", function()
    for _, topic in ipairs(help.topics) do
      assert.matches("\n$", (help.text(topic)), topic)
    end
  end)

  it("knows functions by name and by value", function()
    for _, entry in ipairs(manifest.functions) do
      local by_name = help.text(entry.receiver .. (entry.receiver == "sim" and ":" or ".")
        .. entry.name)
      assert.is_true(by_name:find(entry.brief, 1, true) ~= nil, entry.name)
    end
    assert.equal(help.text("core.new"), (help.text(core.new)))
    assert.equal(help.text("task_add"), (help.text(core._sim.__index.task_add)))
  end)

  it("reads the comment of a Lua function", function()
    assert.matches("The name in `list`", (help.text(require("weft.fail").nearest)), 1, true)
  end)

  it("names the nearest topic", function()
    local text, hint = help.text("topolgy")
    assert.is_nil(text)
    assert.equal("; did you mean 'topology'?", hint)
  end)
end)
