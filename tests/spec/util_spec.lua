local util = require "weft.util"
local support = require "support"

describe("sorted_pairs", function()
  it("goes through numbers, then text, in order", function()
    local seen = {}
    for key, value in util.sorted_pairs { b = 1, a = 2, [10] = 3, [2] = 4 } do
      seen[#seen + 1] = key .. "=" .. value
    end
    assert.equal("2=4 10=3 a=2 b=1", table.concat(seen, " "))
  end)
end)

describe("write_file", function()
  it("replaces a file as a whole", function()
    local path = support.file("old")
    util.write_file(path, function(output) output:write("new", " content") end)
    assert.equal("new content", support.content(path))
    assert.is_nil(support.content(path .. ".tmp"))
    os.remove(path)
  end)

  it("keeps the old content and leaves nothing behind when the producer fails", function()
    local path = support.file("old")
    local done, err = pcall(util.write_file, path, function(output)
      output:write("half")
      error("boom", 0)
    end)
    assert.is_false(done)
    assert.equal("boom", err)
    assert.equal("old", support.content(path))
    assert.is_nil(support.content(path .. ".tmp"))
    os.remove(path)
  end)

  it("says why a file cannot be written", function()
    assert.matches("cannot write '/nonexistent/x': No such file or directory$",
      support.error_of(util.write_file, "/nonexistent/x", "text"))
    assert.matches("cannot write 'tests': Is a directory$",
      support.error_of(util.write_file, "tests", "text"))
    assert.is_nil(support.content("tests.tmp"))
  end)
end)

describe("make_directory", function()
  it("makes the folders above it too, and is content with existing ones", function()
    local base = os.tmpname()
    os.remove(base)
    util.make_directory(base .. "/a/b")
    util.make_directory(base .. "/a/b")
    util.write_file(base .. "/a/b/file", "x")
    assert.equal("x", support.content(base .. "/a/b/file"))
    for _, path in ipairs { "/a/b/file", "/a/b", "/a", "" } do assert(os.remove(base .. path)) end
  end)

  it("says what is in the way", function()
    local path = support.file("")
    assert.matches("cannot create folder '.*/x': '.*' is a file$",
      support.error_of(util.make_directory, path .. "/x"))
    os.remove(path)
    assert.matches("cannot create folder '/proc/none'",
      support.error_of(util.make_directory, "/proc/none/x"))
  end)
end)
