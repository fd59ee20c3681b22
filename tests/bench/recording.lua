-- Recorded benchmark rows: tests/bench/<machine>.csv, a line per row and run.

local M = {}

local FOLDER = "tests/bench/"
M.HEADER = "time,version,name,value,unit"

--- First line that a command prints, or nil.
function M.first_line(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local line = pipe:read("*l")
  pipe:close()
  return line and line ~= "" and line or nil
end

--- The file of this machine: "amd-epyc-7763-64-core-processor-2.csv", its processor's name and how
-- many we have.
function M.file()
  local model = M.first_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo") or "unknown"
  local name = model:lower():gsub("%b()", ""):gsub("@.*", ""):gsub("[^%w]+", "-"):gsub("%-$", "")
  return FOLDER .. name .. "-" .. (M.first_line("nproc") or "1") .. ".csv"
end

local function fields(line)
  local found = {}
  for field in (line .. ","):gmatch("([^,]*),") do found[#found + 1] = field end
  return found
end

--- Rows of a CSV file without quotes, as tables by column name.
function M.rows(path)
  local file, message = io.open(path)
  if not file then error("cannot read " .. message, 0) end
  local header, rows = fields(file:read("*l") or ""), {}
  for line in file:lines() do
    local row = {}
    for i, value in ipairs(fields(line)) do row[header[i]] = value end
    rows[#rows + 1] = row
  end
  file:close()
  return rows
end

--- The recordings in a file, oldest first.
-- @treturn {table,...} each has `time`, `version`, `names` (in order), `value` and `unit` by name
function M.recordings(path)
  local list, last = {}, nil
  for _, row in ipairs(M.rows(path)) do
    if not last or last.time ~= row.time or last.version ~= row.version then
      last = { path = path, time = row.time, version = row.version, names = {}, value = {},
        unit = {} }
      list[#list + 1] = last
    end
    if not last.value[row.name] then last.names[#last.names + 1] = row.name end
    last.value[row.name], last.unit[row.name] = tonumber(row.value), row.unit
  end
  if #list == 0 then error(path .. ": expected recordings, got none", 0) end
  return list
end

--- What was recorded last of each row, as one recording.
function M.latest(path)
  local all = { path = path, names = {}, value = {}, unit = {} }
  for _, one in ipairs(M.recordings(path)) do
    all.time, all.version = one.time, one.version
    for _, name in ipairs(one.names) do
      if not all.value[name] then all.names[#all.names + 1] = name end
      all.value[name], all.unit[name] = one.value[name], one.unit[name]
    end
  end
  return all
end

--- The latest recording that fits "[file][@start of a time or version]".
function M.find(what)
  local path, mark = what:match("^([^@]*)@?(.*)$")
  if path == "" then path = M.file() end
  local list = M.recordings(path)
  for i = #list, 1, -1 do
    local one = list[i]
    if one.version:sub(1, #mark) == mark or one.time:sub(1, #mark) == mark then return one end
  end
  error(("%s: no recording of '%s'"):format(path, mark), 0)
end

return M
