/* SPDX-License-Identifier: MIT */
/*
 * The completion ring: see ring.h for the rules.
 */
#include "ring.h"

#include <string.h>

uint32_t hw_ring_text_offset(void) {
  return HW_RING_RECORDS * HW_RECORD_WORDS * (uint32_t)sizeof(uint32_t);
}

void hw_ring_init(hw_ring_t* ring, void* memory) {
  ring->words = memory;
  ring->text = (char*)memory + hw_ring_text_offset();
  hw_ring_reset(ring);
}

uint32_t* hw_ring_push(hw_ring_t* ring, uint32_t type, uint32_t conn) {
  uint32_t* words = NULL;

  HW_ASSERT(ring->count < HW_RING_RECORDS);
  words = hw_ring_at(ring, ring->count);
  memset(words, 0, HW_RECORD_WORDS * sizeof(*words));
  words[HW_WORD_TYPE] = type;
  words[HW_WORD_CONN] = conn;
  ring->count++;
  return words;
}

char* hw_ring_text(hw_ring_t* ring, size_t len) {
  HW_ASSERT(len <= HW_RING_TEXT - ring->text_len);
  return ring->text + ring->text_len;
}

void hw_ring_text_used(hw_ring_t* ring, size_t len) {
  HW_ASSERT(len <= HW_RING_TEXT - ring->text_len);
  ring->text_len += (uint32_t)len;
}

void hw_ring_reset(hw_ring_t* ring) {
  ring->count = 0;
  ring->text_len = 0;
  ring->flush = 0;
}
