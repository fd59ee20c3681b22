--- The order in which the stages of a pipeline work: 1F1B, and interleaved 1F1B.
--
-- Narayanan et al. (SC 2021), section 2.2. A stage first runs some forward passes, then one forward
-- and one backward in turns, then the backward passes that are left. With v virtual stages a device
-- holds v chunks of the model, chunk g on stage g mod p, and works through p micro-batches of a
-- chunk before it takes the next. The idle time of a device is (p - 1) / (v m) of its work for p
-- stages and m micro-batches (there: t_pb / t_id, eq. in 2.2.2).
-- @module weft.workload.model_schedule

local M = {}

-- Work of a stage as two lists, forward and backward passes, in the order in which each runs.
-- Without virtual stages that is micro-batch by micro-batch; with them p of a chunk in turns, the
-- chunks of backward passes from the last one.
local function passes(p, stage, m, v)
  local forward, backward = {}, {}
  for k = 0, m * v - 1 do
    local turn = math.floor(k / p)
    local local_chunk, micro = 0, k
    if v > 1 then
      local_chunk = turn % v
      micro = math.floor(turn / v) * p + k % p
    end
    forward[k + 1] = { stage = stage, chunk = local_chunk * p + stage, micro = micro }
    backward[k + 1] = {
      stage = stage, chunk = (v - 1 - local_chunk) * p + stage, micro = micro, backward = true,
    }
  end
  return forward, backward
end

--- The operations of one stage in their order.
-- @tparam number p stages
-- @tparam number stage from 0
-- @tparam number m micro-batches, with v > 1 a multiple of p
-- @tparam number v chunks of a stage
-- @treturn table list of `{ stage, chunk, micro, backward }`, counted from 0
function M.stage(p, stage, m, v)
  local forward, backward = passes(p, stage, m, v)
  local warm = v == 1 and p - 1 - stage or 2 * (p - 1 - stage) + (v - 1) * p
  warm = math.min(warm, #forward)
  local ops = {}
  for k = 1, warm do ops[k] = forward[k] end
  for k = warm + 1, #forward do
    ops[#ops + 1] = forward[k]
    ops[#ops + 1] = backward[k - warm]
  end
  for k = #forward - warm + 1, #forward do ops[#ops + 1] = backward[k] end
  return ops
end

-- What an operation takes its input from: a number that is the same for equal (direction, chunk,
-- micro-batch), or nil for the first of a micro-batch.
local function input_of(op, chunks, m)
  local last = chunks - 1
  if not op.backward then
    return op.chunk > 0 and (op.chunk - 1) * m + op.micro or nil
  elseif op.chunk == last then
    return last * m + op.micro -- its own forward pass
  end
  return (chunks + op.chunk + 1) * m + op.micro
end

local function name_of(op, chunks, m)
  return ((op.backward and chunks or 0) + op.chunk) * m + op.micro
end

--- All operations of an iteration such that each comes behind what it waits for.
-- @tparam number p stages
-- @tparam number m micro-batches
-- @tparam number v chunks of a stage
-- @treturn ?table list of operations; `input` is the index of the one whose output it takes (nil:
-- none), `previous` that of the one before it on its stage, `last` marks the last backward pass of
-- its chunk. nil if no such order exists, which would be a deadlock of the schedule.
function M.order(p, m, v)
  local chunks, order, index = p * v, {}, {}
  local lists, at, previous, left = {}, {}, {}, {}
  for stage = 0, p - 1 do lists[stage], at[stage] = M.stage(p, stage, m, v), 1 end
  for chunk = 0, chunks - 1 do left[chunk] = m end
  local moved = true
  while moved do
    moved = false
    for stage = 0, p - 1 do
      local op = lists[stage][at[stage]]
      local input = op and input_of(op, chunks, m)
      if op and (input == nil or index[input]) then
        op.input, op.previous = input and index[input], previous[stage]
        if op.backward then
          left[op.chunk] = left[op.chunk] - 1
          op.last = left[op.chunk] == 0
        end
        order[#order + 1] = op
        index[name_of(op, chunks, m)], previous[stage] = #order, #order
        at[stage], moved = at[stage] + 1, true
      end
    end
  end
  return #order == 2 * chunks * m and order or nil
end

--- When an iteration would be over if messages took no time, and how long each stage works.
-- @tparam table order of M.order
-- @tparam function duration_of operation -> time
-- @treturn number time of the longest chain
-- @treturn table stage -> time at work
function M.makespan(order, duration_of)
  local ends, busy, last = {}, {}, 0
  for i, op in ipairs(order) do
    local begin = math.max(op.input and ends[op.input] or 0, op.previous and ends[op.previous] or 0)
    local duration = duration_of(op)
    ends[i] = begin + duration
    busy[op.stage] = (busy[op.stage] or 0) + duration
    last = math.max(last, ends[i])
  end
  return last, busy
end

return M
