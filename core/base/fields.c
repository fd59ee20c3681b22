/* Fields by their table: what is not written out for speed. */
#include "base/fields.h"

#include "base/hash_i.h"

int weft__fields_add_up(const struct fields *fields) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < fields->count; ++i) sum += fields->list[i].size;
  return sum == fields->size;
}

uint32_t weft__fields_find(const struct fields *fields, enum field_class class, uint32_t *size) {
  uint32_t before = 0;
  for (uint32_t i = 0; i < fields->count; ++i) {
    *size = fields->list[i].size;
    if (fields->list[i].class == class) return before;
    before += fields->list[i].size;
  }
  *size = 0;
  return UINT32_MAX;
}

uint64_t weft__fields_hash(uint64_t hash, const struct fields *fields) {
  for (uint32_t i = 0; i < fields->count; ++i) {
    const struct field_desc *field = &fields->list[i];
    for (const char *c = field->name; *c != '\0'; ++c) hash = hash_mix(hash ^ (unsigned char)*c);
    hash = hash_mix(hash ^ ((uint64_t)field->size << 16 | field->class << 8 | field->keeper));
  }
  return hash;
}

/* A field that moves; a DUE is as many times as it has room for. */
static inline void move_field(const struct field_desc *field, void *at,
                              const struct field_move *by) {
  weft_time *time = at;
  uint64_t *count = at;
  uint32_t *number = at;
  switch ((enum field_class)field->class) {
    case FIELD_TIME:
      FIELD_MOVE_TIME(*time)
      break;
    case FIELD_TIME_OR_NONE:
    case FIELD_DUE:
      for (uint32_t i = 0; i < field->size / sizeof *time; ++i) FIELD_MOVE_TIME_OR_NONE(time[i])
      break;
    case FIELD_SEQUENCE:
      FIELD_MOVE_SEQUENCE(*number)
      break;
    case FIELD_BYTES:
      FIELD_MOVE_BYTES(*count)
      break;
    case FIELD_BYTES_OR_0:
    case FIELD_GATE:
      FIELD_MOVE_BYTES_OR_0(*count)
      break;
    case FIELD_SENT:
      FIELD_MOVE_SENT(*number)
      break;
    default:
      FIELD_MOVE_PASSED(*count)
      break;
  }
}

int weft__fields_move(const struct fields *fields, void *at, const struct field_move *by) {
  const struct field_desc *field = fields->list, *const end = field + fields->count;
  for (char *place = at; field != end; place += field->size, ++field) {
    if (field->class < FIELD_TIME) continue;
    if (field->class == FIELD_GATE && *(const uint64_t *)(const void *)place == 0) return 0;
    move_field(field, place, by);
  }
  return 1;
}
