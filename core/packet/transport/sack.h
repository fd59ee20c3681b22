/* Selective acknowledgement, as TCP has it: what selective repeat does not have. See sack.c. */
#ifndef WEFT_TRANSPORT_SACK_H
#define WEFT_TRANSPORT_SACK_H

#include "packet/transport/transport.h"

/** Sender: a packet that is not the only one on its way carries what a sample of delivery needs. */
void weft__sack_departs(weft_sim *sim, uint32_t slot, uint32_t block);

/** Sender: take the next lost packet to send again; TX_RESEND is set. */
uint32_t weft__sack_resend(weft_sim *sim, uint32_t slot);

/** Sender: note what an ACK tells, that has moved una up from `old_una` or not. */
void weft__sack_hear(weft_sim *sim, const struct packet *packet, uint32_t old_una);

/** Sender: let the flow send what its window has room for, which the last ACK may have changed. */
void weft__sack_permit(weft_sim *sim, uint32_t slot);

/** Sender: nothing has moved for too long. */
void weft__sack_timeout(weft_sim *sim, uint32_t slot);

/** Receiver: a packet beyond a gap has been kept. */
void weft__sack_hold(weft_sim *sim, uint32_t slot, uint32_t seq);

/** Receiver: the packets before rx.next have been passed on; whether others are kept. */
int weft__sack_pass(weft_sim *sim, uint32_t slot);

/** Receiver: what it keeps, into the note of a block. */
void weft__sack_name(const weft_sim *sim, uint32_t slot, uint32_t block);

/** The flow is over. */
void weft__sack_release(weft_sim *sim, uint32_t slot);

/** Packets on their way, as far as the sender knows: RFC 6675's pipe. */
static inline uint32_t sack_pipe(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct sack *sack = &sim->packet.sack.at[slot];
  return tx->next - tx->una - sack->sacked - sack->waiting;
}

#endif
