--- Sizes of pictures: those of the columns and pages that papers have.
local fail = require "weft.fail"

local size = {}

local INCH = 72 -- points
local named = { column = 3.3 * INCH, page = 7 * INCH }

--- Points of a width given as "column" (3.3 in), "page" (7 in) or inches.
-- @tparam string what prefix of the message
-- @tparam string|number width
function size.points(what, width)
  local points = type(width) == "number" and width * INCH or named[width]
  if not points or not (points >= INCH and points <= 200 * INCH) then
    fail.raise("%s: width: expected \"column\", \"page\" or 1 to 200 inches, got %s", what,
      fail.show(width))
  end
  return points
end

return size
