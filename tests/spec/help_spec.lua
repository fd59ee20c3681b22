-- help by text: every name that weft has is explained, and every name that is referred to is there.
local core = require "weft.core"
local guard = require "weft.guard"
local help = require "weft.help"
local names = require "weft.help.names"
local program = require "program"
local source = require "weft.source"

-- The first is called for every node, the second has a list with its options, the others look at
-- what else they were given before.
local BY_HAND = {
  ["fabric:add_node"] = true, ["weft.workload.flows"] = true, ["weft.geo.fifo.run"] = true,
  ["weft.geo.models.tensors"] = true, ["weft.geo.trace.synthetic"] = true,
}

local function files(pattern)
  local list = {}
  local pipe = assert(io.popen("find stdlib viz lua -name '*.lua'"))
  for path in pipe:lines() do
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    for found in text:gmatch(pattern) do list[#list + 1] = found end
  end
  pipe:close()
  return list
end

describe("help", function()
  it("explains every option of the core, and every value of one", function()
    for _, option in ipairs(core.options()) do
      assert.matches(option.brief:sub(1, 40), (help.text(option.name)), 1, true)
      for _, choice in ipairs(option.choices or {}) do
        assert.is_string((help.text(tostring(choice))), choice)
      end
    end
  end)

  it("explains every column, method, function and option by its name", function()
    assert.is_true(#names.columns() > 40)
    for _, entry in ipairs(names.all()) do
      assert.is_string((help.text(entry.name)), entry.name)
    end
    assert.matches("column of sim:flows()", (help.text "fct_ps"), 1, true)
    assert.matches("^Fabric:link%(", (help.text "fabric:link"))
    assert.matches("value of the option cc", (help.text "dcqcn"), 1, true)
  end)

  it("lists what mentions a word", function()
    local text = help.text "flap"
    assert.matches("sim:degrade", text, 1, true)
    assert.matches("failures +topic", text)
    assert.is_nil((help.text "zyxwv"))
  end)

  it("refers to what is there", function()
    for _, name in ipairs(names.all()) do
      for other in (help.text(name.name) or ""):gmatch 'See also: help "([^"]+)"' do
        assert.is_string((help.text(other)), other)
      end
    end
    for _, name in ipairs(files "[Ss]ee (weft%.[%w_.]*[%w_])") do
      assert.is_string((help.text(name)), name)
    end
  end)

  it("knows all classes", function()
    names.classes()
    for _, name in ipairs(files 'guard%.class%("(%a+)"') do
      assert.is_table(guard.classes[name], name)
    end
  end)

  it("has the options of each function that takes some, from what it checks", function()
    local count = 0
    for _, entry in ipairs(names.all()) do
      local doc = entry.value and source.doc(entry.value)
      local takes = doc and table.concat(doc.comment, "\n"):find "@tparam%S* %??table options[^%w]"
      if takes and not BY_HAND[entry.name] then
        count = count + 1
        assert.is_table((source.options(entry.value, entry.class)), entry.name)
      end
    end
    assert.is_true(count > 30, count)
    assert.matches("stop_at +time, at least 0 s", (help.text "sim:run"))
  end)

  it("prints nothing else", function()
    local output, errors, status = program.run("", "help()\nhelp 'rto'\n")
    assert.same({ help.text "overview" .. help.text "rto", "", 0 }, { output, errors, status })
  end)
end)
