--- The API manifest: what weft.core offers, in one place. help(), the reference pages and the
-- coverage specs are made from it.
--
-- A function has `name`, `brief`, `params` (arrays of name, type, help), `returns` (type, help; or
-- nil), `example`, `c` (the function of core/weft.h behind it) and, set here, `receiver` ("core": a
-- function of the module, "sim": a method) and `part`.
local manifest = { parts = {}, functions = {} }

for i, name in ipairs({
  "core", "sim", "fabric", "work", "run", "results", "accel", "learn", "learned",
}) do
  local part = require("api." .. name)
  manifest.parts[i] = part
  for _, entry in ipairs(part.functions) do
    entry.receiver, entry.part = part.receiver, part.name
    manifest.functions[#manifest.functions + 1] = entry
  end
end

--- "sim:column(table, column)" as it is called.
-- @tparam table entry of manifest.functions
-- @treturn string
function manifest.signature(entry)
  local names = {}
  for i, param in ipairs(entry.params) do names[i] = param[1] end
  local joint = entry.receiver == "sim" and ":" or "."
  return ("%s%s%s(%s)"):format(entry.receiver, joint, entry.name, table.concat(names, ", "))
end

return manifest
