-- Loaded by busted before the specs: finds the modules of the build under test.
-- WEFT_BUILD is that build's folder, build/release if unset; specs run from the top folder.

local build = os.getenv("WEFT_BUILD") or "build/release"
local vm = jit and "luajit" or "lua5.4"

package.path = table.concat({
  "stdlib/?.lua", "stdlib/?/init.lua", "viz/?.lua", "lua/?.lua", "bindings/ffi/?.lua",
  "bindings/?.lua", "tests/spec/?.lua", package.path,
}, ";")
package.cpath = build .. "/" .. vm .. "/?.so;" .. package.cpath

-- What specs that start the program need to know: `require "helper"`.
return {
  build = build,
  vm = vm,
  program = build .. "/" .. (jit and "weftjit" or "weft"),
}
