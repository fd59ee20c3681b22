/* The list of a NIC: its flows that have packets left, in the order in which they joined. */
#include "packet/model.h"
#include "packet/transport/transport.h"

static void note_listed(weft_sim *sim, uint32_t port, int joined) {
  if (sim->packet.ports.at[port].flags & PORT_EXPLICIT)
    sim->packet.model->listed(sim, port, joined);
}

void weft__nic_add(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct nic *nic = &sim->packet.nics.at[tx->port];
  tx->flags |= TX_IN_LIST;
  note_listed(sim, tx->port, 1);
  if (nic->first == WEFT_NONE) {
    nic->first = nic->last = tx->list_next = tx->list_prev = slot;
    return;
  }
  struct tx *first = &sim->packet.tx.at[nic->first];
  tx->list_next = nic->first;
  tx->list_prev = first->list_prev;
  sim->packet.tx.at[first->list_prev].list_next = slot;
  first->list_prev = slot;
}

void weft__nic_remove(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct nic *nic = &sim->packet.nics.at[tx->port];
  tx->flags &= (uint8_t)~TX_IN_LIST;
  note_listed(sim, tx->port, 0);
  if (tx->list_next == slot) {
    nic->first = nic->last = WEFT_NONE;
    return;
  }
  if (nic->first == slot) nic->first = tx->list_next;
  if (nic->last == slot) nic->last = tx->list_prev;
  sim->packet.tx.at[tx->list_prev].list_next = tx->list_next;
  sim->packet.tx.at[tx->list_next].list_prev = tx->list_prev;
}

void weft__nic_relist(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const int has_packets = tx->next < tx->total || (tx->flags & TX_RESEND);
  const int listed = (tx->flags & TX_IN_LIST) != 0;
  if (has_packets && !listed) weft__nic_add(sim, slot);
  if (!has_packets && listed) weft__nic_remove(sim, slot);
}
