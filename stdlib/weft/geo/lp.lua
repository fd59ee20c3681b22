--- Linear programs, solved by GLPK's program glpsol where it is installed.
-- @module weft.geo.lp

local guard = require "weft.guard"
local util = require "weft.util"

local M = {}

local Program = {}
Program.__index = Program

--- A program that minimises; its variables are at least 0.
-- @treturn Program
function M.new()
  return setmetatable({ variables = 0, rows = {}, objective = {} }, Program)
end

--- Add a variable.
-- @tparam ?number cost in the objective
-- @treturn number of the variable
function Program:variable(cost)
  self.variables = self.variables + 1
  if cost then self.objective[#self.objective + 1] = { cost, self.variables } end
  return self.variables
end

--- Add a row: the sum of terms is at most, or just, a value.
-- @tparam {table,...} terms `{ factor, variable }`, each variable once
-- @tparam string sense "<=" or "="
-- @tparam number value
function Program:row(terms, sense, value)
  if #terms > 0 then self.rows[#self.rows + 1] = { terms, sense, value } end
end

local function number(value) return ("%.17g"):format(value) end

-- Rows of CPLEX's format stay short: its readers have limits on a line's length.
local function write_terms(write, terms)
  for i, term in ipairs(terms) do
    local sign = term[1] < 0 and " - " or " + "
    write(sign, number(math.abs(term[1])), " x", ("%d"):format(term[2]), i % 8 == 0 and "\n" or "")
  end
end

local function text_of(self)
  local parts = {}
  local function write(...)
    for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
  end
  write("Minimize\n obj:")
  write_terms(write, self.objective)
  write("\nSubject To\n")
  for i, row in ipairs(self.rows) do
    write((" r%d:"):format(i))
    write_terms(write, row[1])
    write(" ", row[2], " ", number(row[3]), "\n")
  end
  write("End\n")
  return table.concat(parts)
end

local found

--- Whether there is a program that solves.
-- @treturn boolean
function M.is_available()
  if found == nil then
    local pipe = io.popen("command -v glpsol 2>/dev/null")
    found = pipe ~= nil and pipe:read("*a") ~= ""
    if pipe then pipe:close() end
  end
  return found
end

-- glpsol's own format: "s bas rows columns status status objective", "j column status value dual".
local function read_solution(path)
  local objective, values = nil, {}
  for line in io.lines(path) do
    local primal, dual, text = line:match "^s bas %d+ %d+ (%a) (%a) (%S+)"
    if primal then
      if primal ~= "f" or dual ~= "f" then return nil, "no optimum" end
      objective = tonumber(text)
    end
    local column, value = line:match "^j (%d+) %a (%S+)"
    if column then values[tonumber(column)] = tonumber(value) end
  end
  if not objective then return nil, "no solution" end
  return objective, values
end

--- Solve.
-- @treturn ?number the least value of the objective
-- @treturn {number,...} values of the variables, or what went wrong
function Program:solve()
  if not M.is_available() then return nil, "glpsol is not installed (make deps)" end
  local problem, solution = os.tmpname(), os.tmpname()
  util.write_file(problem, text_of(self))
  local status = os.execute(("glpsol --lp %s --write %s --tmlim 60 >/dev/null 2>&1"):format(problem,
    solution))
  local objective, values
  if status == true or status == 0 then
    objective, values = read_solution(solution)
  else
    values = "glpsol has failed"
  end
  os.remove(problem)
  os.remove(solution)
  return objective, values
end

guard.class("program", "linear program", Program)

return guard.module("geo.lp", M)
