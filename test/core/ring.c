/* SPDX-License-Identifier: MIT */
/*
 * The completion ring and the slabs.
 */
#include "runner.h"

#include <string.h>

#include "ring.h"
#include "slab.h"

void suite_ring(void);

static void records_are_empty_but_for_what_they_say(void) {
  hw_ring_t ring;
  void* memory = hw_mem_alloc(HW_RING_BYTES);
  uint32_t* words = NULL;
  int i = 0;

  memset(memory, 0xff, HW_RING_BYTES);
  hw_ring_init(&ring, memory);
  words = hw_ring_push(&ring, HW_REC_END, 42);
  CHECK(words[HW_WORD_TYPE] == HW_REC_END && words[HW_WORD_CONN] == 42);
  for (i = 2; i < HW_RECORD_WORDS; i++) {
    CHECK(words[i] == 0);
  }
  CHECK(ring.count == 1);
  hw_ring_reset(&ring);
  CHECK(ring.count == 0 && !hw_ring_low(&ring));
  hw_mem_free(memory);
}

static void it_is_low_before_one_read_could_overflow_it(void) {
  hw_ring_t ring;
  void* memory = hw_mem_alloc(HW_RING_BYTES);
  uint32_t i = 0;

  hw_ring_init(&ring, memory);
  while (!hw_ring_low(&ring)) {
    (void)hw_ring_push(&ring, HW_REC_DATA, 1);
  }
  CHECK(ring.count == HW_RING_BATCH);
  for (i = 0; i < HW_RING_RESERVE_RECORDS - 1; i++) {
    (void)hw_ring_push(&ring, HW_REC_DATA, 1);
  }
  CHECK(ring.count <= HW_RING_RECORDS);
  hw_ring_reset(&ring);
  while (!hw_ring_low(&ring)) {
    hw_ring_text_used(&ring, 1000);
  }
  CHECK(hw_ring_text(&ring, HW_RING_RESERVE_TEXT - 1000) != NULL);
  hw_ring_reset(&ring);
  ring.flush = 1;
  CHECK(hw_ring_low(&ring));
  hw_mem_free(memory);
}

static void the_areas_lie_inside_the_memory(void) {
  hw_ring_t ring;
  char* memory = hw_mem_alloc(HW_RING_BYTES);

  hw_ring_init(&ring, memory);
  CHECK((char*)(ring.words + (size_t)HW_RING_RECORDS * HW_RECORD_WORDS) ==
        ring.text);
  CHECK(ring.text + HW_RING_TEXT <= memory + HW_RING_BYTES);
  hw_mem_free(memory);
}

static void slabs_are_carved_in_order_and_never_twice(void) {
  hw_ring_t ring;
  hw_slabs_t slabs;
  void* memory = hw_mem_alloc(HW_RING_BYTES);
  char* a = hw_mem_alloc(HW_READ_MAX + HW_READ_MIN);
  char* b = hw_mem_alloc(HW_READ_MIN);
  char* at = NULL;
  char* again = NULL;

  hw_ring_init(&ring, memory);
  hw_slabs_init(&slabs);
  CHECK(hw_slabs_space(&slabs, &ring, &at) == 0 && hw_slabs_low(&slabs));
  CHECK(hw_slabs_give(&slabs, 0, a, HW_READ_MAX) == HW_EINVAL);
  CHECK(hw_slabs_give(&slabs, 1, a, HW_READ_MIN - 1) == HW_EINVAL);
  CHECK(hw_slabs_give(&slabs, 65536, a, HW_READ_MAX) == HW_EINVAL);
  CHECK(hw_slabs_give(&slabs, 1, a, HW_READ_MAX + HW_READ_MIN) == 0);
  CHECK(!hw_slabs_low(&slabs));
  /* No read is larger than the ring has room for. */
  CHECK(hw_slabs_space(&slabs, &ring, &at) == HW_READ_MAX && at == a);
  /* Nothing was taken: the next read overwrites it. */
  CHECK(hw_slabs_space(&slabs, &ring, &again) == HW_READ_MAX && again == at);
  CHECK(hw_slabs_take(&slabs, at + 100, 50) == 100);
  CHECK(hw_slabs_space(&slabs, &ring, &again) == HW_READ_MAX);
  CHECK(again == at + 150);
  /* The last read of a slab is a short one. */
  (void)hw_slabs_take(&slabs, at + HW_READ_MAX - 10, 10);
  CHECK(hw_slabs_space(&slabs, &ring, &again) == HW_READ_MIN);
  CHECK(again == at + HW_READ_MAX && !hw_slabs_low(&slabs));
  /* Too little is left: the spare is used, and a record reports it. */
  (void)hw_slabs_take(&slabs, again, 1);
  CHECK(hw_slabs_low(&slabs));
  CHECK(hw_slabs_space(&slabs, &ring, &again) == 0);
  CHECK(hw_slabs_give(&slabs, 2, b, HW_READ_MIN) == 0);
  CHECK(!hw_slabs_low(&slabs));
  CHECK(hw_slabs_space(&slabs, &ring, &again) == HW_READ_MIN && again == b);
  CHECK(ring.count == 1 && ring.words[HW_WORD_TYPE] == HW_REC_SLAB_DONE);
  CHECK(ring.words[HW_WORD_FLAGS] == 1);
  hw_mem_free(a);
  hw_mem_free(b);
  hw_mem_free(memory);
}

static void only_so_many_spares_are_held(void) {
  hw_slabs_t slabs;
  char* memory = hw_mem_alloc(HW_READ_MIN);
  uint32_t i = 0;

  hw_slabs_init(&slabs);
  for (i = 1; i <= HW_SLABS_MAX; i++) {
    CHECK(hw_slabs_give(&slabs, i, memory, HW_READ_MIN) == 0);
  }
  CHECK(hw_slabs_give(&slabs, i, memory, HW_READ_MIN) == HW_ELIMIT);
  hw_mem_free(memory);
}

/* One read in its own slab that makes these records, each with so many bytes of
 * a slab. Result: the index of the record that gets the slab, or -1. */
static int handed_over(uint32_t size,
                       const uint32_t (*records)[2],
                       uint32_t count) {
  hw_ring_t ring;
  hw_slabs_t slabs;
  void* memory = hw_mem_alloc(HW_RING_BYTES);
  char* slab = hw_mem_alloc(HW_READ_MAX);
  char* at = NULL;
  uint32_t i = 0;
  int owner = -1;

  hw_ring_init(&ring, memory);
  hw_slabs_init(&slabs);
  CHECK(hw_slabs_give(&slabs, 1, slab, size) == 0);
  /* From the previous read; must not be considered. */
  hw_ring_push(&ring, HW_REC_DATA, 1)[HW_WORD_BODY_LEN] = size;
  CHECK(hw_slabs_space(&slabs, &ring, &at) == size);
  for (i = 0; i < count; i++) {
    uint32_t* words = hw_ring_push(&ring, records[i][0], 1);

    words[HW_WORD_BODY_LEN] = records[i][1];
    if (records[i][1] != 0) {
      words[HW_WORD_BODY_AT] = hw_slabs_take(&slabs, at, records[i][1]);
      at += records[i][1];
    }
  }
  hw_slabs_hand_over(&slabs, &ring, 1, slab + 1);
  CHECK(slabs.used != size); /* not the first read of its slab */
  hw_slabs_hand_over(&slabs, &ring, 1, slab);
  for (i = 0; i <= count; i++) {
    if ((hw_ring_at(&ring, i)[HW_WORD_FLAGS] & HW_FLAG_OWN) != 0) {
      CHECK(owner == -1);
      owner = (int)i - 1;
    }
  }
  CHECK((slabs.used == size) == (owner != -1));
  hw_mem_free(slab);
  hw_mem_free(memory);
  return owner;
}

static void a_slab_goes_with_its_last_bytes_if_they_are_many(void) {
  enum {
    LARGE = 32768, /* half a slab */
    SMALL = LARGE - 1,
    SIZE = 2 * LARGE + 1
  };
#define RECORDS(...)                  \
  (const uint32_t[][2]){__VA_ARGS__}, \
      sizeof((const uint32_t[][2]){__VA_ARGS__}) / sizeof(uint32_t[2])
#define HANDED_OVER(...) handed_over(SIZE, RECORDS(__VA_ARGS__))

  CHECK(handed_over(SIZE, NULL, 0) == -1);
  CHECK(HANDED_OVER({HW_REC_END, 0}) == -1);
  CHECK(HANDED_OVER({HW_REC_DATA, LARGE}) == 0);
  CHECK(HANDED_OVER({HW_REC_DATA, SMALL}) == -1);
  CHECK(HANDED_OVER({HW_REC_HEAD, 0}, {HW_REC_DATA, LARGE}, {HW_REC_END, 0}) ==
        1);
  /* What was taken before has been copied when the slab is given away. */
  CHECK(HANDED_OVER({HW_REC_DATA, LARGE}, {HW_REC_DATA, LARGE}) == 1);
  /* Other bytes of the slab come after it. */
  CHECK(HANDED_OVER({HW_REC_DATA, LARGE}, {HW_REC_DATA, SMALL}) == -1);
  CHECK(HANDED_OVER({HW_REC_DATA, LARGE}, {HW_REC_PARSE_ERROR, LARGE}) == -1);
  CHECK(HANDED_OVER({HW_REC_DATA, LARGE}, {HW_REC_UPGRADE, 1}) == -1);
  /* Less than half a slab. */
  CHECK(handed_over(SIZE + 1, (const uint32_t[][2]){{HW_REC_DATA, LARGE}}, 1) ==
        -1);
#undef HANDED_OVER
#undef RECORDS
}

void suite_ring(void) {
  RUN(records_are_empty_but_for_what_they_say);
  RUN(it_is_low_before_one_read_could_overflow_it);
  RUN(the_areas_lie_inside_the_memory);
  RUN(slabs_are_carved_in_order_and_never_twice);
  RUN(only_so_many_spares_are_held);
  RUN(a_slab_goes_with_its_last_bytes_if_they_are_many);
}
