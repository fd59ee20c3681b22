--- `require "weft"` of a Lua that is not weft's own program: installed where Lua looks, it finds
-- what belongs to it from its own place, PREFIX/share/lua/5.x/weft.lua, or where it was installed.
local INSTALLED = "@PREFIX@"

local vm = rawget(_G, "jit") and "luajit" or _VERSION == "Lua 5.4" and "lua5.4"
if not vm then error("weft needs Lua 5.4 or LuaJIT, got " .. _VERSION, 0) end

local function is_there(prefix)
  local file = prefix and io.open(prefix .. "/share/weft/stdlib/weft/init.lua")
  if file then file:close() end
  return file ~= nil
end

local source = debug.getinfo(1, "S").source:match "^@(.*)$"
local prefix = source and source:match "^(.*)/share/lua/5%.%d/weft%.lua$"
if not is_there(prefix) then prefix = INSTALLED end
local share = prefix .. "/share/weft"

package.path = table.concat({
  share .. "/stdlib/?.lua", share .. "/stdlib/?/init.lua", share .. "/viz/?.lua",
  share .. "/lua/?.lua", share .. "/bindings/ffi/?.lua", share .. "/bindings/?.lua", package.path,
}, ";")
package.cpath = ("%s/lib/weft/%s/?.so;%s"):format(prefix, vm, package.cpath)

if vm == "luajit" then require("weft.ffi").install() end
return dofile(share .. "/stdlib/weft/init.lua")
