/* SPDX-License-Identifier: MIT */
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

static void sizes_are_checked(void) {
  size_t out = 7;

  CHECK(hw_size_add(SIZE_MAX, 1, &out) == HW_EINVAL && out == 7);
  CHECK(hw_size_mul(SIZE_MAX / 2, 3, &out) == HW_EINVAL && out == 7);
  CHECK(hw_size_add(2, 3, &out) == 0 && out == 5);
  CHECK(hw_size_mul(0, SIZE_MAX, &out) == 0 && out == 0);
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
  RUN(sizes_are_checked);
  RUN(a_free_list_keeps_up_to_its_bound);
}
