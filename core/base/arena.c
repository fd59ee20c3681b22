/* Scratch memory: see arena.h. */
#include "arena.h"

#include "alloc.h"
#include "sim_i.h"

/* Its bytes follow it. */
struct arena_block {
  struct arena_block *below;
  size_t size, before; /* bytes that it has; those taken when it was made */
};

enum { WORD = 8, BLOCK_LEAST = 1 << 14 };

static size_t whole(const struct arena_block *block) {
  return sizeof *block + block->size;
}

static void drop(weft_sim *sim, struct arena *arena) {
  struct arena_block *top = arena->top;
  arena->top = top->below;
  weft__resize(sim, top, whole(top), 0);
}

/* At least as much as was ever needed, so that after a first time one block is enough. */
static struct arena_block *push(weft_sim *sim, struct arena *arena, size_t bytes) {
  size_t size = bytes > BLOCK_LEAST ? bytes : BLOCK_LEAST;
  if (size < arena->most) size = arena->most;
  struct arena_block *block = weft__resize(sim, NULL, 0, sizeof *block + size);
  if (block == NULL) return NULL;
  *block = (struct arena_block){arena->top, size, arena->used};
  return arena->top = block;
}

void *weft__arena_take(weft_sim *sim, struct arena *arena, uint64_t bytes) {
  if (bytes > SIZE_MAX / 4) {
    weft__fail(sim, WEFT_ENOMEM, "out of memory");
    return NULL;
  }
  const size_t need = ((size_t)bytes + WORD - 1) & ~(size_t)(WORD - 1);
  struct arena_block *top = arena->top;
  if (top == NULL || top->size - (arena->used - top->before) < need) {
    top = push(sim, arena, need);
    if (top == NULL) return NULL;
  }
  unsigned char *at = (unsigned char *)(top + 1) + (arena->used - top->before);
  arena->used += need;
  if (arena->used > arena->most) arena->most = arena->used;
  return at;
}

void weft__arena_reset(weft_sim *sim, struct arena *arena, size_t mark) {
  WEFT_ASSERT(mark <= arena->used);
  arena->used = mark;
  while (arena->top != NULL && arena->top->below != NULL && arena->top->before >= mark)
    drop(sim, arena);
  /* The next one will be large enough. */
  if (mark == 0 && arena->top != NULL && arena->top->size < arena->most) drop(sim, arena);
}

void weft__arena_free(weft_sim *sim, struct arena *arena) {
  while (arena->top != NULL) drop(sim, arena);
  *arena = (struct arena){0};
}
