--- Collectives of Chakra as the core has them.
--
-- A node's comm_size is what its rank puts in: its buffer, of which an AllGather, a gather and an
-- AllReduce send all and a ReduceScatter, a scatter and an all-to-all a part to each rank. Ranks
-- that put different sizes into an all-to-all make it one of all-to-all-v: each shares out its own,
-- evenly, or in proportion to a list of splits. A gather and a scatter are all-to-alls to and from
-- one rank: `root`, by default the first of the group.
local units = require "weft.units"

local chakra_collectives = {}

--- Collectives by their number in the schema. The size of an AllGather is what a rank contributes,
-- in the core what it ends with.
chakra_collectives.KINDS = {
  [0] = { kind = "allreduce" },
  [1] = { kind = "reduce", rooted = true },
  [2] = { kind = "all_gather", grows = true },
  [3] = { kind = "gather", exchange = true, rooted = true },
  [4] = { kind = "scatter", exchange = true, rooted = true },
  [5] = { kind = "broadcast", rooted = true },
  [6] = { kind = "all_to_all", exchange = true },
  [7] = { kind = "reduce_scatter" },
  [8] = { kind = "reduce_scatter" },
  [9] = { kind = "barrier" },
}

-- Lists of what a rank sends to each rank of its group, in its order: the schema names none.
local SPLITS = {
  "in_split_sizes", "in_split_size", "in_split", "input_split_sizes", "send_sizes", "comm_sizes",
}
-- The rank that others send to, or get from.
local ROOTS = { "root", "root_rank", "comm_root" }

--- Attributes that are to be read.
chakra_collectives.WANTED = {}
for _, name in ipairs(SPLITS) do chakra_collectives.WANTED[name] = "list" end
for _, name in ipairs(ROOTS) do chakra_collectives.WANTED[name] = "number" end

local function first_of(node, names)
  for _, name in ipairs(names) do
    if node[name] then return node[name], name end
  end
  return nil
end

--- The list of what a node sends to each rank, or nil.
function chakra_collectives.splits_of(node)
  return (first_of(node, SPLITS))
end

--- A collective that ranks are to join; a graph takes it as it is.
function chakra_collectives.new(what, ranks, where, rank)
  local is_member = {}
  for _, one in ipairs(ranks) do is_member[one] = true end
  return {
    kind = what.kind, what = what, ranks = ranks, where = where, rank = rank, missing = #ranks,
    size_bytes = 0, sizes = {}, splits = {}, is_member = is_member,
  }
end

--- Let a rank join by one of its nodes.
-- @tparam table known
-- @tparam integer rank
-- @tparam table node
-- @tparam function complain raises an error at the node
function chakra_collectives.join(known, rank, node, complain)
  if not known.is_member[rank] then
    complain("rank %d has a %s of a process group that it is not in", rank, known.kind)
  end
  local splits, name = first_of(node, SPLITS)
  if splits and #splits ~= #known.ranks then
    complain("%s: expected %d numbers, one for each rank of the group, got %d", name, #known.ranks,
      #splits)
  end
  local size = known.kind == "barrier" and 0 or node.comm_size
  if not size then
    size = 0
    for _, bytes in ipairs(splits) do size = size + bytes end
  end
  local root, root_name = first_of(node, ROOTS)
  if root and known.what.rooted then
    if known.root and known.root ~= root then
      complain("%s: got %d where rank %d has %d", root_name, root, known.rank, known.root)
    end
    known.root = root
  end
  known.sizes[rank], known.splits[rank] = size, splits
  known.missing = known.missing - 1
end

-- Bytes of the first k parts of n, evenly or by a list of splits, so that no byte is lost.
local function share_up_to(size, n, k, splits, total)
  if not splits then return math.floor(size / n) * k + math.min(size % n, k) end
  local sum = 0
  for i = 1, k do sum = sum + splits[i] end
  if sum == total then return size end
  return math.floor(size * (sum / total))
end

-- What one rank sends to each.
local function shares(size, n, splits)
  local row, before, total = {}, 0, 0
  for _, part in ipairs(splits or {}) do total = total + part end
  if total == 0 then splits = nil end
  -- Splits that add up to the size are bytes.
  if splits and total == size then return splits end
  for k = 1, n do
    local upto = share_up_to(size, n, k, splits, total)
    row[k], before = upto - before, upto
  end
  return row
end

local function nothing(n)
  local row = {}
  for k = 1, n do row[k] = 0 end
  return row
end

-- The place of the root in its group.
local function root_of(known)
  if not known.root then return 1 end
  for i, rank in ipairs(known.ranks) do
    if rank == known.root then return i end
  end
  return nil
end

local make = {}

function make.all_to_all(known)
  local n, matrix = #known.ranks, {}
  for i, rank in ipairs(known.ranks) do
    matrix[i] = shares(known.sizes[rank], n, known.splits[rank])
  end
  return matrix
end

function make.gather(known, root)
  local n, matrix = #known.ranks, {}
  for i, rank in ipairs(known.ranks) do
    matrix[i] = nothing(n)
    matrix[i][root] = known.sizes[rank]
  end
  return matrix
end

-- Where the root says no size, each of the others says what it gets.
function make.scatter(known, root)
  local n, matrix = #known.ranks, {}
  for i = 1, n do matrix[i] = nothing(n) end
  local rank = known.ranks[root]
  if known.sizes[rank] > 0 then
    matrix[root] = shares(known.sizes[rank], n, known.splits[rank])
  else
    for i, other in ipairs(known.ranks) do matrix[root][i] = known.sizes[other] end
  end
  return matrix
end

-- The most that a rank sends or receives.
local function busiest(matrix)
  local most, received = 0, {}
  for i, row in ipairs(matrix) do
    local sent = 0
    for j, bytes in ipairs(row) do
      if i ~= j then
        sent, received[j] = sent + bytes, (received[j] or 0) + bytes
      end
    end
    most = math.max(most, sent)
  end
  for j = 1, #matrix do most = math.max(most, received[j] or 0) end
  return most
end

local function sizes_differ(known)
  local first = known.sizes[known.ranks[1]]
  for _, rank in ipairs(known.ranks) do
    if known.sizes[rank] ~= first then return rank, known.sizes[rank], first end
  end
  return nil
end

-- A collective of one size for all ranks.
local function finish_even(known, root, say, other, size, first)
  for _, rank in ipairs(known.ranks) do
    known.size_bytes = math.max(known.size_bytes, known.sizes[rank])
  end
  if other and not known.what.rooted then
    say("%s: rank %d has %.0f bytes, rank %d %.0f: the largest counts for all", known.kind,
      known.ranks[1], first, other, size)
  end
  if known.what.grows then
    known.size_bytes = units.scaled(known.size_bytes, #known.ranks, known.kind .. ": comm_size")
  end
  known.root = known.what.rooted and root - 1 or nil
end

--- Call when all ranks have joined: it becomes what the core has.
-- `kind`, `size_bytes`, `ranks`, `root` (its place among them, from 0), `volumes`.
-- @tparam table known
-- @tparam function say says what is taken otherwise than a file has it
function chakra_collectives.finish(known, say)
  local root = root_of(known)
  if not root then
    say("%s: rank %d, its root, is not in its group: the first of the group is", known.kind,
      known.root)
    root = 1
  end
  local other, size, first = sizes_differ(known)
  if known.what.exchange and (known.kind ~= "all_to_all" or other or next(known.splits)) then
    known.volumes = make[known.kind](known, root)
    known.kind, known.size_bytes = "all_to_all", busiest(known.volumes)
  else
    finish_even(known, root, say, other, size, first)
  end
  known.sizes, known.splits, known.is_member = nil, nil, nil
end
return chakra_collectives
