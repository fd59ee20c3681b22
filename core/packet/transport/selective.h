/* Selective repeat: what go-back-N does not have. See selective.c. */
#ifndef WEFT_TRANSPORT_SELECTIVE_H
#define WEFT_TRANSPORT_SELECTIVE_H

#include "packet/transport/transport.h"

/** Sender: take the next lost packet to send again; TX_RESEND is set. */
uint32_t weft__selective_resend(weft_sim *sim, uint32_t slot);

/** Sender: an ACK or NACK has moved una up from `old_una`, or told of a packet beyond it. */
void weft__selective_ack(weft_sim *sim, const struct packet *packet, uint32_t old_una);

/** Sender: nothing has moved for too long. */
void weft__selective_timeout(weft_sim *sim, uint32_t slot);

/** Sender: how many packets should be on their way: of those sent not the ones that have arrived,
 *  as far as it knows, nor those that wait to be sent again. */
uint32_t weft__selective_out(const weft_sim *sim, uint32_t slot);

/** Receiver: keep a packet beyond the one expected. 0 when it is too far beyond. */
int weft__selective_hold(weft_sim *sim, const struct packet *packet);

/** Receiver: the packet expected has come; pass on what was kept behind it. Whether an ACK should
 *  tell of what is still kept. */
int weft__selective_pass(weft_sim *sim, uint32_t slot);

/** A NACK's telemetry block, which names the packet that caused it, or with selective
 *  acknowledgement what is kept; 0 when out of memory. */
uint32_t weft__selective_name(weft_sim *sim, const struct packet *data);

/** The flow is over. */
void weft__selective_release(weft_sim *sim, uint32_t slot);

#endif
