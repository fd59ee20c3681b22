/* What the packet model keeps by slot, and telemetry. A slot is given back when its flow is over
 * and the last packet that names it has left the network. */
#include <string.h>

#include "packet/cc/cc.h"
#include "packet/hooks.h"
#include "packet/transport/transport.h"

static void widen_telemetry(weft_sim *sim, uint64_t blocks, uint32_t path_ports) {
  const uint32_t old = sim->flow.path_ports;
  for (uint64_t i = blocks; i-- > 0;) {
    struct telemetry *block = &sim->packet.telemetry.at[i * path_ports];
    memmove(block, &sim->packet.telemetry.at[i * old], old * sizeof *block);
    memset(block + old, 0, (path_ports - old) * sizeof *block);
  }
  sim->packet.telemetry.n = (uint32_t)(blocks * path_ports);
}

static void widen_cc(weft_sim *sim, uint64_t slots, uint32_t words) {
  const uint32_t old = sim->packet.cc_words;
  for (uint64_t i = slots; i-- > 0;) {
    uint64_t *state = &sim->packet.cc_state.at[i * words];
    if (old > 0) memmove(state, &sim->packet.cc_state.at[i * old], old * sizeof *state);
    if (words > old) memset(state + old, 0, (words - old) * sizeof *state);
  }
  sim->packet.cc_words = words;
}

/* Paths are longer than any before: telemetry has an entry per port, and so may congestion
 * control. */
static int widen(weft_sim *sim, uint32_t path_ports) {
  const uint32_t old = sim->flow.path_ports, words = weft__cc_words(sim->packet.cc, path_ports);
  const uint64_t slots = sim->packet.tx.n, blocks = old > 0 ? sim->packet.telemetry.n / old : 0;
  if (!pool_reserve(sim, sim->packet.cc_state, slots * words) ||
      !pool_reserve(sim, sim->packet.telemetry, blocks * path_ports))
    return 0;
  widen_cc(sim, slots, words);
  widen_telemetry(sim, blocks, path_ports);
  sim->packet.cc_state.n = (uint32_t)(slots * words);
  return 1;
}

int weft__senders_renew_cc(weft_sim *sim) {
  const uint32_t words = weft__cc_words(sim->packet.cc, sim->flow.path_ports);
  const uint64_t n = (uint64_t)sim->packet.tx.n * words;
  if (!pool_reserve(sim, sim->packet.cc_state, n)) return 0;
  sim->packet.cc_words = words;
  sim->packet.cc_state.n = (uint32_t)n;
  if (n > 0) memset(sim->packet.cc_state.at, 0, n * sizeof *sim->packet.cc_state.at);
  return 1;
}

int weft__senders_reserve(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  if (path_ports > sim->flow.path_ports && !widen(sim, path_ports)) return 0;
  const uint64_t words = (uint64_t)n * sim->packet.cc_words;
  if (!pool_reserve(sim, sim->packet.tx, n) || !pool_reserve(sim, sim->packet.tx_warm, n) ||
      !pool_reserve(sim, sim->packet.rx, n) || !pool_reserve(sim, sim->packet.cc_state, words) ||
      (is_selective(sim) && !pool_reserve(sim, sim->packet.selective, n)) ||
      (is_sack(sim) && !pool_reserve(sim, sim->packet.sack, n)))
    return 0;
  sim->packet.tx.n = sim->packet.tx_warm.n = sim->packet.rx.n = n;
  sim->packet.cc_state.n = (uint32_t)words;
  if (is_selective(sim)) sim->packet.selective.n = n;
  if (is_sack(sim)) sim->packet.sack.n = n;
  return 1;
}

/* ---- packets that leave ---- */

static int is_quiet(const weft_sim *sim, uint32_t slot) {
  return sim->packet.tx_warm.at[slot].packets_out == 0 &&
         !(sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_IN_LIST));
}

int weft__flow_rows_wait(const weft_sim *sim) {
  if (sim->flow.forgotten_rows.cap == 0) return 0;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    if (!is_quiet(sim, slot) && (flow_wants(sim, row) & FLOW_FORGETS) &&
        sim->flow.rows.at[row].state != FLOW_FAILED)
      return 1;
  }
  return 0;
}

void weft__flow_free_when_quiet(weft_sim *sim, uint32_t slot) {
  if (is_quiet(sim, slot)) weft__slot_free(sim, slot);
}

void weft__packet_release(weft_sim *sim, const struct packet *packet) {
  if (packet->telemetry != 0)
    sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] = packet->telemetry;
  --sim->packet.tx_warm.at[packet->flow].packets_out;
  weft__flow_free_when_quiet(sim, packet->flow);
}

void weft__packet_gone(weft_sim *sim, const struct packet *packet) {
  if (packet->telemetry != 0)
    sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] = packet->telemetry;
  const struct domain_hooks *domain = sim->packet.domain_hooks;
  if (domain == NULL || !domain->gone(sim, packet->flow))
    weft__packet_gone_at(sim, packet->flow, sim->now);
}

void weft__packet_gone_at(weft_sim *sim, uint32_t slot, weft_time time) {
  weft__rto_gone(sim, slot, time);
  --sim->packet.tx_warm.at[slot].packets_out;
  weft__flow_free_when_quiet(sim, slot);
}

/* ---- telemetry ---- */

uint32_t weft__telemetry_new(weft_sim *sim) {
  const uint32_t blocks = sim->packet.telemetry.n / sim->flow.path_ports + 1;
  if (!pool_reserve(sim, sim->packet.telemetry, (uint64_t)blocks * sim->flow.path_ports) ||
      !pool_reserve(sim, sim->packet.telemetry_free, blocks) ||
      (is_sack(sim) ? !pool_reserve(sim, sim->packet.notes, blocks)
                    : is_selective(sim) && !pool_reserve(sim, sim->packet.triggers, blocks))) {
    weft__no_memory(sim);
    return 0;
  }
  memset(&sim->packet.telemetry.at[sim->packet.telemetry.n], 0,
         sim->flow.path_ports * sizeof *sim->packet.telemetry.at);
  sim->packet.telemetry.n = blocks * sim->flow.path_ports;
  if (is_sack(sim))
    sim->packet.notes.n = blocks;
  else if (is_selective(sim))
    sim->packet.triggers.n = blocks;
  return blocks;
}

uint32_t weft__telemetry_take(weft_sim *sim) {
  if (sim->packet.telemetry_free.n > 0)
    return sim->packet.telemetry_free.at[--sim->packet.telemetry_free.n];
  return weft__telemetry_new(sim);
}
