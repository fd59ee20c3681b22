return [[
Congestion control is chosen for a whole simulation: weft.simulation { cc = "hpcc", ... }

  window   a fixed window, nothing reacts
  dctcp    reacts to ECN marks (Alizadeh et al., SIGCOMM 2010), rate-based as in RDMA NIC models
  hpcc     reacts to in-band telemetry (Li et al., SIGCOMM 2019)
  dcqcn    reacts to ECN marks by timers, as RoCE NICs do (Zhu et al., SIGCOMM 2015)
  timely   reacts to the gradient of the round-trip time (Mittal et al., SIGCOMM 2015)
  swift    holds the delay at a target (Kumar et al., SIGCOMM 2020)
  reno     halves its window at a loss (RFC 5681), TCP's yardstick
  cubic    grows its window by the time since a loss (RFC 9438), as most of the Internet does
  bbr      paces by a model of rate and round trip (Cardwell et al., CACM 2017; version 1)

or one of your own in Lua: weft.cc.define(name, { start = f, on_ack = f, on_timer = f })

help "options" lists what this build knows and their parameters: those named after an algorithm
(dctcp_g, hpcc_eta, ...), the ECN thresholds (ecn_kmin, ecn_kmax, ecn_pmax, given for 100 Gbit/s
ports and scaled), window, base_rtt, min_rate. `pfc = false` makes the fabric lossy; `recovery` and
`rto` then decide how losses are repaired.

sim:stats() tells what happened: ecn_marks, pfc_pauses, packets_dropped, retransmits (and of them
retransmits_spurious, which had not been lost), timeouts, timeouts_put_off.
]]
