-- Execution traces of Chakra as jobs, and the wire format that they are in.
local chakra = require "weft.formats.chakra"
local lfs = require "lfs"
local program = require "program"
local protobuf = require "weft.formats.protobuf"
local support = require "support"
local weft = require "weft"

local folder

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(lfs.mkdir(folder))
end)

after_each(function()
  for name in lfs.dir(folder) do
    if name:sub(1, 1) ~= "." then os.remove(folder .. "/" .. name) end
  end
  lfs.rmdir(folder)
end)

-- ---- traces ----

local field = protobuf.field
local COMP, SEND, RECV, COLL = 4, 5, 6, 7
local ALL_REDUCE, REDUCE, ALL_GATHER, GATHER, SCATTER, BROADCAST, ALL_TO_ALL, BARRIER =
  0, 1, 2, 3, 4, 5, 6, 9

-- An attribute; `as` is the field of its value: 9 int64, 7 int32, 29 string, 27 bool.
local function attribute(name, value, as)
  return field(10, field(1, name) .. field(as or 9, value))
end

-- A node: { id, type, after = { ids }, us =, attributes... }.
local function node(what)
  local parts = { field(1, what[1]), field(2, "n" .. what[1]), field(3, what[2]) }
  for _, id in ipairs(what.after or {}) do parts[#parts + 1] = field(5, id) end
  if what.us then parts[#parts + 1] = field(7, what.us) end
  if what.values then parts[#parts + 1] = field(8, field(1, what.values)) end
  for i = 3, #what do parts[#parts + 1] = what[i] end
  return table.concat(parts)
end

local function message(text) return protobuf.encode(#text) .. text end

-- Write the trace of a rank; returns its name.
local function trace(rank, nodes, name)
  local path = ("%s/%s.%d.et"):format(folder, name or "t", rank)
  local file = assert(io.open(path, "wb"))
  file:write(message(field(1, "0.0.4")))
  for _, one in ipairs(nodes) do file:write(message(type(one) == "table" and node(one) or one)) end
  file:close()
  return path
end

local function send(id, to, bytes, more)
  local what = { id, SEND, attribute("comm_dst", to, 7), attribute("comm_size", bytes) }
  for key, value in pairs(more or {}) do what[key] = value end
  return what
end

local function receive(id, from, more)
  local what = { id, RECV, attribute("comm_src", from, 7), attribute("comm_size", 1) }
  for key, value in pairs(more or {}) do what[key] = value end
  return what
end

local function collective(id, kind, bytes, more)
  local what = { id, COLL, attribute("comm_type", kind), attribute("comm_size", bytes) }
  if more and more.group then what[#what + 1] = attribute("pg_name", more.group, 29) end
  what.after = more and more.after
  return what
end

-- A collective with further attributes.
local function with(what, ...)
  for _, one in ipairs { ... } do what[#what + 1] = one end
  return what
end

-- A list attribute; packed as int64_list (10), or bool_list (28).
local function list_attribute(name, values, as)
  local packed = {}
  for i, value in ipairs(values) do packed[i] = protobuf.encode(value) end
  return attribute(name, field(1, table.concat(packed)), as or 10)
end

local function run(options, hosts)
  local sim = weft.simulation { topology = weft.topology.star { hosts = hosts }, cc = "window" }
  options = options or { dir = folder }
  local job = sim:add_job(weft.workload.chakra(options))
  sim:run()
  return job, sim
end

local function alone(kind, size, ranks, hosts)
  local sim = weft.simulation { topology = weft.topology.star { hosts = hosts }, cc = "window" }
  sim.core:collective_add { kind = kind, size_bytes = size, ranks = ranks }
  sim:run()
  return sim:tasks():column "end_ps"[1]
end

local function bytes(...) return string.char(...) end

describe("Wire format", function()
  it("has numbers of 64 bits", function()
    local function read(text)
      local low, high = protobuf.varint(text, 1)
      return protobuf.unsigned(low, high), protobuf.signed(low, high), protobuf.zigzag(low, high)
    end
    assert.same({ 300, 300, 150 }, { read(bytes(0xac, 0x02)) })
    assert.same({ 1, 1, -1 }, { read(bytes(0x01)) })
    local _, minus = read(bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
    assert.equal(-1, minus)
    assert.is_nil((read(bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))))
    for _, value in ipairs { 0, 127, 128, 2 ^ 28 - 1, 2 ^ 28, 2 ^ 32, 9876543210, 2 ^ 53 - 1 } do
      assert.equal(value, (read(protobuf.encode(value))))
    end
    assert.is_nil(protobuf.varint(bytes(0x80), 1))
  end)

  it("is read as Google's protobuf writes it", function()
    -- Node { id 1, name "a", type COMM_SEND_NODE, data_deps packed [0], attr comm_dst int32 1,
    -- comm_size int64 131072 }, behind its length, and a node 0 that takes 7 us.
    local path = folder .. "/x.0.et"
    local file = assert(io.open(path, "wb"))
    file:write(bytes(2, 0x0a, 0x00), bytes(4, 0x18, 4, 0x38, 7), bytes(41, 0x08, 1, 0x12, 1), "a",
      bytes(0x18, 5, 0x2a, 1, 0, 0x52, 12, 0x0a, 8), "comm_dst", bytes(0x38, 1), bytes(0x52, 15,
      0x0a, 9), "comm_size", bytes(0x48, 0x80, 0x80, 0x08))
    file:close()
    trace(1, { receive(0, 0) }, "x")
    local job, sim = run(nil, 2)
    assert.same({ 131072 }, sim:flows():column "size_bytes")
    assert.equal(7e6 + sim.core:ideal_fct(0, 1, 131072), job:time_ps())
  end)
end)

describe("JSON reader", function()
  local json_reader = require "weft.formats.json_reader"

  local function read(content)
    local path = support.file(content)
    finally(function() os.remove(path) end)
    return json_reader.open(path):value()
  end

  it("reads values", function()
    local value = read('\239\187\191 {"a": [1, -2.5, 1e3, true, false, null, ""],\r\n "b": {}, '
      .. '"c": []}')
    value[json_reader.AT], value.b[json_reader.AT] = nil, nil
    assert.same({ a = { 1, -2.5, 1000, true, false, json_reader.null, "" }, b = {}, c = {} }, value)
    assert.equal('q"\\/\b\f\n\r\t \195\169 \226\130\172 \240\157\132\158',
      read [["q\"\\\/\b\f\n\r\t \u00e9 \u20AC \ud834\udd1e"]])
    assert.equal(9007199254740992, read "9007199254740992")
    assert.equal("18446744073709551615", read "18446744073709551615")
  end)

  it("with a fault names the line", function()
    local function at(content)
      return support.error_in_file(function(path)
        local reader = json_reader.open(path)
        while reader:value() do end
      end, content)
    end
    assert.equal(":2: expected ',' or ']' behind a value of a list, got end of file", at "[1,\n2")
    assert.equal(":1: expected a value, got '}'", at "[1, }")
    assert.equal(":3: expected a name in quotes, got 'b'", at '{"a": 1,\n\n b: 2}')
    assert.equal(":1: expected ':' behind 'a', got '1'", at '{"a" 1}')
    assert.equal(":1: expected ',' or '}' behind a value, got '\"'", at '{"a": 1 "b": 2}')
    assert.equal(":2: expected '\"' at the end of a text", at '{\n"a: 1}\n')
    assert.equal(":1: expected an escape, got '\\x41\"'", at [["\x41"]])
    assert.equal(":1: expected a value, got '1e'", at "[1e]")
    assert.equal(":1: expected a value, got 'NaN'", at "[NaN]")
    assert.equal(":1: expected at most 100 levels", at(("["):rep(1e5)))
  end)
end)

-- The same two ranks in each form of JSON: 5 us, then an AllReduce of 64,000 bytes and a message of
-- 30,000 from rank 0 to rank 1.
local function json_of(rank, form)
  if form == "jsonizer" then
    return ([[{
  "version": "0.0.4"
}{
  "name": "COMP_NODE",
  "type": "COMP_NODE",
  "durationMicros": "5",
  "attr": [
    { "name": "is_cpu_op", "boolVal": false }
  ]
}{
  "id": "1",
  "name": "sum",
  "type": "COMM_COLL_NODE",
  "dataDeps": [
    "0"
  ],
  "attr": [
    { "name": "comm_type", "int64Val": "0" },
    { "name": "comm_size", "int64Val": "64000" },
    { "name": "pg_name", "stringVal": "0" }
  ]
}{
  "id": "2", "name": "p2p", "type": "%s", "dataDeps": [ "1" ], "startTimeMicros": "77",
  "attr": [
    { "name": "%s", "int32Val": %d },
    { "name": "comm_size", "int64Val": "30000" }
  ]
}]]):format(rank == 0 and "COMM_SEND_NODE" or "COMM_RECV_NODE",
      rank == 0 and "comm_dst" or "comm_src", 1 - rank)
  elseif form == "feeder" then
    return ([[{
  "workload_graph": [
    { "Id": 10, "Name": "a", "NodeType": 4, "runtime": 5, "data_deps": [], "is_cpu_op": false },
    { "Id": 11, "Name": "b", "NodeType": 7, "data_deps": [10], "is_cpu_op": false,
      "comm_type": 0, "comm_priority": 0, "comm_size": 64000, "ctrlDeps": [3] },
    { "Id": 12, "Name": "c", "NodeType": %d, "data_deps": [11], "is_cpu_op": false,
      "comm_src": 0, "comm_dst": 1, "comm_tag": 0, "comm_size": 30000 }
  ],
  "workload_name": "w", "ngpus": 2, "soc": "s"
}]]):format(5 + rank)
  end
  local nodes = ([[[
    { "id": 1, "name": "a", "type": "COMP_NODE", "duration_micros": 5 },
    { "id": 2, "name": "b", "type": "COMM_COLL_NODE", "data_deps": [1], "commType": "ALL_REDUCE",
      "attr": [ { "name": "comm_size", "type": "uint64", "value": 64000 } ] },
    { "id": 3, "name": "c", "type": %d, "data_deps": [2], "comm_size": 30000,
      "attrs": [ { "name": "comm_src", "value": 0 }, { "name": "comm_dst", "uint32_val": 1 } ] }
  ]
]]):format(5 + rank)
  return form == "list" and nodes or ('{ "schema": "1.0", "nodes": %s }'):format(nodes)
end

describe("Chakra trace in JSON", function()
  local function write(rank, content)
    local path = ("%s/t.%d.json"):format(folder, rank)
    local file = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
    return path
  end

  it("is read in every form that Chakra's tools have", function()
    trace(0, { { 0, COMP, us = 5 }, collective(1, ALL_REDUCE, 64000, { after = { 0 } }),
      send(2, 1, 30000, { after = { 1 } }) })
    trace(1, { { 0, COMP, us = 5 }, collective(1, ALL_REDUCE, 64000, { after = { 0 } }),
      receive(2, 0, { after = { 1 } }) })
    local job, sim = run(nil, 2)
    local time = job:time_ps()
    assert.equal(5e6 + alone("allreduce", 64000, { 0, 1 }, 2), sim:flows():row(5).start_ps)
    for rank = 0, 1 do os.remove(("%s/t.%d.et"):format(folder, rank)) end
    for _, form in ipairs { "jsonizer", "feeder", "list", "nodes" } do
      for rank = 0, 1 do write(rank, json_of(rank, form)) end
      assert.equal(time, run(nil, 2):time_ps(), form)
    end
    for rank = 0, 1 do
      write(rank, "\239\187\191" .. json_of(rank, "jsonizer"):gsub("\n", "\r\n"))
    end
    assert.equal(time, run(nil, 2):time_ps())
  end)

  it("has process groups, gathers and splits as the other form", function()
    local function node_of(rank, kind, more)
      write(rank, ('{}{"id": "0", "type": "COMM_COLL_NODE", "attr": [{"name": "comm_type",'
        .. '"int64Val": "%d"}, {"name": "comm_size", "int64Val": "900"}%s]}'):format(kind, more))
    end
    local function flows()
      local _, sim = run(nil, 3)
      local list = {}
      for _, row in sim:flows():rows() do
        list[#list + 1] = ("%d-%d:%d"):format(row.src, row.dst, row.size_bytes)
      end
      table.sort(list)
      return table.concat(list, " ")
    end
    for rank = 0, 2 do node_of(rank, GATHER, ', {"name": "root", "int64Val": "1"}') end
    assert.equal("0-1:900 2-1:900", flows())
    for rank = 0, 2 do
      node_of(rank, ALL_TO_ALL, rank == 1 and "" or
        ', {"name": "in_split_sizes", "int64List": {"values": ["1", "2", "6"]}}')
    end
    assert.equal("0-1:200 0-2:600 1-0:300 1-2:300 2-0:100 2-1:200", flows())
    write(0, [[{}{"type": "METADATA_NODE", "inputs": {"values": "['[{\"pg_name\": \"4\", ]]
      .. [[\"ranks\": [0, 2]}]']"}} {"id": "1", "type": "COMM_COLL_NODE", "attr": [{"name": ]]
      .. [["comm_type", "int64Val": "2"}, {"name": "comm_size", "int64Val": "50"}, {"name": ]]
      .. [["pg_name", "stringVal": "4"}]}]])
    write(2, support.content(folder .. "/t.0.json"))
    write(1, "{}")
    assert.equal("0-2:50 2-0:50", flows())
  end)

  it("with a fault names the line", function()
    local function at(content)
      local path = write(0, content)
      local text = support.error_of(chakra.read, { path })
      assert.equal(path, text:sub(1, #path))
      return text:sub(#path + 1)
    end
    assert.equal(": expected a Chakra trace, got an empty file", at " \n")
    assert.equal(":1: expected an object or a list of nodes, got 7", at "7")
    assert.equal(":2: node 5 is there twice", at '[{"id": 5},\n{"id": 5}]')
    assert.equal(":2: node 2 waits for node 9, which is not in the file",
      at '[{"id": 5},\n{"id": 2, "data_deps": [9]}]')
    assert.equal(":1: operations wait for one another in a circle: node 2 (line 2) after node 5"
      .. " (line 1)",
      at '[{"id": 5, "type": 4, "data_deps": [2]},\n{"id": 2, "type": 4, "data_deps": [5]}]')
    assert.equal(":1: a node: unknown member 'data_dep'; did you mean 'data_deps'?",
      at '[{"id": 5, "data_dep": [1]}]')
    assert.equal(":1: type of a node: expected a whole number, 0 to 2^53, got 'COMP', which is no"
      .. " enumerator either", at '[{"type": "COMP"}]')
    assert.equal(":1: type of a node: expected 0 to 7, got 8", at '[{"type": 8}]')
    assert.equal(":1: node 1 'x': attribute 'comm_type' is missing",
      at '[{"id": 1, "name": "x", "type": 7}]')
    for _, size in ipairs { "9007199254740993", "1e300", "18446744073709551616" } do
      assert.matches("^:1: attribute 'comm_size': expected a whole number, 0 to 2^53, got ",
        at('[{"type": 7, "comm_size": ' .. size .. '}]'))
    end
    assert.equal(":1: attribute 'comm_size': expected a whole number, 0 to 2^53, got -1",
      at '[{"type": 7, "comm_size": -1}]')
    assert.equal(":1: id: expected a whole number, 0 to 2^53, got '18446744073709551615'",
      at '[{"id": 18446744073709551615}]')
    assert.matches("^:1: expected an execution trace, got a host trace of PyTorch, whose nodes have"
      .. " no types: chakra_trace_link and chakra_converter", at('{"schema": "1", "nodes": ['
      .. '{"id": 2, "name": "aten::empty", "ctrl_deps": 1, "attrs": []}]}'))
    assert.matches("^:1: expected an execution trace, got a profile of Kineto",
      at '{"traceEvents": []}')
    assert.matches("^:1: expected ',' or '%]' behind a value of a list, got end of file$",
      at '[{"id": 1}')
  end)
end)

describe("Chakra trace", function()
  it("takes the sum of a chain of computations and messages", function()
    trace(0, { { 7, COMP, us = 5 }, send(8, 1, 30000, { after = { 7 } }), receive(9, 1) })
    trace(1, { receive(1, 0), { 2, COMP, us = 3, after = { 1 } },
      send(3, 0, 40, { after = { 2 } }) })
    local job, sim = run(nil, 2)
    local ideal = sim.core:ideal_fct(0, 1, 30000) + sim.core:ideal_fct(1, 0, 40)
    assert.equal(8e6 + ideal, job:time_ps())
    assert.matches("^chakra of 6 operations over 2 ranks", job:summary())
  end)

  it("may name what a node waits for before it comes", function()
    trace(0, { send(1, 1, 100, { after = { 2 } }), { 2, COMP, us = 1 } })
    trace(1, { receive(1, 0) })
    assert.same({ 1e6 }, select(2, run(nil, 2)):flows():column "start_ps")
  end)

  it("holds a collective until the last rank is there", function()
    for rank = 0, 3 do
      trace(rank, { { 0, COMP, us = 10 * rank },
        collective(1, ALL_REDUCE, 64000, { after = { 0 } }) })
    end
    assert.equal(30e6 + alone("allreduce", 64000, { 0, 1, 2, 3 }, 4), run(nil, 4):time_ps())
  end)

  it("takes an AllGather's size as what a rank contributes", function()
    for rank = 0, 2 do trace(rank, { collective(0, ALL_GATHER, 1000) }) end
    for _, size in ipairs(select(2, run(nil, 3)):flows():column "size_bytes") do
      assert.equal(1000, size)
    end
  end)

  -- Flows as sorted text "src-dst:bytes", and the job.
  local function exchange(hosts, options)
    local job, sim = run(options, hosts)
    local list = {}
    for _, row in sim:flows():rows() do
      list[#list + 1] = ("%d-%d:%d"):format(row.src, row.dst, row.size_bytes)
    end
    table.sort(list)
    return table.concat(list, " "), job, sim
  end

  it("gathers at one rank", function()
    for rank = 0, 2 do trace(rank, { collective(0, GATHER, 1000 * (rank + 1)) }) end
    local flows, job, sim = exchange(3)
    assert.equal("1-0:2000 2-0:3000", flows)
    assert.equal(5000, job:result().size_bytes)
    -- Two packets of 1,000 and three share the root's link, all of 1,048 bytes: the last is there
    -- behind a first hop of one, five more and two times 1 us.
    assert.equal(sim.core:ideal_fct(1, 0, 5000), job:time_ps())
    for rank = 0, 2 do
      trace(rank, { with(collective(0, GATHER, 700), attribute("root", 2)) })
    end
    assert.equal("0-2:700 1-2:700", (exchange(3)))
    trace(0, { { 0, COMP, us = 1 } })
    for rank = 1, 2 do
      trace(rank, { with(collective(0, GATHER, 700, { group = "7" }), attribute("root_rank", 1)) })
    end
    assert.equal("2-1:700", (exchange(3, { dir = folder, groups = { ["7"] = { 2, 1 } } })))
    trace(0, { collective(0, GATHER, 700, { group = "7" }) })
    trace(1, { { 0, COMP, us = 1 } })
    assert.matches("t.0.et: message 2, byte 9: rank 0 has a gather of a process group that it is"
      .. " not in$", support.error_of(run, { dir = folder, groups = { ["7"] = { 2, 1 } } }, 3))
  end)

  it("scatters from one rank", function()
    for rank = 0, 2 do trace(rank, { collective(0, SCATTER, 10000) }) end
    local flows, job = exchange(3)
    -- A third each; the first parts take what does not divide.
    assert.equal("0-1:3333 0-2:3333", flows)
    assert.equal(6666, job:result().size_bytes)
    for rank = 0, 2 do -- others say what they get, or nothing
      trace(rank, { with(collective(0, SCATTER, rank == 1 and 9000 or 0), attribute("root", 1)) })
    end
    assert.equal("1-0:3000 1-2:3000", (exchange(3)))
    for rank = 0, 1 do trace(rank, { collective(0, SCATTER, rank * 5000) }) end
    os.remove(folder .. "/t.2.et")
    local sim
    flows, job, sim = exchange(2)
    assert.equal("0-1:5000", flows)
    assert.equal(sim.core:ideal_fct(0, 1, 5000), job:time_ps())
  end)

  it("has roots of broadcasts and reductions", function()
    local function of_two(kind, ...)
      for rank = 0, 1 do trace(rank, { with(collective(0, kind, 900), ...) }) end
      return (exchange(2))
    end
    assert.equal("1-0:900", of_two(BROADCAST, attribute("root", 1)))
    assert.equal("0-1:900", of_two(BROADCAST))
    assert.equal("0-1:900", of_two(REDUCE, attribute("root", 1)))
  end)

  it("lets ranks put different sizes into an all-to-all", function()
    for rank = 0, 2 do trace(rank, { collective(0, ALL_TO_ALL, 3000 * rank) }) end
    local flows, job = exchange(3)
    assert.equal("1-0:1000 1-2:1000 2-0:2000 2-1:2000", flows)
    assert.equal(6000, job:result().size_bytes)
    for rank = 0, 2 do trace(rank, { collective(0, ALL_TO_ALL, 3000) }) end
    assert.equal("0-1:1000 0-2:1000 1-0:1000 1-2:1000 2-0:1000 2-1:1000", (exchange(3)))
  end)

  it("shares out an all-to-all-v by its splits", function()
    -- In rows of which 12,000 bytes are six; in bytes; evenly; as text.
    trace(0, { with(collective(0, ALL_TO_ALL, 12000),
      list_attribute("in_split_sizes", { 1, 2, 3 })) })
    trace(1, { with(collective(0, ALL_TO_ALL, 900), list_attribute("in_split", { 400, 500, 0 })) })
    trace(2, { collective(0, ALL_TO_ALL, 600) })
    local flows, job, sim = exchange(3)
    assert.equal("0-1:4000 0-2:6000 1-0:400 2-0:200 2-1:200", flows)
    assert.equal(10800, job:result().size_bytes)
    -- The first rank's 10,000 bytes leave by one link, as one message of that size would.
    assert.equal(sim.core:ideal_fct(0, 1, 10000), job:time_ps())
    trace(0, { { 0, COLL, attribute("comm_type", ALL_TO_ALL),
      attribute("send_sizes", "[0, 70, 80]", 29) } })
    trace(1, { collective(0, ALL_TO_ALL, 0) })
    trace(2, { collective(0, ALL_TO_ALL, 0) })
    assert.equal("0-1:70 0-2:80", (exchange(3)))
    trace(1, { with(collective(0, ALL_TO_ALL, 1), list_attribute("in_split", { 1, 2 })) })
    assert.matches("t.1.et: message 2, byte 9: in_split: expected 3 numbers, one for each rank of"
      .. " the group, got 2$", support.error_of(run, nil, 3))
  end)

  it("says once what is asked for and not simulated", function()
    local function said(...)
      local nodes = { ... }
      local path = trace(0, nodes)
      local list = support.notices(chakra.read, { path })
      for i, text in ipairs(list) do list[i] = text:sub(#path + 1) end
      return list
    end
    assert.same({ ": message 3: comm_priority 2, nodes before it have 1: classes are not simulated,"
      .. " all messages share one" }, said(
      with(collective(0, ALL_REDUCE, 9), attribute("comm_priority", 1, 7)),
      with(collective(1, ALL_REDUCE, 9), attribute("comm_priority", 2, 7)),
      collective(2, ALL_REDUCE, 9)))
    assert.same({}, said(with(collective(0, ALL_REDUCE, 9), attribute("comm_priority", 1, 7))))
    assert.same({ ": message 3: involved_dim: dimensions of a topology are not known here: all"
      .. " ranks of the group take part" }, said(
      with(collective(0, ALL_REDUCE, 9), list_attribute("involved_dim", { 1, 1 }, 28)),
      with(collective(1, ALL_REDUCE, 9), list_attribute("involved_dim", { 1, 0 }, 28))))
    assert.same({ ": message 2: num_ops without a duration: the computation takes no time",
      ": message 3: a memory access of 1 MiB without a duration takes no time" }, said(
      { 0, COMP, attribute("num_ops", 2 ^ 53) }, { 1, 2, attribute("tensor_size", 2 ^ 20, 13) }))
    assert.same({}, said({ 0, COMP, us = 1, attribute("num_ops", 5) }, { 1, 3, us = 2,
      attribute("tensor_size", 5, 13) }))
    local second = trace(1, { collective(0, ALL_REDUCE, 30) })
    local first = trace(0, { collective(0, ALL_REDUCE, 20) })
    assert.same({ first .. ": message 2: allreduce: rank 0 has 20 bytes, rank 1 30: the largest"
      .. " counts for all" }, support.notices(chakra.read, { first, second }))
  end)

  it("counts collectives by process group, as metadata or a file tell them", function()
    local groups = [=[['[{"pg_name": "5", "ranks": [0, 1]}, {"pg_name": "6", "ranks": [2, 3]}]']]=]
    for rank = 0, 3 do
      local group = rank < 2 and "5" or "6"
      trace(rank, { { 0, 1, values = groups }, collective(1, ALL_REDUCE, 2000, { group = group }),
        collective(2, BARRIER, 0, { after = { 1 } }), collective(3, ALL_REDUCE, 500,
          { group = group, after = { 2 } }) })
      trace(rank, { collective(1, ALL_REDUCE, 2000, { group = group }) }, "u")
    end
    local function files(name)
      local list = {}
      for rank = 0, 3 do list[rank + 1] = ("%s/%s.%d.et"):format(folder, name, rank) end
      return list
    end
    local job, sim = run({ files = files "t" }, 4)
    assert.is_true(job:result().complete)
    assert.equal(4 * 4, #sim:flows())
    for _, row in sim:flows():rows() do assert.equal(row.src < 2, row.dst < 2) end
    local list = support.file('{\n "5": [0, 1],\n "6": [\n  2, 3]\n}\n')
    assert.equal(alone("allreduce", 2000, { 0, 1 }, 4),
      run({ files = files "u", groups = list }, 4):time_ps())
    assert.equal(8, #select(2, run({ files = files "u",
      groups = { ["5"] = { 0, 1 }, ["6"] = { 2, 3 } } }, 4)):flows())
    os.remove(list)
    local lost = trace(0, { collective(1, ALL_REDUCE, 1, { group = "5" }) })
    assert.matches("t.0.et: message 2, byte 9: node 1: there is no process group '5'$",
      support.error_of(chakra.read, { lost }))
  end)

  it("leaves the host's side of a collective to the host", function()
    trace(0, { { 0, COLL, attribute("is_cpu_op", 1, 27), us = 4 } })
    assert.equal(4e6, run(nil, 2):time_ps())
  end)

  it("heeds control dependencies only if told so", function()
    trace(0, { { 0, COMP, us = 1 }, { 1, COMP, field(4, 0), us = 2 } })
    assert.equal(2e6, run(nil, 2):time_ps())
    assert.equal(3e6, run({ dir = folder, control = true }, 2):time_ps())
  end)

  it("is found in a folder, rank by rank", function()
    local function fails(fragment, f, ...)
      local text = support.error_of(f, ...)
      assert.truthy(text:find(fragment, 1, true), text)
    end
    local one = { { 0, COMP, us = 1 } }
    fails("holds no traces NAME.RANK.et", chakra.files, folder)
    fails("no such folder", chakra.files, folder .. "/none")
    for rank = 11, 0, -1 do if rank ~= 3 then trace(rank, one) end end
    fails("holds 11 traces of 't', but not 't.3.et'", chakra.files, folder)
    trace(3, one)
    assert.equal(folder .. "/t.11.et", chakra.files(folder)[12])
    trace(0, one, "other")
    fails("traces of 'other' and of 't': name them with 'files'", chakra.files, folder)
    fails("expected option 'dir' or 'files', got neither", weft.workload.chakra, {})
  end)

  it("with a fault names the message and the byte", function()
    local function at(nodes)
      local path = trace(0, nodes)
      local text = support.error_of(chakra.read, { path })
      assert.equal(path, text:sub(1, #path))
      return text:sub(#path + 1)
    end
    local one = { 0, COMP, us = 1 }
    -- The first message has 7 bytes behind its length, node 0 has 10.
    assert.equal(": message 3, byte 20: node 0 is there twice", at { one, one })
    assert.equal(": message 3: node 4 waits for node 9, which is not in the file",
      at { one, { 4, COMP, after = { 9 } } })
    assert.equal(": message 2: operations wait for one another in a circle: node 2"
      .. " (message 3) after node 1 (message 2)",
      at { { 1, COMP, after = { 2 } }, { 2, COMP, after = { 1 } } })
    assert.equal(": message 2, byte 9: node 0 'n0': attribute 'comm_dst' is missing",
      at { { 0, SEND, attribute("comm_size", 1) } })
    assert.equal(": message 2, byte 9: comm_dst: expected a rank, 0 to 0, got 3",
      at { send(0, 3, 10) })
    assert.equal(": message 2, byte 9: node 0: collective 10 is not supported; expected 0 to 9",
      at { collective(0, 10, 10) })
    assert.equal(": message 2, byte 16: type of a node: expected 0 to 7, got 8", at { { 0, 8 } })
    assert.equal(": message 2, byte 10: field 1 of a node: expected type 0 on the wire, got 2",
      at { field(1, "x") })
    assert.equal(": message 2, byte 10: field 2 goes beyond the end of its message",
      at { bytes(0x12, 5) .. "abc" })
    assert.equal(": message 2, byte 9: field 2: unknown type 3 on the wire", at { bytes(0x13, 5) })
    assert.equal(": message 2, byte 24: attribute 'comm_size': expected a whole number",
      at { field(10, field(1, "comm_size") .. field(29, "x")) })
  end)

  it("begins with its metadata, and is not compressed", function()
    local path = trace(0, {})
    local function begun(content)
      local file = assert(io.open(path, "wb"))
      file:write(content)
      file:close()
      return support.error_of(chakra.read, { path }):sub(#path + 1)
    end
    assert.equal(": expected a Chakra trace, got an empty file", begun "")
    assert.equal(": message 1, byte 2: expected GlobalMetadata (a version and attributes) in front "
      .. "of the nodes", begun(message(node { 0, COMP, us = 1 })))
    assert.matches("got a file compressed by gzip; unpack it first$", begun(bytes(31, 139, 8, 0)))
  end)

  it("that does not fit other ranks' is refused", function()
    local first = trace(0, { collective(0, ALL_REDUCE, 10) })
    local second = trace(1, { collective(0, ALL_GATHER, 10) })
    assert.matches("t.1.et: message 2, byte 9: node 0: rank 1 has all_gather where rank 0 has "
      .. "allreduce %(collective 1 of group ''%)$",
      support.error_of(chakra.read, { first, second }))
    second = trace(1, { { 0, COMP, us = 1 } })
    assert.matches("t.0.et: message 2: allreduce: 1 of the 2 ranks of its process group have no"
      .. " such node$", support.error_of(chakra.read, { first, second }))
  end)

  it("that is cut off ends the program with status 2", function()
    local path = trace(0, { { 0, COMP, us = 1 } })
    local content = support.content(path)
    local file = assert(io.open(path, "wb"))
    file:write(content:sub(1, -4))
    file:close()
    local _, text, status = program.run(
      ("-e 'require(\"weft\").workload.chakra { dir = \"%s\" }'"):format(folder))
    assert.equal("weft: " .. path .. ": message 2, byte 9: expected a message of 10 bytes, got 7 "
      .. "before the end of the file\n", text)
    assert.equal(2, status)
  end)
end)
