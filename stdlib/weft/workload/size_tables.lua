--- Published distributions of flow sizes: points `{ bytes, percent of flows at most that large }`,
-- in the resolution in which the HPCC simulator publishes them
-- (github.com/alibaba-edu/High-Precision-Congestion-Control, traffic_gen); between two points a
-- distribution is linear.

local M = {}

--- Web search (Alizadeh et al., DCTCP, SIGCOMM 2010, as used by HPCC, SIGCOMM 2019).
M.websearch = {
  { 0, 0 }, { 10000, 15 }, { 20000, 20 }, { 30000, 30 }, { 50000, 40 }, { 80000, 53 },
  { 200000, 60 }, { 1000000, 70 }, { 2000000, 80 }, { 5000000, 90 }, { 10000000, 97 },
  { 30000000, 100 },
}

--- Hadoop at Facebook (Roy et al., SIGCOMM 2015, as used by HPCC).
M.fbhdp = {
  { 0, 0 }, { 100, 1 }, { 200, 2 }, { 300, 5 }, { 350, 15 }, { 400, 20 }, { 500, 30 }, { 600, 40 },
  { 700, 50 }, { 1000, 60 }, { 2000, 67 }, { 7000, 70 }, { 30000, 72 }, { 50000, 82 },
  { 80000, 87 }, { 120000, 90 }, { 300000, 95 }, { 1000000, 97.5 }, { 2000000, 99 },
  { 10000000, 100 },
}

--- Distributed storage at Alibaba, 2019.
M.alistorage = {
  { 0, 0 }, { 4000, 22.93 }, { 8000, 69.21 }, { 16000, 80.61 }, { 32000, 90.47 }, { 64000, 93.53 },
  { 128000, 96.77 }, { 256000, 97.53 }, { 2000000, 100 },
}

-- Google's RPCs before 2008. Of its 843 points, those between the points here lie evenly in
-- percent and evenly in 1 / size, which gives every size of the published table and every
-- percentage to 0.0001: `{ bytes, percent, steps from the point before }`.
local googlerpc = {
  { 0, 0 }, { 3, 6.48826, 1 }, { 32, 9.73239, 1 }, { 64, 15.5271, 5 }, { 128, 35.1573, 6 },
  { 256, 49.7901, 8 }, { 512, 78.4921, 11 }, { 1024, 86.32, 14 }, { 2048, 90.8862, 18 },
  { 4096, 93.4955, 24 }, { 8192, 96.4309, 31 }, { 16384, 98.4694, 41 }, { 32768, 99.0402, 53 },
  { 65536, 99.3256, 69 }, { 131072, 99.7129, 90 }, { 262144, 99.8453, 118 },
  { 524288, 99.9498, 153 }, { 15158197, 100, 199 },
}

local function refine(corners)
  local points = { corners[1] }
  for c = 2, #corners do
    local from, to = corners[c - 1], corners[c]
    local steps = to[3]
    for i = 1, steps - 1 do
      local part = i / steps
      local inverse = 1 / from[1] + (1 / to[1] - 1 / from[1]) * part
      points[#points + 1] = {
        math.floor(1 / inverse + 0.5), from[2] + (to[2] - from[2]) * part,
      }
    end
    points[#points + 1] = { to[1], to[2] }
  end
  return points
end

--- Remote procedure calls at Google before 2008.
M.googlerpc = refine(googlerpc)

return M
