-- What `make` does with packages.

local function make(arguments)
  local pipe = assert(io.popen("env -u MAKEFLAGS -u MAKELEVEL -u CI make " .. arguments
    .. " 2>&1; echo status $?"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

describe("make", function()
  it("installs nothing for all, and something for deps, demo and test", function()
    assert.is_nil(make("-n -B all B=build/nothing"):find("apt-get", 1, true))
    for _, target in ipairs { "deps", "demo", "test" } do
      assert.is_truthy(make("-n " .. target):find("apt-get", 1, true), target)
    end
  end)

  it("names what is missing and `make deps` in a line", function()
    local text = make("has-packages LIBRARIES='lua5.4 no-such-library'")
    assert.is_truthy(text:find("^weft: missing: no%-such%-library [^\n]*'make deps'[^\n]*\n"), text)
    assert.is_nil(text:find("status 0", 1, true))
    text = make("has-compiler CC=no-such-compiler")
    assert.is_truthy(text:find("^weft: missing: no%-such%-compiler; 'make deps'"), text)
  end)
end)
