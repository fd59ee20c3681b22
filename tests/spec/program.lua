-- Running the program for specs about it.
local helper = require "helper"
local support = require "support"

local program = { path = helper.program }

--- Run the program through the shell.
-- @tparam string arguments
-- @tparam ?string input for its standard input
-- @treturn string what it printed
-- @treturn string what it wrote to standard error
-- @treturn integer status
function program.run(arguments, input)
  local given, errors = support.file(input or ""), support.file("")
  local pipe = assert(io.popen(("%s %s <%s 2>%s; echo \"status $?\""):format(program.path,
    arguments, given, errors)))
  local output, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
  pipe:close()
  local error_text = support.content(errors)
  os.remove(given)
  os.remove(errors)
  return output, error_text, tonumber(status)
end

return program
