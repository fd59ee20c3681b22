-- docs/prompt.md: what it says was typed, typed again. After a change of what is shown, look at the
-- differences and write the page again: WEFT_BLESS=1 lua5.4 /usr/bin/busted ...
local program = require "program"
local support = require "support"

local PAGE = "docs/prompt.md"
local MARK = "mark between inputs"

-- The session anew, from its lines behind "> ".
local function session_of(block)
  local typed, inputs = {}, {}
  for line in block:gmatch "[^\n]+" do
    local input = line:match "^> (.*)$"
    if input then
      inputs[#inputs + 1] = input
      typed[#typed + 1] = input .. "\n" .. ("print %q\n"):format(MARK)
    end
  end
  local output, errors = program.run("", table.concat(typed))
  assert.equal("", errors)
  local lines, i = {}, 0
  for shown in output:gmatch("(.-)" .. MARK .. "\n") do
    i = i + 1
    lines[#lines + 1] = "> " .. inputs[i] .. "\n" .. shown
  end
  assert.equal(#inputs, i)
  return table.concat(lines)
end

describe("the session in the page about the prompt", function()
  it("is what the prompt shows", function()
    local text = support.content(PAGE)
    local before, block, after = text:match "^(.-\n```\n)(.-)(```\n.*)$"
    local session = session_of(block)
    if os.getenv "WEFT_BLESS" then
      local file = assert(io.open(PAGE, "wb"))
      file:write(before, session, after)
      file:close()
      block = session
    end
    assert.equal(block, session)
  end)
end)
