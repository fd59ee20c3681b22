--- What jobs on one fabric lost to each other, as bars.
local chart = require "weft.viz.chart"
local fail = require "weft.fail"

local jobs = {}

-- Colours of jobs are those of the second panel; here they tell the runs apart.
local ALONE, TOGETHER = { 0.75, 0.75, 0.75 }, { 0.35, 0.35, 0.35 }
local ARROW = "\226\134\146"

local function job_name(entry)
  return ("%d: %s"):format(entry.job, entry.kind)
end

-- Time of each job: alone, and beside the others.
local function times(report)
  local names, alone, together = {}, {}, {}
  for j, entry in ipairs(report.jobs) do
    names[j] = job_name(entry)
    together[j] = (entry.time_ps or 0) / 1e12
    alone[j] = entry.alone_ps and entry.alone_ps / 1e12
  end
  local series = { { kind = "bars", label = "together", y = together, color = TOGETHER } }
  if #alone == #together then
    table.insert(series, 1, { kind = "bars", label = "alone", y = alone, color = ALONE })
  end
  return {
    title = "time of the job", x = { categories = names }, y = { unit = "s", min = 0 },
    series = series,
  }
end

-- Ports by the time that all jobs gave to others there, most first.
local function worst_ports(report, most)
  local given, names, ports = {}, {}, {}
  for _, entry in ipairs(report.jobs) do
    for _, link in ipairs(entry.links) do
      if link.given_ps > 0 then
        if not given[link.port] then ports[#ports + 1] = link.port end
        given[link.port] = (given[link.port] or 0) + link.given_ps
        names[link.port] = link.from .. ARROW .. link.to
      end
    end
  end
  table.sort(ports, function(a, b)
    if given[a] ~= given[b] then return given[a] > given[b] end
    return a < b
  end)
  for i = #ports, most + 1, -1 do ports[i] = nil end
  return ports, names
end

-- Of the time that each job's flows gave to others, the part on each port.
local function shares(report, most)
  local ports, names = worst_ports(report, most)
  local categories, series = {}, {}
  for i, port in ipairs(ports) do categories[i] = names[port] end
  for _, entry in ipairs(report.jobs) do
    local share, y, some = {}, {}, false
    for _, link in ipairs(entry.links) do share[link.port] = link.share end
    for i, port in ipairs(ports) do
      y[i] = 100 * (share[port] or 0)
      some = some or y[i] > 0
    end
    -- Jobs that gave nothing would take colours, and room, from those that did.
    if some then series[#series + 1] = { kind = "bars", label = job_name(entry), y = y } end
  end
  return {
    title = "where flows gave way to other jobs", x = { categories = categories },
    y = { label = "% of the time given", min = 0 }, series = series,
  }
end

--- Draw a report of sim:job_report().
function jobs.draw(report, options)
  if type(report) ~= "table" or type(report.jobs) ~= "table" or #report.jobs == 0 then
    fail.raise("jobs: expected a report of sim:job_report() with jobs, got %s",
      type(report) == "table" and "none" or fail.show(report))
  end
  local panels = { times(report) }
  local second = shares(report, options.links)
  if #second.x.categories > 0 then panels[2] = second end
  return chart.new({
    title = options.title, width = options.width, height = options.height, panels = panels,
  }):write(options.file)
end

return jobs
