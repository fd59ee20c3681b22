--- Flows on given paths under max-min sharing: folders of cases.csv (a row per case: its fabric and
-- how many of the nodes are hosts), links.csv (links of each fabric) and flows.csv.
--
-- Bits are payload alone, links are full duplex, and a completion time is that of the transfer: no
-- delays, no headers.

local weft = require "weft"

local M = {}

local BPS_PER_GBPS = 1e9
local PS_PER_NS = 1000

local CASES = { "case", "fabric", { "hosts", type = "integer", min = 1 } }
local LINKS = {
  "fabric", { "a", type = "integer", min = 0 }, { "b", type = "integer", min = 0 },
  { "gbps", type = "number", min = 2e-3 },
}
local FLOWS = {
  "case", "flow", { "bytes", type = "integer", min = 1 }, { "start_ns", type = "number", min = 0 },
  "path", { "fct_ns", type = "number", default = false },
}

local function pair_of(a, b) return ("%.0f-%.0f"):format(math.min(a, b), math.max(a, b)) end

local function read_links(path)
  local fabrics = {}
  for row, line in weft.csv.rows(path, LINKS) do
    fabrics[row.fabric] = fabrics[row.fabric] or { nodes = 0, between = {} }
    local links = fabrics[row.fabric]
    row.place = ("%s:%d"):format(path, line)
    links[#links + 1] = row
    links.nodes = math.max(links.nodes, row.a + 1, row.b + 1)
    local pair = pair_of(row.a, row.b)
    links.between[pair] = (links.between[pair] or 0) + 1
  end
  return fabrics
end

-- The nodes of a path, "0-16-1".
local function nodes_of(text, place)
  local nodes, known = {}, text:find "^%d+%-[%d%-]*%d$" and not text:find("--", 1, true)
  for word in text:gmatch "%d+" do nodes[#nodes + 1] = "n" .. word:gsub("^0+(%d)", "%1") end
  if not known then
    weft.fail.at(place, "column 'path': expected nodes such as 0-16-1, got %s",
      weft.fail.show(text))
  end
  return nodes
end

-- A path names nodes, so it must not matter by which link it goes on.
local function check_parallel(row, links)
  for i = 2, #row.nodes do
    local pair = pair_of(tonumber(row.nodes[i - 1]:sub(2)), tonumber(row.nodes[i]:sub(2)))
    local count = links.between[pair] or 0
    if count > 1 then
      weft.fail.at(row.place, "column 'path': expected a single link %s, but fabric '%s' has %d",
        pair, links[1].fabric, count)
    end
  end
end

--- Read a folder.
-- @tparam string dir
-- @treturn table `cases` (in their order: `name`, `hosts`, `links`, `flows`), `flows` (in the order
-- of the file: `case`, `flow`, `bytes`, `start_ns`, `nodes`, `fct_ns` if the file has it, `place`)
function M.read(dir)
  local fabrics = read_links(dir .. "/links.csv")
  local set, by_name, flow_of = { cases = {}, flows = {} }, {}, {}
  for row, line in weft.csv.rows(dir .. "/cases.csv", CASES) do
    local place = ("%s/cases.csv:%d"):format(dir, line)
    if by_name[row.case] then weft.fail.at(place, "case '%s' is there twice", row.case) end
    local links = fabrics[row.fabric]
    if not links then
      weft.fail.at(place, "fabric '%s' is not in links.csv%s", row.fabric,
        weft.fail.hint(row.fabric, weft.util.sorted_keys(fabrics)))
    elseif row.hosts > links.nodes then
      weft.fail.at(place, "column 'hosts': expected at most %d, the nodes of '%s', got %d",
        links.nodes, row.fabric, row.hosts)
    end
    local case = { name = row.case, hosts = row.hosts, links = links, flows = {} }
    set.cases[#set.cases + 1], by_name[row.case] = case, case
  end
  for row, line in weft.csv.rows(dir .. "/flows.csv", FLOWS) do
    local place = ("%s/flows.csv:%d"):format(dir, line)
    local case = by_name[row.case]
    if not case then
      weft.fail.at(place, "case '%s' is not in cases.csv%s", row.case,
        weft.fail.hint(row.case, weft.util.sorted_keys(by_name)))
    end
    local key = weft.csv.field(row.case) .. "," .. weft.csv.field(row.flow)
    if flow_of[key] then weft.fail.at(place, "flow %s is there twice", key) end
    flow_of[key] = true
    row.place, row.nodes = place, nodes_of(row.path, place)
    check_parallel(row, case.links)
    set.flows[#set.flows + 1] = row
    case.flows[#case.flows + 1] = row
  end
  return set
end

local function name_of(id) return ("n%.0f"):format(id) end

-- Nodes are those that links name, whatever their numbers.
local function build(case)
  local net, there = weft.fabric.new(), {}
  for _, link in ipairs(case.links) do there[link.a], there[link.b] = true, true end
  for _, id in ipairs(weft.util.sorted_keys(there)) do
    net:add_node(name_of(id), id < case.hosts and "host" or "switch")
  end
  for _, link in ipairs(case.links) do
    local rate = math.floor(link.gbps * BPS_PER_GBPS + 0.5)
    net:connect(name_of(link.a), name_of(link.b), rate, 0, nil, link.place)
  end
  return net
end

--- The simulation of a case, ready to run.
-- @tparam table case of M.read
-- @treturn Simulation
function M.simulation(case)
  local sim = weft.simulation {
    topology = build(case), engine = "fluid", compat = "flowsim", header = 0,
  }
  for _, flow in ipairs(case.flows) do
    local nodes = flow.nodes
    -- What is wrong with a path is a mistake in the file.
    weft.fail.blame(flow.place, nil, sim.add_flow, sim, {
      src = nodes[1], dst = nodes[#nodes], size = flow.bytes, path = nodes,
      start = ("%.0fps"):format(flow.start_ns * PS_PER_NS),
    })
  end
  return sim
end

--- Print `case,flow,fct_ns` of all flows of a folder, in the order of its file.
-- @tparam string dir
-- @treturn boolean false if it was interrupted
function M.run(dir)
  local set = M.read(dir)
  for _, case in ipairs(set.cases) do
    local sim = M.simulation(case)
    if sim:run() == "interrupted" then return false end
    for i, fct_ps in ipairs(sim.core:column("flows", "fct_ps")) do
      case.flows[i].found_ns = fct_ps / PS_PER_NS
    end
    sim:close()
  end
  io.stdout:write("case,flow,fct_ns\n")
  for _, flow in ipairs(set.flows) do
    io.stdout:write(("%s,%s,%.6f\n"):format(weft.csv.field(flow.case),
      weft.csv.field(flow.flow), flow.found_ns))
  end
  return true
end

return M
