--- What a data centre learns of its links from the messages that come in: NetStorm's passive
-- measurement.
-- @module weft.geo.awareness

local check = require "weft.check"
local guard = require "weft.guard"

local M = {}

local Estimator = {}
Estimator.__index = Estimator

local options_rule = {
  size_min = { type = "number", default = 4000000, min = 0,
    brief = "bytes; smaller messages do not count" },
  count = { type = "integer", default = 4, min = 1, brief = "messages of an estimate" },
  report_rate = { type = "number", default = 0, min = 0,
    brief = "relative change beyond which an estimate is reported" },
  last_mbytes_s = { type = "number", default = 0, min = 0, brief = "reported before, in MB/s" },
}

--- An estimator of one link's rate.
-- @tparam ?table options `size_min` (SIZE_MSG_REPORT), `count` (NUM_MSG_REPORT), `report_rate`
-- (REPORT_RATE), `last_mbytes_s`
-- @treturn Estimator
function M.estimator(options)
  local self = check.options("geo.awareness", options or {}, options_rule)
  self.mbytes, self.seconds, self.samples = 0, 0, 0
  return setmetatable(self, Estimator)
end

--- A message has come in.
-- @tparam number bytes
-- @tparam number seconds from when it was taken off its queue
-- @treturn ?number the estimate in MB/s (10^6 bytes), when this message completes one
-- @treturn ?boolean whether it is reported
function Estimator:add(bytes, seconds)
  if bytes < self.size_min then return nil end
  self.mbytes, self.seconds = self.mbytes + bytes / 1e6, self.seconds + seconds
  self.samples = self.samples + 1
  if self.samples < self.count then return nil end
  local estimate, last = self.mbytes / self.seconds, self.last_mbytes_s
  self.mbytes, self.seconds, self.samples = 0, 0, 0
  local reported = last == 0 or math.abs(estimate - last) / last > self.report_rate
  if reported then self.last_mbytes_s = estimate end
  return estimate, reported
end

guard.class("estimator", "estimator", Estimator)

return guard.module("geo.awareness", M)
