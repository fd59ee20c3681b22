-- Every example prints what its expected.txt holds. After a change of results, look at the
-- differences and then write the files again: WEFT_BLESS=1 lua5.4 /usr/bin/busted ...

local helper = require "helper"
local support = require "support"

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local examples = {}
for name in output_of("ls examples"):gmatch("%S+") do examples[#examples + 1] = name end

describe("examples", function()
  it("are there", function()
    assert.is_true(#examples >= 5)
  end)

  for _, name in ipairs(examples) do
    local folder = "examples/" .. name

    it(name .. " prints what it should", function()
      local printed = output_of(("%s %s/main.lua 2>&1"):format(helper.program, folder))
      if os.getenv("WEFT_BLESS") then
        local file = assert(io.open(folder .. "/expected.txt", "wb"))
        file:write(printed)
        file:close()
      end
      assert.equal(support.content(folder .. "/expected.txt"), printed)
    end)

    it(name .. " says in a README what it shows", function()
      assert.truthy(support.content(folder .. "/README.md"):find("weft " .. folder, 1, true))
    end)
  end
end)
