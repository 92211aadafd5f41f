/* SPDX-License-Identifier: MIT */
/*
 * Ids, which JavaScript uses instead of pointers. An id is an index (its low 20
 * bits) and a generation (the 32 bits above): less than 2^52, so that it is
 * exact as a Number. It names one entry forever: no generation is used twice,
 * and an index whose generations are used up is retired. An id that is no
 * longer valid is therefore always detected.
 *
 * A dropped index is held back until hw_ids_reuse(). Until then the index alone
 * identifies the entry; records in the ring rely on that.
 */
#ifndef HW_IDS_H
#define HW_IDS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t hw_id_t;

#define HW_ID_INDEX_BITS 20u
#define HW_ID_INDEX_MASK ((1u << HW_ID_INDEX_BITS) - 1u)

/* One per index. Tests set generations close to the last one. */
typedef struct {
  void* entry; /* the owner's; NULL: none */
  uint32_t generation;
  uint32_t next; /* in the chain of free or of held-back indexes */
} hw_id_slot_t;

/* Embedded in its owner. Index 0 is never used, and ends the chains. */
typedef struct {
  hw_id_slot_t* slots;
  uint32_t size;
  uint32_t live; /* entries */
  uint32_t free_first;
  uint32_t held_first;
  uint32_t held_last;
} hw_ids_t;

void hw_ids_init(hw_ids_t* ids);
void hw_ids_close(hw_ids_t* ids); /* frees the slots, not the entries */

/* Result: 0, HW_ENOMEM, or HW_ELIMIT when no index is left. entry is not NULL;
 * 0 is never an id. */
HW_MUST_USE int hw_ids_put(hw_ids_t* ids, void* entry, hw_id_t* id);

/* NULL if id is not valid; any number may be passed. Inline, because each call
 * from JavaScript begins with it. */
static inline void* hw_ids_get(const hw_ids_t* ids, hw_id_t id) {
  uint32_t index = (uint32_t)id & HW_ID_INDEX_MASK;

  return index < ids->size &&
                 ids->slots[index].generation == id >> HW_ID_INDEX_BITS
             ? ids->slots[index].entry
             : NULL;
}

/* The current entry of this index, or NULL. For a walk, index runs up to size.
 */
void* hw_ids_at(const hw_ids_t* ids, uint32_t index);

/* Drops id, which is valid. Its index is held back. */
void hw_ids_drop(hw_ids_t* ids, hw_id_t id);

/* Held-back indexes may be used again. */
void hw_ids_reuse(hw_ids_t* ids);

#ifdef __cplusplus
}
#endif

#endif /* HW_IDS_H */
