-- docs/glossary.md: every word has a file, and the file is there.

local function rows()
  local found = {}
  for line in io.lines("docs/glossary.md") do
    local word, meaning, path = line:match("^| ([^|]+) | ([^|]+) | `([^`]+)` |$")
    if word then found[#found + 1] = { word = word, meaning = meaning, path = path } end
    if line:find("^|") and not line:find("^|%-") and not line:find("^| word") then
      assert(word, "a row without a file: " .. line)
    end
  end
  return found
end

describe("the glossary", function()
  it("says of each word what it is and where", function()
    local seen = {}
    for _, row in ipairs(rows()) do
      assert.is_nil(seen[row.word], row.word)
      seen[row.word] = true
      local file = io.open("core/" .. row.path)
      assert.is_not_nil(file, row.word .. ": no file core/" .. row.path)
      file:close()
    end
    for word in ("domain view crew apart unarmed parked follower news partition"):gmatch("%a+") do
      assert.is_true(seen[word], word)
    end
  end)

  it("is what architecture.md points to", function()
    local text = assert(io.open("docs/architecture.md")):read("*a")
    assert.matches("%(glossary%.md%)", text)
  end)
end)
