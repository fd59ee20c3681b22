-- The rooms of core/ and the arrows between them, read from the text of its files: includes, calls
-- (those in inline functions of headers count for the header), and state that is named or written.
--
--   lua5.4 tests/arrows.lua            tables: arrows, circles, who touches whose state
--   lua5.4 tests/arrows.lua --shrink   record in tests/rooms_known.lua what has become less
--
-- What may point where is in tests/rooms.lua, with the gates that structure.lua makes of both.

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

-- Functions and tables that a file defines for others: {name = "inline" | "function" | "table"};
-- its own, which it may call like another file's: {name = true}.
local function definitions(path, code)
  local found, own, is_source = {}, {}, path:find("%.c$")
  for head in ("\n" .. code):gmatch("\n([%a_][^\n;{}#]-%b()[^;{}]-)%s*{") do
    local name = head:match("([%w_]+)%s*%(")
    local is_private = head:find("^static") and is_source
    if name and not is_private and not head:find("=") then
      found[name] = is_source and "function" or "inline"
    elseif name and is_private then
      own[name] = true
    end
  end
  for name in ("\n" .. code):gmatch("\nconst struct [%w_]+ ([%w_]+)[%[%w_%]]*%s*=") do
    found[name] = is_source and "table" or nil
  end
  return found, own
end

-- Is the word at [from, to] a use of what it names elsewhere, not a member called so? An inline
-- function is used by calling it; others also stand in tables.
local function is_use(code, from, to, kind)
  local before = code:sub(math.max(1, from - 2), from - 1)
  if before:find("%.$") or before == "->" then return false end
  return kind ~= "inline" or code:find("^%s*%(", to + 1) ~= nil
end

-- The folder of a file: core/packet/cc/x.c -> "packet/cc"; of core/x.h: "root".
function M.room(path)
  return path:match("^core/(.*)/[^/]*$") or "root"
end

-- The files of core/, sorted.
function M.sources()
  local files = {}
  local pipe = assert(io.popen("find core -name '*.[ch]'"))
  for path in pipe:lines() do files[#files + 1] = path end
  pipe:close()
  table.sort(files)
  return files
end

-- Which folder owns which part of the state: `owners[member of weft_sim] = folder`, and
-- `structs[name] = member` for the structs of its pools.
local function state_of(graph)
  local owners, structs = {}, {}
  for _, path in ipairs(graph.files) do
    for room in graph.code[path]:gmatch("struct ([%w_]+)_room {") do
      owners[room] = M.room(path)
      structs[room .. "_room"] = room
    end
    for room, name in graph.code[path]:gmatch("X%(([%w_]+), [%w_]+, struct ([%w_]+)%)") do
      structs[name] = room
    end
  end
  for name, room in pairs(structs) do -- order-free
    if not owners[room] then structs[name] = nil end
  end
  return owners, structs
end

-- Without prototypes: that a header names a function or a table is no use of it.
local function without_prototypes(code)
  local function blank(text) return (text:gsub("[^\n]", " ")) end
  return (("\n" .. code):gsub("\n[%a_][^\n;{}#=]-%b()[^;{}=]-;", blank)
    :gsub("\nextern [^;{}=]-;", blank):sub(2))
end

-- {files = sorted paths, calls[from][to] = {names}, includes[from] = {paths}, owner[name] = path
-- of a function or table, private[path] = its static functions, owners, structs}.
function M.read(files)
  local self = { files = files, calls = {}, includes = {}, code = {}, owner = {} }
  local kinds, private = {}, {}
  for _, path in ipairs(files) do
    self.code[path] = M.code(read(path))
    local found
    found, private[path] = definitions(path, self.code[path])
    for name, kind in pairs(found) do -- order-free
      self.owner[name], kinds[name] = path, kind
    end
  end
  for _, path in ipairs(files) do
    local code, calls, seen = without_prototypes(self.code[path]), {}, {}
    for from, name, to in code:gmatch("()([%a_][%w_]*)()") do
      local target = self.owner[name]
      if target and target ~= path and not seen[name] and not private[path][name]
        and is_use(code, from, to - 1, kinds[name]) then
        seen[name] = true
        calls[target] = calls[target] or {}
        table.insert(calls[target], name)
      end
    end
    self.calls[path] = calls
    self.includes[path] = {}
    for name in code:gmatch('#%s*include%s*"([^"]+)"') do
      table.insert(self.includes[path], "core/" .. name)
    end
  end
  self.private = private
  self.owners, self.structs = state_of(self)
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

-- The end of `.member`, `->member` and `[index]` behind `from`.
local function behind_members(code, from)
  while true do
    local _, to = code:find("^%s*%.%s*[%a_][%w_]*", from)
    if not to then _, to = code:find("^%s*%->%s*[%a_][%w_]*", from) end
    if not to then _, to = code:find("^%s*%b[]", from) end
    if not to then return from end
    from = to + 1
  end
end

-- Is the expression that begins at `from` written to: assigned, or counted up or down?
local function is_written(code, from)
  from = behind_members(code, from)
  local rest = code:sub(from, from + 40)
  return rest:find("^%s*=[^=]") or rest:find("^%s*[%+%-%*/|&^%%]=") or rest:find("^%s*<<=")
    or rest:find("^%s*>>=") or rest:find("^%s*%+%+") or rest:find("^%s*%-%-")
end

local function is_written_before(code, from)
  local line = code:sub(math.max(1, from - 60), from - 1)
  return line:find("%+%+%s*$") or line:find("%-%-%s*$")
    or line:find("pool_reserve%([%w_]+,%s*$") or line:find("pool_trim%([%w_]+,%s*$")
    or line:find("mem[a-z]+%(&?%s*$")
end

-- Whether a file is in the folder that owns a room's state, or in one inside it.
local function is_owner(graph, path, room)
  return (M.room(path) .. "/"):sub(1, #graph.owners[room] + 1) == graph.owners[room] .. "/"
end

-- Chunks of a file, a function each, as far as a line that begins with "}" ends one.
local function chunks(code)
  local found, from = {}, 1
  for to in code:gmatch("\n}()") do
    found[#found + 1] = code:sub(from, to - 1)
    from = to
  end
  found[#found + 1] = code:sub(from)
  return found
end

-- Writes of a chunk through pointers to structs that other rooms own: add(room).
local function pointer_writes(graph, path, chunk, add)
  local types = {}
  for before, name, variable in chunk:gmatch("([%w_]*)%s*struct ([%w_]+) %*([%w_]+)") do
    local room = graph.structs[name]
    types[variable] = before ~= "const" and room and not is_owner(graph, path, room) and room or nil
  end
  for from, variable, to in chunk:gmatch("()([%a_][%w_]*)()%s*%->") do
    local before = chunk:sub(from - 2, from - 1)
    local room = types[variable]
    if room and before ~= "->" and not before:find("%.$")
      and (is_written(chunk, to) or is_written_before(chunk, from)) then
      add(room)
    end
  end
end

-- Who touches state of another room: {[path] = {[room] = {named = n, written = n}}}. Written
-- are members of a simulation, and what pointers to structs in its pools lead to.
function M.touches(graph)
  local found = {}
  for _, path in ipairs(graph.files) do
    local rooms = {}
    local function at(room)
      rooms[room] = rooms[room] or { named = 0, written = 0 }
      return rooms[room]
    end
    local code = graph.code[path]
    for from, room, to in code:gmatch("()[%a_][%w_]*%->([%a_][%w_]*)()%s*%.") do
      if graph.owners[room] and not is_owner(graph, path, room) then
        at(room).named = at(room).named + 1
        if is_written(code, to) or is_written_before(code, from) then
          at(room).written = at(room).written + 1
        end
      end
    end
    for _, chunk in ipairs(chunks(code)) do
      pointer_writes(graph, path, chunk, function(room) at(room).written = at(room).written + 1 end)
    end
    found[path] = next(rooms) and rooms or nil
  end
  return found
end

-- All arrows between rooms: {["flow -> base"] = { "file: what", ... }}. A room's state_i.h and the
-- headers of the root are composition: who includes them points nowhere.
function M.arrows(graph)
  local found = {}
  local function add(path, to, what)
    local from = M.room(path)
    if from == to or from == "root" or to == "root" then return end
    local key = from .. " -> " .. to
    found[key] = found[key] or {}
    table.insert(found[key], path:match("[^/]+$") .. ": " .. what)
  end
  for _, path in ipairs(graph.files) do
    for target, names in pairs(graph.calls[path]) do -- order-free: sorted below
      for _, name in ipairs(names) do add(path, M.room(target), name) end
    end
    for _, header in ipairs(graph.includes[path]) do
      if not header:find("/state_i%.h$") then
        add(path, M.room(header), "#include " .. header:match("[^/]+$"))
      end
    end
  end
  for path, rooms in pairs(M.touches(graph)) do -- order-free
    for room, touch in pairs(rooms) do -- order-free
      if touch.named > 0 then add(path, graph.owners[room], "sim->" .. room) end
    end
  end
  for _, list in pairs(found) do table.sort(list) end -- order-free
  return found
end

-- Structs that hold pointers to functions: by these a room calls another whose names it does not
-- know, which calls in the text do not show. {[struct] = { room, fillers = {[room] = {places}} }}:
-- the room that declares it, and those that define one, or set a function of one.
function M.tables(graph)
  local found, by_member = {}, {}
  for _, path in ipairs(graph.files) do
    for name, body in graph.code[path]:gmatch("struct ([%w_]+) (%b{})") do
      for member in body:gmatch("%(%*([%w_]+)%)%s*%(") do
        found[name] = found[name] or { room = M.room(path), fillers = {} }
        by_member[member] = by_member[member] or {}
        table.insert(by_member[member], name)
      end
    end
  end
  for _, path in ipairs(graph.files) do
    local room = M.room(path)
    local function fills(name, what)
      local fillers = found[name].fillers
      fillers[room] = fillers[room] or {}
      table.insert(fillers[room], path:match("[^/]+$") .. ": " .. what)
    end
    local code = graph.code[path]
    for name, object in code:gmatch("([%w_]+) ([%w_]+)[%[%]%w_]*%s*=%s*{") do
      if found[name] then fills(name, object) end
    end
    for name in code:gmatch("%(struct ([%w_]+)%)%s*{") do
      if found[name] then fills(name, "a value") end
    end
    -- Of members of one name in several structs, each may be meant.
    for member, value in code:gmatch("[%.>]([%a_][%w_]*)%s*=%s*&?([%a_][%w_]*)%s*;") do
      local is_function = graph.private[path][value] or graph.owner[value]
      for _, name in ipairs(is_function and by_member[member] or {}) do
        fills(name, "." .. member .. " = " .. value)
      end
    end
  end
  return found
end

-- How often a member is named outside some files, by file: for what one place is to ask for.
function M.uses(graph, member, allowed)
  local found = {}
  for _, path in ipairs(graph.files) do
    local _, times = graph.code[path]:gsub("[%.>]" .. member .. "%f[^%w_]", "")
    local may_be = false
    for _, pattern in ipairs(allowed) do may_be = may_be or path:find(pattern) end
    if times > 0 and not may_be then found[path] = times end
  end
  return found
end

-- Calls that the objects of a build have and the text does not show: {"file: name"}. An object has
-- those of the inline functions that it includes, so what headers call counts for all.
function M.unseen(graph, build)
  local by_header, problems = {}, {}
  for _, path in ipairs(graph.files) do
    for _, names in pairs(path:find("%.h$") and graph.calls[path] or {}) do -- order-free
      for _, name in ipairs(names) do by_header[name] = true end
    end
    for name in graph.code[path]:gmatch("#define.-\n%f[^\\\n]") do
      for word in name:gmatch("weft__[%w_]+") do by_header[word] = true end
    end
  end
  local pipe = assert(io.popen(("cd %s/obj/core && find core -name '*.o' | LC_ALL=C sort"
    .. " | xargs nm -A -u"):format(build)))
  for line in pipe:lines() do
    local path, name = line:match("^(%S+)%.o:.*U ([%w_]+)$")
    path = path and path .. ".c"
    local target = graph.code[path] and graph.owner[name]
    local seen = target == nil or by_header[name] or target == path
    for _, known in ipairs(target and graph.calls[path][target] or {}) do
      seen = seen or known == name
    end
    if not seen then problems[#problems + 1] = path .. ": " .. name end
  end
  pipe:close()
  return problems
end

if arg and arg[0] and arg[0]:find("arrows%.lua$") then dofile("tests/rooms.lua").main(M, arg[1]) end

return M
