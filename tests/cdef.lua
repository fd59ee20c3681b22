-- The public headers are readable by LuaJIT's ffi.cdef once preprocessor lines are removed.
local ffi = require("ffi")

for _, name in ipairs({ "core/weft_types.h", "core/weft.h" }) do
  local file = assert(io.open(name))
  local text = ("\n" .. file:read("*a")):gsub("\n#[^\n]*", "\n")
  file:close()
  ffi.cdef(text)
end
assert(ffi.sizeof("weft_stats") > 0)
