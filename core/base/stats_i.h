/* How totals of parts become totals of the whole: each field of weft_stats once, with its rule. */
#ifndef WEFT_BASE_STATS_H
#define WEFT_BASE_STATS_H

#include "weft_types.h"

/* SUM: of what each part has counted; also of fingerprints, modulo 2^64. MAX: the largest, or the
 * latest. */
/* clang-format off */
#define STATS_FIELDS(X) \
  X(now_ps, MAX) \
  X(events, SUM) \
  X(packet_hops, SUM) \
  X(packets_injected, SUM) \
  X(packets_delivered, SUM) \
  X(packets_dropped, SUM) \
  X(packets_in_flight, SUM) \
  X(bytes_injected, SUM) \
  X(bytes_delivered, SUM) \
  X(bytes_dropped, SUM) \
  X(bytes_in_flight, SUM) \
  X(payload_delivered, SUM) \
  X(ecn_marks, SUM) \
  X(pfc_pauses, SUM) \
  X(retransmits, SUM) \
  X(retransmits_spurious, SUM) \
  X(timeouts, SUM) \
  X(timeouts_put_off, SUM) \
  X(flows_added, SUM) \
  X(flows_started, SUM) \
  X(flows_done, SUM) \
  X(flows_failed, SUM) \
  X(tasks_added, SUM) \
  X(tasks_done, SUM) \
  X(max_queue_bytes, MAX) \
  X(memory_bytes, SUM) \
  X(fingerprint, SUM)
/* clang-format on */

#define STATS_ONE(member, rule) +sizeof((weft_stats *)0)->member
_Static_assert((0 STATS_FIELDS(STATS_ONE)) == sizeof(weft_stats), "a total without a rule");

/* Take the totals of a part in. */
static inline void stats_add(weft_stats *total, const weft_stats *part) {
#define STATS_SUM(member) total->member += part->member;
#define STATS_MAX(member) \
  if (part->member > total->member) total->member = part->member;
#define STATS_TAKE(member, rule) STATS_##rule(member)
  STATS_FIELDS(STATS_TAKE)
#undef STATS_SUM
#undef STATS_MAX
#undef STATS_TAKE
}

#endif
