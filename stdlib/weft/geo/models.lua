--- What a model's gradients consist of: elements of each trainable tensor, in the order of its
-- parameters. Worked out from the architectures; statistics of batch normalisation are not sent,
-- and left out. Defaults are those of NetStorm's evaluation: images of one channel, 10 classes.
-- @module weft.geo.models

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local util = require "weft.util"

local M = {}

-- A list of tensors under construction.
local Tensors = {}
Tensors.__index = Tensors

function Tensors:add(elements) self[#self + 1] = util.integer(elements) end

-- A convolution with square kernel; `biased` with one number per output channel.
function Tensors:conv(from, to, kernel, biased)
  self:add(from * to * kernel * kernel)
  if biased then self:add(to) end
end

function Tensors:norm(channels)
  self:add(channels)
  self:add(channels)
end

function Tensors:dense(from, to)
  self:add(from * to)
  self:add(to)
end

-- Krizhevsky 2014 ("one weird trick"), as MXNET's model zoo has it.
local function alexnet(t, channels, classes)
  t:conv(channels, 64, 11, true)
  t:conv(64, 192, 5, true)
  t:conv(192, 384, 3, true)
  t:conv(384, 256, 3, true)
  t:conv(256, 256, 3, true)
  t:dense(256 * 6 * 6, 4096)
  t:dense(4096, 4096)
  t:dense(4096, classes)
end

-- Simonyan and Zisserman 2015: stages of 3 x 3 convolutions, an image of 224 x 224 halved 5 times.
local function vgg(stages)
  local widths = { 64, 128, 256, 512, 512 }
  return function(t, channels, classes)
    local from = channels
    for stage, layers in ipairs(stages) do
      for _ = 1, layers do
        t:conv(from, widths[stage], 3, true)
        from = widths[stage]
      end
    end
    t:dense(512 * 7 * 7, 4096)
    t:dense(4096, 4096)
    t:dense(4096, classes)
  end
end

local function basic_block(t, from, to, shortcut)
  t:conv(from, to, 3)
  t:norm(to)
  t:conv(to, to, 3)
  t:norm(to)
  if shortcut then
    t:conv(from, to, 1)
    t:norm(to)
  end
end

-- MXNET's first version has biases in the 1 x 1 convolutions of the body.
local function bottleneck(t, from, to, shortcut)
  local inner = to / 4
  t:conv(from, inner, 1, true)
  t:norm(inner)
  t:conv(inner, inner, 3)
  t:norm(inner)
  t:conv(inner, to, 1, true)
  t:norm(to)
  if shortcut then
    t:conv(from, to, 1)
    t:norm(to)
  end
end

-- He et al. 2016, with the small stem of 28 x 28 images: one 7 x 7 convolution.
local function resnet(block, widths, stages)
  return function(t, channels, classes)
    t:conv(channels, 64, 7)
    t:norm(64)
    local from = 64
    for stage, blocks in ipairs(stages) do
      for i = 1, blocks do
        block(t, from, widths[stage], i == 1 and from ~= widths[stage])
        from = widths[stage]
      end
    end
    t:dense(from, classes)
  end
end

-- Howard et al. 2017: depthwise 3 x 3, then pointwise 1 x 1.
local function mobilenet(t, channels, classes)
  t:conv(channels, 32, 3)
  t:norm(32)
  local from = 32
  for _, to in ipairs { 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024 } do
    t:conv(1, from, 3)
    t:norm(from)
    t:conv(from, to, 1)
    t:norm(to)
    from = to
  end
  t:dense(from, classes)
end

-- Radford et al. 2019: 50,257 words, 1,024 places; the last layer shares its weights with the
-- first. What images have does not matter.
local function gpt2(layers, width)
  return function(t)
    t:add(50257 * width)
    t:add(1024 * width)
    for _ = 1, layers do
      t:norm(width)
      t:dense(width, 3 * width)
      t:dense(width, width)
      t:norm(width)
      t:dense(width, 4 * width)
      t:dense(4 * width, width)
    end
    t:norm(width)
  end
end

local NARROW, WIDE = { 64, 128, 256, 512 }, { 256, 512, 1024, 2048 }

local BUILDERS = {
  alexnet = alexnet,
  gpt2 = gpt2(12, 768),
  gpt2_medium = gpt2(24, 1024),
  gpt2_large = gpt2(36, 1280),
  gpt2_xl = gpt2(48, 1600),
  mobilenet = mobilenet,
  resnet18 = resnet(basic_block, NARROW, { 2, 2, 2, 2 }),
  resnet34 = resnet(basic_block, NARROW, { 3, 4, 6, 3 }),
  resnet50 = resnet(bottleneck, WIDE, { 3, 4, 6, 3 }),
  resnet101 = resnet(bottleneck, WIDE, { 3, 4, 23, 3 }),
  vgg16 = vgg { 2, 2, 3, 3, 3 },
  vgg19 = vgg { 2, 2, 4, 4, 4 },
}

--- Names of the models that are built in.
M.names = util.sorted_keys(BUILDERS)

local options_rule = {
  channels = { type = "integer", default = 1, min = 1, brief = "of the images" },
  classes = { type = "integer", default = 10, min = 1 },
}

--- Elements of a model's tensors.
-- @tparam string name
-- @tparam ?table options `channels` of the images (1), `classes` (10)
-- @treturn {number,...}
function M.tensors(name, options)
  check.argument("geo.models: name", name, "text")
  if not BUILDERS[name] then
    fail.raise("geo.models: no model '%s'%s", name, fail.hint(name, M.names))
  end
  local given = check.options("geo.models", options or {}, options_rule)
  local tensors = setmetatable({}, Tensors)
  BUILDERS[name](tensors, given.channels, given.classes)
  return setmetatable(tensors, nil)
end

--- Sum of elements.
-- @tparam {number,...} tensors
-- @treturn number
function M.elements(tensors)
  local sum = 0
  for _, elements in ipairs(tensors) do sum = sum + elements end
  return sum
end

--- Cut tensors into pieces of at most `bound` elements; each tensor begins a new one. A tensor of
-- an exact multiple has no empty piece at its end.
-- @tparam {number,...} tensors
-- @tparam ?number bound default: 1,000,000, as MXNET has it; math.huge leaves tensors whole
-- @treturn {table,...} `{ elements, key }`: key counts tensors from 0
function M.chunks(tensors, bound)
  bound = bound or M.BOUND
  if not (type(bound) == "number" and bound >= 1) then
    fail.raise("geo.models.chunks: expected a bound of at least 1 element, got %s",
      fail.show(bound))
  end
  local chunks = {}
  for i, elements in ipairs(tensors) do
    local left = elements
    while left > 0 do
      local size = math.min(left, bound)
      chunks[#chunks + 1] = { elements = size, key = i - 1 }
      left = left - size
    end
  end
  return chunks
end

--- Elements in a chunk of MXNET: MXNET_KVSTORE_BIGARRAY_BOUND.
M.BOUND = 1000000

return guard.module("geo.models", M)
