/* The seam between a simulation and the engine that moves its flows.
 *
 * An engine is a folder and a table of functions. It gets flows to move (launch), takes the part of
 * the run between two events that are not its own, and answers for its flows. Its state is a struct
 * and pools in sim_i.h like all others, so copying, freeing and hashing need nothing of it here.
 * What it cannot do it does not claim (enum weft_can), and weft refuses with its name. */
#ifndef WEFT_ENGINE_H
#define WEFT_ENGINE_H

#include "sim_i.h"

/* Bits of engine_ops.can. */
#define CAN(what) (1u << WEFT_CAN_##what)

/* What a change has done to a port of the fabric. */
enum port_change {
  CHANGED_LOSS = 1,
  CHANGED_RATE = 2, /* it has another rate, has failed or is back: see fabric_port.down */
  CHANGED_DELAY = 4, /* of its impairment */
  CHANGED_BURSTS = 8
};

/* A part of a run: up to a time and a number of events of all time. `idle`: events of others in the
 * queue that alone don't keep a run alive. */
struct turn {
  weft_time limit;
  uint64_t last;
  uint32_t idle;
  uint32_t tasks; /* not over: they answer to ends of flows within the instant */
};

/* What engine_ops.run gives back, besides enum weft_run_result: go on. */
enum { RUN_ON = -1 };

/* Kinds of events that are handled by the loop, as bits. All others are the engine's. */
enum { EVENTS_OF_ALL = 1 << EV_CHANGE | 1 << EV_TASK | 1 << EV_START | 1 << EV_SAMPLE };

/* What has (*) may be NULL: there is nothing to do, or as said. Which may, and which must
 * be there for what it can, is a list in engine.c. */
struct engine_ops {
  uint32_t can; /* CAN(...) | ... */

  /** The configuration has been checked: take from it what is needed. WEFT_OK or an error. (*) */
  int (*create)(weft_sim *sim);
  /** A link has been added to the fabric, which counts it afterwards. WEFT_OK or an error. (*) */
  int (*link_added)(weft_sim *sim, uint32_t link);
  /** The fabric is closed. WEFT_OK or an error; WEFT_ENOMEM without a message. (*) */
  int (*ready)(weft_sim *sim);
  /** A run is about to begin, or to go on. (*) */
  int (*begin)(weft_sim *sim);
  /** Handle events of its own. Gives back RUN_ON when the next event is not its own, or when there
   *  are news; else why it stopped. (*: by `event` and `stale`) */
  int (*run)(weft_sim *sim, const struct turn *turn);
  /** Without `run`: handle an event of its own, whose kind is none of EVENTS_OF_ALL; how many
   *  events in the queue will find nothing to do. */
  void (*event)(weft_sim *sim, uint32_t kind, uint32_t source);
  uint32_t (*stale)(const weft_sim *sim);
  /** The run ends here; `whole`: with all events of this instant. (*) */
  void (*end)(weft_sim *sim, int whole);
  /** This is a copy, whose pools are still empty: let go of what is not part of the value. WEFT_OK,
   *  or why there can be none. (*) */
  int (*copied)(weft_sim *copy);
  /** Free what is not in pools. (*) */
  void (*destroy)(weft_sim *sim);

  /** The fabric is about to change. (*) */
  void (*change_begins)(weft_sim *sim);
  /** A port has changed: a mask of enum port_change. */
  void (*port_changed)(weft_sim *sim, uint32_t port, unsigned what);
  /** Ways have changed, as routing has noticed something. */
  void (*rerouted)(weft_sim *sim);
  /** A PFC storm begins or ends a pause; with CAN(STORM). */
  void (*storm)(weft_sim *sim, uint32_t change);
  /** All that the change has done is known; of a link, or WEFT_NONE. (*) */
  void (*change_ends)(weft_sim *sim, uint32_t link);
  /** Set the thresholds of ECN of a port; with CAN(QUEUES). */
  int (*set_ecn)(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax);
  /** Fill in what the engine knows of a port. (*) */
  void (*port_info)(const weft_sim *sim, uint32_t port, weft_port_info *info);

  /** The time of a flow has come. */
  void (*launch)(weft_sim *sim, uint32_t row);
  /** Have room for what it keeps of so many slots, with paths of so many ports; 0: no memory. */
  int (*slots)(weft_sim *sim, uint32_t slots, uint32_t path_ports);
  /** Payload bytes in order at the receiver of an active flow. */
  uint64_t (*delivered)(const weft_sim *sim, uint32_t slot);
  /** Differs from what it was whenever the flow has made progress since. (*: delivered) */
  uint64_t (*progress)(const weft_sim *sim, uint32_t slot);

  /** The rate of an active flow, bit/s on the wire; with CAN(RATES). */
  double (*rate)(const weft_sim *sim, uint32_t slot);

  /** Bring to the present what results are about to read. */
  void (*settle)(weft_sim *sim);
  /** A sample is about to be taken, of all that has happened up to and in this instant. (*) */
  void (*before_sample)(weft_sim *sim);
  /** Bring the rows of flows under way to the present: delivered_bytes, retransmits, marks. (*: the
   *  first alone) */
  void (*flow_rows)(weft_sim *sim);
  /** Fill in what it has of a row of the table of ports beside tx_bytes. (*) */
  void (*port_row)(weft_sim *sim, uint32_t port, struct port_row *row);
  /** Bytes that have begun transmission at a port; with CAN(QUEUES), bytes that wait there. */
  uint64_t (*port_bytes)(weft_sim *sim, uint32_t port);
  uint64_t (*port_queue)(weft_sim *sim, uint32_t port);
  /** Rows of a table that is its own, and how many; with CAN(TRACE_ACKS) or CAN(ACCELERATE). */
  const void *(*table)(const weft_sim *sim, int table, uint64_t *count);
  /** Bytes on the wire for so much payload of a flow: data, and ACKs on the way back. (*: packets
   *  with headers, and no ACKs) */
  void (*wire_bytes)(const weft_sim *sim, uint32_t row, uint64_t payload, uint64_t *data,
                     uint64_t *acks);
  /** Add what running totals do not have. (*) */
  void (*stats)(weft_sim *sim, weft_stats *stats);
  /** Check invariants: WEFT_OK or WEFT_EINTERNAL. */
  int (*check)(weft_sim *sim);
};

#define DECLARE_ENGINE(_, name, NAME, table, word) extern const struct engine_ops table;
ENGINES(DECLARE_ENGINE, )

/** The engine of that number (enum weft_engine); NULL: there is none. */
const struct engine_ops *weft__engine(uint32_t number);

/** Whether the engine of a simulation can do something (enum weft_can). */
static inline int engine_can(const weft_sim *sim, uint32_t what) {
  return what == WEFT_CAN_MOVE || (sim->engine->can >> what & 1);
}

/** A member that is missing from the table, by what the engine claims to have; NULL: none is. */
const char *weft__engine_lacks(const struct engine_ops *engine);

/** WEFT_OK, or what cannot be with this engine, and with which it could: "<what>: engine 'ideal'
 *  has no <part>; expected engine = 'packet'". */
int weft__engine_needs(weft_sim *sim, uint32_t can, const char *what, const char *part);

#endif
