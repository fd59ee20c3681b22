--- Operations of ranks and what each waits for, as traces and schedules describe them, on their way
-- into the core's task graph. Readers add operations while they read; what a graph holds is
-- numbers in columns, so that millions of operations fit.
--
-- A rank sends as soon as the send's own dependencies are met (eager, as in MPI and RDMA): it does
-- not wait for the receiver. A receive is done when its message is there and its own dependencies
-- are met; a send is done when its message has arrived.
local fail = require "weft.fail"

local graph = {}

local Graph = {}
Graph.__index = Graph

local COMPUTE, SEND, RECEIVE, JOIN, COLLECTIVE = 1, 2, 3, 4, 5

--- Kinds of operations.
graph.COMPUTE, graph.SEND, graph.RECEIVE, graph.COLLECTIVE = COMPUTE, SEND, RECEIVE, COLLECTIVE

--- Peer or tag of a receive that takes any.
graph.ANY = -1

--- An empty graph.
-- @tparam function place gives the place of an operation for messages, "file:17", from the number
-- that the reader gave it
-- @treturn table graph
function graph.new(place)
  return setmetatable({
    place = place,
    count = 0, ranks = 0, sends = 0,
    kind = {}, rank = {}, peer = {}, amount = {}, tag = {}, where = {}, name = {},
    not_before = {},  -- ps after the start of the job, where an operation says so
    collective = {},  -- of COLLECTIVE: { kind =, size_bytes =, ranks = { ... } }
    begins = {},      -- the join that an operation's own start waits for, where one was asked for
    members = {},     -- ranks that a computation is of, where it stands for several
    called = {},      -- "node 5", of operations that wait, where the file names them
    message = {},     -- the send that a receive takes
    wanted = {},      -- true: some operation waits for this one
    edge_head = {}, edge_next = {}, edge_to = {}, edges = 0,
  }, Graph)
end

local function add(self, kind, rank, where)
  local id = self.count + 1
  self.count = id
  self.kind[id], self.rank[id], self.where[id] = kind, rank, where
  if rank >= self.ranks then self.ranks = rank + 1 end
  return id
end

--- A computation.
-- @tparam integer rank
-- @tparam number duration_ps
-- @tparam integer where for messages
-- @tparam ?string name for pictures and traces
-- @tparam ?{integer,...} members ranks that all compute this at once, where it stands for several
-- @treturn integer operation
function Graph:compute(rank, duration_ps, where, name, members)
  local id = add(self, COMPUTE, rank, where)
  self.amount[id], self.name[id], self.members[id] = duration_ps, name, members
  return id
end

--- A message to another rank. One to the rank itself takes no time; one of no bytes has one.
function Graph:send(rank, to, size_bytes, tag, where, name)
  local id = add(self, SEND, rank, where)
  if to >= self.ranks then self.ranks = to + 1 end
  self.peer[id], self.amount[id], self.tag[id] = to, math.max(size_bytes, 1), tag
  self.name[id] = name
  self.sends = self.sends + 1
  return id
end

--- The receipt of a message; `from` and `tag` may be graph.ANY.
function Graph:receive(rank, from, tag, where)
  local id = add(self, RECEIVE, rank, where)
  self.peer[id], self.tag[id] = from, tag
  return id
end

--- Nothing but the wait for what it is put after.
function Graph:join(rank, where)
  return add(self, JOIN, rank, where)
end

--- A collective of several ranks.
-- @tparam table what `kind` and `size_bytes` as the core has them, `ranks`, and if wanted `root`
-- (place among them, from 0) and `volumes` (bytes from each to each)
function Graph:collect(what, where, name)
  local id = add(self, COLLECTIVE, 0, where)
  self.collective[id], self.name[id] = what, name
  for _, rank in ipairs(what.ranks) do
    if rank >= self.ranks then self.ranks = rank + 1 end
  end
  return id
end

local function link(self, id, earlier)
  local edge = self.edges + 1
  self.edges = edge
  self.edge_to[edge], self.edge_next[edge] = earlier, self.edge_head[id]
  self.edge_head[id] = edge
  self.wanted[earlier] = true
end

--- Let an operation begin after another one's end.
function Graph:after(id, earlier)
  link(self, self.begins[id] or id, earlier)
end

--- The start of an operation, as something that others can be put after.
function Graph:start_of(id)
  local begin = self.begins[id]
  if not begin then
    begin = add(self, JOIN, self.rank[id], self.where[id])
    self.edge_head[begin], self.edge_head[id] = self.edge_head[id], nil
    link(self, id, begin)
    self.begins[id] = begin
  end
  return begin
end

--- Let an operation begin before another one and end after it: a rank's part in a collective.
function Graph:enclose(id, inner)
  self:after(inner, self:start_of(id))
  link(self, id, inner)
end

local function complain(self, id, ...)
  fail.at(self.place(self.where[id]), ...)
end

-- ---- messages ----

-- Sends by receiving rank, in the order of the file; an empty list where none are.
local function sends_by_receiver(self)
  local to = {}
  for id = 1, self.count do
    if self.kind[id] == SEND then
      local list = to[self.peer[id]] or { first = 1 }
      to[self.peer[id]] = list
      list[#list + 1] = id
    elseif self.kind[id] == RECEIVE then
      to[self.rank[id]] = to[self.rank[id]] or { first = 1 }
    end
  end
  return to
end

-- The first send to a receive's rank that it takes, or nil.
local function take(self, list, id, taken)
  local from, tag = self.peer[id], self.tag[id]
  while taken[list[list.first]] do list.first = list.first + 1 end
  for i = list.first, #list do
    local send = list[i]
    if not taken[send] and (from == graph.ANY or self.rank[send] == from)
      and (tag == graph.ANY or self.tag[send] == graph.ANY or self.tag[send] == tag) then
      return send
    end
  end
  return nil
end

-- Messages of one sender, receiver and tag queue up in the order of the file; a table per sender
-- and tag finds the next one at once, however many there are.
local function exact_queues(self, list)
  local queues = {}
  for _, send in ipairs(list) do
    local by_tag = queues[self.rank[send]]
    if not by_tag then
      by_tag = {}
      queues[self.rank[send]] = by_tag
    end
    local queue = by_tag[self.tag[send]]
    if not queue then
      queue = { first = 1 }
      by_tag[self.tag[send]] = queue
    end
    queue[#queue + 1] = send
  end
  return queues
end

local function take_exact(self, queues, id)
  local by_tag = queues[self.peer[id]]
  local queue = by_tag and by_tag[self.tag[id]]
  local send = queue and queue[queue.first]
  if send then queue.first = queue.first + 1 end
  return send
end

local function no_message(self, id)
  local from, tag = self.peer[id], self.tag[id]
  complain(self, id, "rank %d receives from %s with %s, but no message is left that fits",
    self.rank[id], from == graph.ANY and "any rank" or "rank " .. from,
    tag == graph.ANY and "any tag" or "tag " .. tag)
end

-- Give every receive its message: the first of its sender and tag that no receive has, in the order
-- of the file. Those that take any tag choose after that, and those that take any sender last. A
-- receive without a message, and a message that nobody receives, is an error.
local function match(self)
  local lists, queues, taken = sends_by_receiver(self), {}, {}
  local function settle(id, send)
    if not send then no_message(self, id) end
    taken[send] = true
    self.message[id] = send
    link(self, id, send)
  end
  local any_tag, any_sender = {}, {}
  for id = 1, self.count do
    if self.kind[id] == RECEIVE then
      local rank = self.rank[id]
      if self.peer[id] == graph.ANY then
        any_sender[#any_sender + 1] = id
      elseif self.tag[id] == graph.ANY then
        any_tag[#any_tag + 1] = id
      else
        queues[rank] = queues[rank] or exact_queues(self, lists[rank])
        settle(id, take_exact(self, queues[rank], id) or take(self, lists[rank], id, taken))
      end
    end
  end
  for _, open in ipairs { any_tag, any_sender } do
    for _, id in ipairs(open) do settle(id, take(self, lists[self.rank[id]], id, taken)) end
  end
  for id = 1, self.count do
    if self.kind[id] == SEND and not taken[id] then
      complain(self, id, "rank %d sends to rank %d with tag %s, and nobody receives it",
        self.rank[id], self.peer[id], self.tag[id])
    end
  end
end

-- ---- order ----

local OPEN, DONE = 1, 2

-- What an operation that is found again on its own way down waits for, as text.
local function complain_cycle(self, stack, depth, id)
  local places = {}
  for i = depth, 1, -1 do
    local place = self.place(self.where[stack[i]]):match(":%s*([^:]*)$")
    place = tonumber(place) and "line " .. place or place
    local called = self.called[stack[i]]
    places[#places + 1] = called and ("%s (%s)"):format(called, place) or place
    if stack[i] == id then break end
    if #places == 6 then
      places[#places + 1] = "..."
      break
    end
  end
  complain(self, id, "operations wait for one another in a circle: %s",
    table.concat(places, " after "))
end

-- All operations, each after all that it waits for; a circle is an error. Depth first along the
-- dependencies, so that no list of successors is needed.
local function in_order(self)
  local state, cursor, stack, order = {}, {}, {}, {}
  for root = 1, self.count do
    local depth = 0
    if not state[root] then
      depth = 1
      stack[1], state[root], cursor[root] = root, OPEN, self.edge_head[root]
    end
    while depth > 0 do
      local id = stack[depth]
      local edge = cursor[id]
      if edge then
        cursor[id] = self.edge_next[edge]
        local earlier = self.edge_to[edge]
        if state[earlier] == OPEN then complain_cycle(self, stack, depth, earlier) end
        if not state[earlier] then
          depth = depth + 1
          stack[depth], state[earlier] = earlier, OPEN
          cursor[earlier] = self.edge_head[earlier]
        end
      else
        state[id] = DONE
        depth = depth - 1
        order[#order + 1] = id
      end
    end
  end
  return order
end

--- Call when all is added: receives get their messages, and what the file asks for in vain is an
-- error.
-- @tparam ?boolean one_sided messages have no receives
-- @treturn table the graph
function Graph:finish(one_sided)
  if not one_sided then match(self) end
  self.order = in_order(self)
  return self
end

-- ---- what others ask ----

--- Whether there is any collective.
function Graph:has_collectives()
  return next(self.collective) ~= nil
end

--- Iterate over the operations that one waits for.
function Graph:before(id)
  local edge = self.edge_head[id]
  return function()
    if not edge then return nil end
    local earlier = self.edge_to[edge]
    edge = self.edge_next[edge]
    return earlier
  end
end

--- Whether a collective moves anything. One that does not (a barrier, a group of one rank) only
-- joins.
function graph.is_moving(what)
  return #what.ranks > 1 and what.size_bytes > 0
end

--- Call `visit(a, b)` for the ranks that send messages to one another, each pair once.
function Graph:each_pair(visit)
  local seen = {}
  for id = 1, self.count do
    local a, b = self.rank[id], self.peer[id]
    if self.kind[id] == SEND and a ~= b and not seen[a * self.ranks + b] then
      seen[a * self.ranks + b] = true
      visit(a, b)
    end
  end
end

return graph
