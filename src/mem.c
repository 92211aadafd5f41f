/* SPDX-License-Identifier: MIT */
/*
 * Allocation: see mem.h. The counters are per thread because each worker
 * thread has a core of its own, created and destroyed on that thread.
 */
#include "mem.h"

#include <string.h>

static _Thread_local size_t live;
static _Thread_local long fail_at = -1;

/* Is this the allocation that a test makes fail? */
static int must_fail(void) {
  if (fail_at < 0) {
    return 0;
  }
  fail_at--;
  return fail_at < 0;
}

void* hw_mem_alloc(size_t size) {
  void* block = must_fail() ? NULL : malloc(size > 0 ? size : 1);

  if (block != NULL) {
    live++;
  }
  return block;
}

void* hw_mem_calloc(size_t size) {
  void* block = must_fail() ? NULL : calloc(1, size > 0 ? size : 1);

  if (block != NULL) {
    live++;
  }
  return block;
}

void* hw_mem_realloc(void* block, size_t size) {
  void* grown = must_fail() ? NULL : realloc(block, size > 0 ? size : 1);

  if (grown != NULL && block == NULL) {
    live++;
  }
  return grown;
}

void hw_mem_free(void* block) {
  if (block != NULL) {
    HW_ASSERT(live > 0);
    live--;
    free(block);
  }
}

size_t hw_mem_live(void) {
  return live;
}

void hw_mem_fail_at(long n) {
  fail_at = n;
}

void hw_freelist_init(hw_freelist_t* list, size_t size, uint32_t max_kept) {
  list->head = NULL;
  list->size = size < sizeof(void*) ? sizeof(void*) : size;
  list->kept = 0;
  list->max_kept = max_kept;
}

void* hw_freelist_take(hw_freelist_t* list) {
  void* block = list->head;

  if (block == NULL) {
    return hw_mem_alloc(list->size);
  }
  memcpy(&list->head, block, sizeof(void*));
  list->kept--;
  return block;
}

void hw_freelist_give(hw_freelist_t* list, void* block) {
  if (list->kept == list->max_kept) {
    hw_mem_free(block);
    return;
  }
  memcpy(block, &list->head, sizeof(void*));
  list->head = block;
  list->kept++;
}

void hw_freelist_close(hw_freelist_t* list) {
  while (list->kept > 0) {
    hw_mem_free(hw_freelist_take(list));
  }
}
