/* SPDX-License-Identifier: MIT */
/*
 * Open-addressed hash table of items whose key is a string of bytes. An item
 * embeds hw_table_item_t and owns its key. The hash is keyed with random bytes,
 * so that an attacker cannot choose host names that all collide.
 */
#ifndef HW_TABLE_H
#define HW_TABLE_H

#include "base.h"
#include "mem.h"

typedef struct {
  uint64_t hash;
  const char* key;
  size_t key_len;
} hw_table_item_t;

typedef struct {
  struct hw_table_slot* slots; /* NULL before the first insertion */
  size_t capacity;             /* 0 or a power of two */
  size_t count;
  uint64_t seed[2];
} hw_table_t;

void hw_table_init(hw_table_t* table);
void hw_table_close(hw_table_t* table); /* asserts that it is empty */

uint64_t hw_table_hash(const hw_table_t* table, const char* key, size_t len);

/* The item with this key, whose hash is `hash`, or NULL. */
hw_table_item_t* hw_table_find(const hw_table_t* table,
                               uint64_t hash,
                               const char* key,
                               size_t len);

/* Inserts an item whose key is not in the table; its hash and key are set.
 * Result: 0 or HW_ENOMEM. */
int hw_table_put(hw_table_t* table, hw_table_item_t* item);

/* Removes an item of the table. */
void hw_table_remove(hw_table_t* table, hw_table_item_t* item);

#endif /* HW_TABLE_H */
