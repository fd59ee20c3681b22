return [[
Models that correct completion times, and how they are trained.

  weft.simulation { engine = "learned", model = "mine.weft" }    without model: the one with weft
  weft train sets --cases 96 --out mine.weft                     from runs of a family of workloads
  weft train sets --data runs.csv --topology fabric.txt --from mine.weft --out fitted.weft
  weft train --help                                              all that it takes

Recordings are CSV files with src, dst (numbers of hosts), size_bytes, start_ps and fct_ps (or _ns,
_us, _s): what sim:flows():write_csv "runs.csv" writes is one. A part of the runs is held out; the
model that is best there is written. The same seed gives the same file for any number of threads.
Ctrl-C ends a training and keeps the best so far; --checkpoint FILE and --resume go on.

  local model = weft.learn.load "mine.weft"
  print(model)                       what it is, how good, and which command made it
  model:features "flow"              names, and between which values training has seen them
  weft.learn.examples, learn.read_examples, learn.train: the same with examples of your own

More: docs/learning.md
]]
