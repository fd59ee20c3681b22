--- Schedules in the binary form of GOAL, which txt2bin makes of the text form and LogGOPSim and
-- ATLAHS run. Numbers are little-endian, without padding:
--
--   u64 4223, u32 ranks, u8 cpus, u8 nics, then for each rank u64 begin, u64 end (behind the 4223)
--   a rank: u32 operations, u32 roots, u32 of each root, the operations, the lists of dependents
--   an operation: u32 dependencies, u8 kind (1 send, 2 receive, 3 calc), u32 peer, u64 size,
--     u32 tag, u8 cpu, u8 nic, u32 dependents, u32 where they begin in the lists, and these two
--     for those that wait for its start
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local text = require "weft.formats.text"
local units = require "weft.units"

local goal_binary = {}

--- What such a file begins with.
goal_binary.COOKIE = "\127\16\0\0\0\0\0\0"

local COOKIE_BYTES, HEAD_BYTES, JUMP_BYTES, OPERATION_BYTES = 8, 6, 16, 39
local SEND, RECEIVE, CALC = 1, 2, 3
-- A peer or a tag that stands for any.
local ANY = 2 ^ 32 - 1

local byte = string.byte

-- `at` counts from 0.
local function word(data, at)
  local a, b, c, d = byte(data, at + 1, at + 4)
  return a + b * 256 + c * 65536 + d * 16777216
end

local function long(data, at)
  return word(data, at) + word(data, at + 4) * 2 ^ 32
end

local function complain(self, ...)
  fail.at(self.path, ...)
end

-- The part [begin, stop) of the file must be there.
local function need(self, begin, bytes, what)
  if begin < 0 or begin + bytes > self.stop then
    complain(self, "%s: expected %.0f bytes from byte %.0f on, the file has %.0f", what, bytes,
      begin, self.stop)
  end
end

-- Places of operations for messages: rank and number in one number.
local PLACE_BASE = 2 ^ 32

local function add_operation(self, rank, number, at)
  local data, net = self.data, self.graph
  local where = rank * PLACE_BASE + number
  local kind, peer = byte(data, at + 5), word(data, at + 5)
  local amount, tag = long(data, at + 9), word(data, at + 17)
  if amount > 2 ^ 53 then
    fail.at(net.place(where), "expected a size up to 2^53, got %.0f", amount)
  end
  if tag == ANY then tag = graph.ANY end
  if kind == CALC then
    return net:compute(rank, units.scaled(amount, self.calc_ps, "calc", net.place, where), where)
  end
  if kind ~= SEND and kind ~= RECEIVE then
    fail.at(net.place(where), "expected 1 (send), 2 (receive) or 3 (calc), got %d", kind)
  end
  if peer >= self.ranks and not (kind == RECEIVE and peer == ANY) then
    fail.at(net.place(where), "expected a rank, 0 to %d, got %.0f", self.ranks - 1, peer)
  end
  if kind == SEND then return net:send(rank, peer, amount, tag, where) end
  return net:receive(rank, peer == ANY and graph.ANY or peer, tag, where)
end

-- Let what a list of dependents names wait for an operation, or for its start.
local function add_dependents(self, ids, number, at, lists, of_start)
  local data, net = self.data, self.graph
  local count, first = word(data, at), word(data, at + 4)
  if count == 0 then return end
  need(self, lists + first * 4, count * 4, "dependents")
  local earlier = ids[number]
  if of_start then earlier = net:start_of(earlier) end
  for i = 0, count - 1 do
    local id = ids[word(data, lists + (first + i) * 4) + 1]
    if not id then
      fail.at(net.place(net.where[ids[number]]), "a dependent is operation %d of %d",
        word(data, lists + (first + i) * 4) + 1, #ids)
    end
    net:after(id, earlier)
  end
end

local function read_rank(self, rank)
  local data = self.data
  local begin = long(data, COOKIE_BYTES + HEAD_BYTES + rank * JUMP_BYTES) + COOKIE_BYTES
  local what = ("rank %d"):format(rank)
  need(self, begin, 8, what)
  local count, roots = word(data, begin), word(data, begin + 4)
  local first = begin + 8 + roots * 4
  need(self, first, count * OPERATION_BYTES, what)
  local ids, lists = {}, first + count * OPERATION_BYTES
  for n = 1, count do
    local at = first + (n - 1) * OPERATION_BYTES
    ids[n] = add_operation(self, rank, n, at)
    self.resource("cpu", byte(data, at + 22), rank * PLACE_BASE + n)
    self.resource("nic", byte(data, at + 23), rank * PLACE_BASE + n)
  end
  for n = 1, count do
    local at = first + (n - 1) * OPERATION_BYTES + 23
    add_dependents(self, ids, n, at, lists, false)
    add_dependents(self, ids, n, at + 8, lists, true)
  end
end

--- Read a schedule.
-- @tparam string path
-- @tparam number calc_ps picoseconds that one unit of calc takes
-- @tparam function resource gets "cpu" or "nic", a number, and a place for messages
-- @treturn table weft.formats.graph, not finished
function goal_binary.read(path, calc_ps, resource)
  local file = text.open_file(path)
  local data = file:read("*a")
  file:close()
  local net = graph.new(function(where)
    local number = where % PLACE_BASE
    return ("%s: rank %.0f, operation %.0f"):format(path, (where - number) / PLACE_BASE, number)
  end)
  local self = { path = path, data = data, stop = #data, calc_ps = calc_ps, graph = net }
  self.resource = function(word_of, number, where) resource(word_of, number, net.place(where)) end
  need(self, COOKIE_BYTES, HEAD_BYTES, "header")
  self.ranks = word(data, COOKIE_BYTES)
  if self.ranks == 0 then complain(self, "expected at least 1 rank, got 0") end
  need(self, COOKIE_BYTES + HEAD_BYTES, self.ranks * JUMP_BYTES, "places of the ranks")
  for rank = 0, self.ranks - 1 do read_rank(self, rank) end
  net.ranks = self.ranks
  return net
end

return goal_binary
