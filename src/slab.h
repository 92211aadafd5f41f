/* SPDX-License-Identifier: MIT */
/*
 * Slabs: large buffers that reads go into, and that JavaScript copies body
 * bytes from. They belong to JavaScript, which keeps them to itself and gives a
 * slab again when it has read all up to the record SLAB_DONE; here is only the
 * order in which they are carved up.
 *
 * A read gets the unused rest of the current slab. What JavaScript will look
 * at later (body bytes, the packet of a parse error) is taken; the rest of the
 * read is written over by the next one. When too little is left, the next
 * spare takes over; when there is none, reading pauses for a turn, until
 * JavaScript has given more: memory in flight is bounded by what it gives.
 */
#ifndef HW_SLAB_H
#define HW_SLAB_H

#include "base.h"
#include "ring.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HW_SLABS_MAX 64     /* spares held at most */
#define HW_SLAB_MIN 262144u /* bytes: two reads */

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
  uint32_t shortages; /* reads that found no memory, since the last look */
} hw_slabs_t;

void hw_slabs_init(hw_slabs_t* slabs);

/* JavaScript gives a slab. Result: 0, HW_EINVAL (id or size out of range: it
 * must hold two reads), or HW_ELIMIT (enough spares). */
int hw_slabs_give(hw_slabs_t* slabs, uint32_t id, char* base, uint32_t size);

/* Memory for one read: *out and its length, HW_READ_MAX; or 0 when there is
 * none now. May push SLAB_DONE for a slab that is used up. */
uint32_t hw_slabs_space(hw_slabs_t* slabs, hw_ring_t* ring, char** out);

/* The bytes from at, inside the current slab, are JavaScript's now: nothing
 * before at + len is written again. Result: the offset of at in the slab. */
uint32_t hw_slabs_take(hw_slabs_t* slabs, const char* at, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* HW_SLAB_H */
