/* Collectives from the inside: what an algorithm is.
 *
 * An algorithm is a set of programs. A rank has a number of *lanes*, each a sequence of messages
 * that go in order: what a queue pair or an NCCL connection is. Messages are numbered by step. The
 * algorithm says what a lane sends in a step and whether what that takes has arrived; stream.c does
 * the rest. No message exists before it is sent, so a collective of n ranks holds n times its
 * lanes counters and the flows that are under way, however many steps it has.
 *
 * Chunks: the buffer is cut into slices so that no message is larger than a chunk. Every slice goes
 * through all steps, step by step and slice by slice within a step, and depends on itself alone, so
 * that slices follow one another through the fabric. */
#ifndef WEFT_COLLECTIVE_I_H
#define WEFT_COLLECTIVE_I_H

#include "work/work.h"

/** What a lane sends in one step, of one slice. */
struct message {
  uint64_t bytes; /* 0: there is nothing to send, and nothing waits for it */
  uint32_t to; /* rank */
  uint32_t first, count; /* pieces carried: count from first on, modulo all pieces */
  uint32_t reduce; /* 1: added to what the receiver has; 0: takes its place */
  uint32_t merged; /* steps that it is, if more than one; then first and count are of the first */
  uint32_t wake, wakes; /* lanes of the receiver that may have waited for it: wakes from wake on */
};

/** One message: of which rank, lane, step and slice. */
struct place {
  uint32_t rank, lane, step, slice;
};

struct algorithm {
  /** Fill in pieces, lanes, steps and largest, from kind, n, root and local. */
  void (*plan)(struct collective *collective);

  /** How many steps a lane of a rank has, 0 to collective.steps. */
  uint32_t (*steps)(const struct collective *collective, uint32_t rank, uint32_t lane);

  /** The message at a place. */
  struct message (*message)(const weft_sim *sim, const struct collective *collective,
                            struct place at);

  /** Whether what the message takes has arrived at its sender. Earlier messages of the lane have
   *  been sent, so what they took is there. */
  int (*ready)(const weft_sim *sim, const struct collective *collective, struct place at);

  /** Step s + 1 of a lane at the receiver takes step s of the same lane and nothing else, and each
   *  lane begins with one message: without slices, messages may overtake one another. */
  int relays;

  /** A lane sends to other ranks in other steps. */
  int turns;

  /** Where that is less work than the message: its receiver, if all pieces have bytes. Or NULL. */
  uint32_t (*receiver)(const struct collective *collective, struct place at);
};

/** Whether a message of an all-to-all carries what rank src has for rank dst. */
int weft__all_to_all_carries(const struct collective *collective, struct place at, uint32_t src,
                             uint32_t dst);

/** Where message `part` of a collective (flow.part) is. */
struct place weft__collective_place(const struct collective *collective, uint32_t part);

/** Bytes of part i of n: the remainder goes to the first parts, one byte each. */
static inline uint64_t share(uint64_t bytes, uint32_t n, uint32_t i) {
  return bytes / n + (i < bytes % n);
}

/** Bytes of the parts before part i. */
static inline uint64_t share_before(uint64_t bytes, uint32_t n, uint32_t i) {
  const uint64_t rest = bytes % n;
  return bytes / n * i + (i < rest ? i : rest);
}

/** Bytes of pieces of a slice: count of them from first on, modulo all. */
uint64_t weft__piece_bytes(const struct collective *collective, uint32_t slice, uint32_t first,
                           uint32_t count);

/* Messages of a lane that are under way or have overtaken others: the bits of lane.ahead. */
enum { LANE_WINDOW = 64 };

/** A lane of a rank, while the collective runs. */
static inline struct lane *collective_lane(const weft_sim *sim, const struct collective *collective,
                                           uint32_t rank, uint32_t lane) {
  return &sim->work.lanes.at[collective->first_lane + rank * collective->lanes + lane];
}

/** Whether the message at a place has arrived. */
int weft__message_arrived(const weft_sim *sim, const struct collective *collective,
                          struct place at);

#endif
