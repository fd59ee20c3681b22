local csv = require "weft.csv"
local csvcore = require "weft.csvcore"
local support = require "support"

local temporary

after_each(function()
  if temporary then os.remove(temporary) end
  temporary = nil
end)

local function file(content)
  temporary = support.file(content)
  return temporary
end

-- Rows of the raw reader as "line: field|field", and the error at the end if any.
local function raw(content)
  local reader = csvcore.open(file(content))
  local rows = {}
  while true do
    local fields, line, _, error_line = reader:row()
    if not fields then
      reader:close()
      return rows, line, error_line
    end
    rows[#rows + 1] = line .. ": " .. table.concat(fields, "|")
  end
end

local function error_of(content, columns)
  local path = file(content)
  local text = support.error_of(csv.read, path, columns)
  assert.equal(path, text:sub(1, #path))
  return text:sub(#path + 1)
end

describe("CSV reader", function()
  it("gives each row the line it begins on", function()
    assert.same({ "1: a|b", "2: 1|x\ny", "4: 2|z" }, (raw "a,b\n1,\"x\ny\"\n2,z\n"))
    assert.same({ "1: a", "4: b" }, (raw "a\n\n\nb\n"))
    assert.same({ "1: a", "4: b" }, (raw "a\r\n\r\n\r\nb\r\n"))
    assert.same({ "1: a", "2: b" }, (raw "a\rb"))
  end)

  it("keeps quotes, separators and blanks in quotes", function()
    assert.same({ "1: a\"b|c,d| e |f" }, (raw "\"a\"\"b\",\"c,d\",\" e \",  f  \n"))
  end)

  it("reads empty fields, a last line without newline and a byte order mark", function()
    assert.same({ "1: a||", "2: ||" }, (raw "\239\187\191a,,\n,,"))
    assert.same({}, (raw ""))
    assert.same({}, (raw "\n \n"))
  end)

  it("reads a field across its chunks", function()
    local long = ("x"):rep(200000)
    assert.same({ "1: a", "2: " .. long, "3: b" }, (raw("a\n\"" .. long .. "\"\nb\n")))
  end)

  it("stops at a stray quote, with its line", function()
    local rows, message, line = raw "a,b\n1,2\n3,x\"y\n5,6\n"
    assert.same({ "1: a|b", "2: 1|2" }, rows)
    assert.matches("a quote in between", message)
    assert.equal(3, line)
  end)

  it("stops at a quote that is never closed, with the line of the row", function()
    local _, message, line = raw "a,b\n1,\"2\n3,4\n"
    assert.matches("expected a closing quote, got end of file", message)
    assert.equal(2, line)
    _, message, line = raw("a\n\"" .. ("y\n"):rep(2 ^ 20))
    assert.matches("is a closing quote missing%?", message)
    assert.equal(2, line)
  end)

  it("tells what it cannot open", function()
    assert.is_nil(csvcore.open("/nonexistent"))
    local _, message, code = csvcore.open("tests")
    assert.equal("Is a directory", message)
    assert.equal("WEFT_EIO", code)
  end)

  it("refuses use after close, and closes twice", function()
    local reader = csvcore.open(file "a\n")
    reader:close()
    reader:close()
    assert.error_matches(function() reader:row() end, "reader is closed", 1, true)
  end)
end)

describe("typed rows", function()
  it("convert fields by column", function()
    local rows = csv.read(file "name,n,x,t,other\n a ,3,0.5,1us,?\n\"\",-4,1e3,2 ns,?\n", {
      "name", { "n", type = "integer" }, { "x", type = "number" }, { "t", type = "time" },
    })
    assert.same({
      { name = "a", n = 3, x = 0.5, t = 1000000 },
      { name = "", n = -4, x = 1000, t = 2000 },
    }, rows)
    assert.equal("3", tostring(rows[1].n))
  end)

  it("without columns are text", function()
    assert.same({ { a = "1", b = "x" } }, csv.read(file "a,b\n1,x\n"))
  end)

  it("leave out optional columns and fill in defaults", function()
    assert.same({ { a = "1", c = 7 } }, csv.read(file "a,c\n1,\n",
      { "a", { "b", optional = true }, { "c", type = "integer", default = 7 } }))
  end)

  it("name the nearest column when one is missing", function()
    assert.equal(":1: column 'size_bytes' is missing; did you mean 'size_byte'?",
      error_of("id,size_byte\n1,2\n", { "size_bytes" }))
    assert.equal(":1: column 'x' is missing; expected one of: id, size",
      error_of("id,size\n", { "x" }))
  end)

  it("name line and column of a bad field", function()
    local columns = {
      { "n", type = "integer", min = 1 },
      { "x", type = "number", optional = true },
    }
    assert.equal(":3: column 'n': expected a whole number, got '1.5'",
      error_of("n\n1\n1.5\n", columns))
    assert.equal(":2: column 'n': expected at least 1, got '0'", error_of("n\n0\n", columns))
    assert.equal(":2: column 'n': expected a whole number up to 2^53, got '9007199254740993000'",
      error_of("n\n9007199254740993000\n", columns))
    assert.equal(":2: column 'x': expected a number, got '0x10'",
      error_of("n,x\n1,0x10\n", columns))
    assert.equal(":2: column 'x': expected a number, got 'inf'", error_of("n,x\n1,inf\n", columns))
    assert.equal(":2: column 'x': expected a number, got 'nan'", error_of("n,x\n1,nan\n", columns))
  end)

  it("must be complete", function()
    assert.equal(":3: expected 2 fields, got 1", error_of "a,b\n1,2\n3\n")
    assert.equal(":2: expected 2 fields, got 3", error_of "a,b\n1,2,3\n")
    assert.equal(":1: expected a header line, got an empty file", error_of "")
    assert.equal(":1: column 'a' is there twice", error_of "a,b,a\n")
    assert.matches("^:2: expected fields that are plain", error_of "a\nx\"y\n")
  end)

  it("reject an unknown type", function()
    assert.matches("unknown type 'intger' of column 'a'; did you mean 'integer'%?",
      support.error_of(csv.rows, file "a\n", { { "a", type = "intger" } }))
  end)
end)

describe("CSV writer", function()
  it("writes numbers alike on both virtual machines", function()
    assert.equal("3", csv.field(3.0))
    assert.equal("9007199254740992", csv.field(2 ^ 53))
    assert.equal("0.10000000000000001", csv.field(0.1))
    assert.equal("nan", csv.field(0 / 0))
    assert.equal("", csv.field(nil))
    assert.equal("true", csv.field(true))
  end)

  it("writes what the reader reads back", function()
    local rows = { { a = " x ", b = 1 / 3 }, { a = "q\"r,\r\ns", b = -2 }, { a = "", b = 1e300 } }
    temporary = os.tmpname()
    csv.write(temporary, { "a", "b" }, rows)
    assert.same(rows, csv.read(temporary, { "a", { "b", type = "number" } }))
  end)

  it("keeps rows of one empty field", function()
    temporary = os.tmpname()
    csv.write(temporary, { "a" }, { { a = "" }, {}, { a = "x" } })
    assert.same({ { a = "" }, { a = "" }, { a = "x" } }, csv.read(temporary))
  end)

  it("takes an iterator, and leaves nothing when that fails", function()
    temporary = support.file("old")
    local done = pcall(csv.write, temporary, { "a" }, function() error("boom") end)
    assert.is_false(done)
    assert.equal("old", support.content(temporary))
    assert.is_nil(support.content(temporary .. ".tmp"))
  end)
end)
