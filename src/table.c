/* SPDX-License-Identifier: MIT */
/*
 * Hash table of origins with linear probing. Removal shifts items back, so that
 * there are no tombstones and a look-up ends at the first empty slot. Grows
 * above three quarters, shrinks below one eighth.
 */
#include "table.h"

#include <string.h>
#include <sys/random.h>

enum { CAPACITY_MIN = 8 };

struct hw_table_slot {
  uint64_t hash;
  hw_table_item_t* item; /* NULL: empty */
};

void hw_table_init(hw_table_t* table) {
  memset(table, 0, sizeof(*table));
  if (getrandom(table->seed, sizeof(table->seed), GRND_NONBLOCK) !=
      (ssize_t)sizeof(table->seed)) {
    /* Early at boot there is no entropy: an address is better than nothing. */
    table->seed[0] = (uint64_t)(uintptr_t)table;
  }
}

void hw_table_close(hw_table_t* table) {
  HW_ASSERT(table->count == 0);
  hw_mem_free(table->slots);
  table->slots = NULL;
  table->capacity = 0;
}

/* SipHash-1-3 (Aumasson and Bernstein), the variant that language runtimes use
 * for their own tables. */
static uint64_t rotate(uint64_t x, unsigned bits) {
  return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[0] = rotate(v[0], 32);
  v[2] += v[3];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[2] = rotate(v[2], 32);
}

uint64_t hw_table_hash(const hw_table_t* table, const char* key, size_t len) {
  uint64_t v[4] = {table->seed[0] ^ 0x736f6d6570736575u,
                   table->seed[1] ^ 0x646f72616e646f6du,
                   table->seed[0] ^ 0x6c7967656e657261u,
                   table->seed[1] ^ 0x7465646279746573u};
  uint64_t word = 0;
  size_t i = 0;

  for (i = 0; i + 8 <= len; i += 8) {
    memcpy(&word, key + i, 8);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
  }
  word = 0;
  if (len != i) {
    memcpy(&word, key + i, len - i);
  }
  word |= (uint64_t)len << 56;
  v[3] ^= word;
  sip_round(v);
  v[0] ^= word;
  v[2] ^= 0xff;
  sip_round(v);
  sip_round(v);
  sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

hw_table_item_t* hw_table_find(const hw_table_t* table,
                               uint64_t hash,
                               const char* key,
                               size_t len) {
  size_t mask = table->capacity - 1;
  size_t at = 0;

  if (table->capacity == 0) {
    return NULL;
  }
  for (at = hash & mask; table->slots[at].item != NULL; at = (at + 1) & mask) {
    hw_table_item_t* item = table->slots[at].item;

    if (table->slots[at].hash == hash && item->key_len == len &&
        memcmp(item->key, key, len) == 0) {
      return item;
    }
  }
  return NULL;
}

static void insert(struct hw_table_slot* slots,
                   size_t mask,
                   hw_table_item_t* item) {
  size_t at = item->hash & mask;

  while (slots[at].item != NULL) {
    at = (at + 1) & mask;
  }
  slots[at].hash = item->hash;
  slots[at].item = item;
}

static int resize(hw_table_t* table, size_t capacity) {
  struct hw_table_slot* slots = NULL;
  size_t size = 0;
  size_t i = 0;

  if (hw_size_mul(capacity, sizeof(*slots), &size) != 0) {
    return HW_ENOMEM;
  }
  slots = hw_mem_calloc(size);
  if (slots == NULL) {
    return HW_ENOMEM;
  }
  for (i = 0; i < table->capacity; i++) {
    if (table->slots[i].item != NULL) {
      insert(slots, capacity - 1, table->slots[i].item);
    }
  }
  hw_mem_free(table->slots);
  table->slots = slots;
  table->capacity = capacity;
  return 0;
}

int hw_table_put(hw_table_t* table, hw_table_item_t* item) {
  if ((table->count + 1) * 4 > table->capacity * 3) {
    size_t capacity = table->capacity == 0 ? CAPACITY_MIN : table->capacity * 2;
    int err = resize(table, capacity);

    if (err != 0) {
      return err;
    }
  }
  insert(table->slots, table->capacity - 1, item);
  table->count++;
  return 0;
}

void hw_table_remove(hw_table_t* table, hw_table_item_t* item) {
  size_t mask = table->capacity - 1;
  size_t hole = item->hash & mask;
  size_t at = 0;

  while (table->slots[hole].item != item) {
    HW_ASSERT(table->slots[hole].item != NULL);
    hole = (hole + 1) & mask;
  }
  /* An item that must not be moved before its own place stays; any other moves
   * into the hole and leaves one where it was. */
  for (at = (hole + 1) & mask; table->slots[at].item != NULL;
       at = (at + 1) & mask) {
    size_t home = table->slots[at].hash & mask;

    if (((at - home) & mask) >= ((at - hole) & mask)) {
      table->slots[hole] = table->slots[at];
      hole = at;
    }
  }
  table->slots[hole].item = NULL;
  table->count--;
  if (table->capacity > CAPACITY_MIN && table->count * 8 < table->capacity) {
    (void)resize(table, table->capacity / 2); /* without memory: unchanged */
  }
}
