/* SPDX-License-Identifier: MIT */
/*
 * Slabs: large buffers that reads fill and from which JavaScript copies body
 * bytes. They belong to JavaScript, which gives a slab again, or another one
 * under the same id, when it has read the record SLAB_DONE. This file only
 * decides which part of which slab a read gets.
 *
 * A read gets the unused rest of the current slab. What JavaScript needs
 * later (body bytes, the packet of a parse error) is taken; the next read
 * overwrites the rest. When too little is left, the next spare is used; if
 * there is none, JavaScript runs first: memory in flight is bounded by what it
 * gives.
 *
 * A piece of a body that came with the first read of its slab, fills half of it
 * and is the last thing in it is not copied: it goes to the user with all of
 * the slab, which is done then. A smaller piece is copied in less time than a
 * new slab takes to make, and the user keeps at most twice the bytes of a
 * chunk.
 */
#ifndef HW_SLAB_H
#define HW_SLAB_H

#include "base.h"
#include "ring.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HW_SLABS_MAX 16 /* the most spares, and how many JavaScript gives */

/* The rest of a slab is not worth a read below this size. */
#define HW_READ_MIN 24576u

typedef struct {
  char* base;
  uint32_t size;
  uint32_t id; /* 1 to 65535: it travels in 16 bits of a record */
} hw_slab_t;

typedef struct {
  hw_slab_t current; /* base NULL: none */
  uint32_t used;
  hw_slab_t spare[HW_SLABS_MAX];
  uint32_t spares;
} hw_slabs_t;

void hw_slabs_init(hw_slabs_t* slabs);

/* JavaScript gives a slab of HW_READ_MIN bytes or more. Result: 0, HW_EINVAL
 * (id or size out of range), or HW_ELIMIT (enough spares). */
int hw_slabs_give(hw_slabs_t* slabs, uint32_t id, char* base, uint32_t size);

/* Memory for one read: *out and its length, HW_READ_MIN to HW_READ_MAX; or 0
 * if there is none now. May push SLAB_DONE for a slab that is used up. */
uint32_t hw_slabs_space(hw_slabs_t* slabs, hw_ring_t* ring, char** out);

/* The bytes from at, inside the current slab, are JavaScript's now: nothing
 * before at + len is written again. Result: the offset of at in the slab. */
uint32_t hw_slabs_take(hw_slabs_t* slabs, const char* at, size_t len);

/* The same, as the body of record: sets BODY_AT, BODY_LEN and the slab's id. */
void hw_slabs_attach(hw_slabs_t* slabs,
                     uint32_t* record,
                     const char* at,
                     size_t len);

/* A read of the bytes at `read` has made the records from `first` on. If the
 * last bytes that they speak of are such a piece, its record gets HW_FLAG_OWN
 * and the slab is done. */
void hw_slabs_hand_over(hw_slabs_t* slabs,
                        hw_ring_t* ring,
                        uint32_t first,
                        const char* read);

/* Must JavaScript run before the next read? */
static inline int hw_slabs_low(const hw_slabs_t* slabs) {
  return slabs->spares == 0 && slabs->current.size - slabs->used < HW_READ_MIN;
}

#ifdef __cplusplus
}
#endif

#endif /* HW_SLAB_H */
