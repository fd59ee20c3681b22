/* Included in pairs: what stands between has C linkage in C++ too. A file of its own, so that
 * weft.h is plain C once lines that start with '#' are removed. */
#ifdef __cplusplus
#ifndef WEFT_LINKAGE_C
#define WEFT_LINKAGE_C
extern "C" {
#else
#undef WEFT_LINKAGE_C
}
#endif
#endif
