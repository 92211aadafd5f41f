/* SPDX-License-Identifier: MIT */
/*
 * What the pool costs per call: 10,000 origins, 100,000 idle connections,
 * everything in random order. Each round leases 20,000 connections and then
 * releases them in another order, so that a connection is as cold at its
 * release as in real use, where a whole request comes between the two. Then
 * requests wait, and connections are handed over to them. Prints the median and
 * the range of several rounds in ns; --json: one line, with every round.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pool.h"

enum { ORIGINS = 10000, LINKS = 100000, LEASED = 20000, ROUNDS = 15, KEY = 40 };

typedef struct {
  const char* name;
  double ns[ROUNDS]; /* per call */
} series_t;

static char keys[ORIGINS][KEY];
static size_t key_lens[ORIGINS];
static hw_link_t links[LINKS];
static hw_waiter_t waiters[ORIGINS];
static uint32_t order[LINKS];
static uint32_t back[LEASED];
static hw_link_t* leased[LEASED];
static uint64_t seed = 88172645463325252u;

static uint64_t now_ns(void) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void must(int ok, const char* what) {
  if (!ok) {
    (void)fprintf(stderr, "pool bench: %s\n", what);
    exit(1);
  }
}

static void shuffle(uint32_t* values, uint32_t count) {
  uint32_t i = 0;

  for (i = count - 1; i > 0; i--) {
    uint32_t other = 0;
    uint32_t value = values[i];

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    other = (uint32_t)(seed >> 33) % (i + 1);
    values[i] = values[other];
    values[other] = value;
  }
}

static void number(uint32_t* values, uint32_t count) {
  uint32_t i = 0;

  for (i = 0; i < count; i++) {
    values[i] = i;
  }
}

static hw_pool_t* make_pool(hw_deadlines_t* deadlines, uint32_t max_sockets) {
  hw_pool_options_t options = {max_sockets, HW_NO_LIMIT, 256, 0};
  hw_pool_t* pool = NULL;

  must(hw_deadlines_init(deadlines) == 0 &&
           hw_pool_create(&options, deadlines, 0, &pool) == 0,
       "no memory");
  return pool;
}

static void acquire(hw_pool_t* pool, uint32_t origin, hw_decision_t* d) {
  must(hw_pool_acquire(pool, keys[origin], key_lens[origin], 0, d) == 0,
       "no memory");
}

/* The origins get their connections in turns. */
static void connect_all(hw_pool_t* pool, uint32_t count) {
  uint32_t i = 0;

  for (i = 0; i < count; i++) {
    hw_decision_t d;

    hw_link_init(&links[i]);
    acquire(pool, i % ORIGINS, &d);
    must(d.verdict == HW_CONNECT, "no new connection");
    hw_pool_add(pool, d.origin, &links[i], 0);
  }
}

static void close_all(hw_pool_t* pool,
                      hw_deadlines_t* deadlines,
                      uint32_t count) {
  uint32_t i = 0;

  for (i = 0; i < count; i++) {
    hw_pool_remove(pool, &links[i]);
  }
  hw_pool_destroy(pool);
  hw_deadlines_close(deadlines);
}

static void reuse_round(hw_pool_t* pool, double* acquired, double* released) {
  uint64_t start = 0;
  uint32_t i = 0;
  hw_decision_t d;

  shuffle(order, LINKS); /* an origin is at most as often in it as it has */
  shuffle(back, LEASED); /* connections: each acquire finds an idle one */
  start = now_ns();
  for (i = 0; i < LEASED; i++) {
    acquire(pool, order[i] % ORIGINS, &d);
    must(d.verdict == HW_REUSE, "not reused");
    leased[i] = d.link;
  }
  *acquired = (double)(now_ns() - start) / LEASED;
  start = now_ns();
  for (i = 0; i < LEASED; i++) {
    must(hw_pool_release(pool, leased[back[i]], 1, 4000, i, &d) == HW_IDLE,
         "not idle");
  }
  *released = (double)(now_ns() - start) / LEASED;
}

static void bench_reuse(series_t* acquired, series_t* released) {
  hw_deadlines_t deadlines;
  hw_pool_t* pool = make_pool(&deadlines, HW_NO_LIMIT);
  double ignored = 0;
  int round = 0;
  uint32_t i = 0;

  connect_all(pool, LINKS);
  for (i = 0; i < LINKS; i++) {
    hw_decision_t d;

    must(hw_pool_release(pool, &links[i], 1, 4000, 0, &d) == HW_IDLE,
         "not idle");
  }
  number(order, LINKS);
  number(back, LEASED);
  reuse_round(pool, &ignored, &ignored); /* the warm-up */
  for (round = 0; round < ROUNDS; round++) {
    reuse_round(pool, &acquired->ns[round], &released->ns[round]);
  }
  close_all(pool, &deadlines, LINKS);
}

/* Each origin has the one connection that it may have, and that is busy. */
static void wait_round(hw_pool_t* pool, double* waited, double* handed_over) {
  uint64_t start = 0;
  uint32_t i = 0;
  hw_decision_t d;

  shuffle(order, ORIGINS);
  start = now_ns();
  for (i = 0; i < ORIGINS; i++) {
    acquire(pool, order[i], &d);
    must(d.verdict == HW_WAIT, "did not have to wait");
    hw_pool_wait(pool, d.origin, &waiters[i], 0);
  }
  *waited = (double)(now_ns() - start) / ORIGINS;
  shuffle(order, ORIGINS);
  start = now_ns();
  for (i = 0; i < ORIGINS; i++) {
    must(hw_pool_release(pool, &links[order[i]], 1, 4000, i, &d) == HW_HANDOVER,
         "not handed over");
  }
  *handed_over = (double)(now_ns() - start) / ORIGINS;
}

static void bench_wait(series_t* waited, series_t* handed_over) {
  hw_deadlines_t deadlines;
  hw_pool_t* pool = make_pool(&deadlines, 1);
  double ignored = 0;
  int round = 0;
  uint32_t i = 0;

  connect_all(pool, ORIGINS);
  for (i = 0; i < ORIGINS; i++) {
    hw_waiter_init(&waiters[i]);
  }
  number(order, ORIGINS);
  wait_round(pool, &ignored, &ignored);
  for (round = 0; round < ROUNDS; round++) {
    wait_round(pool, &waited->ns[round], &handed_over->ns[round]);
  }
  close_all(pool, &deadlines, ORIGINS);
}

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a;
  double y = *(const double*)b;

  return (x > y) - (x < y);
}

static void print_table(series_t* series, int count) {
  int i = 0;

  (void)printf(
      "%d origins, %d connections, %d rounds\n", ORIGINS, LINKS, ROUNDS);
  for (i = 0; i < count; i++) {
    double* ns = series[i].ns;

    qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
    (void)printf("%-9s %6.1f ns  (%.1f to %.1f)\n",
                 series[i].name,
                 ns[ROUNDS / 2],
                 ns[0],
                 ns[ROUNDS - 1]);
  }
}

/* The rounds in the order in which they ran, and what the table shows. */
static void print_json(series_t* series, int count) {
  int i = 0;
  int round = 0;

  (void)printf("{\"origins\":%d,\"connections\":%d", ORIGINS, LINKS);
  for (i = 0; i < count; i++) {
    double* ns = series[i].ns;

    (void)printf(",\"%s\":{\"samples\":[", series[i].name);
    for (round = 0; round < ROUNDS; round++) {
      (void)printf("%s%.1f", round > 0 ? "," : "", ns[round]);
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
    (void)printf("],\"median\":%.1f,\"min\":%.1f,\"max\":%.1f}",
                 ns[ROUNDS / 2],
                 ns[0],
                 ns[ROUNDS - 1]);
  }
  (void)printf("}\n");
}

int main(int argc, char** argv) {
  static series_t series[] = {
      {.name = "acquire"},
      {.name = "release"},
      {.name = "wait"}, /* acquire and wait */
      {.name = "handover"},
  };
  enum { COUNT = sizeof(series) / sizeof(series[0]) };
  uint32_t i = 0;

  for (i = 0; i < ORIGINS; i++) {
    int len = snprintf(keys[i], KEY, "host-%" PRIu32 ".example.com:8080:", i);

    must(len > 0 && len < KEY, "a key does not fit");
    key_lens[i] = (size_t)len;
  }
  bench_reuse(&series[0], &series[1]);
  bench_wait(&series[2], &series[3]);
  if (argc > 1 && strcmp(argv[1], "--json") == 0) {
    print_json(series, COUNT);
  } else {
    print_table(series, COUNT);
  }
  return 0;
}
