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
local ALL_REDUCE, ALL_GATHER, BARRIER = 0, 2, 9

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
    assert.equal(": message 2: operations wait for one another in a circle: message 3 after"
      .. " message 2", at { { 1, COMP, after = { 2 } }, { 2, COMP, after = { 1 } } })
    assert.equal(": message 2, byte 9: node 0 'n0': attribute 'comm_dst' is missing",
      at { { 0, SEND, attribute("comm_size", 1) } })
    assert.equal(": message 2, byte 9: comm_dst: expected a rank, 0 to 0, got 3",
      at { send(0, 3, 10) })
    assert.equal(": message 2, byte 9: node 0: collective GATHER is not supported",
      at { collective(0, 3, 10) })
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
    local function with(content)
      local file = assert(io.open(path, "wb"))
      file:write(content)
      file:close()
      return support.error_of(chakra.read, { path }):sub(#path + 1)
    end
    assert.equal(": expected a Chakra trace, got an empty file", with "")
    assert.equal(": message 1, byte 2: expected GlobalMetadata (a version and attributes) in front "
      .. "of the nodes", with(message(node { 0, COMP, us = 1 })))
    assert.matches("got a file compressed by gzip; unpack it first$", with(bytes(31, 139, 8, 0)))
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
