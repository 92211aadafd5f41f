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
  if (id == 0 || id > UINT16_MAX || size < HW_SLAB_MIN) {
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

  if (current->size - slabs->used < HW_READ_MAX) {
    if (slabs->spares == 0) {
      slabs->shortages++;
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
  return HW_READ_MAX;
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
