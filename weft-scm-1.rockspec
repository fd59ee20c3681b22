-- LuaRocks, for Lua 5.4 and for LuaJIT (5.1): both are built, so headers of both must be there.
package = "weft"
version = "scm-1"
source = { url = "git+file://." }
description = {
  summary = "Simulator of the networks that train large models",
  license = "MIT",
}
dependencies = { "lua >= 5.1, < 5.5", "argparse", "luafilesystem" }
external_dependencies = { CSV = { header = "csv.h" } }
build = {
  type = "make",
  build_target = "all",
  install_target = "install",
  install_variables = { PREFIX = "$(PREFIX)", LUADIRS = "$(LUADIR)" },
}
