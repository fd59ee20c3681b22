-- Runs the Lua in the guide pages: the ```lua blocks of a page, in order, as one script. Prints
-- "ok page" or "not ok page" for each, with what went wrong, as the C tests do.
-- Usage: lua5.4 tests/docs.lua PROGRAM, from the top folder; it runs in a temporary one.

local program = assert(arg[1], "usage: tests/docs.lua PROGRAM")

local function first_line(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

local top = first_line("pwd")
local folder = first_line("mktemp -d")
os.execute(("ln -s '%s/scenarios' '%s/scenarios'"):format(top, folder))

-- Code in its own block sees the locals of those before it, so that a page reads as one script.
-- Lines keep their numbers, so that an error is found in the page.
local function script_of(path)
  local lines, inside = {}, false
  for line in io.lines(path) do
    local fence = line:match("^```(%a*)")
    lines[#lines + 1] = inside and not fence and line or ""
    if fence then inside = fence == "lua" end
  end
  return table.concat(lines, "\n")
end

local passed, failed = 0, 0
local pages = assert(io.popen("ls README.md docs/*.md"))
for page in pages:lines() do
  local script = script_of(page)
  if script:find("%S") then
    local path = folder .. "/" .. page:gsub("/", "_") .. ".lua"
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local command = ("cd '%s' && '%s/%s' '%s' >out 2>&1"):format(folder, top, program, path)
    local good = os.execute(command)
    if good == true or good == 0 then
      passed = passed + 1
      print("ok " .. page)
    else
      failed = failed + 1
      for line in io.lines(folder .. "/out") do print("  " .. line) end
      print("not ok " .. page)
    end
  end
end
pages:close()
os.execute(("rm -r '%s'"):format(folder))
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
