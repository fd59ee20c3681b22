--- Training of a mixture of experts.
-- @module weft.workload.moe
-- @usage weft.workload.moe { model = "8x13B", tp = 4, pp = 2, dp = 16, ep = 8 }

local model_job = require "weft.workload.model_job"

local M = {}

--- Training iterations of a mixture of experts: as weft.workload.gpt, with presets "8x7B", "8x13B",
-- "32x22B", and `experts`, `top_k`, `capacity_factor`, `expert_loads` (tokens of each expert; not
-- given: all the same), `ep`, the ranks that share a set of experts and exchange tokens all-to-all
-- (it divides `dp`), and `ep_algorithm` ("direct", "pairwise", "hierarchical").
-- @tparam table options
-- @treturn Workload
function M.moe(options) return model_job.new("moe", options) end

return M
