--- Ranks and the groups in which they communicate.
--
-- A job of tp x dp x pp ranks is a box with these three axes; a group of an axis is a line along
-- it. Expert parallelism divides the axis dp: `ep` neighbours on it share one set of experts, and
-- the dp / ep ranks that hold the same experts sum their gradients (group "edp"). Ranks count from
-- 0. By default tensor parallelism varies fastest, then data, then pipeline, as in Megatron-LM, so
-- that a tensor group sits in one server.
-- @module weft.workload.parallel

local fail = require "weft.fail"

local M = {}

local Layout = {}
Layout.__index = Layout

local AXES = { "tp", "dp", "pp" }

-- "tp-dp-pp" as a list; every axis once.
local function read_order(what, text)
  local order, seen = {}, {}
  for name in (text .. "-"):gmatch("(.-)%-") do
    order[#order + 1] = name
    seen[name] = true
  end
  if #order ~= 3 or not (seen.tp and seen.dp and seen.pp) then
    fail.raise("%s: option 'order': expected tp, dp and pp, fastest first, such as 'tp-dp-pp',"
      .. " got %s", what, fail.show(text))
  end
  return order
end

--- A layout.
-- @tparam string what for errors
-- @tparam table sizes `tp`, `dp`, `pp`, `ep` (divides dp)
-- @tparam string order axes, fastest first: "tp-dp-pp"
-- @treturn Layout
function M.new(what, sizes, order)
  local layout = setmetatable({
    tp = sizes.tp, dp = sizes.dp, pp = sizes.pp, ep = sizes.ep or 1, stride = {},
  }, Layout)
  if layout.dp % layout.ep ~= 0 then
    fail.raise("%s: option 'ep': expected a divisor of dp (%d), got %d", what, layout.dp,
      layout.ep)
  end
  local stride = 1
  for _, axis in ipairs(read_order(what, order)) do
    layout.stride[axis] = stride
    stride = stride * layout[axis]
  end
  layout.size = stride
  return layout
end

--- The rank at a place, each coordinate counted from 0.
function Layout:rank(t, d, p)
  return t * self.stride.tp + d * self.stride.dp + p * self.stride.pp
end

--- The place of a rank.
-- @treturn number t
-- @treturn number d
-- @treturn number p
function Layout:place(rank)
  local at = {}
  for _, axis in ipairs(AXES) do
    at[axis] = math.floor(rank / self.stride[axis]) % self[axis]
  end
  return at.tp, at.dp, at.pp
end

-- Ranks at (t, d, p) where one coordinate runs over a list.
local function line(self, axis, values, t, d, p)
  local ranks = {}
  for i, value in ipairs(values) do
    ranks[i] = self:rank(axis == "tp" and value or t, axis == "dp" and value or d,
      axis == "pp" and value or p)
  end
  return ranks
end

-- first, first + step, ... of so many values.
local function values(first, step, count)
  local list = {}
  for i = 1, count do list[i] = first + (i - 1) * step end
  return list
end

--- The tensor group of replica d at stage p.
function Layout:tp_group(d, p) return line(self, "tp", values(0, 1, self.tp), 0, d, p) end

--- The data group of tensor rank t at stage p.
function Layout:dp_group(t, p) return line(self, "dp", values(0, 1, self.dp), t, 0, p) end

--- The pipeline of tensor rank t and replica d.
function Layout:pp_group(t, d) return line(self, "pp", values(0, 1, self.pp), t, d, 0) end

--- The e-th expert group of tensor rank t at stage p.
function Layout:ep_group(t, e, p)
  return line(self, "dp", values(e * self.ep, 1, self.ep), t, 0, p)
end

--- The ranks that hold the e-th set of experts, of tensor rank t at stage p.
function Layout:edp_group(t, e, p)
  return line(self, "dp", values(e, self.ep, self.dp / self.ep), t, 0, p)
end

-- kind -> outer count, inner count, member function; outer runs slower.
local LISTS = {
  tp = { "pp", "dp", function(self, p, d) return self:tp_group(d, p) end },
  dp = { "pp", "tp", function(self, p, t) return self:dp_group(t, p) end },
  pp = { "dp", "tp", function(self, d, t) return self:pp_group(t, d) end },
}

--- All groups of a kind; together they hold every rank once.
-- @tparam string kind tp, dp, pp, ep or edp
-- @treturn table list of lists of ranks
function Layout:groups(kind)
  local groups = {}
  if kind == "ep" or kind == "edp" then
    local count = kind == "ep" and self.dp / self.ep or self.ep
    for p = 0, self.pp - 1 do
      for t = 0, self.tp - 1 do
        for e = 0, count - 1 do
          groups[#groups + 1] = kind == "ep" and self:ep_group(t, e, p) or self:edp_group(t, e, p)
        end
      end
    end
    return groups
  end
  local outer, inner, member = LISTS[kind][1], LISTS[kind][2], LISTS[kind][3]
  for a = 0, self[outer] - 1 do
    for b = 0, self[inner] - 1 do groups[#groups + 1] = member(self, a, b) end
  end
  return groups
end

--- Ranks as text: "0-7", "0-56 by 8", "0,64".
function M.describe_ranks(ranks)
  if #ranks <= 2 then return table.concat(ranks, ",") end
  local step = ranks[2] - ranks[1]
  for i = 3, #ranks do
    if ranks[i] - ranks[i - 1] ~= step then return table.concat(ranks, ",") end
  end
  local text = ("%d-%d"):format(ranks[1], ranks[#ranks])
  return step == 1 and text or ("%s by %d"):format(text, step)
end

return M
