--- What the HPCC simulator makes of a topology and of a list of flows, for comparison flow by flow.
local M = {}

--- A start as it is simulated: read as a double of seconds and cut to whole ns, which is often one
-- less than what the list says.
-- @tparam number start_ps as listed
-- @treturn number ps
function M.start_ps(start_ps)
  local whole = math.floor(start_ps / 1e12)
  local listed = tonumber(("%.0f.%012.0f"):format(whole, start_ps - whole * 1e12))
  local seconds, rest = ("%.60f"):format(listed):match("^(%d+)%.(%d%d%d%d%d%d%d%d%d)")
  return tonumber(seconds) * 1e12 + tonumber(rest) * 1000
end

--- Round trip and window of all flows: the largest over all pairs of hosts of twice the delay
-- plus the time of a payload at each hop of one way, in whole ns; and the bytes in it.
-- @treturn number ns
-- @treturn number bytes
-- @treturn boolean whether all pairs have the same round trip
function M.largest_round_trip(fabric, payload_bytes)
  local rtt_ns, window_bytes, least_ns = 0, 0, math.huge
  local seen = {}
  local function from(host)
    local at = { [host] = { delay = 0, send = 0, bps = math.huge } }
    local queue = { host }
    for _, node in ipairs(queue) do
      for _, link in ipairs(fabric:links_of(node)) do
        local far = link.a == node and link.b or link.a
        if not at[far] then
          local near = at[node]
          at[far] = {
            delay = near.delay + math.floor(link.delay_ps / 1000),
            send = near.send + math.floor(payload_bytes * 8e9 / link.rate_bps),
            bps = math.min(near.bps, link.rate_bps),
          }
          if fabric.nodes[far + 1].kind ~= "host" then queue[#queue + 1] = far end
        end
      end
    end
    for _, other in ipairs(fabric:hosts()) do
      local way = other ~= host and at[other]
      if way then
        local rtt = 2 * way.delay + way.send
        rtt_ns, least_ns = math.max(rtt_ns, rtt), math.min(least_ns, rtt)
        window_bytes = math.max(window_bytes, math.floor(math.floor(rtt * way.bps / 1e9) / 8))
      end
    end
  end
  for _, host in ipairs(fabric:hosts()) do
    -- Hosts on one switch by links alike see the same distances.
    local places = {}
    for i, link in ipairs(fabric:links_of(host)) do
      places[i] = ("%d,%.0f,%.0f"):format(link.a == host and link.b or link.a, link.rate_bps,
        link.delay_ps)
    end
    local place = table.concat(places, " ")
    if not seen[place] then
      seen[place] = true
      from(host)
    end
  end
  return rtt_ns, window_bytes, rtt_ns == least_ns
end

return M
