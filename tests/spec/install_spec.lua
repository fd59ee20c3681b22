-- What `make install` puts where, and that it works from there: in plain Lua, C and C++.
local helper = require "helper"

local function shell(format, ...)
  local pipe = assert(io.popen(("{ %s; } 2>&1; echo \"status $?\""):format(format:format(...))))
  local text, status = pipe:read("*a"):match "^(.*)status (%d+)\n$"
  pipe:close()
  return text, tonumber(status)
end

local config = helper.build:match "[^/]+$"

local function make(target, prefix)
  return shell("env -u MAKEFLAGS -u MAKELEVEL -u CI make %s CONFIG=%s PREFIX=%s", target, config,
    prefix)
end

local is_plain = config == "release" -- sanitizers want to be loaded first

describe("what is installed", function()
  local prefix = os.tmpname()
  os.remove(prefix)
  local test = is_plain and it or pending

  setup(function()
    if is_plain then
      local text, status = make("install", prefix)
      assert(status == 0, text)
    end
  end)
  teardown(function() os.execute("rm -rf " .. prefix) end)

  test("is found by plain Lua, with the line of who has made a mistake", function()
    local vm, version = helper.vm, jit and "5.1" or "5.4"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write([[
local weft = require "weft"
local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
sim:add_flow { src = 0, dst = 1, size = 1000 }
print(sim:run(), sim:flows():at(0).size_bytes, #require "weft.stats".cdf { 1 } > 0)
print(select(2, pcall(weft.topology.star, { host = 2 })))
]])
    file:close()
    local text, status = shell("cd / && LUA_PATH='%s/share/lua/%s/?.lua;;' %s %s", prefix, version,
      vm, path)
    os.remove(path)
    assert.equal("done\t1000\ttrue\n" .. path .. ":5: topology.star: unknown option 'host'; "
      .. "did you mean 'hosts'?\n", text)
    assert.equal(0, status)
  end)

  test("is the program, with help and its names for shells", function()
    local program = jit and "weftjit" or "weft"
    local text, status = shell("cd / && %s/bin/%s help rto", prefix, program)
    assert.equal(0, status, text)
    assert.matches("^rto: option of a simulation\n", text)
    text = shell("cd / && %s/bin/%s help --names", prefix, program)
    for _, name in ipairs { "dcqcn", "fct_ps", "sim:run", "topology" } do
      assert.matches("\n" .. name .. "\n", text, 1, true)
    end
    if jit then return end
    text = shell("PATH=%s/bin:$PATH bash -c '. %s/share/bash-completion/completions/weft; "
      .. "COMP_WORDS=(weft help dcq) COMP_CWORD=2; _weft; echo \"${COMPREPLY[*]}\"'", prefix,
      prefix)
    assert.matches("dcqcn", text)
  end)

  for language, expected in pairs {
    c = "^weft [%d.]+: 1 flow done, 1000000 bytes\n$",
    cpp = "^done at (%d+) us\ndone at (%d+) us\n$",
  } do
    local compiler = language == "c" and "cc -std=c11" or "c++ -std=c++11"
    local _, has_none = shell("command -v %s", compiler:match "%S+")
    local build = is_plain and has_none == 0 and it or pending
    build("builds the example in " .. language, function()
      local text, status = shell("PKG_CONFIG_PATH=%s/lib/pkgconfig; export PKG_CONFIG_PATH; "
        .. "%s -Wall -Wextra -Werror docs/embedding/flow.%s $(pkg-config --cflags --libs weft) "
        .. "-o %s/flow && LD_LIBRARY_PATH=%s/lib %s/flow", prefix, compiler, language, prefix,
        prefix, prefix)
      assert.equal(0, status, text)
      local fast, slow = text:match(expected)
      assert.is_string(fast, text)
      -- 20 us at the whole rate, then at half of it.
      if slow then assert.is_true(tonumber(slow) > 1.5 * tonumber(fast), text) end
    end)
  end

  test("is gone after uninstall", function()
    local text, status = make("uninstall", prefix)
    assert.equal(0, status, text)
    os.remove(prefix .. "/flow")
    assert.equal("", (shell("find %s ! -type d", prefix)))
  end)
end)

describe("the rockspec", function()
  it("is Lua that names targets of the Makefile", function()
    local spec = {}
    local file = assert(io.open "weft-scm-1.rockspec")
    local text = file:read "*a"
    file:close()
    local chunk = setfenv and loadstring(text) or load(text, "rockspec", "t", spec)
    if setfenv then setfenv(chunk, spec) end
    chunk()
    assert.same({ "weft", "make" }, { spec.package, spec.build.type })
    local makefile = assert(io.open "Makefile"):read "*a"
    for _, key in ipairs { "build_target", "install_target" } do
      assert.matches("\n" .. spec.build[key] .. ":", makefile, 1, true)
    end
    for name in pairs(spec.build.install_variables) do assert.matches(name, makefile, 1, true) end
  end)
end)
