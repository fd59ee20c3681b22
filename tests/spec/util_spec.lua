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

describe("a file that is written", function()
  local path

  before_each(function() path = support.file("old") end)
  after_each(function()
    for name in io.popen("ls -d " .. path .. "*"):lines() do os.remove(name) end
  end)

  it("follows no link under a temporary name, and keeps one under its own", function()
    local victim = path .. ".victim"
    util.write_file(victim, "precious")
    for _, ending in ipairs { ".tmp", ".weft-0.tmp" } do
      os.execute(("ln -sfn %s %s%s"):format(victim, path, ending))
    end
    util.write_file(path, "new")
    assert.same({ "new", "precious" }, { support.content(path), support.content(victim) })
    local link = path .. ".link"
    os.execute(("ln -sfn %s %s"):format(path, link))
    util.write_file(link, "newer")
    assert.same({ "newer", "newer", "precious" },
      { support.content(link), support.content(path), support.content(victim) })
    assert.equal("link", require("lfs").symlinkattributes(link, "mode"))
  end)

  it("sweeps away what dead writers have left, and nothing else", function()
    local names = { ".weft-0.tmp", ".weft-7.tmp", ".tmp", ".0.tmp" }
    for _, name in ipairs(names) do io.open(path .. name, "w"):close() end
    util.write_file(path, "new")
    local left = {}
    for i, name in ipairs(names) do left[i] = support.content(path .. name) or "gone" end
    assert.same({ "gone", "gone", "", "" }, left)
  end)

  it("is whole while several write it", function()
    util.write_file(path, function(first)
      first:write "one "
      util.write_file(path, "two")
      assert.equal("two", support.content(path))
      first:write "whole"
    end)
    assert.equal("one whole", support.content(path))
  end)

  it("may be a device, which stays", function()
    util.write_file("/dev/null", "x")
    assert.is_true(os.execute("test -c /dev/null") == (jit and 0 or true))
    assert.matches("cannot write '/dev/full': No space left on device$",
      support.error_of(util.write_file, "/dev/full", "x"))
  end)

  it("needs a name", function()
    for _, name in ipairs { "", "a\0b", 7, {} } do support.error_of(util.write_file, name, "x") end
    support.error_of(util.write_file)
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
