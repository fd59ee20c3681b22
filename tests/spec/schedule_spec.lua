-- Workloads from schedules of other tools: GOAL and connection matrices of htsim.
local goal = require "weft.formats.goal"
local htsim = require "weft.formats.htsim"
local program = require "program"
local support = require "support"
local weft = require "weft"

local FIXTURES = "tests/fixtures/"
local temporary

after_each(function()
  if temporary then os.remove(temporary) end
  temporary = nil
end)

local function read_text(read, content)
  temporary = support.file(content)
  return read(temporary)
end

local function simulation(hosts)
  -- Without ECN or telemetry a lone flow takes its ideal time to the picosecond.
  return weft.simulation { topology = weft.topology.star { hosts = hosts }, cc = "window" }
end

local function run(work, hosts)
  local sim = simulation(hosts)
  local job = sim:add_job(work)
  sim:run()
  return job, sim
end

-- Add a workload from the text of a file, and run it.
local function run_text(kind, content, hosts, options)
  temporary = support.file(content)
  local given = { file = temporary }
  for key, value in pairs(options or {}) do given[key] = value end
  return run(weft.workload[kind](given), hosts)
end

-- A schedule with both kinds of dependencies, and a message to any receiver.
local DEPENDENCIES = [[
num_ranks 3
rank 0 {
a: calc 1500
b: send 100000b to 1 tag 7
b irequires a
c: recv 7b from -1 tag -1
c requires b
}
rank 1 {
d: recv 100000b from 0 tag 7
e: send 7b to 0 tag 3
e requires d
f: calc 100
f irequires e
f requires d
}
rank 2 {
}
]]

local function word(value, count)
  local bytes = {}
  for i = 1, count or 4 do
    bytes[i] = string.char(value % 256)
    value = (value - value % 256) / 256
  end
  return table.concat(bytes)
end

-- An operation of a binary schedule; the last four: how many wait for its end, from where on in the
-- list, and for its start.
local function operation(kind, peer, size, tag, ends, end_at, starts, start_at)
  return word(0) .. word(kind, 1) .. word(peer) .. word(size, 8) .. word(tag) .. word(0, 2)
    .. word(ends) .. word(end_at) .. word(starts) .. word(start_at)
end

-- The same as DEPENDENCIES.
local function binary()
  local any = 2 ^ 32 - 1
  local ranks = {
    word(3) .. word(1) .. word(0) .. operation(3, 0, 1500, 0, 0, 0, 1, 0)
      .. operation(1, 1, 100000, 7, 1, 1, 0, 2) .. operation(2, any, 7, any, 0, 2, 0, 2)
      .. word(1) .. word(2),
    word(3) .. word(1) .. word(0) .. operation(2, 0, 100000, 7, 2, 0, 0, 2)
      .. operation(1, 0, 7, 3, 0, 2, 1, 2) .. operation(3, 0, 100, 0, 0, 3, 0, 3)
      .. word(1) .. word(2) .. word(2),
    word(0) .. word(0),
  }
  local head, at = word(4223, 8) .. word(3) .. word(0, 2), 6 + 3 * 16
  for _, rank in ipairs(ranks) do
    head = head .. word(at, 8) .. word(at + #rank, 8)
    at = at + #rank
  end
  return head .. table.concat(ranks)
end

describe("GOAL schedule", function()
  it("takes the sum of a chain of computations and messages", function()
    local job, sim = run(weft.workload.goal { file = FIXTURES .. "pingpong.goal" }, 2)
    local ideal = sim.core:ideal_fct(0, 1, 40000) + sim.core:ideal_fct(1, 0, 500)
    assert.equal(2000e3 + 3000e3 + ideal, job:time_ps())
    assert.equal(2, #sim:flows())
    assert.matches("^goal of 6 operations over 2 ranks, 40.5 kB: ", job:summary())
  end)

  it("starts later and elsewhere if told so, in another unit of time", function()
    local job, sim = run(weft.workload.goal {
      file = FIXTURES .. "pingpong.goal", ranks = { "h2", "h0" }, start = "1ms", calc = "1us",
    }, 3)
    local ideal = sim.core:ideal_fct(2, 0, 40000) + sim.core:ideal_fct(0, 2, 500)
    assert.equal(5000e6 + ideal, job:time_ps())
    assert.same({ 2, 0 }, sim:flows():column "src")
    assert.equal(1e9 + 2000e6, sim:flows():column "start_ps"[1])
  end)

  it("begins with what it irequires, and ends not before it is received", function()
    local job, sim = run_text("goal", "num_ranks 2\nrank 0 {\na: calc 100\nb: calc 5000\n"
      .. "c: send 10b to 1\nb requires a\nc irequires b\n}\n"
      .. "rank 1 {\nwait: calc 90000\ngot: recv 10b from 0\ngot requires wait\n}\n", 2)
    assert.same({ 100e3 }, sim:flows():column "start_ps")
    assert.equal(90000e3, job:time_ps())
  end)

  it("gives messages to receives by sender and tag, in the order of the file", function()
    local net = read_text(goal.read, "num_ranks 3\nrank 0 {\nsend 1b to 2 tag 5\n"
      .. "send 2b to 2 tag 6\nsend 3b to 2 tag 5\n}\nrank 1 {\nsend 4b to 2 tag 9\n}\n"
      .. "rank 2 {\nrecv 0b from -1 tag -1\nrecv 0b from 0 tag 5\nrecv 0b from 0 tag -1\n"
      .. "recv 0b from 0 tag 5\n}\n")
    local got = {}
    for id = 5, 8 do got[#got + 1] = net.amount[net.message[id]] end
    assert.same({ 4, 1, 2, 3 }, got)
  end)

  it("may have comments, labels of operations' names, and several things on a line", function()
    local net
    local content = "/* one\n rank 5 { */ num_ranks 2 // two\nrank 1 { }\n"
      .. "rank 0 { send: calc 5 /* x */ cpu 3\n recv1 : calc 6 nic 1 cpu 2 }\n"
    assert.same({
      ":4: cpu 3: not simulated: computations of a rank that do not wait for each other go on side"
        .. " by side, on any cpu",
      ":5: nic 1: not simulated: a rank sends by all links of its host, whatever the nic",
    }, support.notices_of_file(function(path) net = goal.read(path) end, content))
    assert.equal("2 2", ("%d %d"):format(net.count, net.ranks))
    assert.same({}, support.notices_of_file(goal.read, "num_ranks 1\nrank 0 {\ncalc 1 cpu 0\n}\n"))
  end)

  it("in binary is that of the text", function()
    local job, sim = run_text("goal", DEPENDENCIES, 3)
    os.remove(temporary)
    local same, twin = run_text("goal", binary(), 3)
    -- Six, and the starts of two that others wait for.
    assert.equal("goal of 8 operations over 3 ranks, 100 kB", job:summary():match("^[^:]*"))
    assert.equal(job:summary(), same:summary())
    assert.equal(job:time_ps(), same:time_ps())
    for _, column in ipairs { "src", "dst", "size_bytes", "start_ps", "fct_ps" } do
      assert.same(sim:flows():column(column), twin:flows():column(column))
    end
    -- The first message begins with its computation, and the answer when it is there.
    local flows = sim:flows()
    assert.same({ 0, flows:row(1).fct_ps }, flows:column "start_ps")
    assert.equal(100007, flows:row(1).size_bytes + flows:row(2).size_bytes)
  end)

  it("in binary is refused where it does not hold together", function()
    local function at(content) return support.error_in_file(goal.read, content) end
    local whole = binary()
    assert.equal(": header: expected 6 bytes from byte 8 on, the file has 10", at(whole:sub(1, 10)))
    assert.equal(": places of the ranks: expected 48 bytes from byte 14 on, the file has 40",
      at(whole:sub(1, 40)))
    assert.equal(": rank 0: expected 117 bytes from byte 74 on, the file has 100",
      at(whole:sub(1, 100)))
    local function with(byte, value)
      return whole:sub(1, byte) .. string.char(value) .. whole:sub(byte + 2)
    end
    -- Rank 0 begins at byte 62, its first operation, a calc, at 74.
    assert.equal(": rank 0, operation 1: expected 1 (send), 2 (receive) or 3 (calc), got 9",
      at(with(74 + 4, 9)))
    assert.equal(": rank 0, operation 2: expected a rank, 0 to 2, got 3", at(with(74 + 39 + 5, 3)))
    assert.equal(": rank 0, operation 1: expected a size up to 2^53, got 18446744073709551616",
      at(with(74 + 9, 255):sub(1, 83) .. ("\255"):rep(8) .. whole:sub(92)))
    assert.matches("^: rank 0, operation %d: a dependent is operation 100 of 3$",
      at(with(74 + 3 * 39, 99)))
    assert.equal(": dependents: expected 400 bytes from byte 195 on, the file has " .. #whole,
      at(with(74 + 39 + 23, 100)))
    assert.equal(": expected at least 1 rank, got 0", at(with(8, 0)))
  end)

  it("takes no time for a message to itself, and a byte for an empty one", function()
    local job, sim = run_text("goal", "num_ranks 2\nrank 0 {\nsend 99b to 0\nrecv 99b from 0\n"
      .. "send 0b to 1\n}\nrank 1 {\nrecv 0b from 0\n}\n", 2)
    assert.same({ 1 }, sim:flows():column "size_bytes")
    assert.equal(sim.core:ideal_fct(0, 1, 1), job:time_ps())
  end)

  it("with a fault names the line", function()
    local function at(content) return support.error_in_file(goal.read, content) end
    local function in_rank(line)
      return at("num_ranks 2\nrank 0 {\na: calc 1\n" .. line .. "\n}\n")
    end
    assert.equal(":1: expected 'num_ranks', got end of file", at "")
    assert.equal(":2: expected 'num_ranks' and a number, got 'ranks'", at "\nranks 2\n")
    assert.equal(":1: the number of ranks: expected 1 to 4194304, got 0", at "num_ranks 0\n")
    assert.equal(":2: a rank: expected 0 to 1, got 2", at "num_ranks 2\nrank 2 {\n}\n")
    assert.equal(":4: rank 0 is there twice", at "num_ranks 2\nrank 0 {\n}\nrank 0 {\n}\n")
    assert.equal(":3: expected '}' at the end of rank 0, got end of file",
      at "num_ranks 2\nrank 0 {\n")
    assert.equal(":4: expected a size in bytes, got 'xb'", in_rank "send xb to 1")
    assert.equal(":4: expected 'b' behind the size, got 'to'", in_rank "send 8 to 1")
    assert.equal(":4: expected 'to' before the other rank, got 'from'", in_rank "send 8b from 1")
    assert.equal(":4: a rank: expected 0 to 1, got -1", in_rank "send 8b to -1")
    assert.equal(":4: a rank: expected -1 to 1, got 7", in_rank "recv 8b from 7")
    assert.equal(":4: expected send, recv or calc, got 'snd'; did you mean 'send'?",
      in_rank "b: snd 8b to 1")
    assert.equal(":4: expected ':', 'requires' or 'irequires' behind 'a', got 'require'",
      in_rank "a require a")
    assert.equal(":4: expected a label of an earlier line of rank 0, got 'b'",
      in_rank "a requires b")
    assert.equal(":4: label 'a' is there twice in rank 0", in_rank "a: calc 2")
    assert.equal(":4: rank 0 sends to rank 1 with tag 3, and nobody receives it",
      in_rank "send 8b to 1 tag 3")
    assert.equal(":4: rank 0 receives from rank 1 with tag 0, but no message is left that fits",
      in_rank "recv 8b from 1")
    assert.equal(":3: operations wait for one another in a circle: line 4 after line 3",
      in_rank "b: calc 1\na requires b\nb requires a")
  end)

  it("with a fault ends the program with status 2", function()
    local file = FIXTURES .. "goal_line7_no_label.goal"
    local _, message, status = program.run(
      ("-e 'require(\"weft\").workload.goal { file = \"%s\" }'"):format(file))
    assert.equal("weft: " .. file
      .. ":7: expected a label of an earlier line of rank 0, got 'l9'\n", message)
    assert.equal(2, status)
  end)

  it("needs as many hosts as ranks", function()
    local work = weft.workload.goal { file = FIXTURES .. "pingpong.goal", ranks = { "h1" } }
    assert.matches("goal: '.*pingpong.goal' has 2 ranks, got 1 hosts in option 'ranks'",
      support.error_of(run, work, 2))
  end)
end)

describe("Connection matrix", function()
  it("starts connections at their times and by triggers", function()
    local job, sim = run(weft.workload.connections { file = FIXTURES .. "chain.cm" }, 4)
    local function ideal(src, dst, size) return sim.core:ideal_fct(src, dst, size) end
    local chain = 5000 + ideal(0, 1, 20000) + ideal(0, 1, 40000) + ideal(0, 3, 50000)
    assert.is_true(chain > ideal(2, 3, 30000))
    assert.equal(chain + ideal(0, 1, 60000), job:time_ps())
  end)

  it("says once that connections of several priorities share one class", function()
    local function said(lines)
      return support.notices_of_file(htsim.read, ("Nodes 4\nConnections %d\nFailures 0\n%s\n")
        :format(#lines, table.concat(lines, "\n")))
    end
    local rest = ": classes are not simulated, all connections share one"
    assert.same({ ":5: prio: 7, connections before it have 2" .. rest }, said {
      "0->1 start 0 size 5 prio 2", "1->0 start 0 size 5 prio 7", "2->0 start 0 size 5" })
    assert.same({ ":6: prio: 1, connections before it have none" .. rest }, said {
      "0->1 start 0 size 5", "1->0 start 0 size 5 addon", "2->0 start 0 size 5 prio 1" })
    assert.same({}, said { "0->1 start 0 size 5 prio 2", "1->0 start 0 size 5 prio 2" })
    assert.same({}, said { "0->1 start 0 size 5", "1->0 start 0 size 5" })
  end)

  it("pairs a multishot trigger's connections with those that fire it", function()
    local _, sim = run_text("connections", "Nodes 4\nConnections 4\nTriggers 1\n"
      .. "0->1 id 1 start 0 size 1000 send_done_trigger 1\n"
      .. "2->3 id 2 start 0 size 9000 send_done_trigger 1\n"
      .. "0->2 id 3 trigger 1 size 1000\n2->0 id 4 trigger 1 size 1000\n"
      .. "trigger id 1 multishot\n", 4)
    local start, fct = sim:flows():column "start_ps", sim:flows():column "fct_ps"
    assert.same({ fct[1], fct[2] }, { start[3], start[4] })
  end)

  it("is read by flows too", function()
    local path = FIXTURES .. "chain.cm"
    local _, sim = run(weft.workload.flows { file = path }, 4)
    assert.equal(5, #sim:flows())
    assert.equal(run(weft.workload.connections { file = path }, 4):time_ps(), sim.jobs[1]:time_ps())
  end)

  it("gives a connection without end the bytes of option 'endless'", function()
    local text = "Nodes 2\nConnections 1\n0->1 start 0.000000 size 0\n"
    local _, sim = run_text("connections", text, 2, { endless = "7kB" })
    assert.same({ 7000 }, sim:flows():column "size_bytes")
    assert.matches("^:3: size 0 is a connection without end: .* option 'endless'$",
      support.error_in_file(htsim.read, text))
  end)

  it("is read back as it was written", function()
    temporary = os.tmpname()
    local flows = {
      { src = 0, dst = 13, size_bytes = 2000000, start_ps = 1234567 },
      { src = 13, dst = 0, size_bytes = 1, start_ps = 0 },
    }
    htsim.write(temporary, 16, flows)
    local net, back = htsim.read(temporary), {}
    for id = 1, net.count do
      back[id] = { src = net.rank[id], dst = net.peer[id], size_bytes = net.amount[id],
        start_ps = net.not_before[id] or 0 }
    end
    assert.same(flows, back)
    assert.equal(16, net.ranks)
  end)

  it("with a fault names the line", function()
    local function at(content) return support.error_in_file(htsim.read, content) end
    local function line(text) return at("Nodes 4\nConnections 1\n" .. text .. "\n") end
    local function triggers(text)
      local count = select(2, text:gsub("%->", ""))
      return at(("Nodes 4\nConnections %d\nTriggers 1\n%s"):format(count, text))
    end
    assert.equal(":1: expected 'Nodes', got end of file", at "")
    assert.equal(":2: expected 'Connections', got end of file", at "Nodes 4\n")
    assert.equal(":1: expected 'Nodes' first, got '0->1 start 0 size 1'",
      at "0->1 start 0 size 1\n")
    assert.equal(":1: Nodes: expected 1 to 4194304, got 0", at "Nodes 0\n")
    assert.equal(":3: expected 1 lines, as 'Connections' says, got 0",
      at "Nodes 4\nConnections 1\n")
    assert.equal(":3: destination: expected 0 to 3, got 4", line "0->4 start 0 size 1")
    assert.equal(":3: expected different hosts, got 2 twice", line "2->2 start 0 size 1")
    assert.equal(":3: unknown word 'sze'; did you mean 'size'?", line "0->1 start 0 sze 1")
    assert.equal(":3: expected a value behind 'size'", line "0->1 start 0 size")
    assert.equal(":3: 'size' is missing", line "0->1 start 0")
    assert.equal(":3: start: expected a time in ps, a whole number, got '0.5'",
      line "0->1 start 0.5 size 1")
    assert.equal(":3: expected 'start' or 'trigger', got neither", line "0->1 size 1")
    assert.equal(":3: expected 'start' or 'trigger', got both",
      line "0->1 start 0 trigger 1 size 1")
    assert.equal(":3: there is no trigger 1", line "0->1 trigger 1 size 1")
    assert.equal(":3: expected a connection 'src->dst ...' or a trigger, got 'x 1'", line "x 1")
    assert.matches("^:3: failures name switches", line "failure switch_type TOR switch_id 1")
    assert.matches("^:3: failures name switches", line "Failures 1")
    assert.equal(":4: expected the kind of the trigger: barrier, multishot, oneshot",
      triggers "trigger id 1\n")
    assert.equal(":5: nothing fires trigger 1",
      triggers "0->1 trigger 1 size 1\ntrigger id 1 oneshot")
    assert.equal(":6: trigger 1 is oneshot, but 2 connections fire it",
      triggers("0->1 start 0 size 1 send_done_trigger 1\n0->2 start 0 size 1 send_done_trigger 1\n"
        .. "trigger id 1 oneshot"))
    assert.equal(":5: trigger 1 waits for 2 connections, but 1 fire it",
      triggers "0->1 start 0 size 1 send_done_trigger 1\ntrigger id 1 barrier count 2")
  end)

  it("with a fault ends the program with status 2", function()
    local file = FIXTURES .. "connections_line5_malformed.cm"
    local _, message, status = program.run(
      ("-e 'require(\"weft\").workload.connections { file = \"%s\" }'"):format(file))
    assert.equal("weft: " .. file .. ":5: expected a connection 'src->dst ...' or a trigger, got "
      .. "'0=>1 id 1 start 5000 size 20000 send_done_trigger 1'\n", message)
    assert.equal(2, status)
  end)
end)
