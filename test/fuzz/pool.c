/* SPDX-License-Identifier: MIT */
/*
 * The pool under libFuzzer: an input is a sequence of choices, one byte each,
 * for the operations of the naive model (test/core/pool-model.h). The first
 * byte selects the limits and the load.
 */
#include "fuzz.h"

#include "pool-model.h"

int test_ok = 1;

typedef struct {
  const uint8_t* at;
  const uint8_t* end;
} choices_t;

/* Past the end everything is 0. */
static uint32_t choose(void* source, uint32_t below) {
  choices_t* choices = source;

  return choices->at < choices->end ? *choices->at++ % below : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const uint32_t limits[] = {HW_NO_LIMIT, 9, 3, 1};
  choices_t choices = {data + 1, data + size};
  size_t live = hw_mem_live();
  model_t* m = NULL;

  if (size == 0) {
    return 0;
  }
  m = model_open(choose, &choices, limits[data[0] & 3]);
  while (choices.at < choices.end && test_ok) {
    model_step(m, (data[0] >> 2) & 3u, (data[0] >> 4) & 3);
  }
  model_check(m);
  model_close(m);
  MUST(hw_mem_live() == live);
  return 0;
}
