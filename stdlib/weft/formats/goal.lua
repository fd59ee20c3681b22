--- Schedules in the GOAL language (Hoefler, Siebert, Lumsdaine: Group Operation Assembly Language,
-- ICPP 2009), in the text form that LogGOPSim and ATLAHS read:
--
--   num_ranks 2
--   rank 0 {
--   l1: calc 1500
--   l2: send 4096b to 1 tag 7
--   l2 requires l1
--   }
--
-- `a requires b`: a begins when b has ended; `a irequires b`: when b has begun. What follows `cpu`
-- and `nic` is read and has no effect (a file that has several is told so once): a host computes as
-- much at once as the schedule lets it, and its links decide what it sends. Sizes of receives are
-- read and not compared. Comments are // to the end of the line, and /* to */. The binary form is
-- known by its first bytes (weft.formats.goal_binary).
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local goal_binary = require "weft.formats.goal_binary"
local notice = require "weft.notice"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local goal = {}

-- More ranks than this are a slip of the pen.
local RANKS_MAX = 2 ^ 22
-- What LogGOPSim keeps of a tag and of a size.
local TAG_MAX, SIZE_MAX = 2 ^ 32 - 1, 2 ^ 53

-- ---- words ----

-- A line without its comments. A comment of several lines hides what is between.
local function strip(self, line)
  local kept = ""
  while line ~= "" do
    if self.in_comment then
      local _, stop = line:find("*/", 1, true)
      if not stop then return kept end
      self.in_comment, line = false, line:sub(stop + 1)
    else
      local start = line:find("/[/*]")
      if not start or line:sub(start, start + 1) == "//" then
        return kept .. line:sub(1, (start or 0) - 1)
      end
      kept = kept .. line:sub(1, start - 1) .. " "
      self.in_comment, line = true, line:sub(start + 2)
    end
  end
  return kept
end

-- The words of the next line that has any; false at the end of the file.
local function next_line(self)
  for line in function() return self.reader:line() end do
    if self.in_comment or line:find("/", 1, true) then line = strip(self, line) end
    local words, count, at = {}, 0, 1
    while true do
      at = line:find("%S", at)
      if not at then break end
      local word = line:match("^[%a_][%w_]*", at) or line:match("^%-?%d+", at) or line:sub(at, at)
      count = count + 1
      words[count], at = word, at + #word
    end
    if count > 0 then
      self.words, self.at = words, 1
      return true
    end
  end
  self.reader.at_end = true
  return false
end

local function complain(self, wanted, hint)
  local got = self.words[self.at]
  self.reader:fail("expected %s, got %s%s", wanted, got and fail.show(got) or "end of line",
    hint or "")
end

local function accept(self, word)
  if self.words[self.at] ~= word then return false end
  self.at = self.at + 1
  return true
end

local function expect(self, word, where)
  if not accept(self, word) then complain(self, ("'%s' %s"):format(word, where)) end
end

local function integer(self, what, min, max)
  local word = self.words[self.at]
  if not word or not word:find("^%-?%d+$") then complain(self, what) end
  self.at = self.at + 1
  return self.reader:integer(word, what, min, max)
end

-- ---- statements ----

local KEYWORDS = {
  send = true, recv = true, calc = true, requires = true, irequires = true, rank = true,
  num_ranks = true,
}
local OPERATIONS = { "send", "recv", "calc" }

-- What a number behind cpu or nic would mean.
local RESOURCES = {
  cpu = "computations of a rank that do not wait for each other go on side by side, on any cpu",
  nic = "a rank sends by all links of its host, whatever the nic",
}

-- A function that says, once for each word, that one other than 0 (the default) is asked for in
-- vain; it gets the word, the number and the place.
local function resource_sayer()
  local said = {}
  return function(word, number, place)
    if number == 0 or said[word] then return end
    said[word] = true
    notice.say("%s: %s %d: not simulated: %s", place, word, number, RESOURCES[word])
  end
end

-- cpu and nic, in either order.
local function skip_resources(self)
  while true do
    local word = (accept(self, "cpu") and "cpu") or (accept(self, "nic") and "nic")
    if not word then return end
    local number = integer(self, "the number behind 'cpu' or 'nic'", 0, 255)
    self.say_resource(word, number, self.reader:place())
  end
end

local function tag_of(self)
  if not accept(self, "tag") then return 0 end
  return integer(self, "a tag", graph.ANY, TAG_MAX)
end

local function message(self, is_send)
  local size = integer(self, "a size in bytes", 0, SIZE_MAX)
  expect(self, "b", "behind the size")
  expect(self, is_send and "to" or "from", "before the other rank")
  local other = integer(self, "a rank", is_send and 0 or graph.ANY, self.ranks - 1)
  local tag = tag_of(self)
  local number = self.reader.number
  if is_send then return self.graph:send(self.rank, other, size, tag, number) end
  return self.graph:receive(self.rank, other, tag, number)
end

local function operation(self)
  local id
  if accept(self, "calc") then
    local amount = integer(self, "a time", 0, 2 ^ 53)
    local ps = units.scaled(amount, self.calc_ps, "calc", self.reader.place, self.reader)
    id = self.graph:compute(self.rank, ps, self.reader.number)
  elseif accept(self, "send") then
    id = message(self, true)
  elseif accept(self, "recv") then
    id = message(self, false)
  else
    local word = self.words[self.at]
    local near = word and fail.nearest(word, OPERATIONS)
    complain(self, "send, recv or calc", near and ("; did you mean '%s'?"):format(near))
  end
  skip_resources(self)
  return id
end

local function labelled(self, label)
  local id = label and self.labels[label]
  if not id then
    complain(self, ("a label of an earlier line of rank %d"):format(self.rank))
  end
  self.at = self.at + 1
  return id
end

-- "label: operation", "label requires label" or an operation without a label.
local function statement(self)
  local word, following = self.words[self.at], self.words[self.at + 1]
  if following == ":" and word:find("^%a") then
    if self.labels[word] then
      self.reader:fail("label '%s' is there twice in rank %d", word, self.rank)
    end
    self.at = self.at + 2
    self.labels[word] = operation(self)
  elseif following == "requires" or following == "irequires" then
    local id = labelled(self, word)
    self.at = self.at + 1
    local other = labelled(self, self.words[self.at])
    if following == "irequires" then other = self.graph:start_of(other) end
    self.graph:after(id, other)
  elseif KEYWORDS[word] or not following or not word:find("^%a") then
    operation(self)
  else
    self.at = self.at + 1
    complain(self, ("':', 'requires' or 'irequires' behind '%s'"):format(word))
  end
end

local function open_rank(self)
  expect(self, "rank", "and a number")
  local rank = integer(self, "a rank", 0, self.ranks - 1)
  if self.seen[rank] then self.reader:fail("rank %d is there twice", rank) end
  expect(self, "{", "behind the rank")
  self.rank, self.seen[rank], self.labels = rank, true, {}
end

local function header(self)
  if not next_line(self) then self.reader:fail("expected 'num_ranks', got end of file") end
  expect(self, "num_ranks", "and a number")
  self.ranks = integer(self, "the number of ranks", 1, RANKS_MAX)
end

local function is_binary(path)
  local file = text.open_file(path)
  local head = file:read(#goal_binary.COOKIE)
  file:close()
  return head == goal_binary.COOKIE
end

--- Read a schedule, in text or in binary.
-- @tparam string path
-- @tparam ?number calc_ps picoseconds that one unit of `calc` takes; default 1000, a nanosecond
-- @treturn table weft.formats.graph, receives matched with sends; `ranks` is what the file says
function goal.read(path, calc_ps)
  calc_ps = calc_ps or 1000
  if is_binary(path) then
    return goal_binary.read(path, calc_ps, resource_sayer()):finish()
  end
  local reader = text.open(path)
  local self = {
    reader = reader, calc_ps = calc_ps, seen = {}, in_comment = false, words = {}, at = 1,
    say_resource = resource_sayer(),
    graph = graph.new(function(line) return ("%s:%d"):format(path, line) end),
  }
  header(self)
  while self.words[self.at] or next_line(self) do
    if not self.rank then
      open_rank(self)
    elseif accept(self, "}") then
      self.rank = nil
    else
      statement(self)
    end
  end
  if self.rank then
    reader:fail("expected '}' at the end of rank %d, got end of file", self.rank)
  end
  reader:close()
  self.graph.ranks = self.ranks
  return self.graph:finish()
end

-- ---- writing ----

-- Whole ns, which is what the tools take a unit of calc for.
local function calc(ps)
  return ("calc %.0f"):format(math.floor(ps / 1000 + 0.5))
end

-- What is to be written: operations by rank, sends without a receive by the rank that they go to,
-- and the label by which a send is known where it arrives.
local function plan(net)
  local self = { net = net, operations = {}, arrivals = {}, arrival = {} }
  for rank = 0, net.ranks - 1 do self.operations[rank], self.arrivals[rank] = {}, {} end
  for id = 1, net.count do
    if net.message[id] then self.arrival[net.message[id]] = "l" .. id end
  end
  for id = 1, net.count do
    local list = self.operations[net.rank[id]]
    list[#list + 1] = id
    if net.kind[id] == graph.SEND and not self.arrival[id] then
      self.arrival[id] = "r" .. id
      local open = self.arrivals[net.peer[id]]
      open[#open + 1] = id
    end
  end
  return self
end

-- Tags tell messages apart, so that each receive gets its own.
local function receive(net, send)
  return ("recv %.0fb from %d tag %d"):format(net.amount[send], net.rank[send], send)
end

local function text_of(net, id)
  local kind = net.kind[id]
  if kind == graph.SEND then
    return ("send %.0fb to %d tag %d"):format(net.amount[id], net.peer[id], id)
  elseif kind == graph.RECEIVE then
    return receive(net, net.message[id])
  elseif kind == graph.COLLECTIVE then
    fail.at(net.place(net.where[id]), "GOAL has no collectives")
  end
  return calc(kind == graph.COMPUTE and net.amount[id] or 0)
end

-- The label of what an operation waits for, as its own rank knows it.
local function label_of(self, id, earlier)
  local net = self.net
  if net.rank[earlier] == net.rank[id] then return "l" .. earlier end
  if net.kind[earlier] == graph.SEND and net.peer[earlier] == net.rank[id] then
    return self.arrival[earlier]
  end
  return fail.at(net.place(net.where[id]),
    "waits for rank %d without a message from it, which GOAL cannot say", net.rank[earlier])
end

local function write_rank(self, output, rank)
  local net = self.net
  output:write(("\nrank %d {\n"):format(rank))
  for _, send in ipairs(self.arrivals[rank]) do
    output:write(("r%d: %s\n"):format(send, receive(net, send)))
  end
  for _, id in ipairs(self.operations[rank]) do
    output:write(("l%d: %s\n"):format(id, text_of(net, id)))
    if net.not_before[id] then
      output:write(("t%d: %s\nl%d requires t%d\n"):format(id, calc(net.not_before[id]), id, id))
    end
  end
  for _, id in ipairs(self.operations[rank]) do
    for earlier in net:before(id) do
      if net.message[id] ~= earlier then
        output:write(("l%d requires %s\n"):format(id, label_of(self, id, earlier)))
      end
    end
  end
  output:write("}\n")
end

--- Write a graph as a schedule; times are rounded to whole ns. A graph with a collective, or with
-- an operation that waits for another rank without a message from it, is an error.
-- @tparam string path
-- @tparam table net weft.formats.graph, finished
function goal.write(path, net)
  local self = plan(net)
  util.write_file(path, function(output)
    output:write(("num_ranks %d\n"):format(net.ranks))
    for rank = 0, net.ranks - 1 do write_rank(self, output, rank) end
  end)
end

return goal
