--- Plans carried out chunk by chunk: each link serves one message at a time, first come first
-- served, and a data centre passes a message on when it has all of it. No headers, no delay. Where
-- data centres are capped, links that are busy at once share that (weft.geo.capped).
--
-- What happens at one time does so in the order in which it was caused, so that results are the
-- same everywhere; `reverse` takes the other order, to see how much that matters.
-- @module weft.geo.fifo

local capped = require "weft.geo.capped"
local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local heap = require "weft.geo.heap"

local M = {}

-- The links and what is under way on them. A message is { route, hop, bits, ... }.
local Network = {}
Network.__index = Network

--- Links without messages.
-- @tparam Overlay overlay
-- @tparam table options `at`: time now, in s; `reverse`; `trace`; `by_piece`: of waiting messages
-- the one with the lowest `piece` goes first; `observe`: gets link, bits, seconds and
-- time of each message that a link is through with; `begin`: link and message as it begins
-- @treturn Network
function Network.new(overlay, options)
  local self = setmetatable({
    overlay = overlay, now = options.at or 0,
    events = overlay:is_capped() and capped.new(overlay, options.at or 0, options.trace)
      or heap.new(options.reverse),
    trace = options.trace, by_piece = options.by_piece, observe = options.observe,
    begin = options.begin,
    queue = {}, head = {}, tail = {}, serving = {}, bits = {},
  }, Network)
  for link = 1, overlay.links do
    self.queue[link], self.head[link], self.tail[link], self.bits[link] = {}, 1, 0, 0
  end
  return self
end

-- When a link that begins with a message now is through with it.
local function finish(self, link, bits)
  if self.trace then return self.trace:finish(link, self.now, bits) end
  return self.now + bits / self.overlay.rate_bps[link]
end

local function serve(self, link, message)
  self.serving[link], message.began = message, self.now
  if self.begin then self.begin(link, message) end
  if self.events.begin then return self.events:begin(link, message.bits) end
  self.events:push(finish(self, link, message.bits), link)
end

--- Put a message into the queue of its next link.
function Network:enqueue(message)
  local link = message.route[message.hop]
  self.bits[link] = self.bits[link] + message.bits
  if not self.serving[link] then return serve(self, link, message) end
  local queue, head, at = self.queue[link], self.head[link], self.tail[link] + 1
  self.tail[link] = at
  while self.by_piece and at > head and queue[at - 1].piece > message.piece do
    queue[at] = queue[at - 1]
    at = at - 1
  end
  queue[at] = message
end

--- Messages that wait for a link; the one that it is at is none.
function Network:waiting(link) return self.tail[link] - self.head[link] + 1 end

--- Bits of messages that wait for a link, and of the one that it is at.
function Network:waiting_bits(link)
  local bits = self.serving[link] and self.serving[link].bits or 0
  for i = self.head[link], self.tail[link] do bits = bits + self.queue[link][i].bits end
  return bits
end

-- A link is through with its message, and begins with the next.
local function served(self, link)
  local message, head = self.serving[link], self.head[link]
  self.serving[link] = nil
  if self.observe then self.observe(link, message.bits, self.now - message.began, self.now) end
  if head <= self.tail[link] then
    local following = self.queue[link][head]
    self.queue[link][head], self.head[link] = nil, head + 1
    serve(self, link, following)
  end
  return message
end

--- Send all that is queued, and what comes of it.
-- @tparam function arrived gets each message that is where it should be
-- @treturn number when the last of them arrived
function Network:run(arrived)
  while true do
    local time, link = self.events:pop()
    if not time then return self.now end
    if time == math.huge then
      fail.raise("overlay %s: link %s to %s stands still for ever with data on it",
        self.overlay.name, tostring(self.overlay.names[self.overlay.from[link]]),
        tostring(self.overlay.names[self.overlay.to[link]]))
    end
    self.now = time
    local message = served(self, link)
    message.hop = message.hop + 1
    if message.route[message.hop] then
      self:enqueue(message)
    else
      arrived(message)
    end
  end
end

M.Network = Network

-- ---- iterations of a plan ----

local Iteration = {}
Iteration.__index = Iteration

-- A message knows what caused it: messages that brought what it carries.
function Iteration:send(piece, from, to, route, is_pull, causes)
  local bits = self.plan.pieces[piece].bits
  if self.choose then route = self.choose(self.network, from, to, route, bits) end
  self.network:enqueue { route = route, hop = 1, bits = bits, piece = piece, node = to,
    is_pull = is_pull, sum = self.sums[piece][from], causes = causes }
end

-- A node has a piece's result: pass it on.
function Iteration:pull(piece, node, causes)
  local tree = self.trees[piece]
  for _, child in ipairs(tree.pull_children[node]) do
    self:send(piece, node, child, tree.down[child], true, causes)
  end
  self.lacking[piece] = self.lacking[piece] - 1
  if self.lacking[piece] == 0 then self:enter() end
end

-- A node has one more contribution to a piece, its own or a child's.
function Iteration:push(piece, node, sum, message)
  local missing, sums = self.missing[piece], self.sums[piece]
  local causes = self.causes[piece]
  if message then
    causes[node] = causes[node] or {}
    table.insert(causes[node], message)
  end
  missing[node], sums[node] = missing[node] - 1, sums[node] + sum
  if missing[node] > 0 then return end
  local tree = self.trees[piece]
  if node ~= tree.root then
    return self:send(piece, node, tree.parent[node], tree.up[node], false, causes[node])
  end
  if not self.in_sequence then return self:pull(piece, node, causes[node]) end
  self.held[#self.held + 1] = piece
  if #self.held < #self.plan.pieces then return end
  -- What comes down waits for all that went up.
  local all = {}
  for _, one in ipairs(self.held) do
    local causes_there = self.causes[one][self.trees[one].root]
    for _, cause in ipairs(causes_there or {}) do all[#all + 1] = cause end
  end
  for _, one in ipairs(self.held) do self:pull(one, self.trees[one].root, all) end
end

-- The next piece enters everywhere. Its tree is its own from here on, whatever others get later.
function Iteration:enter()
  local piece, nodes = self.entered + 1, self.plan.overlay.nodes
  if piece > #self.plan.pieces then return end
  self.entered = piece
  local plan = self.replan and self.replan(self.network.now) or self.plan
  local tree, missing, sums = plan.trees[plan.pieces[piece].tree], {}, {}
  self.trees[piece], self.missing[piece], self.sums[piece] = tree, missing, sums
  self.causes[piece] = {}
  self.lacking[piece] = nodes
  for node, children in ipairs(tree.children) do
    missing[node], sums[node] = #children + 1, 0
  end
  for node = 1, nodes do self:push(piece, node, self.value_of(piece, node)) end
end

local options_rule = {
  at = { type = "number", default = 0, brief = "when the iteration begins, in s" },
  in_sequence = { type = "boolean", default = false,
    brief = "nothing comes down before all is summed up" },
  reverse = { type = "boolean", default = false, brief = "of events at one time the last first" },
  trace = { type = "table", brief = "rates over time, as geo.trace has them" },
  observe = { type = "function",
    brief = "gets link, bits, seconds and time of each message that a link is through with" },
  begin = { type = "function", brief = "gets link and message as a link begins with it" },
  window = { type = "integer", min = 1,
    brief = "pieces under way at once: a further one enters when one is everywhere; default: all" },
  replan = { type = "function",
    brief = "gets the time when a piece enters; gives a plan of the same pieces for it" },
  value_of = { type = "function",
    brief = "gets piece and node; gives the number that is summed up; default: 1" },
}

local function one() return 1 end

--- One iteration: all pieces up to their roots and down again.
-- @tparam Plan plan
-- @tparam ?table options `at`, `in_sequence`, `reverse`, `trace`, `observe`, `window`, `replan`,
-- `value_of`
-- @treturn number when the last data centre has the last piece, in s
-- @treturn {number,...} bits over each link
-- @treturn {number,...} sum of each piece at its root
function M.run(plan, options)
  if not require("weft.geo.plan").is(plan) then
    fail.raise("geo.fifo: expected a plan, got %s", fail.show(plan))
  end
  local given = check.options("geo.fifo", options or {}, options_rule)
  if given.in_sequence and given.window then
    fail.raise "geo.fifo: in_sequence has all pieces under way, and goes with no window"
  end
  local network = Network.new(plan.overlay, { at = given.at, reverse = given.reverse,
    trace = given.trace, observe = given.observe, by_piece = plan.by_piece,
    begin = given.begin })
  local self = setmetatable({
    plan = plan, network = network, choose = plan.choose, in_sequence = given.in_sequence,
    replan = given.replan, value_of = given.value_of or one, entered = 0,
    trees = {}, missing = {}, sums = {}, lacking = {}, held = {}, causes = {},
  }, Iteration)
  for _ = 1, math.min(given.window or #plan.pieces, #plan.pieces) do self:enter() end
  local last = network:run(function(message)
    if message.is_pull then
      self:pull(message.piece, message.node, { message })
    else
      self:push(message.piece, message.node, message.sum, message)
    end
  end)
  local sums = {}
  for piece, tree in ipairs(self.trees) do sums[piece] = self.sums[piece][tree.root] end
  return last, network.bits, sums
end

return guard.module("geo.fifo", M)
