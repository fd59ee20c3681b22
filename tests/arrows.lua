-- Who calls whom inside core/: read from the text of its files, inline functions of headers
-- counted.
-- A call is the name of a function of another file, wherever it stands (tables of them count).

local M = {}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The text without comments and without what stands in strings; lines stay.
function M.code(text)
  local function blank(part) return (part:gsub("[^\n]", " ")) end
  text = text:gsub("/%*.-%*/", blank)
  text = text:gsub("\\.", "  ")
  text = text:gsub("(#%s*include[^\n]*)", function(line) return line:gsub('"', "\1") end)
  text = text:gsub('"[^"\n]*"', '""'):gsub("//[^\n]*", blank)
  return (text:gsub("\1", '"'))
end

-- Functions that a file defines for others: {name = true}.
local function definitions(path, code)
  local found = {}
  for head in ("\n" .. code):gmatch("\n([%a_][^\n;{}#]-%b()[^;{}]-)%s*{") do
    local name = head:match("([%w_]+)%s*%(")
    local is_private = head:find("^static") and path:find("%.c$")
    if name and not is_private and not head:find("=") then found[name] = true end
  end
  return found
end

-- {files = sorted paths, calls[from][to] = {names}, includes[from] = {paths}}.
function M.read(files)
  local self = { files = files, calls = {}, includes = {}, code = {} }
  local owner = {}
  for _, path in ipairs(files) do
    self.code[path] = M.code(read(path))
    for name in pairs(definitions(path, self.code[path])) do owner[name] = path end -- order-free
  end
  for _, path in ipairs(files) do
    local code, calls, seen = self.code[path], {}, {}
    for name in code:gmatch("[%a_][%w_]*") do
      local to = owner[name]
      if to and to ~= path and not seen[name] then
        seen[name] = true
        calls[to] = calls[to] or {}
        table.insert(calls[to], name)
      end
    end
    self.calls[path] = calls
    self.includes[path] = {}
    for name in code:gmatch('#%s*include%s*"([^"]+)"') do
      table.insert(self.includes[path], name)
    end
  end
  self.owner = owner
  return self
end

-- The circles of calls, the largest first: lists of files that all reach each other (Tarjan 1972).
function M.circles(graph)
  local index, low, on_stack, stack, found, count = {}, {}, {}, {}, {}, 0
  local function visit(v)
    count = count + 1
    index[v], low[v] = count, count
    stack[#stack + 1] = v
    on_stack[v] = true
    for w in pairs(graph.calls[v]) do -- order-free: the circles are sorted
      if not index[w] then
        visit(w)
        low[v] = math.min(low[v], low[w])
      elseif on_stack[w] then
        low[v] = math.min(low[v], index[w])
      end
    end
    if low[v] ~= index[v] then return end
    local circle = {}
    repeat
      local w = table.remove(stack)
      on_stack[w] = nil
      circle[#circle + 1] = w
    until w == v
    if #circle > 1 then
      table.sort(circle)
      found[#found + 1] = circle
    end
  end
  for _, path in ipairs(graph.files) do
    if not index[path] then visit(path) end
  end
  table.sort(found, function(a, b) return #a > #b or #a == #b and a[1] < b[1] end)
  return found
end

-- The folder of a file, as far as rooms go: core/packet/cc/x.c -> depth 1 "packet", 2 "packet/cc".
function M.folder(path, depth)
  local inner = path:match("^core/(.*)/[^/]*$") or "."
  if depth == 1 then inner = inner:match("^[^/]+") end
  return inner
end

return M
