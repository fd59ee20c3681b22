/* Flows as such: what every engine has to do with, and none of what it does to move them.
 *
 * A flow has a row for ever, which results show, and a slot while it is under way, by which engines
 * keep what they know of it. Flows that work has sent tell it what becomes of them: news, which the
 * loop hands over after each event, so that nothing here calls up. */
#ifndef WEFT_FLOW_H
#define WEFT_FLOW_H

#include "sim_i.h"

/** Events of a slot name up to four timers of it. */
enum { SLOTS_MOST = EVENT_SOURCE_MASK / 4 };

/* flow.c: rows, and the life of a flow */

/** Check a flow's ends and size. */
int weft__flow_check(weft_sim *sim, const weft_flow_def *def);

/** What has sent a flow, and what it wants of it (enum flow_wants). */
struct flow_owner {
  uint32_t task, part, wants;
  uint32_t messages; /* that it stands for, one after another; 0: it is one */
};

/** Nobody, who wants nothing. */
#define FLOW_OWNERLESS ((struct flow_owner){WEFT_NONE, 0, 0, 0})

/** Add a row for a flow without starting it. With FLOW_FORGETS the row may be a former flow's.
 *  Returns the row or a negative status. */
int weft__flow_row(weft_sim *sim, const weft_flow_def *def, struct flow_owner owner);

/** How many flows had the row before. */
static inline uint32_t row_generation(const weft_sim *sim, uint32_t row) {
  return row < sim->flow.generations.n ? sim->flow.generations.at[row] : 0;
}

/** How many messages of one size, or a byte more, a flow stands for, one after another. */
static inline uint32_t row_messages(const weft_sim *sim, uint32_t row) {
  return row < sim->flow.messages.n ? sim->flow.messages.at[row] : 1;
}

/** Its ideal time on a way. */
weft_time weft__flow_ideal(const weft_sim *sim, uint32_t row, const uint32_t *ports, int hops);

/** Packets of the first so much of its payload. */
uint64_t weft__flow_packets(const weft_sim *sim, uint32_t row, uint64_t payload);

/** What work wants of a flow. */
static inline uint32_t flow_wants(const weft_sim *sim, uint32_t row) {
  return row < sim->flow.wants.n ? sim->flow.wants.at[row] : 0;
}

/** The flow of a row begins now: give it a slot and a path. WEFT_NONE if there is no way, not even
 *  in the fabric as built, and the flow has failed, or memory has run out. `*waits`: its way is
 *  that of the fabric as built, since there is none just now. */
uint32_t weft__flow_begin(weft_sim *sim, uint32_t row, int *waits);

/** A flow that has begun is under way: the engine moves it. */
static inline void flow_is_under_way(weft_sim *sim) {
  ++sim->flow.active;
}

/** The last byte is at the receiver; the last ACK at the sender. */
void weft__flow_is_received(weft_sim *sim, uint32_t row);
void weft__flow_is_acked(weft_sim *sim, uint32_t row);

/** A flow under way is over: FLOW_DONE or FLOW_FAILED. Its slot is the engine's until it gives it
 *  back. */
void weft__flow_over(weft_sim *sim, uint32_t slot, enum flow_state state);

/** Whether all that counts of a flow has happened, though its sender may not know. */
int weft__flow_is_complete(const weft_sim *sim, uint32_t row);

/** A sender has given up: count and tell, unless the flow is complete, and then done. */
void weft__flow_has_failed(weft_sim *sim, uint32_t row);

/** It has failed at a time before it could have been complete (see packet/domains). */
void weft__flow_undo_received(weft_sim *sim, uint32_t row, weft_time time);

/** Payload bytes in order at the receiver so far. */
uint64_t weft__flow_delivered(const weft_sim *sim, uint32_t row);

/** Bring the rows of flows under way to the present. */
void weft__flows_settle(weft_sim *sim);

/** Their rates as they are now, by an engine that has them. */
void weft__flows_take_rates(weft_sim *sim);

/** What an engine knows of a flow, for its row. */
static inline void flow_row_note(weft_sim *sim, uint32_t row, uint64_t delivered_bytes,
                                 uint32_t retransmits, uint32_t ecn_marks) {
  struct flow *flow = &sim->flow.rows.at[row];
  flow->delivered_bytes = delivered_bytes;
  flow->retransmits = retransmits;
  flow->ecn_marks = ecn_marks;
}

/** Tell work, if it wants to hear of that: NEWS_SENT where the flow wants FLOW_TELLS_SENT, else
 *  FLOW_TELLS_END. */
void weft__flow_tell(weft_sim *sim, uint32_t row, enum news_kind kind);

/** The news behind the `heard` first, which counts up; 0 once all have been heard, and then there
 *  are none. More may come in between. */
static inline int flow_next_news(weft_sim *sim, uint32_t *heard, struct news *news) {
  if (*heard == sim->flow.news.n) {
    sim->flow.news.n = 0;
    return 0;
  }
  *news = sim->flow.news.at[(*heard)++];
  return 1;
}

/* terms.c */

/** Check what a flow is given besides its ends and size. */
int weft__flow_check_terms(weft_sim *sim, const weft_flow_def *def);

/** Keep it, for a row behind all that have such: 0 when out of memory. */
int weft__flow_keep_terms(weft_sim *sim, uint32_t row, const weft_flow_def *def);

/** What a row's flow was given, or NULL: nothing. */
const struct flow_terms *weft__flow_terms(const weft_sim *sim, uint32_t row);

/* slots.c */

/** The engine does without the ways of ACKs. */
static inline void weft__flows_go_one_way(weft_sim *sim, int is_one_way) {
  sim->flow.is_one_way = (uint32_t)is_one_way;
}

/** Ports to the destination of a row's flow and back, and how many; 0 if there is no way. */
int weft__flow_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_hops);

/** Let the flow of a slot use a path; 0 when out of memory. */
int weft__slot_take_path(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                         const uint32_t *ack, int ack_hops);

/** A slot that is free, or a new one; WEFT_NONE when out of memory. */
uint32_t weft__slot_take(weft_sim *sim, uint32_t row);

/** Give all slots room for longer paths than any before; 0 when out of memory. */
int weft__slots_widen(weft_sim *sim, uint32_t path_ports);

/** Give a slot back whose flow is over. */
void weft__slot_free(weft_sim *sim, uint32_t slot);

/** The path of a slot's flow: data_hops ports of the data's way, then those of the ACKs', then
 *  WEFT_NONE. */
static inline uint32_t *slot_path(const weft_sim *sim, uint32_t slot) {
  return &sim->flow.paths.at[(uint64_t)slot * 2 * sim->flow.path_ports];
}

/** No port of it is down. */
static inline int slot_way_is_up(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i)
    if (sim->fabric.ports.at[path[i]].down) return 0;
  return 1;
}

/* starts.c: flows that wait for their start */

/** Start all flows of the start list that are due, and ask for the event of the next. */
void weft__flow_start_due(weft_sim *sim);

/** Sort flows that were added since the last run into the start list. */
int weft__flow_sort_starts(weft_sim *sim);

/** Ask for the event of the next start, if there is one. */
void weft__flow_arm_start(weft_sim *sim);

/** When the next flow of the start list starts; INT64_MAX: none is left. */
weft_time weft__flow_next_start(const weft_sim *sim);

/** Take the next off the list, for who starts it himself: its row. */
uint32_t weft__flow_take_start(weft_sim *sim);

/* views.c */

/** A view begins without flows under way. */
void weft__flow_view_begin(weft_sim *view);

/** Let a view know what has grown since; 0 when out of memory. */
int weft__flow_view_see(const weft_sim *sim, weft_sim *view);

/** So many flows under way are another one's from now on. */
void weft__flow_move_active(weft_sim *from, weft_sim *to, uint32_t count);

/** The slot that would be taken next, if one is free, or WEFT_NONE; let another one have it. There
 *  is room for all that there are. */
uint32_t weft__flow_free_slot(const weft_sim *sim);
void weft__flow_move_free_slot(weft_sim *from, weft_sim *to);

#endif
