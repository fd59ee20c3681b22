--- Engine `learned`: the model that it corrects completion times by, and examples to train with.
-- @module weft.learned

local check = require "weft.check"
local engine = require "weft.engine"
local fail = require "weft.fail"
local notice = require "weft.notice"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

M.rules = {
  model = { type = "string",
    brief = "With engine learned: file of the model, or 'none'; default: that which comes with it."
  },
  examples = { type = "boolean", default = false,
    brief = "With engine learned: keep what a model is told of each flow, for sim:examples()." },
}

local DEFAULT = "weft/models/sets.weft"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local bytes = file:read "*a"
  file:close()
  return bytes
end

-- The model that comes with weft lies beside its modules.
local function default_model()
  for template in package.path:gmatch "[^;]+" do
    local path = template:gsub("%?%.lua$", function() return DEFAULT end)
    local bytes = path ~= template and read(path)
    if bytes then return path, bytes end
  end
  return fail.raise("simulation: engine 'learned' finds no model %s; expected model = \"file\"",
    DEFAULT)
end

--- Take the options that are none of the core's.
-- @tparam table config as checked, with the engine's name; loses `model` and `examples`
-- @treturn table
function M.take_options(config)
  local taken = { model = config.model, examples = config.examples }
  config.model, config.examples = nil, nil
  if config.engine ~= "learned" then
    if taken.model or taken.examples then
      fail.raise("simulation: option '%s': engine '%s' has no model; expected engine = 'learned'",
        taken.model and "model" or "examples", config.engine or "packet")
    end
    return nil
  end
  if taken.model == nil then
    taken.model, taken.bytes = default_model()
  elseif taken.model ~= "none" then
    taken.bytes = read(taken.model)
    if not taken.bytes then
      fail.raise("simulation: option 'model': cannot read %s", fail.show(taken.model))
    end
  end
  return taken
end

--- Give a simulation its model.
-- @tparam Simulation sim
-- @tparam ?table taken what M.take_options gave
function M.begin(sim, taken)
  if not taken then return end
  if taken.bytes then
    engine.call(sim.core.resource_add, sim.core, "weights", taken.model, taken.bytes)
    -- What is wrong with the file is told now, and not by the first run.
    local good, message = pcall(sim.core.run, sim.core, 0)
    if not good then
      fail.raise("simulation: option 'model': %s: %s", taken.model,
        (tostring(message):gsub("^.-WEFT_%u+: ", ""):gsub("^model: ", "")))
    end
  end
  if taken.examples then sim.core:learned_record() end
end

local function features(core)
  local list, i = {}, 0
  while true do
    local name, least, most, seen = core:learned_feature(i)
    if not name then return list end
    list[i + 1], i = { name = name, least = least, most = most, seen = seen }, i + 1
  end
end

--- Say which quantity was furthest outside of what the model was trained on, if any was.
-- @tparam Simulation sim that has run
function M.looked(sim)
  if sim.core:config().engine ~= "learned" then return end
  local worst, by = nil, 0.05
  for _, one in ipairs(features(sim.core)) do
    local span = math.max(one.most - one.least, 1e-3)
    local beyond = math.max(one.least - one.seen, one.seen - one.most) / span
    if beyond > by then worst, by = one, beyond end
  end
  if not worst then return end
  notice.once("learned: range", "engine learned: %s is %s, and the model was trained on %s to %s:"
    .. " corrections may be wrong", worst.name, units.digits(worst.seen, 3),
    units.digits(worst.least, 3), units.digits(worst.most, 3))
end

--- Examples of all flows that were corrected, with option `examples`.
-- @tparam Simulation sim
-- @treturn table `flow_features` and `link_features` (names), `rows`: of each flow `flow`,
-- `base_ps`, `ideal_ps`, `values` (by flow feature), `links` (list of lists, by link feature)
function M.examples(sim)
  check.argument("learned.examples", sim, "simulation")
  local all, nf = features(sim.core), 0
  while all[nf + 1] and all[nf + 1].name ~= "is_first" do nf = nf + 1 end
  local out = { flow_features = {}, link_features = {}, rows = {} }
  for i, one in ipairs(all) do
    local list = i <= nf and out.flow_features or out.link_features
    list[#list + 1] = one.name
  end
  local values, at, nl = sim.core:learned_examples(), 1, #all - nf
  local function take(n)
    local part = {}
    for i = 1, n do part[i] = values[at + i - 1] end
    at = at + n
    return part
  end
  while at <= #values do
    local head = take(4)
    local row = { flow = util.integer(head[1]), base_ps = head[2], ideal_ps = head[3] }
    row.values, row.links = take(nf), {}
    for i = 1, head[4] do row.links[i] = take(nl) end
    out.rows[#out.rows + 1] = row
  end
  return out
end

return M
