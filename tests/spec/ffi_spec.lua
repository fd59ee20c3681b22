-- The LuaJIT overlay: the same as the binding, and declared as the C compiler has it.
local core = require "weft.core"

describe("the FFI declarations", function()
  it("are up to date (lua5.4 bindings/ffi/generate.lua)", function()
    local generate = assert(loadfile("bindings/ffi/generate.lua"))("generate")
    local file = assert(io.open("bindings/ffi/weft/cdef.lua", "rb"))
    local committed = file:read("*a")
    file:close()
    assert.is_true(generate() == committed, "cdef.lua is out of date")
  end)
end)

-- The rest needs the FFI; on Lua 5.4 there is nothing to compare.
if not jit then return end

local ffi = require("ffi")
local overlay = require "weft.ffi"

--- A star of n hosts after a run with a watch.
local function finished_run(n)
  local sim = core.new {}
  for _ = 1, n do sim:node_add("host") end
  local switch = sim:node_add("switch")
  for host = 0, n - 1 do
    sim:link_add { a = host, b = switch, rate_bps = 100e9, delay_ps = 1000000 }
  end
  sim:fabric_ready()
  sim:sample(1000000, 64)
  sim:watch("port_queue", 2 * n - 1)
  for src = 0, n - 2 do
    sim:flow_add { src = src, dst = n - 1, size_bytes = 100000 + src, tag = src }
    sim:task_add { kind = "compute", duration_ps = 1000 + src }
  end
  sim:run()
  return sim
end

--- What a call returns or raises, without the place, which is the caller's.
local function outcome(call, ...)
  local good, result = pcall(call, ...)
  return good, good and result or tostring(result):gsub("^[^:]*:%d+: ", "")
end

describe("the FFI layout", function()
  local layout = core._layout()
  for _, name in ipairs({
    "weft_config", "weft_option", "weft_link_def", "weft_link_change", "weft_link_impairment",
    "weft_storm", "weft_host_change", "weft_flow_def", "weft_task_def", "weft_collective_def",
    "weft_stats", "weft_port_info", "weft_partition_use", "weft_partition",
    "weft_acceleration", "weft_column", "weft_series", "weft_lua_sim", "weft_api",
  }) do
    it("of " .. name .. " is the C compiler's", function()
      assert.equal(layout[name].size, ffi.sizeof(name))
      for field, offset in pairs(layout[name].offsets) do -- order-free: all are compared
        assert.equal(offset, ffi.offsetof(name, field), field)
      end
      layout[name] = nil
    end)
  end

  it("is compared for every struct that C exports", function()
    assert.same({}, layout)
  end)
end)

describe("the overlay", function()
  local sim
  local binding = {}
  setup(function()
    overlay.remove()
    binding.column, binding.series = core._sim.__index.column, core._sim.__index.series
    sim = finished_run(9)
  end)
  teardown(function()
    sim:close()
    overlay.remove()
  end)

  it("is installed when the JIT is on, and only then", function()
    assert.equal(jit.status(), overlay.install())
    assert.equal(jit.status(), core._sim.__index.column ~= binding.column)
    overlay.remove()
    assert.equal(binding.column, core._sim.__index.column)
  end)

  it("reads every column as the binding does", function()
    for _, table_name in ipairs(core.constants.table) do
      for i, column in ipairs(sim:columns(table_name)) do
        local expected = binding.column(sim, table_name, column.name)
        assert.same(expected, overlay.column(sim, table_name, column.name))
        assert.same(expected, overlay.column(sim, table_name, i - 1))
      end
    end
  end)

  it("reads series as the binding does", function()
    assert.same(binding.series(sim, 0), overlay.series(sim, 0))
  end)

  it("raises what the binding raises", function()
    local closed = finished_run(2)
    closed:close()
    for _, arguments in ipairs({
      { sim, "flow", "fct_ps" }, { sim, "flows", "fct" }, { sim, "flows", 99 },
      { sim, "flows", -1 }, { sim, "flows", 0.5 }, { sim, "flows" }, { sim },
      { closed, "flows", 0 }, { io.stdout }, { {} }, {},
    }) do
      assert.same({ outcome(binding.column, unpack(arguments, 1, 3)) },
        { outcome(overlay.column, unpack(arguments, 1, 3)) })
    end
    for _, arguments in ipairs({ { sim, 1 }, { sim, -1 }, { sim, "0" }, { sim }, { closed, 0 } }) do
      assert.same({ outcome(binding.series, unpack(arguments, 1, 2)) },
        { outcome(overlay.series, unpack(arguments, 1, 2)) })
    end
  end)

  it("views columns without copying", function()
    local expected = binding.column(sim, "flows", "fct_ps")
    local view = overlay.column_view(sim, "flows", "fct_ps")
    assert.equal(#expected, view:length())
    for i, value in ipairs(expected) do assert.equal(value, view:at(i)) end
    assert.is_nil(view:at(0))
    assert.is_nil(view:at(#expected + 1))
  end)

  it("has views that follow the simulation to its end", function()
    local other = finished_run(3)
    local view = overlay.column_view(other, "flows", "size_bytes")
    for i = 1, 5000 do other:flow_add { src = 0, dst = 1, size_bytes = i, start_ps = 1e9 } end
    assert.equal(5002, view:length())
    assert.equal(5000, view:at(5002))
    other:close()
    assert.error_matches(function() view:at(1) end, "closed sim", 1, true)
  end)
end)
