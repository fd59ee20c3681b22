return [[
Links change at a time, or now:

  local link = fabric:link("gpu3", "leaf3")
  sim:degrade(link, { at = "2ms", factor = 1 / 4 })   a gray failure: up, but slow
  sim:degrade(link, { factor = 1, loss = 1e-4 })      full rate, some packets lost
  sim:fail(link, { at = "3ms" })                      down: routes avoid it, what was on it is lost
  sim:repair(link, { at = "5ms" })

  local hosts = weft.failure.choose(fabric, { count = 2, seed = 7 })
  weft.failure.degrade_hosts(sim, hosts, { factor = 1 / 4 })

help(weft.failure) lists more.
]]
