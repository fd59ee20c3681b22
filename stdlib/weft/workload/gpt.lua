--- Training of a dense transformer.
-- @module weft.workload.gpt
-- @usage
-- local work = weft.workload.gpt { model = "13B", tp = 8, pp = 2, dp = 8 }
-- print(work)                       -- parallel groups, and the bytes that each moves
-- local job = sim:add_job(work)

local model_job = require "weft.workload.model_job"

local M = {}

--- Training iterations of GPT with tensor, pipeline and data parallelism. `print` it for its plan;
-- `work:plan()` is the plan as a table.
--
-- The model: `model` ("7B", "13B", "22B", "175B"), or `layers`, `hidden`, `heads`, and `kv_heads`,
-- `ffn`, `vocabulary`, `sequence`, `block` ("gpt", "llama"); `micro_batch` and `global_batch` in
-- sequences, `precision`, `gradient_precision`, `recompute` ("none", "selective", "full").
-- Parallelism: `tp`, `pp`, `dp`, `virtual_stages` (interleaved schedule), `zero` (0 to 3), `bucket`
-- and `overlap` of gradients, `sequence_parallel`, `order` ("tp-dp-pp"), `ranks` (hosts, or how
-- many).
-- Speed: `gpu` or `flops`, `mfu`, or `compute` (times of a layer); `optimizer`, `slow_gpus`.
-- Simulation: `iterations`, `start`, `dp_algorithm`, `tp_algorithm`, `channels`, `tp_traffic`
-- ("simulate", "time", "ignore"), `embedding_traffic` ("simulate", "ignore"), `tp_rate`,
-- `granularity` ("stage", "layer"), `scale_bytes`,
-- `scale_compute`, `keep_flows` (false: collectives keep no rows of flows that are over).
-- docs/workloads.md has defaults, formulas and sources.
-- @tparam table options
-- @treturn Workload
function M.gpt(options) return model_job.new("gpt", options) end

return M
