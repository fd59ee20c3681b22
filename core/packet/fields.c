/* The fields of the packet model's structs as tables. */
#include "packet/fields.h"

#define DESCRIBED(X) \
  PACKET_STRUCTS(X)  \
  X(bitmap, BITMAP_FIELDS) X(selective, SELECTIVE_FIELDS)

#define TABLE(tag, list) static const struct field_desc tag##_fields[] = {list(FIELD_LINE)};
DESCRIBED(TABLE)

#define ENTRY(tag, list) FIELDS_OF(#tag, tag##_fields, sizeof(struct tag)),
const struct fields *weft__packet_fields(uint32_t *count) {
  static const struct fields all[] = {DESCRIBED(ENTRY)};
  *count = sizeof all / sizeof *all;
  return all;
}
