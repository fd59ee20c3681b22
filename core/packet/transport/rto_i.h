/* The retransmission timer, between the file that sets it (rto.c) and the one that says what
 * happens when it runs out (timeout.c). For others it is in transport.h. */
#ifndef WEFT_RTO_I_H
#define WEFT_RTO_I_H

#include "packet/transport/transport.h"

/** So many retries without progress have at most BACKOFF_MAX doublings; see rto.c. */
enum { RETRIES_MAX = 12 };

/** Since when it has been running. */
static inline weft_time rto_since(const struct tx_warm *warm) {
  return warm->progress_at > warm->restarted_at ? warm->progress_at : warm->restarted_at;
}

/** Whether it ran out, and nothing has come of that yet. */
static inline int rto_is_asked(const struct tx_warm *warm) {
  return warm->asked_at > rto_since(warm);
}

/** The empty round trip of the flow's path now. */
weft_time weft__rto_empty_rtt(const weft_sim *sim, uint32_t slot);

/** How long it runs. */
weft_time weft__rto_timeout(const weft_sim *sim, uint32_t slot);

/** Whether a packet may be lost on its way by chance. */
int weft__rto_may_lose(const weft_sim *sim, uint32_t slot);

/** Whether nothing is on its way that it could run for: the flow waits for its NIC. */
int weft__rto_waits_to_send(const weft_sim *sim, uint32_t slot);

/** When the flow fails if it makes no progress; INT64_MAX: not. */
weft_time weft__rto_gives_up_at(const weft_sim *sim, uint32_t slot);

/** Ask for the event of what is due next. */
void weft__rto_rearm(weft_sim *sim, uint32_t slot);

/** Its way is closed: TX_CUT_OFF or TX_DEAF. */
void weft__rto_note_closed(weft_sim *sim, uint32_t slot, uint8_t how);

#endif
