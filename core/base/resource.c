/* Resources: bytes that simulations share and nobody changes. Whoever holds one has counted itself;
 * the last to give it back frees it. Simulations of several threads may share one, so the count is
 * atomic, and nothing else needs to be. */
#include "base/resource.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

struct weft_resource {
  atomic_uint count;
  uint32_t kind;
  uint64_t size;
  weft_allocator allocator;
  char *name; /* behind the bytes */
};

/* Bytes begin with a cache line where blocks do. */
enum { HEAD_BYTES = (sizeof(struct weft_resource) + 63) / 64 * 64 };

int weft_resource_create(uint32_t kind, const char *name, const void *data, uint64_t size,
                         const weft_allocator *allocator, weft_resource **out) {
  const size_t length = strlen(name) + 1;
  *out = NULL;
  if (kind >= WEFT_RESOURCE_COUNT) return WEFT_EINVAL;
  if (size > SIZE_MAX - HEAD_BYTES - length) return WEFT_ENOMEM;
  const weft_allocator from = weft__allocator(allocator);
  char *block = from.resize(from.user, NULL, 0, HEAD_BYTES + (size_t)size + length);
  if (block == NULL) return WEFT_ENOMEM;
  weft_resource *resource = (weft_resource *)(void *)block;
  resource->kind = kind;
  resource->size = size;
  resource->allocator = from;
  resource->name = block + HEAD_BYTES + size;
  atomic_init(&resource->count, 1);
  if (size > 0) memcpy(block + HEAD_BYTES, data, (size_t)size);
  memcpy(resource->name, name, length);
  *out = resource;
  return WEFT_OK;
}

weft_resource *weft_resource_retain(weft_resource *resource) {
  atomic_fetch_add_explicit(&resource->count, 1, memory_order_relaxed);
  return resource;
}

void weft_resource_release(weft_resource *resource) {
  if (resource == NULL) return;
  /* What others have read of it is over before it is freed. */
  if (atomic_fetch_sub_explicit(&resource->count, 1, memory_order_acq_rel) > 1) return;
  const weft_allocator from = resource->allocator;
  const size_t length = strlen(resource->name) + 1;
  from.resize(from.user, resource, HEAD_BYTES + (size_t)resource->size + length, 0);
}

const void *weft_resource_data(const weft_resource *resource, uint64_t *size) {
  if (size != NULL) *size = resource->size;
  return (const char *)resource + HEAD_BYTES;
}

const char *weft_resource_name(const weft_resource *resource, uint32_t *kind) {
  if (kind != NULL) *kind = resource->kind;
  return resource->name;
}

/* ---- held by a simulation ---- */

int weft_sim_hold(weft_sim *sim, weft_resource *resource) {
  const uint32_t n = sim->base.held.n;
  if (n >= INT32_MAX) return weft__fail(sim, WEFT_ELIMIT, "resource: too many");
  if (!pool_reserve(sim, sim->base.held, n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "resource: out of memory");
  sim->base.held.at[n] = weft_resource_retain(resource);
  return (int)sim->base.held.n++;
}

weft_resource *weft_sim_resource(const weft_sim *sim, uint32_t index) {
  return index < sim->base.held.n ? sim->base.held.at[index] : NULL;
}

void weft__resources_retain(const weft_sim *copy) {
  for (uint32_t i = 0; i < copy->base.held.n; ++i) weft_resource_retain(copy->base.held.at[i]);
}

void weft__resources_release(const weft_sim *sim) {
  for (uint32_t i = 0; sim->base.held.at != NULL && i < sim->base.held.n; ++i)
    weft_resource_release(sim->base.held.at[i]);
}
