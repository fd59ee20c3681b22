--- When links are through with their messages where data centres are capped: links that are busy at
-- once share what their data centre sends in all, and receives in all, by max-min fairness.
--
-- It stands for the heap of events of the chunk level (weft.geo.heap), whose events then have no
-- time that is known before: a link that begins slows others down.
-- @module weft.geo.capped

local M = {}

local Capped = {}
Capped.__index = Capped

--- No link is busy.
-- @tparam Overlay overlay
-- @tparam number now in s
-- @tparam ?Trace trace rates over time
-- @treturn Capped
function M.new(overlay, now, trace)
  return setmetatable({ overlay = overlay, now = now, trace = trace, active = {}, left = {},
    bits = {}, rate = {}, fresh = false }, Capped)
end

--- A link begins with a message now.
function Capped:begin(link, bits)
  table.insert(self.active, link)
  self.left[link], self.bits[link], self.fresh = bits, bits, false
end

-- What a link may have at most now, and when the rates of the trace change next.
local function limits(self)
  local trace = self.trace
  if not trace then return self.overlay.rate_bps, math.huge end
  local k = trace:set_at(self.now)
  return trace.rates[k], trace.starts[k + 1] or math.huge
end

-- Fill step by step: the link or the cap that leaves least for each decides for its links.
local function share(self, most)
  local overlay, open, rate = self.overlay, {}, self.rate
  local left, users = {}, {}
  for i, link in ipairs(self.active) do open[i] = link end
  local function caps(link, f)
    f(overlay.egress_bps[overlay.from[link]], overlay.from[link])
    f(overlay.ingress_bps[overlay.to[link]], -overlay.to[link])
  end
  for _, link in ipairs(open) do
    caps(link, function(cap, key)
      if cap then left[key], users[key] = cap, (users[key] or 0) + 1 end
    end)
  end
  while #open > 0 do
    local function level(link)
      local least = most[link]
      caps(link, function(cap, key)
        if cap then least = math.min(least, left[key] / users[key]) end
      end)
      return least
    end
    local least, going_on = math.huge, {}
    for _, link in ipairs(open) do least = math.min(least, level(link)) end
    local fixed = {}
    for _, link in ipairs(open) do
      if level(link) <= least then fixed[#fixed + 1] = link else going_on[#going_on + 1] = link end
    end
    for _, link in ipairs(fixed) do
      rate[link] = least
      caps(link, function(cap, key)
        if cap then left[key], users[key] = math.max(left[key] - least, 0), users[key] - 1 end
      end)
    end
    open = going_on
  end
end

-- Of what a message has, as much as this is rounding.
local TOLERANCE = 1e-12

-- Let time pass, and take out the first link that is through, if one is.
local function advance(self, step)
  self.now = self.now + step
  for _, link in ipairs(self.active) do
    self.left[link] = self.left[link] - self.rate[link] * step
  end
  for i, link in ipairs(self.active) do
    if self.left[link] <= self.bits[link] * TOLERANCE then
      table.remove(self.active, i)
      self.fresh = false
      return link
    end
  end
  return nil
end

--- The next link that is through with its message; of several the one that began first.
-- @treturn ?number time in s: nil if no link is busy, math.huge if none of them moves
-- @treturn number link
function Capped:pop()
  while #self.active > 0 do
    local most, till = limits(self)
    if not self.fresh then
      share(self, most)
      self.fresh = true
    end
    local step = math.huge
    for _, link in ipairs(self.active) do
      if self.rate[link] > 0 then
        step = math.min(step, math.max(self.left[link], 0) / self.rate[link])
      end
    end
    if step == math.huge and till == math.huge then return math.huge, self.active[1] end
    if self.now + step > till then
      advance(self, till - self.now)
      self.now, self.fresh = till, false
    else
      local link = advance(self, step)
      if link then return self.now, link end
    end
  end
  return nil
end

return M
