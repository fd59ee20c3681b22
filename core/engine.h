/* The seam between a simulation and the engine that moves its flows.
 *
 * An engine is a folder and a table of functions. It gets flows to move (launch), takes the part of
 * the run between two events that are not its own, and answers for its flows. Its state is a struct
 * and pools in sim_i.h like all others, so copying, freeing and hashing need nothing of it here.
 * What it cannot do it does not claim (enum weft_engine_can), and weft refuses with its name. */
#ifndef WEFT_ENGINE_H
#define WEFT_ENGINE_H

#include "sim_i.h"

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

struct engine_ops {
  const char *name;
  uint32_t can; /* bits of enum weft_engine_can */

  /** The configuration has been checked: take from it what is needed. WEFT_OK or an error. */
  int (*create)(weft_sim *sim);
  /** A link has been added to the fabric, which counts it afterwards. WEFT_OK or an error. */
  int (*link_added)(weft_sim *sim, uint32_t link);
  /** The fabric is closed. WEFT_OK or an error; WEFT_ENOMEM without a message. */
  int (*ready)(weft_sim *sim);
  /** A run is about to begin, or to go on. */
  int (*begin)(weft_sim *sim);
  /** Handle events of its own. Gives back RUN_ON when the next event is not its own, or when there
   *  are news; else why it stopped. */
  int (*run)(weft_sim *sim, const struct turn *turn);
  /** The run ends here; `whole`: with all events of this instant. */
  void (*end)(weft_sim *sim, int whole);
  /** This is a copy, whose pools are still empty: let go of what is not part of the value. WEFT_OK,
   *  or why there can be none. */
  int (*copied)(weft_sim *copy);
  /** Free what is not in pools. */
  void (*destroy)(weft_sim *sim);

  /** The fabric is about to change. */
  void (*change_begins)(weft_sim *sim);
  /** A port has changed: a mask of enum port_change. */
  void (*port_changed)(weft_sim *sim, uint32_t port, unsigned what);
  /** Ways have changed, as routing has noticed something. */
  void (*rerouted)(weft_sim *sim);
  /** A PFC storm begins or ends a pause. */
  void (*storm)(weft_sim *sim, uint32_t change);
  /** All that the change has done is known; of a link, or WEFT_NONE. */
  void (*change_ends)(weft_sim *sim, uint32_t link);
  /** Fill in what the engine knows of a port. */
  void (*port_info)(const weft_sim *sim, uint32_t port, weft_port_info *info);

  /** The time of a flow has come. */
  void (*launch)(weft_sim *sim, uint32_t row);
  /** Have room for what it keeps of so many slots, with paths of so many ports; 0: no memory. */
  int (*slots)(weft_sim *sim, uint32_t slots, uint32_t path_ports);
  /** Payload bytes in order at the receiver of an active flow. */
  uint64_t (*delivered)(const weft_sim *sim, uint32_t slot);
  /** Differs from what it was whenever the flow has made progress since. */
  uint64_t (*progress)(const weft_sim *sim, uint32_t slot);

  /** Bring to the present what results are about to read. */
  void (*settle)(weft_sim *sim);
  /** A sample is about to be taken, of all that has happened up to and in this instant. */
  void (*before_sample)(weft_sim *sim);
  /** Bring the rows of flows under way to the present: delivered_bytes, retransmits, marks. */
  void (*flow_rows)(weft_sim *sim);
  /** Fill in a row of the table of ports. */
  void (*port_row)(weft_sim *sim, uint32_t port, struct port_row *row);
  /** Bytes that have begun transmission at a port, bytes that wait there. */
  uint64_t (*port_bytes)(weft_sim *sim, uint32_t port);
  uint64_t (*port_queue)(weft_sim *sim, uint32_t port);
  /** Rows of a table that is its own (ACKs, spans), and how many; NULL: it has none. */
  const void *(*table)(const weft_sim *sim, int table, uint64_t *count);
  /** Bytes on the wire for so much payload of a flow: data, and ACKs on the way back. */
  void (*wire_bytes)(const weft_sim *sim, uint64_t payload, uint64_t *data, uint64_t *acks);
  /** Add what running totals do not have. */
  void (*stats)(weft_sim *sim, weft_stats *stats);
  /** Check invariants: WEFT_OK or WEFT_EINTERNAL. */
  int (*check)(weft_sim *sim);
};

extern const struct engine_ops weft__packet_engine;

#endif
