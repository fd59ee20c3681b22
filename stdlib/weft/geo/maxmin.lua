--- Transfers that share links by max-min fairness: each gets as much as can be had without taking
-- from one that has less.
-- @module weft.geo.maxmin

local guard = require "weft.guard"

local M = {}

local Network = {}
Network.__index = Network

--- Links without transfers.
-- @tparam Overlay overlay
-- @treturn Network
function M.new(overlay)
  return setmetatable({ overlay = overlay, now = 0, transfers = {} }, Network)
end

--- Begin a transfer now.
-- @tparam {number,...} route links
-- @tparam number bits
-- @tparam ?function done called when it has ended
function Network:add(route, bits, done)
  self.transfers[#self.transfers + 1] = { route = route, bits = bits, left = bits, done = done }
end

-- Fill the links step by step: the one with the least per transfer decides for its transfers.
local function share(self)
  local left, users = {}, {}
  for _, transfer in ipairs(self.transfers) do
    transfer.rate = nil
    for _, link in ipairs(transfer.route) do
      left[link], users[link] = self.overlay.rate_bps[link], (users[link] or 0) + 1
    end
  end
  local open = #self.transfers
  while open > 0 do
    local tightest, least
    for link = 1, self.overlay.links do
      if (users[link] or 0) > 0 and (not least or left[link] / users[link] < least) then
        tightest, least = link, left[link] / users[link]
      end
    end
    for _, transfer in ipairs(self.transfers) do
      local through = false
      for _, link in ipairs(transfer.route) do through = through or link == tightest end
      if through and not transfer.rate then
        transfer.rate, open = least, open - 1
        for _, link in ipairs(transfer.route) do
          left[link], users[link] = math.max(left[link] - least, 0), users[link] - 1
        end
      end
    end
  end
end

-- What is left of a transfer but for rounding.
local TOLERANCE = 1e-12

--- Let all transfers end, those too that begin when others end. Of those that end at one time the
-- one that began first ends first.
-- @treturn number now, in s
function Network:run()
  while #self.transfers > 0 do
    share(self)
    local step = math.huge
    for _, transfer in ipairs(self.transfers) do
      step = math.min(step, transfer.left / transfer.rate)
    end
    self.now = self.now + step
    local ended, going_on = {}, {}
    for _, transfer in ipairs(self.transfers) do
      transfer.left = transfer.left - transfer.rate * step
      local list = transfer.left <= transfer.bits * TOLERANCE and ended or going_on
      list[#list + 1] = transfer
    end
    self.transfers = going_on
    for _, transfer in ipairs(ended) do
      if transfer.done then transfer.done() end
    end
  end
  return self.now
end

return guard.module("geo.maxmin", M)
