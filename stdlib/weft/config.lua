--- Experiments as other simulators describe them: a configuration file of the HPCC simulator
-- (config.txt), of m3's branch of it, of SimAI (SimAI.conf) or conweave, or a topology of htsim
-- (.topo), as options of weft.simulation, the files that it names, and what was left out.
-- @module weft.config
-- @usage
-- local config = weft.config.from_file("mix/config.txt")
-- print(config)
-- config:simulation():run { stop_at = config.stop_at }

local base = require "weft.workload.base"
local check = require "weft.check"
local effect = require "weft.effect"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local guard = require "weft.guard"
local hpcc = require "weft.formats.hpcc"
local hpcc_compat = require "weft.formats.hpcc_compat"
local hpcc_config = require "weft.formats.hpcc_config"
local hpcc_options = require "weft.formats.hpcc_options"
local htsim_topo = require "weft.formats.htsim_topo"
local notice = require "weft.notice"
local topology = require "weft.topology"
local util = require "weft.util"

local M = {}

local Config = {}
Config.__index = Config

--- What can be asked of a configuration, for help.
M.methods = Config

-- ---- files ------------------------------------------------------------------------------------

-- Folders above that of the configuration where its files are looked for: the simulators name them
-- as seen from where they are started, such as the folder above mix/.
local ABOVE = 4

-- Where a file is: as named from here, else as seen from the configuration's folder or one of those
-- above it. A file that is nowhere keeps its name.
local function find(name, beside)
  if not name or util.exists(name) or name:sub(1, 1) == "/" then return name end
  local folder = beside:match("^.*/") or "./"
  for _ = 0, ABOVE do
    if util.exists(folder .. name) then return folder .. name end
    local last = folder:match("([^/]+)/$")
    local is_named = last and last ~= "." and last ~= ".."
    folder = is_named and folder:sub(1, -#last - 2) or folder .. "../"
  end
  return name
end

local NOT_FOUND = "%s '%s': there is no such file, neither from here nor from the folder of '%s';"
  .. " give option '%s'%s"

local function need_file(self, key, option)
  local path = self.files[option]
  if not util.exists(path) then
    fail.raise(NOT_FOUND, key, path, self.path, option,
      option == "flows" and " (false: none)" or "")
  end
  return path
end

-- ---- reading ----------------------------------------------------------------------------------

local RULES = {
  format = { type = "enum", choices = hpcc_config.FORMATS },
  compat = { type = "boolean", default = false },
  buffer_unit = { type = "enum", choices = hpcc_options.BUFFER_UNITS },
  skip = { type = "list", default = {} },
  lenient = { type = "boolean" },
  topology = { type = "any" },
  flows = { type = "any" },
}

-- What notices begin with: the file, or for a table the line of the script.
local function said_of(self)
  if not self.is_table then return self.path end
  return ("%s: config"):format(fail.place() or "script")
end

-- One line about what a reader would not expect to be left out.
local function say_ignored(self)
  local unknown, others = {}, {}
  -- What is said of a key, behind its line if it has one.
  local function with_line(one, ...)
    local parts = { ... }
    if not self.is_table then table.insert(parts, 1, ("line %d"):format(one.line)) end
    return #parts > 0 and ("%s (%s)"):format(one.name, table.concat(parts, ": ")) or one.name
  end
  for _, one in ipairs(self.ignored) do
    if one.kind == "unknown" then
      local hint = one.hint and ("; did you mean %s?"):format(one.hint) or ""
      unknown[#unknown + 1] = self.is_table and one.name .. hint
        or ("%s (line %d%s)"):format(one.name, one.line, hint)
    elseif one.kind == "not simulated" or one.kind == "overridden" then
      others[#others + 1] = with_line(one, one.why)
    end
  end
  if #unknown > 0 then
    others[#others + 1] = ("not known to that simulator (%s): %s"):format(self.format,
      table.concat(unknown, ", "))
  end
  if #others > 0 then notice.say("%s: ignored: %s", said_of(self), table.concat(others, "; ")) end
end

local function say_missing(self)
  if #self.missing > 0 then
    notice.say("%s: not there, so as weft has it: %s", said_of(self),
      table.concat(self.missing, ", "))
  end
end

local function skipped(list, entries)
  local set, names, there = {}, {}, {}
  for i, entry in ipairs(entries) do names[i], there[entry.name] = entry.name, true end
  for i, name in ipairs(list) do
    check.value(("config: option 'skip', number %d"):format(i), name, { type = "string" })
    if not there[name] then
      fail.raise("config: option 'skip': there is no key '%s'%s", name, fail.hint(name, names))
    end
    set[name] = true
  end
  return set
end

local function file_option(what, value)
  if value == nil or value == false or type(value) == "string" then return value end
  return fail.raise("config: option '%s': expected the path of a file, got %s", what,
    fail.show(value))
end

-- Loss for the links that have none of their own, in a fabric that was read here.
local function add_loss(self)
  for _, link in ipairs(self.fabric and not self.is_given and self.fabric.links or {}) do
    if link.loss == 0 then link.loss = self.loss end
  end
end

-- The fabric: one that was given, or read from the file that was given or is named.
local function load_fabric(self)
  if self.fabric then return self.fabric end
  if not self.files.topology then
    fail.raise("config: '%s' names no topology; give option 'topology'", self.path)
  end
  self.fabric = topology.from_file(need_file(self, "TOPOLOGY_FILE", "topology"),
    { lenient = self.lenient })
  add_loss(self)
  return self.fabric
end

local function interpret(self, entries, o)
  local found = hpcc_options.interpret(entries, {
    format = self.format, compat = o.compat, buffer_unit = o.buffer_unit,
    skip = skipped(o.skip, entries), fabric = function() return load_fabric(self) end,
  })
  for key, value in pairs(found) do self[key] = value end -- order-free: a copy
  effect.accept(self.options)
  if found.loss > 0 and self.is_given then
    local lossy = 0
    for _, link in ipairs(self.fabric.links) do lossy = lossy + (link.loss > 0 and 1 or 0) end
    fail.raise("config: ERROR_RATE_PER_LINK: the fabric that was given has its own losses (%s);"
      .. " give its links that loss, and leave the key out with skip = { \"ERROR_RATE_PER_LINK\" }",
      lossy == 0 and "none" or util.counted(lossy, "link"))
  end
  add_loss(self) -- with compat the fabric has been read
  say_ignored(self)
  say_missing(self)
end

local function named_files(self, entries, o)
  self.lenient = o.lenient
  local files, keys = self.files, { TOPOLOGY_FILE = "topology", FLOW_FILE = "flows",
    TRACE_FILE = "trace" }
  for _, entry in ipairs(entries) do
    if entry.kind == "output" and entry.name:find("_FILE$") then
      self.outputs[entry.name] = entry.value
    elseif entry.kind and keys[entry.name] then
      files[keys[entry.name]] = find(entry.value, self.path)
    end
  end
  if fabric.is(o.topology) then
    self.fabric, self.is_given, files.topology = o.topology, true, nil
  elseif o.topology ~= nil then
    files.topology = file_option("topology", o.topology)
  end
  if o.flows ~= nil then
    files.flows = file_option("flows", o.flows) or nil
    self.adds_flows = true
  end
end

local function new(path, format)
  return setmetatable({ path = path, format = format, options = {}, ignored = {}, missing = {},
    files = {}, outputs = {}, loss = 0, adds_flows = format ~= "simai" }, Config)
end

local function read_tree(path, o)
  for _, name in ipairs { "compat", "buffer_unit" } do
    if o[name] then
      fail.raise("config: option '%s': '%s' is a topology of htsim, which says nothing else", name,
        path)
    end
  end
  local self = new(path, "htsim")
  named_files(self, {}, o)
  if not self.files.topology and not self.fabric then
    self.files.topology = path
    self.fabric, self.ignored = htsim_topo.read_topology(path)
  end
  return self
end

--- Read a configuration.
-- @tparam string path config.txt of the HPCC simulator or of what was made from it, SimAI.conf, or
-- a topology of htsim (.topo)
-- @tparam[opt] table options `compat` (true: the quirks of that simulator too, for comparison flow
-- by flow), `format` ("hpcc", "m3", "simai", "conweave"; default: as the keys tell), `topology` (a
-- file or a fabric instead of the one named), `flows` (a file instead of the one named; false:
-- none), `buffer_unit` ("MiB", "KiB": of BUFFER_SIZE; default: as that simulator counts), `skip`
-- (list of keys to be left out), `lenient` (of the files of topology and flows: lines that their
-- counts do not cover are no error)
-- @treturn Config `options` (for weft.simulation), `files` (`topology`, `flows`, `trace`: paths as
-- far as they were found), `outputs` (files that it would write, by key), `ignored` (list of
-- `{ name, value, line, kind, why }`), `format`, `stop_at`, `link_down`; prints as all of that
function M.from_file(path, options)
  check.argument("config.from_file", path, "text")
  local o = check.options("config.from_file", options, RULES)
  if not o.format and (path:lower():find("%.topo$") or htsim_topo.is(path)) then
    return read_tree(path, o)
  end
  local entries, format = hpcc_config.read(path, o.format)
  local self = new(path, format)
  named_files(self, entries, o)
  interpret(self, entries, o)
  return self
end

--- A configuration from a table of the keys and values of such a file.
-- @tparam table values as { CC_MODE = 3, RATE_AI = "50Mb/s", KMIN_MAP = "1 100000000000 400", ... }
-- @tparam[opt] table options as for from_file
-- @treturn Config
function M.from_table(values, options)
  check.argument("config.from_table", values, "table")
  local o = check.options("config.from_table", options, RULES)
  for _, name in ipairs(util.sorted_keys(values)) do
    local value = values[name]
    local kind = type(value)
    if type(name) ~= "string" then
      fail.raise("config.from_table: expected values by key, got %s for %s", fail.show(value),
        fail.show(name))
    elseif kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      fail.raise("config.from_table: %s: expected text, a number or true or false, got %s", name,
        fail.show(value))
    end
  end
  local format = o.format or "hpcc"
  local self = new("config", format)
  self.is_table = true
  local good, err = pcall(function()
    local entries = hpcc_config.from_table("config", values, format)
    named_files(self, entries, o)
    interpret(self, entries, o)
  end)
  if good then return self end
  -- A table has no lines: the place is the script's.
  if fail.is(err) and err.place == "config" then fail.raise("config: %s", err.message) end
  return error(err, 0)
end

-- ---- running ----------------------------------------------------------------------------------

--- The fabric: read once, with the loss of ERROR_RATE_PER_LINK on links that have no other.
-- @treturn weft.Fabric
function Config:topology() return load_fabric(self) end

-- Flows with the ports that the simulator gives them, by which ECMP chooses: counted up from 10000
-- for each pair of hosts.
local function begin_ported(work, sim, engine)
  local count, total, next_port = 0, 0, {}
  for src, dst, size_bytes, start_ps, line, _, dport in hpcc.values(work.file, work) do
    local place = ("%s:%d"):format(work.file, line)
    local from, to = sim.fabric:host(src, place), sim.fabric:host(dst, place)
    local pair = src .. ">" .. dst
    local sport = next_port[pair] or 10000
    next_port[pair] = sport + 1
    if from == to then base.same_host("flow " .. count + 1, from, place) end
    engine.call(sim.core, "flow_add", {
      src = from.id, dst = to.id, size_bytes = size_bytes, tag = work.tag,
      start_ps = hpcc_compat.start_ps(start_ps), sport = sport, dport = dport,
    })
    count, total = count + 1, total + size_bytes
  end
  return { count = count, bytes = total, ended = true, start_ps = work.start_ps }
end

local function flow_workload(self, path)
  local listed = not path:lower():find("%.csv$") and not path:lower():find("%.cm$")
  if self.options.compat and listed then
    return base.new { kind = "flows", options = {}, file = path, lenient = self.lenient,
      begin = begin_ported }
  end
  return require("weft.workload.flows").flows { file = path, lenient = self.lenient }
end

local function take_down(self, sim)
  local down = self.link_down
  if not down then return end
  local net = sim.fabric
  local links = net:links_between(net:node(down.a, down.place), net:node(down.b, down.place))
  if #links == 0 then
    fail.at(down.place, "LINK_DOWN: there is no link between '%s' and '%s'", net:node(down.a).name,
      net:node(down.b).name)
  end
  sim:fail(links[#links], { at = down.at })
end

--- The simulation, ready to run: fabric, options, flows, and the link that goes down.
-- @tparam[opt] table more options of weft.simulation, which win
-- @treturn Simulation
-- @treturn ?Job of the flows, if there are any
function Config:simulation(more)
  check.value("config: options of the simulation", more or {}, { type = "table" })
  local options = {}
  for name, value in pairs(self.options) do options[name] = value end -- order-free: a copy
  for name, value in pairs(more or {}) do options[name] = value end -- order-free: a copy
  options.topology = options.topology or load_fabric(self)
  local sim = require("weft.simulation").new(options)
  take_down(self, sim)
  local job
  if self.files.flows and self.adds_flows then
    job = sim:add_job(flow_workload(self, need_file(self, "FLOW_FILE", "flows")))
  end
  return sim, job
end

--- Build the simulation and run it until the configuration stops it.
-- @tparam[opt] table more options of weft.simulation, which win
-- @treturn Simulation
-- @treturn ?Job of the flows, if there are any
function Config:run(more)
  local sim, job = self:simulation(more)
  sim:run { stop_at = self.stop_at }
  return sim, job
end

-- ---- printing ---------------------------------------------------------------------------------

-- Without what a terminal would obey.
local function shown(value)
  if type(value) == "table" then return util.counted(#value, "rate") end
  return (tostring(value):gsub("%c", "?"))
end

function Config:__tostring()
  local lines = { ("configuration %s: %s"):format(shown(self.path), self.format) }
  for name, value in util.sorted_pairs(self.options) do
    lines[#lines + 1] = ("  %-20s %s"):format(name, shown(value))
  end
  for name, path in util.sorted_pairs(self.files) do
    lines[#lines + 1] = ("  %-20s %s%s"):format(name, shown(path),
      util.exists(path) and "" or " (not found)")
  end
  if self.stop_at then lines[#lines + 1] = ("  %-20s %s"):format("stop_at", self.stop_at) end
  for _, one in ipairs(self.ignored) do
    lines[#lines + 1] = ("  ignored %s%s %s: %s"):format(
      self.is_table and "" or ("line %d, "):format(one.line), shown(one.name), shown(one.value),
      one.why)
  end
  return table.concat(lines, "\n")
end

guard.class("config", "configuration", Config)

return guard.module("config", M)
