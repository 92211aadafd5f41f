/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the core goes through here, so that tests can make the
 * n-th one fail and can check that nothing is live at the end. A free list
 * keeps a bounded number of blocks of one size for the request path.
 *
 * Worker threads each have their own core; the counters below are thread-local.
 */
#ifndef HW_MEM_H
#define HW_MEM_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Result: a block of size bytes (zeroed by calloc), or NULL. size 0 is allowed
 * and gives a block that must be freed like any other. */
void* hw_mem_alloc(size_t size);
void* hw_mem_calloc(size_t size);
void* hw_mem_realloc(void* block, size_t size); /* NULL: block is untouched */
void hw_mem_free(void* block);                  /* NULL is allowed */

/* The number of live blocks of this thread. */
size_t hw_mem_live(void);

/* Makes the n-th allocation from now (0 = the next) on this thread fail, once;
 * a negative n turns this off. For tests. */
void hw_mem_fail_at(long n);

/* A free list of blocks of one size, embedded in its owner. */
typedef struct {
  void* head;
  size_t size;       /* of each block, at least sizeof(void*) */
  uint32_t kept;     /* blocks in the list now */
  uint32_t max_kept; /* more than these go back to the allocator */
} hw_freelist_t;

void hw_freelist_init(hw_freelist_t* list, size_t size, uint32_t max_kept);
void* hw_freelist_take(hw_freelist_t* list); /* not zeroed; NULL: no memory */
void hw_freelist_give(hw_freelist_t* list, void* block);
void hw_freelist_close(hw_freelist_t* list); /* frees what is kept */

#ifdef __cplusplus
}
#endif

#endif /* HW_MEM_H */
