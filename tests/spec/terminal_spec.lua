-- The prompt on a pseudo-terminal, under each line editor that is installed.
local helper = require "helper"
local support = require "support"
local prefixes = require "prefixes"

local PTY = helper.build .. "/tests/pty"

local function is_there(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function is_installed(editor)
  local pipe = assert(io.popen("ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null"))
  local text = pipe:read "*a"
  pipe:close()
  return text:find("lib" .. editor .. ".so", 1, true) ~= nil
end

local home = os.tmpname()
os.remove(home)
os.execute("mkdir -p " .. home)

-- What comes of typing: the output, and the status of the program.
local function typed(editor, lines)
  local path = support.file(table.concat(lines, "\n") .. "\n")
  local pipe = assert(io.popen(("HOME=%s PAGER= WEFT_EDITOR=%s %s %s <%s 2>&1"):format(home, editor,
    PTY, helper.program, path)))
  local output = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return output, tonumber(output:match "status (%d+)\n$")
end

local function history()
  local file = io.open(home .. "/.weft_history")
  local text = file and file:read "*a" or ""
  if file then file:close() end
  return text
end

local has_pty = is_there(PTY)

for _, editor in ipairs { "edit", "readline" } do
  describe("the prompt with lib" .. editor, function()
    local test = has_pty and is_installed(editor) and it or pending

    test("completes globals, parts, options and values, and loses nothing", function()
      local output, status = typed(editor, { ">> ",
        "<we\\t.vers\\t\\n", ">0.", ">> ",
        "<weft.topology.star { ho\\t7 }\\n", ">star: 7 hosts", ">> ",
        "<s = weft.simulation { topology = weft.topology.star { hosts = 3 }, cc = \"dct\\t }\\n",
        ">> ", "<s.core:config().cc\\n", ">dctcp\\r", ">> ",
        "<x = { s }\\n", ">> ",
        "<x[1]:now_\\t()\\n", ">0\\r", ">> ",
        "<s:degrade(\"h1-\\t, { lo\\t0.5 })\\n", ">> ",
        "<s:failures()\\n", ">degrade h1-switch0: ", ">> ",
        "<#s:flows():column \"siz\\t\\n", ">0\\r", ">> ",
        "<f():\\t\\x15print(40 + 2)\\n", ">42", ">> ", "<\\x04",
      })
      assert.equal(0, status, output)
    end)

    test("goes back in time, and says where a run stops", function()
      local output, status = typed(editor, { ">> ",
        "<s = weft.simulation { topology = weft.topology.star { hosts = 4 } }\\n",
        ">> ", "<for i = 1, 3 do s:add_flow { src = i, dst = 0, size = 1e6 } end\\n", ">> ",
        "<s:run { stop_at = \"+20us\" }\\n", ">until", ">> ",
        "<s:break_at { flow = 1, event = \"done\" }\\n", ">breakpoint 1: done of flow 1 (h2 to h0)",
        ">> ", "<s:run()\\n", ">break", ">flow 1 (h2 to h0) is done (breakpoint 1)", ">> ",
        "<s:ba\\t\"10us\"\\n", ">now 10 us", ">> ", "<s:step(3)\\n", ">budget", ">> ",
        "<s:set_cc \"hpcc\"; s:back()\\n", ">> ", "<s:snapshots()\\n", ">at 0 s: ", ">> ",
        "<\\x04",
      })
      assert.equal(0, status, output)
    end)

    test("lists what there is at the second Tab", function()
      local output, status = typed(editor, { ">> ", "<weft.topology.\\t\\t", ">dumbbell",
        ">rail_optimized", "<\\x15\\x04" })
      assert.equal(0, status, output)
    end)

    test("takes UTF-8, of which Backspace removes whole characters", function()
      local output, status = typed(editor, { ">> ", "<#\"gr\\xc3\\xbc\\xc3\\x9f\\x7f\"\\n", ">4\\r",
        ">> ", "<\\x04" })
      assert.equal(0, status, output)
    end)

    test("keeps the history on os.exit", function()
      local mark = "mark" .. editor
      local output, status = typed(editor, { ">> ", "<" .. mark .. " = 1\\n", ">> ",
        "<os.exit(7)\\n" })
      assert.equal(7, status, output)
      assert.matches(mark, history())
    end)

    test("leaves on SIGTERM, with its history", function()
      local mark = "term" .. editor
      local output, status = typed(editor, { ">> ", "<" .. mark .. " = 1\\n", ">> ", "!15" })
      assert.equal(143, status, output)
      assert.matches(mark, history())
    end)

    test("goes on in a call of several lines, with its options", function()
      local output, status = typed(editor, { ">> ", "<n = weft.topology.star {\\n", ">>> ",
        "<ho\\t5 }\\n", ">> ", "<#n:hosts()\\n", ">5\\r", ">> ", "<\\x04" })
      assert.equal(0, status, output)
    end)

    test("loses no character of 150 lines of the guide", function()
      local lines = {}
      for _, prefix in ipairs(prefixes.of(1000)) do
        local line = prefix:match "[^\n]*$"
        if #line > 2 and #line < 70 and #lines < 150 then lines[#lines + 1] = line end
      end
      local setup = { ("package.path = %q .. package.path"):format("tests/spec/?.lua;"),
        "require('prefixes').set_globals()", "lines = {" }
      for _, line in ipairs(lines) do setup[#setup + 1] = ("%q,"):format(line) end
      setup[#setup + 1] = [[}
        function check(i, line)
          local kept = line:sub(1, #lines[i]) == lines[i]
          print((kept and "<%d>" or "<%d> lost: " .. line):format(i))
        end]]
      local path = support.file(table.concat(setup, "\n"))
      local keys = { ">> ", ("<dofile %q\\n"):format(path) }
      for i, line in ipairs(lines) do
        keys[#keys + 1] = ">> "
        keys[#keys + 1] = "<" .. line:gsub("\\", "\\\\") .. "\\t"
        keys[#keys + 1] = ("<\\x01check(%d, [=====[\\x05]=====])\\n"):format(i)
        keys[#keys + 1] = ("><%d>"):format(i)
      end
      keys[#keys + 1] = ">> "
      keys[#keys + 1] = "<\\x04"
      local output, status = typed(editor, keys)
      os.remove(path)
      assert.equal(0, status, output:sub(-2000))
      assert.is_nil(output:match "lost: [^\n]*")
    end)
  end)
end

describe("completion", function()
  teardown(function() os.execute("rm -rf " .. home) end)

  it("offers what parses, for 500 beginnings of code of the guide", function()
    local complete, compile = require "weft.complete", loadstring or load
    prefixes.set_globals()
    local offered = 0
    for _, prefix in ipairs(prefixes.of(500)) do
      local word, words = complete.at(prefix)
      assert.equal(word, prefix:sub(#prefix - #word + 1))
      for _, candidate in ipairs(words) do
        assert.equal(word, candidate:sub(1, #word))
        local text = prefix:sub(1, #prefix - #word) .. candidate
        local chunk, message = compile(text)
        assert.is_true(chunk ~= nil or message:find "near '?<eof>'?$" ~= nil, text)
        offered = offered + 1
      end
    end
    assert.is_true(offered > 500, offered)
  end)
end)
