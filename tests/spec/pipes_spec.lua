-- Files that are no files: standard streams, pipes and devices, to read from and to write to.
local program = require "program"
local support = require "support"

local files = support.files()
local file = files.write
after_each(files.remove)

-- What the shell makes of a command in which PROGRAM and the names of files are put.
local function shell(command, ...)
  local pipe = io.popen((command:gsub("PROGRAM", program.path):format(...)))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

describe("reading from a pipe", function()
  local READERS = {
    { "print(weft.topology.from_file(P))",
      "3 1 2\n2\n0 2 100Gbps 1us 0\n1 2 100Gbps 1us 0\n",
      "^stdin: 2 hosts, 1 switch, 2 links" },
    { "run(weft.workload.flows { file = P })", "2\n0 1 3 100 1000 0\n1 0 3 100 2000 0\n", "^2\n" },
    { "local w = weft.workload.flows { file = P } run(w) run(w)",
      "1\n0 1 3 100 1000 0\n", "^1\n1\n" },
    { "run(weft.workload.goal { file = P })", "num_ranks 2\nrank 0 {\nl1: send 9b to 1 tag 1\n}\n"
      .. "rank 1 {\nl1: recv 9b from 0 tag 1\n}\n", "^1\n" },
    { "run(weft.workload.connections { file = P })",
      "Nodes 2\nConnections 1\n0->1 start 0 size 1000\n", "^1\n" },
    { "run(weft.workload.synthetic { load = 0.1, flows = 3, sizes = { file = P } })",
      "100 50\n1000 100\n", "^3\n" },
    { "run(weft.workload.synthetic { load = 0.1, flows = 3, matrix = { file = P } })",
      "src,dst,weight\nh0,h1,1\n", "^3\n" },
    { "for _ = 1, 2 do print(#weft.failure.read(P)) end", "at,kind,target\n1us,fail,h0\n",
      "^1\n1\n" },
    { "print(#weft.csv.read(P, { 'a' }))", "a\n1\n2\n", "^2\n" },
  }

  it("gives what a file gives, however often it is opened", function()
    for _, one in ipairs(READERS) do
      local script = file([[
        local weft, P = require "weft", ...
        local function run(work)
          local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
          sim:add_job(work)
          sim:run()
          print(#sim:flows())
        end
      ]] .. one[1] .. "\n")
      local content = file(one[2])
      assert.matches(one[3], shell("cat %s | PROGRAM %s /dev/stdin 2>&1", content, script), one[1])
      assert.matches(one[3], shell("PROGRAM %s /dev/stdin <%s 2>&1", script, content), one[1])
    end
  end)

  it("says what is wrong with it at its line", function()
    local script = file "print(require('weft').topology.from_file('/dev/stdin'))"
    local content = file "3 1 2\n2\n0 2 100Gbps 1us 0\n1 2 0Gbps 1us 0\n"
    assert.matches("^weft: /dev/stdin:4: ", shell("cat %s | PROGRAM %s 2>&1", content, script))
  end)
end)

describe("writing to where the program prints", function()
  local script = [[
    local weft, path = require "weft", ...
    print "before"
    weft.csv.write(path, { "a" }, { { a = 1 } })
    print "between"
    weft.util.check_writable(path)
    weft.util.write_file(path, "text\n")
    print "after"
  ]]
  local WHOLE = "before\na\n1\nbetween\ntext\nafter\n"

  it("keeps the order, whatever standard output is", function()
    local code, out = file(script), file ""
    assert.equal(WHOLE, shell("PROGRAM %s /dev/stdout", code))
    shell("PROGRAM %s /dev/stdout >%s", code, out)
    assert.equal(WHOLE, support.content(out))
    shell("PROGRAM %s %s >%s", code, out, out)
    assert.equal(WHOLE, support.content(out))
    shell("echo old >%s; PROGRAM %s /dev/stdout >>%s", out, code, out)
    assert.equal("old\n" .. WHOLE, support.content(out))
  end)

  it("writes on where another descriptor has come to", function()
    local code, out = file(script), file ""
    shell("{ echo old >&3; PROGRAM %s /dev/fd/3; } 3>%s", code, out)
    assert.equal("old\na\n1\ntext\n", support.content(out))
  end)
end)
