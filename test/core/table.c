/* SPDX-License-Identifier: MIT */
/*
 * table.c: the items of the table are found and no others, across growth,
 * removal and shrinking, with and without memory; the hash is SipHash-1-3 and
 * keyed.
 */
#include "runner.h"

#include <string.h>

#include "table.h"

void suite_table(void);

enum { MANY = 5000 };

static char keys[MANY][16];
static hw_table_item_t items[MANY];

static void fill(hw_table_t* table, int count) {
  int i = 0;

  for (i = 0; i < count; i++) {
    int len = snprintf(keys[i], sizeof(keys[i]), "host-%d", i);

    items[i].key = keys[i];
    items[i].key_len = (size_t)len;
    items[i].hash = hw_table_hash(table, keys[i], (size_t)len);
    CHECK(hw_table_put(table, &items[i]) == 0);
  }
}

static hw_table_item_t* find(const hw_table_t* table, const char* key) {
  return hw_table_find(
      table, hw_table_hash(table, key, strlen(key)), key, strlen(key));
}

static void what_was_put_is_found_and_nothing_else(void) {
  hw_table_t table;
  int i = 0;

  hw_table_init(&table);
  CHECK(find(&table, "host-1") == NULL);
  fill(&table, MANY);
  for (i = 0; i < MANY; i++) {
    CHECK(find(&table, keys[i]) == &items[i]);
  }
  CHECK(find(&table, "host-") == NULL && find(&table, "host-5000") == NULL);
  /* Removes every third: the others must still be found. */
  for (i = 0; i < MANY; i += 3) {
    hw_table_remove(&table, &items[i]);
  }
  for (i = 0; i < MANY; i++) {
    CHECK(find(&table, keys[i]) == (i % 3 == 0 ? NULL : &items[i]));
  }
  for (i = 0; i < MANY; i++) {
    if (i % 3 != 0) {
      hw_table_remove(&table, &items[i]);
    }
  }
  CHECK(table.count == 0 && table.capacity <= 16);
  hw_table_close(&table);
}

static void the_same_hash_is_no_identity(void) {
  hw_table_t table;
  hw_table_item_t a = {.hash = 5, .key = "a", .key_len = 1};
  hw_table_item_t b = {.hash = 5, .key = "b", .key_len = 1};

  hw_table_init(&table);
  CHECK(hw_table_put(&table, &a) == 0 && hw_table_put(&table, &b) == 0);
  CHECK(hw_table_find(&table, 5, "b", 1) == &b);
  CHECK(hw_table_find(&table, 5, "ab", 2) == NULL); /* a is a prefix of it */
  CHECK(hw_table_find(&table, 5, "", 0) == NULL);
  hw_table_remove(&table, &a);
  CHECK(hw_table_find(&table, 5, "b", 1) == &b);
  CHECK(hw_table_find(&table, 5, "a", 1) == NULL);
  hw_table_remove(&table, &b);
  hw_table_close(&table);
}

static void two_tables_hash_differently(void) {
  hw_table_t a;
  hw_table_t b;

  hw_table_init(&a);
  hw_table_init(&b);
  CHECK(hw_table_hash(&a, "x", 1) != hw_table_hash(&b, "x", 1));
  hw_table_close(&a);
  hw_table_close(&b);
}

/* CPython 3.11 hashes bytes with SipHash-1-3, and PYTHONHASHSEED=0 makes its
 * key zero: hash(bytes(range(n))) & (2 ** 64 - 1). */
static void it_is_siphash_1_3(void) {
  static const struct {
    size_t len;
    uint64_t hash;
  } rows[] = {
      {1, 0x68a914128e01e473u},
      {7, 0x2f098ab0c751325au},
      {8, 0xead411e67ebe2eeau},
      {9, 0x75927f9d95124362u},
      {16, 0x8972188433a5c5b7u},
      {31, 0x169739443111d49bu},
  };
  hw_table_t table;
  char key[31];
  size_t i = 0;

  hw_table_init(&table);
  table.seed[0] = 0;
  table.seed[1] = 0;
  for (i = 0; i < sizeof(key); i++) {
    key[i] = (char)i;
  }
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    CHECK(hw_table_hash(&table, key, rows[i].len) == rows[i].hash);
  }
  hw_table_close(&table);
}

/* All have the same hash, with a place at the end of the table: the run wraps
 * around, and removing an item from its middle must not hide the rest. */
static void a_run_goes_round_the_end(void) {
  hw_table_t table;
  hw_table_item_t runs[5];
  static const char names[] = "abcde";
  int gone = 0;
  int i = 0;

  for (gone = 0; gone < 5; gone++) {
    hw_table_init(&table);
    for (i = 0; i < 5; i++) {
      /* Homes 6, 6, 7, 0, 6 of 8. */
      static const uint64_t homes[] = {6, 6, 7, 0, 6};

      runs[i] = (hw_table_item_t){homes[i], &names[i], 1};
      CHECK(hw_table_put(&table, &runs[i]) == 0);
    }
    CHECK(table.capacity == 8);
    hw_table_remove(&table, &runs[gone]);
    for (i = 0; i < 5; i++) {
      CHECK(hw_table_find(&table, runs[i].hash, &names[i], 1) ==
            (i == gone ? NULL : &runs[i]));
    }
    for (i = 0; i < 5; i++) {
      if (i != gone) {
        hw_table_remove(&table, &runs[i]);
      }
    }
    hw_table_close(&table);
  }
}

static void without_memory_it_neither_grows_nor_shrinks(void) {
  hw_table_t table;
  hw_table_item_t extra = {.key = "extra", .key_len = 5};
  size_t capacity = 0;
  int i = 0;

  hw_table_init(&table);
  fill(&table, 48); /* three quarters of 64 */
  CHECK(table.capacity == 64);
  extra.hash = hw_table_hash(&table, "extra", 5);
  hw_mem_fail_at(0);
  CHECK(hw_table_put(&table, &extra) == HW_ENOMEM);
  CHECK(table.count == 48 && find(&table, "extra") == NULL);
  for (i = 0; i < 48; i++) {
    CHECK(find(&table, keys[i]) == &items[i]);
  }
  for (i = 0; i < 40; i++) {
    hw_table_remove(&table, &items[i]);
  }
  CHECK(table.capacity == 64);
  capacity = table.capacity;
  hw_mem_fail_at(0);
  hw_table_remove(&table, &items[40]); /* seven are left: it would shrink */
  hw_mem_fail_at(-1);
  CHECK(table.capacity == capacity && table.count == 7);
  for (i = 41; i < 48; i++) {
    CHECK(find(&table, keys[i]) == &items[i]);
    hw_table_remove(&table, &items[i]);
  }
  CHECK(table.capacity < capacity);
  hw_table_close(&table);
}

static void without_memory_nothing_changes(void) {
  hw_table_t table;
  hw_table_item_t a = {.hash = 1, .key = "a", .key_len = 1};

  hw_table_init(&table);
  hw_mem_fail_at(0);
  CHECK(hw_table_put(&table, &a) == HW_ENOMEM);
  CHECK(table.count == 0);
  hw_table_close(&table);
}

void suite_table(void) {
  RUN(what_was_put_is_found_and_nothing_else);
  RUN(the_same_hash_is_no_identity);
  RUN(two_tables_hash_differently);
  RUN(it_is_siphash_1_3);
  RUN(a_run_goes_round_the_end);
  RUN(without_memory_it_neither_grows_nor_shrinks);
  RUN(without_memory_nothing_changes);
}
