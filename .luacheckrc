-- What Lua 5.4 and LuaJIT have in common, plus what is asked for by name before use.
std = "min"
max_line_length = 100
read_globals = {
  "jit", "unpack", "loadstring", "setfenv", "getfenv", "utf8",
  table = { fields = { "unpack", "pack", "move" } },
  math = { fields = { "type", "tointeger", "maxinteger", "mininteger", "ult" } },
  string = { fields = { "pack", "unpack", "packsize" } },
  debug = { fields = { "upvalueid" } },
}
files["tests/spec"] = { std = "+busted" }
exclude_files = { "build", "results" }
