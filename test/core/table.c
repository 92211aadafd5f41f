/* SPDX-License-Identifier: MIT */
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
  /* Every third goes: the others must still be found. */
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
  RUN(without_memory_nothing_changes);
}
