/* The phases of partitions, and what changes with them.
 *
 *   free ----> live <----> apart            simulated: among all others, or by itself
 *     ^         | ^
 *     +---------+ +----- steady, memo       parked: at constant rates, through a known transient
 *               | +----- follow             parked: through one that another goes through just now
 *
 * A partition is parked from LIVE and becomes LIVE again; it ends as LIVE too, since flows end in
 * it only while it is simulated. A follower whose record is complete goes by it from then on. All
 * else would be a mistake of ours. */
#include "packet/accel/partitions/partitions.h"

void weft__partition_set_unarmed(weft_sim *sim, struct partition *p, int unarmed) {
  sim->accel.unarmed += (uint32_t)unarmed - p->unarmed;
  p->unarmed = (uint8_t)unarmed;
}

/* ---- what happens ---- */

static void begin(weft_sim *sim, struct partition *p) {
  p->since = sim->now;
  ++sim->accel.totals.partitions;
}

static void end(weft_sim *sim, struct partition *p) {
  sim->accel.totals.transient_ps += sim->now - p->since;
  p->event = -1;
  --sim->accel.totals.partitions;
}

static void park(weft_sim *sim, struct partition *p) {
  sim->accel.totals.transient_ps += sim->now - p->since;
  p->since = p->parked_at = sim->now;
  ++sim->accel.parked;
}

/* It has no record any more, neither one that it goes by nor one that it makes. */
static void unpark(weft_sim *sim, struct partition *p) {
  p->record = 0;
  --sim->accel.parked;
}

static void follow(weft_sim *sim, struct partition *p) {
  park(sim, p);
  ++sim->accel.followers;
}

static void give_up(weft_sim *sim, struct partition *p) {
  unpark(sim, p);
  --sim->accel.followers;
}

static void know(weft_sim *sim, struct partition *p) {
  (void)p;
  --sim->accel.followers;
}

/* What it is to users does not change, nor the record that it makes. */
static void go_apart(weft_sim *sim, struct partition *p) {
  p->parked_at = sim->now;
  ++sim->accel.parked;
}

static void come_back(weft_sim *sim, struct partition *p) {
  (void)p;
  --sim->accel.parked;
}

/* ---- the table ---- */

typedef void transition(weft_sim *sim, struct partition *p);

enum { PHASES = PARTITION_APART + 1 };

/* From, to; what is not there is not allowed. */
static transition *const transitions[PHASES][PHASES] = {
    [PARTITION_FREE] = {[PARTITION_LIVE] = begin},
    [PARTITION_LIVE] = {[PARTITION_FREE] = end,
                        [PARTITION_STEADY] = park,
                        [PARTITION_MEMO] = park,
                        [PARTITION_FOLLOW] = follow,
                        [PARTITION_APART] = go_apart},
    [PARTITION_STEADY] = {[PARTITION_LIVE] = unpark},
    [PARTITION_MEMO] = {[PARTITION_LIVE] = unpark},
    [PARTITION_FOLLOW] = {[PARTITION_LIVE] = give_up, [PARTITION_MEMO] = know},
    [PARTITION_APART] = {[PARTITION_LIVE] = come_back}};

void weft__partition_become(weft_sim *sim, uint32_t partition, enum partition_phase phase) {
  struct partition *p = &sim->accel.partitions.at[partition];
  transition *const happens = transitions[p->phase][phase];
  WEFT_ASSERT(happens != NULL);
  if (happens != NULL) happens(sim, p);
  p->phase = (uint8_t)phase;
  if (phase != PARTITION_LIVE) weft__partition_set_unarmed(sim, p, 0);
}
