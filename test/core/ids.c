/* SPDX-License-Identifier: MIT */
/*
 * ids.c: an id names one entry forever.
 */
#include "runner.h"

#include "ids.h"

void suite_ids(void);

static int entries[3];

static hw_id_t put(hw_ids_t* ids, void* entry) {
  hw_id_t id = 0;

  CHECK(hw_ids_put(ids, entry, &id) == 0 && id != 0);
  CHECK(hw_ids_get(ids, id) == entry);
  return id;
}

static uint32_t index_of(hw_id_t id) {
  return (uint32_t)id & HW_ID_INDEX_MASK;
}

static void an_id_gives_its_entry_until_it_is_dropped(void) {
  hw_ids_t ids;
  hw_id_t a = 0;
  hw_id_t b = 0;

  hw_ids_init(&ids);
  a = put(&ids, &entries[0]);
  b = put(&ids, &entries[1]);
  CHECK(a != b && ids.live == 2 && hw_ids_at(&ids, index_of(b)) == &entries[1]);
  hw_ids_drop(&ids, a);
  CHECK(hw_ids_get(&ids, a) == NULL && hw_ids_get(&ids, b) == &entries[1]);
  CHECK(hw_ids_at(&ids, index_of(a)) == NULL && ids.live == 1);
  hw_ids_close(&ids);
}

static void what_is_no_id_gives_nothing(void) {
  static const hw_id_t none[] = {0,
                                 1,
                                 63,
                                 64,
                                 HW_ID_INDEX_MASK,
                                 1u << HW_ID_INDEX_BITS,
                                 (hw_id_t)1 << 52,
                                 (hw_id_t)1 << 53,
                                 UINT64_MAX};
  hw_ids_t ids;
  hw_id_t id = 0;
  size_t i = 0;
  int filled = 0;

  hw_ids_init(&ids);
  for (filled = 0; filled < 2; filled++) {
    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
      CHECK(hw_ids_get(&ids, none[i]) == NULL);
    }
    CHECK(hw_ids_at(&ids, 0) == NULL);
    CHECK(hw_ids_at(&ids, UINT32_MAX) == NULL);
    if (!filled) {
      id = put(&ids, &entries[0]);
    }
  }
  for (i = HW_ID_INDEX_BITS; i < 64; i++) {
    CHECK(hw_ids_get(&ids, id ^ ((hw_id_t)1 << i)) == NULL);
  }
  hw_ids_close(&ids);
}

static void no_id_comes_twice(void) {
  enum { COUNT = 10000 };
  static hw_id_t old[COUNT];
  hw_ids_t ids;
  hw_id_t now = 0;
  int i = 0;

  hw_ids_init(&ids);
  for (i = 0; i < COUNT; i++) {
    old[i] = put(&ids, &entries[0]);
    CHECK(index_of(old[i]) == index_of(old[0])); /* the latest free one */
    hw_ids_drop(&ids, old[i]);
    hw_ids_reuse(&ids);
  }
  now = put(&ids, &entries[1]);
  for (i = 0; i < COUNT; i++) {
    CHECK(hw_ids_get(&ids, old[i]) == NULL && old[i] != now);
  }
  hw_ids_close(&ids);
}

static void an_index_is_held_back_until_it_may_be_reused(void) {
  hw_ids_t ids;
  hw_id_t old[3];
  int i = 0;

  hw_ids_init(&ids);
  for (i = 0; i < 3; i++) {
    old[i] = put(&ids, &entries[i]);
  }
  for (i = 0; i < 3; i++) {
    hw_ids_drop(&ids, old[i]);
  }
  for (i = 0; i < 200; i++) { /* the table grows meanwhile */
    uint32_t index = index_of(put(&ids, &entries[0]));

    CHECK(index > 3);
  }
  hw_ids_reuse(&ids);
  hw_ids_reuse(&ids);
  for (i = 2; i >= 0; i--) {
    hw_id_t id = put(&ids, &entries[i]);

    CHECK(index_of(id) == index_of(old[i]) && id != old[i]);
  }
  CHECK(index_of(put(&ids, &entries[0])) > 200);
  hw_ids_close(&ids);
}

static void an_index_without_generations_is_not_used_again(void) {
  hw_ids_t ids;
  hw_id_t old[3];
  int i = 0;

  hw_ids_init(&ids);
  old[0] = put(&ids, &entries[0]);
  hw_ids_drop(&ids, old[0]);
  hw_ids_reuse(&ids);
  ids.slots[index_of(old[0])].generation = UINT32_MAX - 1;
  for (i = 1; i < 3; i++) {
    old[i] = put(&ids, &entries[0]);
    CHECK(index_of(old[i]) == index_of(old[0]));
    CHECK(old[i] < (hw_id_t)1 << 52);
    hw_ids_drop(&ids, old[i]);
    hw_ids_reuse(&ids);
  }
  for (i = 0; i < 300; i++) {
    CHECK(index_of(put(&ids, &entries[1])) != index_of(old[0]));
  }
  for (i = 0; i < 3; i++) {
    CHECK(hw_ids_get(&ids, old[i]) == NULL);
  }
  CHECK(ids.live == 300);
  hw_ids_close(&ids);
}

static void indices_have_an_end(void) {
  hw_ids_t ids;
  hw_id_t id = 0;
  uint32_t i = 0;

  hw_ids_init(&ids);
  for (i = 0; i < HW_ID_INDEX_MASK && test_ok; i++) {
    id = put(&ids, &entries[0]);
  }
  CHECK(hw_ids_put(&ids, &entries[1], &id) == HW_ELIMIT);
  hw_ids_drop(&ids, id);
  CHECK(hw_ids_put(&ids, &entries[1], &id) == HW_ELIMIT);
  hw_ids_reuse(&ids);
  (void)put(&ids, &entries[1]);
  hw_ids_close(&ids);
}

static void memory_may_be_short(void) {
  hw_ids_t ids;
  hw_id_t first = 0;
  hw_id_t id = 0;

  hw_ids_init(&ids);
  hw_mem_fail_at(0);
  CHECK(hw_ids_put(&ids, &entries[0], &id) == HW_ENOMEM && ids.live == 0);
  first = put(&ids, &entries[0]);
  while (ids.free_first != 0) {
    (void)put(&ids, &entries[1]);
  }
  hw_mem_fail_at(0);
  CHECK(hw_ids_put(&ids, &entries[2], &id) == HW_ENOMEM);
  CHECK(hw_ids_get(&ids, first) == &entries[0] && ids.live == 63);
  (void)put(&ids, &entries[2]);
  hw_ids_close(&ids);
}

void suite_ids(void) {
  RUN(an_id_gives_its_entry_until_it_is_dropped);
  RUN(what_is_no_id_gives_nothing);
  RUN(no_id_comes_twice);
  RUN(an_index_is_held_back_until_it_may_be_reused);
  RUN(an_index_without_generations_is_not_used_again);
  RUN(indices_have_an_end);
  RUN(memory_may_be_short);
}
