--- Events of the chunk level, by time; those of one time in the order they were put in, or the
-- other way round.
-- @module weft.geo.heap

local M = {}

local Heap = {}
Heap.__index = Heap

--- An empty heap.
-- @tparam[opt] boolean reverse of events at one time the last one put in comes first
-- @treturn Heap
function M.new(reverse)
  return setmetatable({ times = {}, ranks = {}, values = {}, count = 0, made = 0,
    step = reverse and -1 or 1 }, Heap)
end

--- Put an event in.
-- @tparam number time
-- @param value
function Heap:push(time, value)
  local times, ranks, values = self.times, self.ranks, self.values
  local made = self.made + 1
  self.made = made
  local rank, i = made * self.step, self.count + 1
  self.count = i
  while i > 1 do
    local up = (i - i % 2) / 2
    local t = times[up]
    if t < time or (t == time and ranks[up] < rank) then break end
    times[i], ranks[i], values[i] = t, ranks[up], values[up]
    i = up
  end
  times[i], ranks[i], values[i] = time, rank, value
end

--- Take the first event out.
-- @treturn ?number its time; nil if there is none
-- @return its value
function Heap:pop()
  local count = self.count
  if count == 0 then return nil end
  local times, ranks, values = self.times, self.ranks, self.values
  local time, value = times[1], values[1]
  local last_time, last_rank, last_value = times[count], ranks[count], values[count]
  times[count], ranks[count], values[count] = nil, nil, nil
  count = count - 1
  self.count = count
  if count == 0 then return time, value end
  local i = 1
  while true do
    local down = 2 * i
    if down > count then break end
    local right = down + 1
    if right <= count and (times[right] < times[down]
      or (times[right] == times[down] and ranks[right] < ranks[down])) then
      down = right
    end
    local t = times[down]
    if last_time < t or (last_time == t and last_rank < ranks[down]) then break end
    times[i], ranks[i], values[i] = t, ranks[down], values[down]
    i = down
  end
  times[i], ranks[i], values[i] = last_time, last_rank, last_value
  return time, value
end

return M
