--- What a user should know that is no error: said on standard error, each text once.
--
-- What a file or an option asks for that is not simulated, what had no effect, what was given up.
-- @module weft.notice
-- @usage notice.say("%s:%d: priority group %d: not simulated", path, line, group)
local fail = require "weft.fail"

local notice = {}

local said = {}

-- Lines on one thing that comes up in many simulations; how many there were.
local LINES = 20
local lines = {}

--- Where notices go; a function of one line without its end. Specs and hosts put their own here.
function notice.write(text)
  io.stderr:write("weft: ", fail.printable(text), "\n")
end

--- Say something, unless it has been said.
-- @tparam string format and its values, as in string.format
-- @treturn boolean whether it was said now
function notice.say(format, ...)
  local text = format:format(...)
  if said[text] then return false end
  said[text] = true
  notice.write(text)
  return true
end

--- Say something the first time that a thing comes up, whatever the numbers in it.
-- @tparam string thing
-- @tparam string format and its values, as in string.format
-- @treturn boolean whether it was said now
function notice.once(thing, format, ...)
  if said[thing] then return false end
  said[thing] = true
  return notice.say(format, ...)
end

--- Say something of each simulation in which a thing comes up, also if it is the same; of many the
-- first.
-- @tparam string thing
-- @tparam string format and its values, as in string.format
function notice.each(thing, format, ...)
  local count = (lines[thing] or 0) + 1
  lines[thing] = count
  if count <= LINES then
    notice.write(format:format(...))
  elseif count == LINES + 1 then
    notice.write(thing .. " in more simulations")
  end
end

--- Leave a thing unsaid, because the script says it in its own way.
-- @tparam string thing as in notice.once
function notice.known(thing) said[thing] = true end

--- Whether a thing has been said, or is left unsaid.
-- @tparam string thing as in notice.once
function notice.knows(thing) return said[thing] == true end

--- Forget what has been said, so that it is said again.
function notice.forget()
  said, lines = {}, {}
end

return notice
