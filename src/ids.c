/* SPDX-License-Identifier: MIT */
/*
 * Ids: see ids.h. The index that became free last is used first: its slot is
 * still in the processor's cache.
 */
#include "ids.h"

#include <string.h>

#include "mem.h"

enum { SIZE_FIRST = 64 };

void hw_ids_init(hw_ids_t* ids) {
  memset(ids, 0, sizeof(*ids));
}

void hw_ids_close(hw_ids_t* ids) {
  hw_mem_free(ids->slots);
  hw_ids_init(ids);
}

static int grow(hw_ids_t* ids) {
  uint32_t size = ids->size == 0 ? SIZE_FIRST : ids->size * 2;
  hw_id_slot_t* slots = NULL;
  uint32_t i = 0;

  if (size > HW_ID_INDEX_MASK + 1) {
    return HW_ELIMIT;
  }
  slots = hw_mem_realloc(ids->slots, size * sizeof(*slots));
  if (slots == NULL) {
    return HW_ENOMEM;
  }
  for (i = size - 1; i >= ids->size && i > 0; i--) {
    slots[i].entry = NULL;
    slots[i].generation = 1;
    slots[i].next = ids->free_first;
    ids->free_first = i;
  }
  if (ids->size == 0) {
    memset(&slots[0], 0, sizeof(slots[0]));
  }
  ids->slots = slots;
  ids->size = size;
  return 0;
}

int hw_ids_put(hw_ids_t* ids, void* entry, hw_id_t* id) {
  hw_id_slot_t* slot = NULL;
  uint32_t index = 0;

  HW_ASSERT(entry != NULL);
  if (ids->free_first == 0) {
    int err = grow(ids);

    if (err != 0) {
      return err;
    }
  }
  index = ids->free_first;
  slot = &ids->slots[index];
  ids->free_first = slot->next;
  slot->entry = entry;
  ids->live++;
  *id = index | ((hw_id_t)slot->generation << HW_ID_INDEX_BITS);
  return 0;
}

void* hw_ids_at(const hw_ids_t* ids, uint32_t index) {
  return index < ids->size ? ids->slots[index].entry : NULL;
}

void hw_ids_drop(hw_ids_t* ids, hw_id_t id) {
  uint32_t index = (uint32_t)id & HW_ID_INDEX_MASK;
  hw_id_slot_t* slot = NULL;

  HW_ASSERT(hw_ids_get(ids, id) != NULL);
  slot = &ids->slots[index];
  slot->entry = NULL;
  ids->live--;
  if (slot->generation == UINT32_MAX) {
    return; /* its generations are used up */
  }
  slot->generation++;
  slot->next = ids->held_first;
  ids->held_first = index;
  if (ids->held_last == 0) {
    ids->held_last = index;
  }
}

void hw_ids_reuse(hw_ids_t* ids) {
  if (ids->held_first == 0) {
    return;
  }
  ids->slots[ids->held_last].next = ids->free_first;
  ids->free_first = ids->held_first;
  ids->held_first = 0;
  ids->held_last = 0;
}
