return [[
Links, switches and hosts fail at a time, or now; at the prompt also between two runs:

  sim:degrade("gpu3-leaf3", { at = "2ms", factor = 1 / 4, duration = "1ms" })   gray: up, but slow
  sim:degrade(link, { factor = 0.2, over = "5ms" })         gradually; factors, every: in steps
  sim:degrade(link, { factor = 0.5, period = "1ms", duration = "9ms" })         flapping
  sim:degrade(link, { loss = 1e-4 })                        uniform loss
  sim:degrade(link, { burst = { loss = 0.01, length = 8 } })   Gilbert-Elliott
  sim:degrade(link, { delay = "5us", jitter = "2us" })
  sim:vary(link, { by = "redraw", min = "20Mbps", max = "155Mbps", duration = "1h" })    ar1, ...
  sim:fail(link, { at = "3ms", detect = "200us" })          down; noticed later
  sim:fail("spine0", { duration = "5ms" })                  all links of a switch
  sim:repair(link, { at = "5ms" })
  sim:storm("gpu3", { at = "1ms", duration = "5ms" })       sends PFC pauses
  sim:slow("gpu7", { factor = 2 })                          computes at half speed

Many at once, and from files or a seed:

  sim:inject "failures.csv"                                 at,kind,target,factor,duration,...
  sim:inject(weft.failure.random(fabric, { seed = 1, count = 9, span = "1ms" }))

  sim:failures()                  what was announced
  sim:run { watchdog = "1ms" }    name flows that make no progress
  sim:unfinished()                flows that are not complete, and why

help(weft.failure) lists more.
]]
