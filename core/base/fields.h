/* Fields of structs, known once: from the list of a struct's fields come the struct itself and all
 * that treats fields by what they are: moving in time, records, hashes of states, checks.
 *
 * A list is a macro of lines X(class, keeper, type, name). The class says what the value is, and so
 * how it moves with the part of a simulation that holds it: forward when the part is skipped, or
 * back to where nothing has happened yet, as records and hashes want it.
 *
 *   class         what it is                                            moves by
 *   VALUE         the same at any time: rate, duration, size, flags      -
 *   TIME          on the clock, ps                                       time
 *   TIME_OR_NONE  the same, or -1                                        time; before 0 to -1
 *   DUE           such times of a congestion control's timers, an array  time; before 0 to -1
 *   DATE          a time that stays: of what was, or of a queued event   -
 *   SEQUENCE      a packet number of its flow, modulo 2^32               packets
 *   BYTES         a byte number of its flow                              bytes
 *   BYTES_OR_0    the same; 0: none yet                                  bytes
 *   GATE          the same; while 0 no field behind it moves either      bytes
 *   SENT          bytes that a port has sent, modulo 2^32                sent
 *   WRAPS         how often such a counter has wrapped                   by hand: the sum carries
 *   PASSED        packets that have passed a port                        passed
 *   RECOVERY      of losses that are made up for: none where it moves    -
 *   SLOT          a flow's slot, or WEFT_NONE; in records the flow       -
 *   PORT, ROW     a port, a row of flows                                 -
 *   PLACE         where something is in a pool                           -
 *
 * The keeper says whose the value is when a flow or a port is put where another one has got to:
 *
 *   STATE  what happens next depends on it: it is in records and in hashes of states
 *   KEPT   it is in records; in states it follows from others, or is looked at by hand
 *   OWN    it stays: who somebody is, what it was given, its memory, what it counts for results
 *
 * So a new field is one line, and what is not listed does not exist. Holes between members would
 * hold anybody's bits, so there are none: fill them with VALUE, OWN, unused. */
#ifndef WEFT_BASE_FIELDS_H
#define WEFT_BASE_FIELDS_H

#include "weft_types.h"

enum field_class {
  FIELD_VALUE, /* these stay */
  FIELD_DATE,
  FIELD_WRAPS,
  FIELD_RECOVERY,
  FIELD_SLOT,
  FIELD_PORT,
  FIELD_ROW,
  FIELD_PLACE,
  FIELD_TIME, /* from here on they move */
  FIELD_TIME_OR_NONE,
  FIELD_DUE,
  FIELD_SEQUENCE,
  FIELD_BYTES,
  FIELD_BYTES_OR_0,
  FIELD_GATE,
  FIELD_SENT,
  FIELD_PASSED
};

enum field_keeper { KEEPER_STATE, KEEPER_KEPT, KEEPER_OWN };

/* ---- members ---- */

#define FIELD_MEMBER(class, keeper, type, name) type name;

/* Members that are in records. */
#define FIELD_RECORDED(class, keeper, type, name) FIELD_RECORDED_##keeper(type, name)
#define FIELD_RECORDED_STATE(type, name) type name;
#define FIELD_RECORDED_KEPT(type, name) type name;
#define FIELD_RECORDED_OWN(type, name)

#define FIELD_SIZE(class, keeper, type, name) +sizeof(type)
#define FIELDS_STRUCT(tag, list) \
  struct tag {                   \
    list(FIELD_MEMBER)           \
  };                             \
  _Static_assert(0 list(FIELD_SIZE) == sizeof(struct tag), "holes in struct " #tag)

/* ---- as a table ---- */

/** A field; its place is behind the one before. */
struct field_desc {
  const char *name;
  uint16_t size;
  uint8_t class, keeper; /* enum field_class, enum field_keeper */
};

#define FIELD_LINE(class, keeper, type, name) {#name, sizeof(type), FIELD_##class, KEEPER_##keeper},

/** A struct. One whose fields don't add up to its size does not say what it holds. */
struct fields {
  const char *name;
  const struct field_desc *list;
  uint32_t count, size;
};

#define FIELDS_OF(name, table, bytes) \
  { (name), (table), sizeof(table) / sizeof *(table), (bytes) }

/** Do the fields add up to the size? */
int weft__fields_add_up(const struct fields *fields);

/** Bytes before the first field of a class, and its size in *size; UINT32_MAX if there is none. */
uint32_t weft__fields_find(const struct fields *fields, enum field_class class, uint32_t *size);

/** A hash of all that is said of them. */
uint64_t weft__fields_hash(uint64_t hash, const struct fields *fields);

/* ---- moving ---- */

/** By how much a part of a simulation is moved. */
struct field_move {
  weft_time time;
  uint64_t bytes; /* payload of its flow */
  uint64_t passed; /* packets through its port */
  uint32_t packets; /* of its flow */
  uint32_t sent; /* bytes through its port */
};

/** The struct at `at`. 0: a GATE was closed. */
int weft__fields_move(const struct fields *fields, void *at, const struct field_move *by);

/* The same written out, for the many: FIELDS_MOVE(x, X_FIELDS) makes x_move(). */
#define FIELDS_MOVE(tag, list)                                                 \
  static inline void tag##_move(struct tag *at, const struct field_move *by) { \
    (void)by;                                                                  \
    list(FIELD_MOVE)                                                           \
  }
#define FIELD_MOVE(class, keeper, type, name) FIELD_MOVE_##class(at->name)
#define FIELD_MOVE_VALUE(field)
#define FIELD_MOVE_TIME(field) (field) += by->time;
#define FIELD_MOVE_TIME_OR_NONE(field) (field) = field_time_or_none((field), by->time);
#define FIELD_MOVE_DATE(field)
#define FIELD_MOVE_SEQUENCE(field) (field) += by->packets;
#define FIELD_MOVE_BYTES(field) (field) += by->bytes;
#define FIELD_MOVE_BYTES_OR_0(field) \
  if ((field) != 0) (field) += by->bytes;
#define FIELD_MOVE_SENT(field) (field) += by->sent;
#define FIELD_MOVE_WRAPS(field)
#define FIELD_MOVE_PASSED(field) (field) += by->passed;
#define FIELD_MOVE_RECOVERY(field)
#define FIELD_MOVE_SLOT(field)
#define FIELD_MOVE_PORT(field)
#define FIELD_MOVE_ROW(field)
#define FIELD_MOVE_PLACE(field)

static inline weft_time field_time_or_none(weft_time field, weft_time time) {
  if (field < 0) return field;
  return field + time < 0 ? -1 : field + time;
}

/* ---- records ---- */

/* What of a struct `from` is in records, into `at`: of another struct too that has these members.
 */
#define FIELD_TAKE(class, keeper, type, name) FIELD_TAKE_##keeper(name)
#define FIELD_TAKE_STATE(name) at->name = from->name;
#define FIELD_TAKE_KEPT(name) at->name = from->name;
#define FIELD_TAKE_OWN(name)
#define FIELDS_TAKE(tag, list)                                            \
  static inline void tag##_take(struct tag *at, const struct tag *from) { \
    list(FIELD_TAKE)                                                      \
  }

/** Flows' other numbers: that of flow i is `stride` bytes behind that of flow i - 1. */
struct field_names {
  const uint32_t *first;
  uint32_t stride;
};

static inline uint32_t field_name_of(const struct field_names *names, uint32_t flow) {
  if (flow == UINT32_MAX) return flow;
  const char *at = (const char *)names->first + (uint64_t)flow * names->stride;
  return *(const uint32_t *)(const void *)at;
}

/* FIELDS_RENAME(x, X_FIELDS) makes x_rename(), which gives flows their other numbers. */
#define FIELDS_RENAME(tag, list)                                                     \
  static inline void tag##_rename(struct tag *at, const struct field_names *names) { \
    (void)at;                                                                        \
    (void)names;                                                                     \
    list(FIELD_RENAME)                                                               \
  }
#define FIELD_RENAME(class, keeper, type, name) FIELD_RENAME_##class(at->name)
#define FIELD_RENAME_VALUE(field)
#define FIELD_RENAME_TIME(field)
#define FIELD_RENAME_TIME_OR_NONE(field)
#define FIELD_RENAME_DATE(field)
#define FIELD_RENAME_SEQUENCE(field)
#define FIELD_RENAME_BYTES(field)
#define FIELD_RENAME_BYTES_OR_0(field)
#define FIELD_RENAME_SENT(field)
#define FIELD_RENAME_WRAPS(field)
#define FIELD_RENAME_PASSED(field)
#define FIELD_RENAME_RECOVERY(field)
#define FIELD_RENAME_SLOT(field) (field) = field_name_of(names, (field));
#define FIELD_RENAME_PORT(field)
#define FIELD_RENAME_ROW(field)
#define FIELD_RENAME_PLACE(field)

#endif
