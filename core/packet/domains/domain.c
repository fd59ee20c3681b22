/* Between one domain and another: the end of a window, and what they have for each other. */
#include "packet/domains/domain.h"

#include "packet/hooks.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

uint32_t weft__domain_of_slot(const weft_sim *view, uint32_t slot) {
  return domain_of_port(view->domains.shared, view->packet.tx.at[slot].port) + 1;
}

void weft__domain_settle(struct domains *domains, uint32_t index, weft_time end) {
  weft_sim *view = domains->view[index];
  for (uint32_t i = 0; i < domains->borders.n; ++i) {
    const struct border *border = &domains->borders.at[i];
    if (border->near == index)
      port_settle(view, border->port, &view->packet.ports.at[border->port], end - 1);
  }
}

static void read_messages(struct domains *domains, uint32_t from, uint32_t to) {
  weft_sim *view = domains->view[to];
  for (uint32_t i = 0; i < domains->outbox[from][to].n; ++i) {
    const struct message *message = &domains->outbox[from][to].at[i];
    const struct event event = message->event;
    switch (message->kind) {
      case MESSAGE_EVENT:
        event_push(view, event);
        break;
      case MESSAGE_GONE:
        weft__packet_gone_at(view, (uint32_t)event.key, event.time);
        break;
      default:
        weft__ring_release(view, (uint32_t)event.time, (uint32_t)event.key);
        break;
    }
  }
  domains->outbox[from][to].n = 0;
}

static const struct packet *border_packet(const weft_sim *view, const struct border *border) {
  return &view->packet.packets.at[border->ring + (border->head & ((1u << border->ring_log2) - 1))];
}

void weft__domain_import(struct domains *domains, uint32_t index) {
  weft_sim *view = domains->view[index];
  weft_time next = INT64_MAX;
  for (uint32_t from = 0; from < domains->count; ++from) read_messages(domains, from, index);
  for (uint32_t i = 0; i < domains->borders.n; ++i) {
    struct border *border = &domains->borders.at[i];
    struct port *port = &view->packet.ports.at[border->port];
    if (border->far == index) {
      const int was_empty = border->head == border->limit;
      border->ring = port->ring;
      border->ring_log2 = port->ring_log2;
      border->limit = port->deq;
      if (was_empty && border->head != border->limit)
        event_at(view, EV_ARRIVE, 2 * border->port + 1, border_packet(view, border)->arrive);
    }
    if (border->near == index) {
      port->head = border->head - 1;
      if (port->deq == port->tail || (port->flags & PORT_HELD)) continue;
      const weft_time at = packet_departure(port, port_packet(view, port, port->deq));
      if (at < next) next = at;
    }
  }
  if (!domain_is_idle(view)) {
    const weft_time at = event_first(view).time;
    if (at < next) next = at;
  }
  domains->state[index].next = next;
}

static void post(weft_sim *view, uint32_t to, struct message message) {
  struct domains *domains = view->domains.shared;
  const uint32_t from = view->domains.index - 1;
  const uint32_t n = domains->outbox[from][to].n;
  if (!pool_reserve(view, domains->outbox[from][to], n + 1u)) {
    weft__no_memory(view);
    return;
  }
  domains->outbox[from][to].at[n] = message;
  domains->outbox[from][to].n = n + 1;
}

static void note_failed(weft_sim *view, uint32_t slot) {
  struct domains *domains = view->domains.shared;
  const uint32_t from = view->domains.index - 1, n = domains->failed[from].n;
  if (!pool_reserve(view, domains->failed[from], n + 1u)) {
    weft__no_memory(view);
    return;
  }
  domains->failed[from].at[n] =
      (struct event){view->now, (uint64_t)slot << 32 | view->packet.tx.at[slot].row};
  domains->failed[from].n = n + 1;
}

static void send_event(weft_sim *view, uint32_t port, struct event event) {
  post(view, domain_of_port(view->domains.shared, port), (struct message){event, MESSAGE_EVENT});
}

static int gone(weft_sim *view, uint32_t slot) {
  const uint32_t domain = weft__domain_of_slot(view, slot);
  if (domain == view->domains.index) return 0;
  post(view, domain - 1, (struct message){{view->now, slot}, MESSAGE_GONE});
  return 1;
}

static void retire_ring(weft_sim *view, uint32_t log2, uint32_t ring) {
  post(view, view->domains.index - 1, (struct message){{(weft_time)log2, ring}, MESSAGE_RING});
}

const struct domain_hooks weft__domain_hooks = {
    .gone = gone, .send_event = send_event, .failed = note_failed, .retire_ring = retire_ring};
