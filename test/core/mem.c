/* SPDX-License-Identifier: MIT */
/*
 * mem.c and the size arithmetic of base.h: live blocks are counted, the n-th
 * allocation fails once, a free list keeps no more than its bound.
 */
#include "runner.h"

#include "mem.h"

void suite_mem(void);

static void counts_live_blocks(void) {
  size_t before = hw_mem_live();
  void* a = hw_mem_alloc(0);
  void* b = hw_mem_calloc(10);

  CHECK(a != NULL && b != NULL);
  CHECK(hw_mem_live() == before + 2);
  b = hw_mem_realloc(b, 1000);
  CHECK(hw_mem_live() == before + 2);
  hw_mem_free(a);
  hw_mem_free(b);
  hw_mem_free(NULL);
  CHECK(hw_mem_live() == before);
}

static void fails_the_nth_allocation_once(void) {
  void* a = NULL;
  void* b = NULL;

  hw_mem_fail_at(1);
  a = hw_mem_alloc(1);
  b = hw_mem_alloc(1);
  CHECK(a != NULL && b == NULL);
  b = hw_mem_realloc(a, 20);
  CHECK(b != NULL);
  hw_mem_free(b);
}

static void a_failed_realloc_leaves_the_block(void) {
  unsigned char* block = NULL;
  size_t i = 0;

  block = hw_mem_calloc(64);
  CHECK(block != NULL);
  for (i = 0; block != NULL && i < 64; i++) {
    CHECK(block[i] == 0);
    block[i] = (unsigned char)i;
  }
  hw_mem_fail_at(0);
  CHECK(hw_mem_realloc(block, 128) == NULL);
  for (i = 0; block != NULL && i < 64; i++) {
    CHECK(block[i] == i);
  }
  hw_mem_free(block);
}

static void realloc_of_nothing_allocates(void) {
  size_t before = hw_mem_live();
  void* block = hw_mem_realloc(NULL, 8);

  CHECK(block != NULL && hw_mem_live() == before + 1);
  hw_mem_free(block);
}

static void a_negative_count_switches_failing_off(void) {
  void* block = NULL;

  hw_mem_fail_at(0);
  hw_mem_fail_at(-1);
  block = hw_mem_alloc(1);
  CHECK(block != NULL);
  hw_mem_free(block);
  hw_mem_fail_at(0);
  CHECK(hw_mem_calloc(1) == NULL);
}

static void sizes_are_checked(void) {
  size_t out = 7;

  CHECK(hw_size_add(SIZE_MAX, 1, &out) == HW_EINVAL && out == 7);
  CHECK(hw_size_mul(SIZE_MAX / 2, 3, &out) == HW_EINVAL && out == 7);
  CHECK(hw_size_add(2, 3, &out) == 0 && out == 5);
  CHECK(hw_size_mul(0, SIZE_MAX, &out) == 0 && out == 0);
}

static void a_free_list_fails_only_when_it_allocates(void) {
  hw_freelist_t list;
  void* block = NULL;

  hw_freelist_init(&list, 40, 1);
  hw_mem_fail_at(0);
  CHECK(hw_freelist_take(&list) == NULL);
  block = hw_freelist_take(&list);
  CHECK(block != NULL);
  hw_freelist_give(&list, block);
  hw_mem_fail_at(0);
  CHECK(hw_freelist_take(&list) == block && list.kept == 0);
  hw_mem_fail_at(-1);
  hw_freelist_give(&list, block);
  hw_freelist_close(&list);
}

static void a_free_list_keeps_up_to_its_bound(void) {
  hw_freelist_t list;
  void* blocks[4];
  int i = 0;

  hw_freelist_init(&list, 1, 2);
  for (i = 0; i < 4; i++) {
    blocks[i] = hw_freelist_take(&list);
    CHECK(blocks[i] != NULL);
  }
  for (i = 0; i < 4; i++) {
    hw_freelist_give(&list, blocks[i]);
  }
  CHECK(list.kept == 2);
  CHECK(hw_freelist_take(&list) == blocks[1]);
  hw_freelist_give(&list, blocks[1]);
  hw_freelist_close(&list);
}

void suite_mem(void) {
  RUN(counts_live_blocks);
  RUN(fails_the_nth_allocation_once);
  RUN(a_failed_realloc_leaves_the_block);
  RUN(realloc_of_nothing_allocates);
  RUN(a_negative_count_switches_failing_off);
  RUN(sizes_are_checked);
  RUN(a_free_list_fails_only_when_it_allocates);
  RUN(a_free_list_keeps_up_to_its_bound);
}
