--- The prompt: type Lua, see results. See `help "prompt"` for what a user may expect of it.
local complete = require "weft.complete"
local fail = require "weft.fail"
local guard = require "weft.guard"
local host = require "weft.host"
local inspect = require "weft.inspect"
local lexer = require "weft.complete.lexer"

local repl = {}

local BROKEN = 1

local compile = loadstring or load
local EXPRESSION = "return (function(...) return ... end)(%s\n)"

--- Whether a compile error means that more lines are to come. Both VMs then end with "near <eof>",
-- LuaJIT with quotes.
local function is_incomplete(message)
  return message:find("near '?<eof>'?$") ~= nil
end

-- What begins and ends a block; `while` and `for` begin theirs by `do`.
local BLOCKS = { ["do"] = 1, ["if"] = 1, ["function"] = 1, ["repeat"] = 1, ["end"] = -1,
  ["until"] = -1 }

-- The first `local` of a list of names, from its names on: what stands for it, and the index of the
-- token behind; nil if it is to stay, as what is closed at the end of its block.
local function without_local(tokens, i)
  local names = {}
  while tokens[i] and tokens[i].kind == "name" do
    names[#names + 1] = tokens[i].text
    i = i + 1
    if tokens[i] and tokens[i].text == "<" and tokens[i + 2] then
      if tokens[i + 1].text ~= "const" then return nil end
      i = i + 3
    end
    if not (tokens[i] and tokens[i].text == ",") then break end
    i = i + 1
  end
  if #names == 0 then return nil end
  local is_set = tokens[i] and tokens[i].text == "=" and tokens[i].kind == "op"
  return table.concat(names, ", ") .. (is_set and " " or " = nil "), i
end

--- Locals would end with their input. Those outside of all blocks become globals instead.
local function keep_locals(text)
  local tokens = lexer.tokens(text)
  local parts, from, depth = {}, 1, 0
  for i, token in ipairs(tokens) do
    if token.kind == "keyword" and token.text == "local" and depth == 0 and tokens[i + 1] then
      local instead, behind = "", i + 1
      if tokens[i + 1].text ~= "function" then
        instead, behind = without_local(tokens, i + 1)
      end
      if instead then
        parts[#parts + 1] = text:sub(from, token.first - 1) .. instead
        from = tokens[behind] and tokens[behind].first or #text + 1
      end
    end
    depth = depth + (token.kind == "keyword" and BLOCKS[token.text] or 0)
  end
  return table.concat(parts) .. text:sub(from)
end

-- "x = 1; x": statements before the last semicolon, and an expression behind it, which is shown.
local function compile_with_value(text)
  local last, depth = nil, 0
  for _, token in ipairs((lexer.tokens(text))) do
    depth = depth + (token.kind == "keyword" and BLOCKS[token.text] or 0)
    if token.kind == "op" and token.text == ";" and depth == 0 then last = token.first end
  end
  if not last or not text:find("%S", last + 1) then return nil end
  local value = text:sub(last + 1)
  if not compile("return " .. value) then return nil end
  return compile(keep_locals(text:sub(1, last)) .. EXPRESSION:format(value), "=stdin")
end

--- Compile what was typed: an expression first, then a statement.
-- @treturn ?function
-- @treturn ?string message when it is wrong
-- @treturn boolean whether more lines are needed
local function compile_input(text)
  local chunk, expression_message = compile("return " .. text, "=stdin")
  -- Not run as `return f(x)`: errors of a tail call have no line.
  if chunk then return compile(EXPRESSION:format(text), "=stdin"), nil, false end
  chunk = compile(keep_locals(text), "=stdin") or compile_with_value(text)
  if chunk then return chunk, nil, false end
  local message
  chunk, message = compile(text, "=stdin")
  if chunk then return chunk, nil, false end
  return nil, message, is_incomplete(message) or is_incomplete(expression_message)
end

local function pack_results(...)
  return { n = select("#", ...), ... }
end

local function on_error(err)
  if type(err) ~= "string" or host.interrupted() > 0 then return err end
  local known = guard.missing(err, 2)
  if known then return known end
  -- Cut what is the prompt's own.
  return (debug.traceback(err, 2):gsub("\n[^\n]*in function 'xpcall'.*$", ""))
end

-- Run a chunk and show its results, or its error; returns whether it ended well.
local function evaluate(chunk)
  local results = pack_results(xpcall(chunk, on_error))
  if not results[1] then
    local err = results[2]
    local plain = type(err) == "string" or fail.is(err)
    local text = plain and tostring(err) or inspect(err)
    io.stderr:write(fail.printable(text, true), "\n")
    return false
  end
  if results.n == 1 then return true end
  local shown = {}
  for i = 2, results.n do
    -- How a value shows itself is code, and may fail.
    local good, text = pcall(inspect, results[i])
    shown[i - 1] = good and text or ("(%s that cannot be shown: %s)"):format(type(results[i]),
      tostring(text))
  end
  print(fail.printable(table.concat(shown, "\t"), true))
  return true
end

-- The lines of the input that the one being typed continues.
local lines_before = ""

--- Words that the one before the cursor may become, with the names that it hangs on.
-- @tparam string text the line up to the cursor
-- @treturn {string,...} sorted
function repl.complete(text)
  local typed, words = complete.at(lines_before .. text)
  local chain = text:match "[%w_%.:]*$"
  local head = chain:sub(1, math.max(0, #chain - #typed))
  for i, word in ipairs(words) do words[i] = head .. word end
  return words
end

-- What may be added at the cursor: what is typed stays, whatever the line editor takes for a word.
local function additions(text)
  local typed, words = complete.at(lines_before .. text)
  for i, word in ipairs(words) do words[i] = word:sub(#typed + 1) end
  return words
end

--- What the history keeps of an input: one line that means the same, or where comments or long text
-- need their line breaks, its lines.
-- @tparam string text
-- @treturn {string,...}
function repl.history_entries(text)
  local needs_lines = text:find("--", 1, true) or text:find("%[=*%[") or text:find("\\\n")
  if not needs_lines then return { (text:gsub("\n", " ")) } end
  local lines = {}
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

--- Read one complete input, of one or more lines.
-- @treturn ?function nil when there is nothing to run
-- @treturn string "read", "refused" (does not compile), "dropped" (Ctrl-C on a line with text),
-- "interrupted" (on an empty line) or "ended"
local function read_chunk(prompt, continued)
  lines_before = ""
  local text, typed = host.readline(prompt)
  if text == nil then return nil, "ended" end
  if text == false then return nil, typed == "" and "interrupted" or "dropped" end
  if text:match("^%s*$") then return nil, "read" end
  text = text:gsub("^%s*=", "") -- as in Lua 5.1: = x prints x
  while true do
    local chunk, message, incomplete = compile_input(text)
    lines_before = text .. "\n"
    local line = incomplete and host.readline(continued)
    if incomplete and line == false then return nil, "dropped" end
    if not line then
      for _, entry in ipairs(repl.history_entries(text)) do host.history_add(entry) end
      if not chunk then io.stderr:write(fail.printable(message, true), "\n") end
      return chunk, chunk and "read" or "refused"
    end
    text = text .. "\n" .. line
  end
end

local function history_path()
  local home = os.getenv("HOME")
  return home and home ~= "" and home .. "/.weft_history" or nil
end

--- Read and run until the end of input, until Ctrl-C is pressed on two empty lines in a row,
-- or until SIGTERM.
-- @treturn integer status: whether all went well, for who reads no messages
local function read_and_run()
  local outcome
  local status = 0
  repeat
    local chunk, now = read_chunk("> ", ">> ")
    local status_of_signal, is_final = host.interrupt_status()
    if is_final or now == "interrupted" and outcome == "interrupted" then
      return status_of_signal
    end
    outcome = now
    if now == "refused" or chunk and not evaluate(chunk) then status = BROKEN end
  until outcome == "ended"
  return status
end

--- The prompt until the end of input. Ctrl-C clears the line.
-- @treturn integer status of the process
function repl.run()
  local person = host.isatty()
  local path = person and history_path()
  require("weft.travel").is_interactive = true
  if person then
    local vm = jit and jit.version or _VERSION
    print(("weft %s (%s). help() explains, Ctrl-D leaves."):format(_G.weft.version, vm))
    host.on_complete(additions)
    if path then host.history_keep(path) end
  end
  local status = read_and_run()
  return person and status == BROKEN and 0 or status
end

return repl
