--- What trees use of an overlay: its links, and behind them the caps of data centres, each with a
-- rate. A link counts against the cap of who sends over it and that of who receives.
-- @module weft.geo.resources

local M = {}

local Resources = {}
Resources.__index = Resources

-- Of each overlay, as long as it is there.
local known = setmetatable({}, { __mode = "k" })

--- Links and caps of an overlay.
-- @tparam Overlay overlay
-- @treturn table `count`, `rate_bps` by row, `caps_of` (rows of caps by link)
function M.of(overlay)
  if known[overlay] then return known[overlay] end
  local self = setmetatable({ count = overlay.links, rate_bps = {}, caps_of = {} }, Resources)
  for link = 1, overlay.links do
    self.rate_bps[link], self.caps_of[link] = overlay.rate_bps[link], {}
  end
  for _, side in ipairs { { overlay.egress_bps, overlay.from },
    { overlay.ingress_bps, overlay.to } } do
    local caps, ends = side[1], side[2]
    for u = 1, overlay.nodes do
      if caps[u] then
        self.count = self.count + 1
        self.rate_bps[self.count] = caps[u]
        for link = 1, overlay.links do
          if ends[link] == u then table.insert(self.caps_of[link], self.count) end
        end
      end
    end
  end
  known[overlay] = self
  return self
end

--- What is counted by link, with the sums for caps behind it.
-- @tparam {number,...} by_link
-- @treturn {number,...}
function Resources:counts(by_link)
  local counts = {}
  for row = 1, self.count do counts[row] = by_link[row] or 0 end
  for link = 1, #self.caps_of do
    for _, cap in ipairs(self.caps_of[link]) do counts[cap] = counts[cap] + by_link[link] end
  end
  return counts
end

return M
