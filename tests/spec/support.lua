-- What several specs share: catching user errors, and files that do not outlive the spec.
local fail = require "weft.fail"

local support = {}

-- The text of the user error that `f(...)` raises. Any other outcome fails the spec.
function support.error_of(f, ...)
  local done, err = pcall(f, ...)
  assert(not done, "expected a user error, got none")
  assert(fail.is(err), "expected a user error, got: " .. tostring(err))
  local text = tostring(err)
  assert(not text:find("\n", 1, true), "a user error has one line, got: " .. text)
  return text
end

-- Write `content` to a new temporary file; returns its name.
function support.file(content)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  return path
end

-- Temporary files of a spec: `write(content, ending)` gives a new one's name, `keep(path)` takes
-- over another, `last()` is the last of them, and `after_each(files.remove)` removes them.
function support.files()
  local files, paths = {}, {}
  function files.keep(path) paths[#paths + 1] = path end
  function files.last() return paths[#paths] end
  function files.write(content, ending)
    local path = support.file(content)
    files.keep(path .. (ending or ""))
    if ending then assert(os.rename(path, files.last())) end
    return files.last()
  end
  function files.remove()
    for _, path in ipairs(paths) do os.remove(path) end
    paths = {}
  end
  return files
end

-- The user error that `read(path)` raises for a file of that content, without the file's name.
function support.error_in_file(read, content)
  local path = support.file(content)
  local done, text = pcall(support.error_of, read, path)
  os.remove(path)
  assert(done, text)
  assert(text:sub(1, #path) == path, "expected an error that begins with the file, got: " .. text)
  return text:sub(#path + 1)
end

-- What `f(...)` says on standard error that is no error: a list of texts.
function support.notices(f, ...)
  local notice = require "weft.notice"
  local said, write = {}, notice.write
  notice.forget()
  notice.write = function(text) said[#said + 1] = text end
  local done, err = pcall(f, ...)
  notice.write = write
  notice.forget()
  if not done then error(err, 0) end
  return said
end

-- The notices of `read(path)` for a file of that content, without the file's name.
function support.notices_of_file(read, content)
  local path = support.file(content)
  local done, said = pcall(support.notices, read, path)
  os.remove(path)
  if not done then error(said, 0) end
  for i, text in ipairs(said) do
    assert(text:sub(1, #path) == path, "expected a notice that begins with the file, got: " .. text)
    said[i] = text:sub(#path + 1)
  end
  return said
end

-- The whole content of a file, or nil if there is none.
function support.content(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

return support
