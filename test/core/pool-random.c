/* SPDX-License-Identifier: MIT */
/*
 * Random operations on the pool, compared with the naive model. The sequences
 * are reproducible. The load swings between more requests than releases and the
 * reverse, so that queues fill and drain and connections become idle; the last
 * test checks that every verdict was met often, because otherwise the test
 * proves nothing. The fuzzer (test/fuzz/pool.c) uses the same model.
 */
#include "runner.h"

#include "pool-model.h"
#include "pool.h"

void suite_pool_random(void);

enum { STEPS = 60000, PHASE = 300 };

static uint32_t next_random(void* source, uint32_t below) {
  uint64_t* random = source;

  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return (uint32_t)(*random >> 33) % below;
}

static void run(uint64_t seed, uint32_t max_total, int change_options) {
  uint64_t random = seed;
  model_t* m = model_open(next_random, &random, max_total);
  int i = 0;

  for (i = 0; i < STEPS && test_ok; i++) {
    /* 0: calm, 3: overload */
    model_step(m, (uint32_t)(i / PHASE) % 4, change_options);
    if (i % 16 == 0) {
      model_check(m);
    }
  }
  if (!test_ok) {
    (void)printf("seed %#llx, step %d\n", (unsigned long long)seed, i);
  }
  model_close(m);
}

static void without_a_total_limit(void) {
  run(0x1234567, HW_NO_LIMIT, 0);
}

static void with_a_total_limit(void) {
  run(0x89abcdef, 7, 0);
}

static void with_one_connection_for_all(void) {
  run(0xfeedf00d, 1, 0);
}

static void with_limits_per_origin_that_change(void) {
  run(0x5eed5eed, 9, 1);
}

static void with_all_limits_changing(void) {
  run(0xc0ffee, 9, 2);
}

static void every_verdict_was_met_often(void) {
  int i = 0;

  for (i = HW_REUSE; i <= HW_CLOSE; i++) {
    CHECK(model_met[i] > 1000);
  }
  CHECK(model_met_served > 1000 && model_met_nobody > 1000);
  CHECK(model_met_evicted > 1000 && model_met_no_memory > 20);
}

void suite_pool_random(void) {
  RUN(without_a_total_limit);
  RUN(with_a_total_limit);
  RUN(with_one_connection_for_all);
  RUN(with_limits_per_origin_that_change);
  RUN(with_all_limits_changing);
  RUN(every_verdict_was_met_often);
}
