--- weft train: train a model that corrects completion times. The examples come from runs of a
-- family of workloads, in processes of their own, or from files.
local fail = require "weft.fail"
local learn = require "weft.learn"
local runs = require "weft.learn_runs"
local params = require "weft.params"
local pool = require "weft.pool"
local progress = require "weft.progress"
local results = require "weft.results"
local topology = require "weft.topology"
local util = require "weft.util"

local M = {}

local unpack = table.unpack or unpack

local DONE, BROKEN, INTERRUPTED = 0, 1, 130
local ARCHITECTURES = { "sets" }
local FLOOR_EVERY = 16 -- cases of which the floor is worked out, too

local function declaration(architecture)
  return {
    name = "train " .. architecture, out = architecture .. ".weft",
    brief = "Train a model that corrects completion times (docs/learning.md); --out is its file.",
    { name = "fabric", choices = { "m4" }, default = "m4",
      help = "family of workloads and fabrics whose runs are learned from" },
    { name = "cases", type = "integer", default = 96, min = 2, max = 100000,
      help = "runs of it; case i has seed --seed + i - 1" },
    { name = "flows", type = "integer", default = 2000, min = 10, max = 1000000,
      help = "of a case" },
    { name = "hosts", type = "integer", default = 32, help = "32, 64 or 128" },
    { name = "rate", type = "rate", default = "10Gbps", help = "of hosts" },
    { name = "sizes", choices = { "mixed", "meta", "synthetic" }, default = "mixed",
      help = "distributions of flow sizes" },
    { name = "data", help = "learn from recordings instead: CSV files with commas between them" },
    { name = "topology", help = "of recordings: file of the fabric" },
    { name = "examples", help = "learn from files that --keep wrote, with commas between them" },
    { name = "keep", help = "write the examples to this file" },
    { name = "from", help = "model to begin from, which is fine-tuned" },
    { name = "epochs", type = "number", default = 20, min = 0.01, max = 1e6,
      help = "how often each example is looked at" },
    { name = "hidden", type = "integer", default = 64, min = 1, max = 512,
      help = "width of layers" },
    { name = "limit", type = "number", default = 0.1, min = 0.01, max = 10,
      help = "of the logarithm of a correction" },
    { name = "batch", type = "integer", default = 1024, min = 1, help = "examples in a step" },
    { name = "learn_rate", type = "number", min = 1e-9, max = 1,
      help = "highest rate of learning; default: 0.004, with --from 0.001" },
    { name = "held_out", type = "number", default = 0.1, min = 0, max = 0.9,
      help = "share of runs by which it is judged, and from which it does not learn" },
    { name = "patience", type = "integer", default = 0, min = 0,
      help = "end after so many judgements (20 in all) without a better one; 0: never" },
    { name = "checkpoint", help = "file in which the training is kept while it goes on" },
    { name = "resume", type = "boolean", help = "go on from --checkpoint" },
    { name = "jobs", type = "integer", min = 1, max = 1024,
      help = "processes and threads; default: as many as cores" },
    { name = "run", help = "this case only, into --keep: what the processes do" },
  }
end

local function split(text)
  local list = {}
  for word in text:gmatch "[^,]+" do list[#list + 1] = word end
  return list
end

local function given_of(args)
  return { seed = args.seed, flows = args.flows, hosts = args.hosts, rate_bps = args.rate,
    sizes = args.sizes }
end

-- ---- a process --------------------------------------------------------------------------------

-- One case, into a file; prints its number and, of some, the floor.
local function run_case(args)
  local number = tonumber(args.run)
  local with_floor = (number - 1) % FLOOR_EVERY == 0
  local case = args:blame(nil, runs.case, number, given_of(args))
  local examples, floor = args:blame(nil, runs.run, case, { set = args.set, floor = with_floor })
  if not examples then return INTERRUPTED end
  args:blame("keep", examples.save, examples, args.keep .. "/" .. args.run)
  print(floor and ("%s %.17g"):format(args.run, floor) or args.run)
  return DONE
end

-- ---- examples ---------------------------------------------------------------------------------

local function arguments(args, architecture, folder)
  local list = { architecture, "--seed", args.seed, "--flows", args.flows, "--hosts", args.hosts,
    "--rate", ("%.0fbps"):format(args.rate), "--sizes", args.sizes, "--keep", folder, "--quiet" }
  for name, value in util.sorted_pairs(args.set) do
    list[#list + 1] = "--set"
    list[#list + 1] = ("%s=%s"):format(name, tostring(value))
  end
  return list
end

-- Run all cases; the files they have left, in the order of the cases, and the mean floor.
local function run_cases(args, architecture, folder)
  local line, began = progress.line(), util.wall_s()
  local items, files, floors = {}, {}, {}
  for i = 1, args.cases do items[i] = util.integer(i) end
  local count = 0
  local function done(text)
    local number, floor = text:match "^(%d+) ?(%S*)$"
    number = tonumber(number)
    if not number then return end
    count = count + 1
    files[number] = folder .. "/" .. ("%d"):format(number)
    floors[#floors + 1] = tonumber(floor)
    local now = util.wall_s()
    if args.quiet or not line:is_due(now) then return end
    line:say(("%d of %d cases run, %.0f s left"):format(count, args.cases,
      (now - began) / count * (args.cases - count)), now)
  end
  local outcome = pool.run { program = rawget(_G, "arg")[-1], script = "train",
    arguments = arguments(args, architecture, folder), items = items, jobs = args.jobs,
    done = done }
  line:finish()
  local list, sum = {}, 0
  table.sort(floors)
  for i = 1, args.cases do list[#list + 1] = files[i] end
  for _, floor in ipairs(floors) do sum = sum + floor end
  return outcome, list, #floors > 0 and sum / #floors or nil
end

local function from_cases(args, architecture)
  -- What is wrong with options is found before any process is started.
  local few = given_of(args)
  few.flows = 10
  args:blame(nil, runs.probe, args:blame("hosts", runs.case, 1, few), args.set)
  local folder = os.tmpname()
  os.remove(folder)
  args:blame("keep", results.folder, folder)
  local outcome, files, floor = run_cases(args, architecture, folder)
  local examples = outcome == "done" and learn.read_examples(unpack(files)) or nil
  os.execute(("rm -r '%s'"):format(folder))
  return examples, floor, outcome
end

local function from_recordings(args)
  if not args.topology then
    fail.at("train", "option --data: expected --topology with it, got none")
  end
  local options = { topology = args:blame("topology", topology.from_file, args.topology),
    set = args.set }
  return args:blame("data", runs.of_recordings, split(args.data), options)
end

local function examples_of(args, architecture)
  if args.examples then
    return args:blame("examples", learn.read_examples, unpack(split(args.examples)))
  elseif args.data then
    return from_recordings(args)
  end
  return from_cases(args, architecture)
end

-- ---- training ---------------------------------------------------------------------------------

-- The command as it can be given again.
local function command_of(words)
  local list = { "weft train" }
  for i = 1, #words do list[#list + 1] = words[i] end
  return table.concat(list, " ")
end

local function say(state, seconds, floor)
  local function percent(share) return ("%.2f"):format(100 * share) end
  io.stderr:write(("trained on %s of %s in %.0f s\n"):format(
    util.counted(state.examples, "flow"), util.counted(state.groups - state.held_groups, "run"),
    seconds))
  if state.held_groups == 0 then return end
  io.stderr:write(("error on %s held out, mean / p90 / p99 of slowdown, %%: %s / %s / %s; "
    .. "without correction %s / %s / %s%s\n"):format(util.counted(state.held_groups, "run"),
    percent(state.best.mean), percent(state.best.p90), percent(state.best.p99),
    percent(state.base.mean), percent(state.base.p90), percent(state.base.p99),
    floor and (" (floor of the mean: %.2f)"):format(floor) or ""))
end

-- What cannot be written is found before the work.
local function check_files(args)
  for _, name in ipairs { "out", "keep", "checkpoint" } do
    if args[name] then args:blame(name, util.check_writable, args[name]) end
  end
  if args.resume and not args.checkpoint then
    fail.at("train", "option --resume: expected --checkpoint with it, got none")
  end
end

local function train(args, architecture, words)
  check_files(args)
  local from = args.from and args:blame("from", learn.load, args.from)
  local examples, floor, outcome = examples_of(args, architecture)
  if not examples then
    if outcome == "failed" then io.stderr:write("weft: train: a case has failed\n") end
    return outcome == "failed" and BROKEN or INTERRUPTED
  end
  if args.keep then args:blame("keep", examples.save, examples, args.keep) end
  local began = util.wall_s()
  local model, state, stopped = args:blame(nil, learn.train, {
    examples = examples, architecture = architecture, from = from, epochs = args.epochs,
    hidden = args.hidden, limit = args.limit, batch = args.batch,
    held_out = args.held_out, patience = args.patience,
    rate = args.learn_rate or (from and 1e-3) or nil, seed = args.seed, threads = args.jobs,
    floor_pct = floor, checkpoint = args.checkpoint, resume = args.resume, quiet = args.quiet,
    command = command_of(words),
  })
  args:blame("out", model.save, model, args.out)
  if not args.quiet then
    say(state, util.wall_s() - began, floor)
    io.stderr:write(("written: %s\n"):format(args.out))
  end
  return stopped and INTERRUPTED or DONE
end

--- Do what the command line says, which is in the global `arg` behind the word train.
-- @treturn integer status of the process
function M.main()
  local arg = rawget(_G, "arg")
  local words = {}
  for i = 1, #arg do words[i] = arg[i] end
  local architecture = "sets"
  if arg[1] and arg[1]:sub(1, 1) ~= "-" then architecture = table.remove(arg, 1) end
  local known = false
  for _, name in ipairs(ARCHITECTURES) do known = known or name == architecture end
  if not known then
    fail.at("train", "unknown architecture '%s'%s", architecture,
      fail.hint(architecture, ARCHITECTURES))
  end
  local args = params.read(declaration(architecture))
  if args.run then return run_case(args) end
  return train(args, architecture, words)
end

return M
