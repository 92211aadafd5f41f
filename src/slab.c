/* SPDX-License-Identifier: MIT */
/*
 * Slabs: see slab.h for the rules.
 */
#include "slab.h"

#include <string.h>

void hw_slabs_init(hw_slabs_t* slabs) {
  memset(slabs, 0, sizeof(*slabs));
}

int hw_slabs_give(hw_slabs_t* slabs, uint32_t id, char* base, uint32_t size) {
  if (id == 0 || id > UINT16_MAX || size < HW_READ_MIN) {
    return HW_EINVAL;
  }
  if (slabs->spares == HW_SLABS_MAX) {
    return HW_ELIMIT;
  }
  slabs->spare[slabs->spares] =
      (hw_slab_t){.base = base, .size = size, .id = id};
  slabs->spares++;
  return 0;
}

uint32_t hw_slabs_space(hw_slabs_t* slabs, hw_ring_t* ring, char** out) {
  hw_slab_t* current = &slabs->current;
  uint32_t left = 0;

  if (current->size - slabs->used < HW_READ_MIN) {
    if (slabs->spares == 0) {
      return 0;
    }
    if (current->base != NULL) {
      hw_ring_push(ring, HW_REC_SLAB_DONE, 0)[HW_WORD_FLAGS] = current->id;
    }
    slabs->spares--;
    *current = slabs->spare[slabs->spares];
    slabs->used = 0;
  }
  *out = current->base + slabs->used;
  left = current->size - slabs->used;
  return left < HW_READ_MAX ? left : HW_READ_MAX;
}

uint32_t hw_slabs_take(hw_slabs_t* slabs, const char* at, size_t len) {
  size_t offset = (size_t)(at - slabs->current.base);

  HW_ASSERT(at >= slabs->current.base);
  HW_ASSERT(len <= slabs->current.size && offset <= slabs->current.size - len);
  if (offset + len > slabs->used) {
    slabs->used = (uint32_t)(offset + len);
  }
  return (uint32_t)offset;
}

void hw_slabs_attach(hw_slabs_t* slabs,
                     uint32_t* record,
                     const char* at,
                     size_t len) {
  record[HW_WORD_BODY_AT] = hw_slabs_take(slabs, at, len);
  record[HW_WORD_BODY_LEN] = (uint32_t)len;
  record[HW_WORD_FLAGS] |= slabs->current.id << HW_FLAG_SLAB_SHIFT;
}

void hw_slabs_hand_over(hw_slabs_t* slabs,
                        hw_ring_t* ring,
                        uint32_t first,
                        const char* read) {
  uint32_t count = ring->count;
  uint32_t* words = NULL;

  /* An end has no bytes in a slab. */
  if (count > first &&
      hw_ring_at(ring, count - 1)[HW_WORD_TYPE] == HW_REC_END) {
    count--;
  }
  if (count == first || read != slabs->current.base) {
    return;
  }
  words = hw_ring_at(ring, count - 1);
  if (words[HW_WORD_TYPE] == HW_REC_DATA &&
      words[HW_WORD_BODY_LEN] >= slabs->current.size / 2) {
    words[HW_WORD_FLAGS] |= HW_FLAG_OWN;
    slabs->used = slabs->current.size;
  }
}
