/* SPDX-License-Identifier: MIT */
/*
 * What one acquire and one release cost: 10,000 origins, 100,000 idle
 * connections, origins in random order. Prints the median, least and most of
 * several rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pool.h"

enum { ORIGINS = 10000, LINKS = 100000, OPS = 200000, ROUNDS = 9, KEY = 40 };

static char keys[ORIGINS][KEY];
static size_t key_lens[ORIGINS];
static hw_link_t links[LINKS];
static uint32_t order[OPS];
static hw_link_t* leased[OPS];

static uint64_t nanoseconds(void) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a;
  double y = *(const double*)b;

  return (x > y) - (x < y);
}

static void report(const char* name, double* values) {
  qsort(values, ROUNDS, sizeof(values[0]), by_value);
  printf("%-8s %6.1f ns  (%.1f to %.1f)\n",
         name,
         values[ROUNDS / 2],
         values[0],
         values[ROUNDS - 1]);
}

static void must(int ok, const char* what) {
  if (!ok) {
    (void)fprintf(stderr, "pool bench: %s\n", what);
    exit(1);
  }
}

static void fill(hw_pool_t* pool) {
  uint32_t i = 0;

  for (i = 0; i < ORIGINS; i++) {
    key_lens[i] =
        (size_t)snprintf(keys[i], KEY, "host-%" PRIu32 ".example.com:8080:", i);
  }
  for (i = 0; i < LINKS; i++) {
    hw_decision_t d;
    uint32_t o = i % ORIGINS;

    hw_link_init(&links[i]);
    must(hw_pool_acquire(pool, keys[o], key_lens[o], &d) == 0 &&
             d.verdict == HW_CONNECT,
         "no new connection");
    hw_pool_add(pool, d.origin, &links[i], 0);
  }
  for (i = 0; i < LINKS; i++) {
    hw_decision_t d;

    hw_pool_release(pool, &links[i], 1, 4000, i, &d);
    must(d.verdict == HW_IDLE, "not idle");
  }
}

int main(void) {
  hw_pool_options_t options = {HW_NO_LIMIT, HW_NO_LIMIT, 256, 0};
  hw_deadlines_t deadlines;
  hw_pool_t* pool = NULL;
  double acquire[ROUNDS];
  double release[ROUNDS];
  uint64_t random = 88172645463325252u;
  int round = 0;
  uint32_t i = 0;

  must(hw_deadlines_init(&deadlines) == 0 &&
           hw_pool_create(&options, &deadlines, 0, &pool) == 0,
       "no memory");
  fill(pool);
  for (round = 0; round < ROUNDS; round++) {
    uint64_t t0 = 0;
    uint64_t t1 = 0;
    uint64_t in_acquire = 0;
    uint64_t in_release = 0;
    uint32_t at = 0;

    for (i = 0; i < OPS; i++) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      order[i] = (uint32_t)(random >> 40) % ORIGINS;
    }
    /* In batches that leave most connections idle, as in use. */
    for (at = 0; at < OPS; at += 1000) {
      t0 = nanoseconds();
      for (i = at; i < at + 1000; i++) {
        hw_decision_t d;

        must(hw_pool_acquire(pool, keys[order[i]], key_lens[order[i]], &d) == 0,
             "acquire failed");
        leased[i] = d.verdict == HW_REUSE ? d.link : NULL;
        if (d.verdict != HW_REUSE) {
          hw_pool_forget(pool, d.origin);
        }
      }
      t1 = nanoseconds();
      in_acquire += t1 - t0;
      for (i = at; i < at + 1000; i++) {
        hw_decision_t d;

        if (leased[i] != NULL) {
          hw_pool_release(pool, leased[i], 1, 4000, LINKS + i, &d);
        }
      }
      in_release += nanoseconds() - t1;
    }
    acquire[round] = (double)in_acquire / OPS;
    release[round] = (double)in_release / OPS;
  }
  printf("%d origins, %d idle connections\n", ORIGINS, LINKS);
  report("acquire", acquire);
  report("release", release);
  return 0;
}
