--- Models that correct what an engine says of completion times, and their training.
-- @module weft.learn
-- @usage
-- local examples = weft.learn.examples { flow_features = { "size" }, link_features = { "queue" } }
-- examples:add { group = 1, flow = { 1, 2 }, counts = { 1, 1 }, links = { 3, 4 },
--   truth = { 11, 12 }, base = { 10, 10 }, ideal = { 9, 9 } }
-- local model = weft.learn.train { examples = examples, held_out = 0, steps = 10 }
-- print(model)

local check = require "weft.check"
local core = require "weft.core"
local engine = require "weft.engine"
local fail = require "weft.fail"
local guard = require "weft.guard"
local progress = require "weft.progress"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- ---- models -----------------------------------------------------------------------------------

local Model = {}
Model.__index = Model

local function new_model(box)
  return setmetatable({ box = box, info = core.model_info(box) }, Model)
end

--- Read a model.
-- @tparam string path of its file
-- @treturn Model its `info`: architecture, base (the engine that it corrects), command, ...
function M.load(path)
  check.argument("learn.load", path, "text")
  local box, message = core.model_load(path)
  if not box then fail.at(path, "%s", message) end
  return new_model(box)
end

--- Write it to a file.
-- @tparam string path
function Model:save(path)
  check.argument("model:save", path, "text")
  local good, message = core.model_save(self.box, path)
  if not good then fail.raise("model:save: %s", message) end
end

--- What it is told of a flow, or of a link of its way.
-- @tparam string side "flow" or "link"
-- @treturn {table,...} `name`, `mean`, `deviation`, `low`, `high` (between which training saw it)
function Model:features(side)
  check.value("model:features", side, { type = "enum", choices = { "flow", "link" } })
  local list = {}
  for i = 1, self.info[side .. "_features"] do
    list[i] = core.model_feature(self.box, side == "link", i - 1)
  end
  return list
end

--- What is known of how good it is, by name: `held_mean_pct`, `base_mean_pct`, ...
-- @treturn table
function Model:metrics()
  local all = {}
  for i = 0, core.model_info(self.box).metrics - 1 do
    local name, value = core.model_metric(self.box, i)
    all[name] = value
  end
  return all
end

--- The factor by which a flow's completion time is to be multiplied.
-- @tparam {number,...} flow its features
-- @tparam {number,...} links those of the links of its way, one link behind the other
-- @treturn number
function Model:predict(flow, links)
  check.argument("model:predict: flow", flow, "numbers")
  check.argument("model:predict: links", links, "numbers")
  return engine.call(core.model_predict, self.box, flow, links)
end

--- What it is, in a few lines.
function Model:__tostring()
  local info, lines = self.info, {}
  local function add(...) lines[#lines + 1] = (...):format(select(2, ...)) end
  add("model %s: %s weights, corrects engine %s, at most by e^%s", info.architecture,
    units.digits(info.parameters, 6), info.base, units.digits(info.limit, 3))
  add("  is told %s of a flow and %s of each link", util.counted(info.flow_features, "quantity",
    "quantities"), util.counted(info.link_features, "quantity", "quantities"))
  for name, value in util.sorted_pairs(self:metrics()) do
    add("  %s %s", name, units.digits(value, 4))
  end
  add("  weft %s: %s", info.version, info.command)
  return table.concat(lines, "\n")
end

-- ---- examples ---------------------------------------------------------------------------------

local Examples = {}
Examples.__index = Examples

local features_rule = {
  flow_features = { type = "list", required = true },
  link_features = { type = "list", required = true },
}

--- No examples yet.
-- @tparam table options `flow_features`, `link_features`: names of what is known of a flow and of
-- each link of its way
-- @treturn Examples
function M.examples(options)
  local o = check.options("learn.examples", options, features_rule)
  local box = engine.call(core.examples_create, table.concat(o.flow_features, " "),
    table.concat(o.link_features, " "))
  return setmetatable({ box = box }, Examples)
end

--- Read the files of examples.
-- @tparam string ... their paths
-- @treturn Examples
function M.read_examples(...)
  local box
  for i = 1, select("#", ...) do
    local path = select(i, ...)
    check.argument("learn.read_examples", path, "text")
    local read, message = core.examples_load(path, box)
    if not read then fail.raise("learn.read_examples: %s: %s", path, message) end
    box = read
  end
  if not box then fail.raise("learn.read_examples: expected paths of files, got none") end
  return setmetatable({ box = box }, Examples)
end

--- How many there are.
-- @treturn number
function Examples:count() return core.examples_count(self.box) end

local flows_rule = {
  group = { type = "integer", min = 0, max = 2 ^ 32 - 1, required = true },
  flow = { type = "list", required = true }, counts = { type = "list", required = true },
  links = { type = "list", required = true }, truth = { type = "list", required = true },
  base = { type = "list", required = true }, ideal = { type = "list", required = true },
}

--- Add flows of one group, such as those of a run; whole groups are held out of a training.
-- @tparam table flows `group` (a number), `flow` (features of all, one behind the other), `counts`
-- (of each, how many links its way has), `links` (features of all links), and how long each took:
-- `truth`, `base` (as the engine has it), `ideal` (alone on its path)
function Examples:add(flows)
  local o = check.options("examples:add", flows, flows_rule)
  engine.call(core.examples_add, self.box, o.group, o.flow, o.counts, o.links, o.truth, o.base,
    o.ideal)
end

--- Write them to a file.
-- @tparam string path
function Examples:save(path)
  check.argument("examples:save", path, "text")
  local good, message = core.examples_save(self.box, path)
  if not good then fail.raise("examples:save: %s", message) end
end

--- Examples of a run with engine = "learned" and examples = true.
-- @tparam table recorded what sim:examples() gives
-- @tparam {number,...} truth_ps completion time of each flow in truth, in the order of flows; below
-- 0: unknown
-- @tparam[opt] function group_of flow (from 0) to its group; default: all are group 1
-- @tparam[opt] Examples into those to which they are added
-- @treturn Examples
function M.of_run(recorded, truth_ps, group_of, into)
  check.argument("learn.of_run: recorded", recorded, "table")
  for _, name in ipairs { "rows", "flow_features", "link_features" } do
    check.argument("learn.of_run: recorded." .. name, recorded[name], "list")
  end
  check.argument("learn.of_run: truth_ps", truth_ps, "numbers")
  if group_of ~= nil then check.argument("learn.of_run: group_of", group_of, "function") end
  local groups, order = {}, {}
  for _, row in ipairs(recorded.rows) do
    local truth = truth_ps[row.flow + 1]
    if truth and truth > 0 and row.base_ps > 0 and row.ideal_ps > 0 then
      local number = group_of and group_of(row.flow) or 1
      local its = groups[number]
      if not its then
        its = { group = number, flow = {}, counts = {}, links = {}, truth = {}, base = {},
          ideal = {} }
        groups[number], order[#order + 1] = its, its
      end
      for _, value in ipairs(row.values) do its.flow[#its.flow + 1] = value end
      for _, link in ipairs(row.links) do
        for _, value in ipairs(link) do its.links[#its.links + 1] = value end
      end
      local n = #its.counts + 1
      its.counts[n], its.truth[n] = #row.links, truth
      its.base[n], its.ideal[n] = row.base_ps, row.ideal_ps
    end
  end
  local examples = into or M.examples { flow_features = recorded.flow_features,
    link_features = recorded.link_features }
  for _, its in ipairs(order) do examples:add(its) end
  return examples
end

-- ---- training ---------------------------------------------------------------------------------

local defaults = core.training_default()

local train_rule = {
  examples = { type = "table", required = true },
  architecture = { type = "string", default = "sets" },
  from = { type = "table" }, base = { type = "string", default = "fluid-cc" },
  command = { type = "string", default = "weft.learn.train" },
  epochs = { type = "number", min = 0.01, max = 1e6 },
  floor_pct = { type = "number" },
  checkpoint = { type = "string" }, resume = { type = "boolean", default = false },
  quiet = { type = "boolean", default = false },
}
-- Fields of the core's training; what is left out is at its default.
for _, name in ipairs(util.sorted_keys(defaults)) do
  train_rule[name] = { type = type(defaults[name]) == "number" and "number" or "string" }
end
train_rule.schedule = { type = "enum", choices = core.constants.schedule }

local STEPS_AT_ONCE = 10
local CHECKPOINT_S = 30

local function percent(share) return units.fixed(100 * share, 2) end

local function describe(state, began, first, now, floor_pct)
  local done = state.step - first
  local left = done > 0 and (now - began) / done * (state.steps - state.step) or 0
  local text = ("step %d of %d, error %s %%"):format(state.step, state.steps, percent(state.loss))
  if state.held_groups > 0 then
    text = text .. (", held out %s %% (best %s, without correction %s%s)"):format(
      percent(state.last.mean), percent(state.best.mean), percent(state.base.mean),
      floor_pct and ", floor " .. units.fixed(floor_pct, 2) or "")
  end
  return ("%s, %.0f s left"):format(text, left)
end

local function settings_of(o, examples)
  local settings = {}
  for name in pairs(defaults) do settings[name] = o[name] end -- order-free: a copy
  if o.epochs then
    if o.steps then fail.raise("learn.train: expected one of epochs and steps, got both") end
    local held = o.held_out or defaults.held_out
    local batch = math.min(o.batch or defaults.batch, examples:count())
    local steps = math.floor(o.epochs * (1 - held) * examples:count() / batch + 0.5)
    settings.steps = util.integer(math.max(steps, 1))
  end
  return settings
end

-- Until it is over, or Ctrl-C: true if that came.
local function run(trainer, o)
  local began, line = util.wall_s(), progress.line()
  local first, saved = core.trainer_state(trainer).step, began
  local function save()
    if not o.checkpoint then return end
    local good, message = core.trainer_save(trainer, o.checkpoint)
    if not good then fail.raise("learn.train: checkpoint: %s", message) end
  end
  local stopped = false
  while engine.call(core.trainer_run, trainer, STEPS_AT_ONCE) do
    local now = util.wall_s()
    if not o.quiet and line:is_due(now) then
      line:say(describe(core.trainer_state(trainer), began, first, now, o.floor_pct), now)
    end
    if now - saved > CHECKPOINT_S then
      save()
      saved = now
    end
    if core._interrupted() then
      stopped = true
      break
    end
  end
  save()
  line:finish()
  return stopped
end

--- Train a model.
-- @tparam table options `examples`, `architecture` ("sets"), `from` (a model to begin from),
-- `epochs` or `steps`, `seed`, `rate`, `hidden`, `batch`, `held_out` (share of groups), ... as in
-- help("trainer_create"); `base` (the engine that it corrects), `command` (that made it),
-- `floor_pct` (error that nothing can be below, for the progress), `checkpoint` (a file),
-- `resume` (go on from it), `quiet`
-- @treturn Model the best by what is held out
-- @treturn table where the training is: `step`, `best`, `base`, ...
-- @treturn boolean whether Ctrl-C ended it
function M.train(options)
  local o = check.options("learn.train", options, train_rule)
  if getmetatable(o.examples) ~= Examples then
    fail.raise("learn.train: examples: expected examples, got %s", fail.show(o.examples))
  elseif o.from and getmetatable(o.from) ~= Model then
    fail.raise("learn.train: from: expected a model, got %s", fail.show(o.from))
  end
  local trainer, message = engine.call(core.trainer_create, o.examples.box, o.architecture,
    settings_of(o, o.examples), o.from and o.from.box)
  if not trainer then fail.raise("learn.train: %s", message) end
  if o.resume then
    if not o.checkpoint then fail.raise("learn.train: resume: expected a checkpoint, got nil") end
    local good, why = core.trainer_resume(trainer, o.checkpoint)
    if not good then fail.at(o.checkpoint, "%s", why) end
  end
  local stopped = run(trainer, o)
  local box = engine.call(core.trainer_model, trainer)
  core.model_set_texts(box, o.base, o.command)
  if o.floor_pct then core.model_set_metric(box, "floor_mean_pct", o.floor_pct) end
  return new_model(box), core.trainer_state(trainer), stopped
end

guard.class("model", "model", Model)
guard.class("examples", "examples", Examples)

return guard.module("learn", M)
