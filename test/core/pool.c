/* SPDX-License-Identifier: MIT */
/*
 * pool.c, rule by rule: what pool.h says about limits, turns, eviction and
 * origins that come and go. pool-model.c checks the same rules with
 * random sequences.
 */
#include "runner.h"

#include <string.h>

#include "pool.h"

void suite_pool(void);

typedef struct {
  hw_deadlines_t deadlines;
  hw_pool_t* pool;
  hw_decision_t d;
} fixture_t;

static void open_pool(fixture_t* f,
                      uint32_t max_sockets,
                      uint32_t max_total,
                      uint32_t max_free,
                      int fifo) {
  hw_pool_options_t options = {max_sockets, max_total, max_free, fifo};

  CHECK(hw_deadlines_init(&f->deadlines) == 0);
  CHECK(hw_pool_create(&options, &f->deadlines, 9, &f->pool) == 0);
}

static void close_pool(fixture_t* f) {
  CHECK(hw_pool_origins(f->pool) == 0);
  hw_pool_destroy(f->pool);
  hw_deadlines_close(&f->deadlines);
}

static hw_verdict_t acquire(fixture_t* f, const char* key) {
  CHECK(hw_pool_acquire(f->pool, key, strlen(key), 0, &f->d) == 0);
  return f->d.verdict;
}

/* A request that must get a new connection. */
static void connect_one(fixture_t* f, const char* key, hw_link_t* link) {
  hw_link_init(link);
  CHECK(acquire(f, key) == HW_CONNECT);
  hw_pool_add(f->pool, f->d.origin, link, 0);
}

static void wait_one(fixture_t* f, const char* key, hw_waiter_t* waiter) {
  hw_waiter_init(waiter);
  CHECK(acquire(f, key) == HW_WAIT);
  hw_pool_wait(f->pool, f->d.origin, waiter, 0);
}

static hw_verdict_t release(fixture_t* f, hw_link_t* link) {
  return hw_pool_release(f->pool, link, 1, 100, 0, &f->d);
}

/* The next waiter. f->d.origin is its origin, to which a link must be added. */
static hw_waiter_t* next(fixture_t* f) {
  return hw_pool_next(f->pool, &f->d.origin);
}

/* Removes link. Result: the waiter that gets its place. */
static hw_waiter_t* drop(fixture_t* f, hw_link_t* link) {
  hw_pool_remove(f->pool, link);
  return next(f);
}

static void an_idle_connection_is_used_again(void) {
  fixture_t f;
  hw_link_t link;

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &link);
  CHECK(release(&f, &link) == HW_IDLE);
  CHECK(hw_pool_idle(f.pool) == 1 && hw_pool_total(f.pool) == 1);
  CHECK(hw_deadlines_next(&f.deadlines) == 100);
  CHECK(acquire(&f, "a") == HW_REUSE && f.d.link == &link);
  CHECK(link.uses == 2 && hw_pool_idle(f.pool) == 0);
  CHECK(hw_deadlines_next(&f.deadlines) == UINT64_MAX);
  CHECK(drop(&f, &link) == NULL);
  close_pool(&f);
}

static void a_dead_connection_was_no_lease(void) {
  fixture_t f;
  hw_link_t link;
  const hw_pool_counters_t* counters = NULL;

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
  counters = hw_pool_counters(f.pool);
  connect_one(&f, "a", &link);
  CHECK(release(&f, &link) == HW_IDLE);
  CHECK(hw_pool_acquire(f.pool, "a", 1, 77, &f.d) == 0);
  CHECK(f.d.verdict == HW_REUSE && link.leased_ms == 77);
  CHECK(counters->leases == 2 && counters->reuses == 1 && link.uses == 2);
  hw_pool_reject(f.pool, &link);
  CHECK(counters->leases == 1 && counters->reuses == 0 && link.uses == 1);
  CHECK(counters->stale == 1 && hw_link_is_active(&link));
  hw_pool_remove(f.pool, &link);
  close_pool(&f);
}

static void lifo_takes_the_latest_and_fifo_the_oldest(void) {
  int fifo = 0;

  for (fifo = 0; fifo < 2; fifo++) {
    fixture_t f;
    hw_link_t links[3];
    int i = 0;

    open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, fifo);
    for (i = 0; i < 3; i++) {
      connect_one(&f, "a", &links[i]);
    }
    for (i = 0; i < 3; i++) {
      CHECK(release(&f, &links[i]) == HW_IDLE);
    }
    CHECK(acquire(&f, "a") == HW_REUSE && f.d.link == &links[fifo ? 0 : 2]);
    for (i = 0; i < 3; i++) {
      (void)drop(&f, &links[i]);
    }
    close_pool(&f);
  }
}

static void waiting_is_first_come_first_served(void) {
  fixture_t f;
  hw_link_t link;
  hw_waiter_t waiters[3];
  int i = 0;

  open_pool(&f, 1, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &link);
  for (i = 0; i < 3; i++) {
    wait_one(&f, "a", &waiters[i]);
  }
  hw_pool_cancel(f.pool, &waiters[1]);
  hw_pool_cancel(f.pool, &waiters[1]);
  CHECK(hw_pool_waiting(f.pool) == 2);
  CHECK(release(&f, &link) == HW_HANDOVER && f.d.waiter == &waiters[0]);
  CHECK(release(&f, &link) == HW_HANDOVER && f.d.waiter == &waiters[2]);
  CHECK(release(&f, &link) == HW_IDLE);
  (void)drop(&f, &link);
  close_pool(&f);
}

static void a_lost_connection_makes_room_for_a_waiter(void) {
  fixture_t f;
  hw_link_t link;
  hw_link_t next;
  hw_waiter_t waiter;

  open_pool(&f, 1, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &link);
  wait_one(&f, "a", &waiter);
  CHECK(drop(&f, &link) == &waiter);
  hw_link_init(&next);
  hw_pool_add(f.pool, f.d.origin, &next, 0);
  (void)drop(&f, &next);
  close_pool(&f);
}

static void max_free_and_may_idle_close(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 1, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "a", &b);
  CHECK(release(&f, &a) == HW_IDLE);
  CHECK(release(&f, &b) == HW_CLOSE);
  CHECK(b.state == HW_LINK_ACTIVE);
  CHECK(hw_pool_release(f.pool, &b, 0, 100, 0, &f.d) == HW_CLOSE);
  (void)drop(&f, &a);
  (void)drop(&f, &b);
  close_pool(&f);
}

static void the_total_limit_evicts_the_longest_idle(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;
  hw_link_t c;

  open_pool(&f, HW_NO_LIMIT, 2, 10, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "b", &b);
  CHECK(release(&f, &b) == HW_IDLE);
  CHECK(release(&f, &a) == HW_IDLE);
  hw_link_init(&c);
  CHECK(acquire(&f, "c") == HW_CONNECT && f.d.evicted == &b);
  CHECK(b.state == HW_LINK_NONE && hw_pool_origins(f.pool) == 2);
  hw_pool_add(f.pool, f.d.origin, &c, 0);
  CHECK(hw_pool_total(f.pool) == 2);
  (void)drop(&f, &a);
  (void)drop(&f, &c);
  close_pool(&f);
}

static void nobody_starves_under_the_total_limit(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;
  hw_waiter_t wa;
  hw_waiter_t wb;

  open_pool(&f, HW_NO_LIMIT, 1, 10, 0);
  connect_one(&f, "a", &a);
  wait_one(&f, "a", &wa);
  wait_one(&f, "b", &wb);
  /* a has a connection, b none: the place goes to b, and then back to a. */
  CHECK(release(&f, &a) == HW_CLOSE);
  CHECK(drop(&f, &a) == &wb);
  hw_link_init(&b);
  hw_pool_add(f.pool, f.d.origin, &b, 0);
  CHECK(release(&f, &b) == HW_CLOSE);
  CHECK(drop(&f, &b) == &wa);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  (void)drop(&f, &a);
  close_pool(&f);
}

/* Starving origins are served in the order in which they began to starve,
 * regardless of their age, and setting the options does not change that. */
static void the_longest_starved_is_next(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t z;
  hw_waiter_t wa;
  hw_waiter_t wb;
  hw_waiter_t wc;
  hw_pool_options_t same = {HW_NO_LIMIT, 2, 10, 0};

  open_pool(&f, HW_NO_LIMIT, 2, 10, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "z", &z);
  wait_one(&f, "a", &wa);
  wait_one(&f, "b", &wb);
  CHECK(drop(&f, &a) == &wb);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  wait_one(&f, "c", &wc); /* after a began to starve, though a is older */
  CHECK(drop(&f, &a) == &wa);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  wait_one(&f, "b", &wb);
  wait_one(&f, "a", &wa);
  hw_pool_set_options(f.pool, &same);
  CHECK(drop(&f, &a) == &wc);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  CHECK(drop(&f, &a) == &wb);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  CHECK(drop(&f, &a) == &wa);
  hw_pool_add(f.pool, f.d.origin, &a, 0);
  (void)drop(&f, &a);
  (void)drop(&f, &z);
  close_pool(&f);
}

static void a_place_goes_to_another_origin_that_is_hungry(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;
  hw_link_t more;
  hw_waiter_t wb;

  open_pool(&f, HW_NO_LIMIT, 2, 10, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "b", &b);
  wait_one(&f, "b", &wb);
  /* If it were idle, it would be evicted at once. */
  CHECK(release(&f, &a) == HW_CLOSE);
  CHECK(drop(&f, &a) == &wb);
  hw_link_init(&more);
  hw_pool_add(f.pool, f.d.origin, &more, 0);
  (void)drop(&f, &b);
  (void)drop(&f, &more);
  close_pool(&f);
}

static void a_lowered_total_does_not_wait_for_the_idle(void) {
  fixture_t f;
  hw_link_t links[3];
  hw_link_t d;
  static const char* const names[] = {"a", "b", "c"};
  hw_pool_options_t lower = {HW_NO_LIMIT, 1, 10, 0};
  int i = 0;

  open_pool(&f, HW_NO_LIMIT, 3, 10, 0);
  for (i = 0; i < 3; i++) {
    connect_one(&f, names[i], &links[i]);
  }
  for (i = 0; i < 3; i++) {
    CHECK(release(&f, &links[i]) == HW_IDLE);
  }
  hw_pool_set_options(f.pool, &lower);
  CHECK(acquire(&f, "d") == HW_CONNECT && f.d.evicted == &links[0]);
  hw_link_init(&d);
  hw_pool_add(f.pool, f.d.origin, &d, 0);
  CHECK(release(&f, &d) == HW_CLOSE);
  for (i = 1; i < 3; i++) {
    (void)drop(&f, &links[i]);
  }
  (void)drop(&f, &d);
  close_pool(&f);
}

static void a_limit_of_none_lets_nobody_through(void) {
  fixture_t f;
  hw_link_t past;
  hw_waiter_t waiter;
  hw_origin_t* origin = NULL;

  open_pool(&f, 0, HW_NO_LIMIT, 10, 0);
  wait_one(&f, "a", &waiter);
  CHECK(hw_pool_origin(f.pool, "b", 1, &origin) == 0);
  hw_link_init(&past);
  hw_pool_add(f.pool, origin, &past, 0);
  CHECK(release(&f, &past) == HW_CLOSE);
  CHECK(drop(&f, &past) == NULL);
  hw_pool_cancel(f.pool, &waiter);
  close_pool(&f);
}

/* Without the pool: added regardless of the limits, and closed if too many. */
static void a_connection_past_the_limits_is_not_kept(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t past;
  hw_origin_t* origin = NULL;

  open_pool(&f, 1, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &a);
  CHECK(hw_pool_origin(f.pool, "a", 1, &origin) == 0 && origin == a.origin);
  hw_link_init(&past);
  hw_pool_add(f.pool, origin, &past, 7);
  CHECK(past.created_ms == 7 && past.uses == 1 && past.pool == f.pool);
  CHECK(release(&f, &past) == HW_CLOSE);
  CHECK(drop(&f, &past) == NULL);
  CHECK(release(&f, &a) == HW_IDLE);
  (void)drop(&f, &a);
  close_pool(&f);
}

static void raised_limits_start_those_who_wait(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t more[2];
  hw_waiter_t waiters[3];
  hw_pool_options_t higher = {HW_NO_LIMIT, 3, 10, 0};
  int i = 0;

  open_pool(&f, HW_NO_LIMIT, 1, 10, 0);
  connect_one(&f, "a", &a);
  wait_one(&f, "a", &waiters[1]);
  wait_one(&f, "b", &waiters[0]);
  wait_one(&f, "a", &waiters[2]);
  CHECK(next(&f) == NULL);
  hw_pool_set_options(f.pool, &higher);
  for (i = 0; i < 2; i++) {
    CHECK(next(&f) == &waiters[i]); /* b first: it starves */
    hw_link_init(&more[i]);
    hw_pool_add(f.pool, f.d.origin, &more[i], 0);
  }
  CHECK(next(&f) == NULL && hw_pool_total(f.pool) == 3);
  CHECK(hw_pool_cancel_any(f.pool) == &waiters[2]);
  (void)drop(&f, &a);
  (void)drop(&f, &more[0]);
  (void)drop(&f, &more[1]);
  close_pool(&f);
}

static void a_place_that_was_not_used_goes_to_the_next(void) {
  fixture_t f;
  hw_link_t a;
  hw_waiter_t first;
  hw_waiter_t second;

  open_pool(&f, HW_NO_LIMIT, 1, 10, 0);
  connect_one(&f, "a", &a);
  wait_one(&f, "b", &first);
  wait_one(&f, "b", &second);
  CHECK(drop(&f, &a) == &first);
  hw_pool_forget(f.pool, f.d.origin); /* as without memory for it */
  CHECK(next(&f) == &second);
  hw_pool_forget(f.pool, f.d.origin);
  close_pool(&f);
}

/* A removal takes no waiter out of a queue: a later call still finds all. */
static void a_place_that_nobody_asked_about_is_not_lost(void) {
  fixture_t f;
  hw_link_t links[3];
  hw_waiter_t waiters[3];
  int i = 0;

  open_pool(&f, HW_NO_LIMIT, 3, 10, 0);
  for (i = 0; i < 3; i++) {
    connect_one(&f, "a", &links[i]);
  }
  for (i = 0; i < 3; i++) {
    wait_one(&f, i == 1 ? "b" : "a", &waiters[i]);
  }
  for (i = 0; i < 3; i++) {
    hw_pool_remove(f.pool, &links[i]);
  }
  CHECK(hw_pool_waiting(f.pool) == 3 && hw_pool_total(f.pool) == 0);
  CHECK(next(&f) == &waiters[1]); /* b has starved for longer */
  hw_pool_forget(f.pool, f.d.origin);
  for (i = 0; i < 3; i += 2) {
    CHECK(next(&f) == &waiters[i]);
    hw_pool_add(f.pool, f.d.origin, &links[i], 0);
  }
  CHECK(next(&f) == NULL);
  hw_pool_remove(f.pool, &links[0]);
  hw_pool_remove(f.pool, &links[2]);
  close_pool(&f);
}

/* The origin that releases a place is the next to get one: before origins that
 * have been hungry for longer, but after one that starves. */
static void the_giver_comes_before_the_hungry(void) {
  fixture_t f;
  hw_link_t a[2];
  hw_link_t b;
  hw_link_t s;
  hw_waiter_t wa;
  hw_waiter_t wb;
  hw_waiter_t ws;

  open_pool(&f, HW_NO_LIMIT, 3, 10, 0);
  connect_one(&f, "a", &a[0]);
  connect_one(&f, "a", &a[1]);
  connect_one(&f, "b", &b);
  wait_one(&f, "b", &wb);
  wait_one(&f, "a", &wa);
  wait_one(&f, "s", &ws);
  hw_link_init(&s);
  CHECK(drop(&f, &a[0]) == &ws);
  hw_pool_add(f.pool, f.d.origin, &s, 0);
  CHECK(drop(&f, &s) == &wa);
  hw_pool_add(f.pool, f.d.origin, &a[0], 0);
  CHECK(drop(&f, &a[0]) == &wb);
  hw_pool_add(f.pool, f.d.origin, &a[0], 0);
  (void)drop(&f, &a[0]);
  (void)drop(&f, &a[1]);
  (void)drop(&f, &b);
  close_pool(&f);
}

static void those_who_wait_are_cancelled_longest_first(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;
  hw_waiter_t wa;
  hw_waiter_t wb[2];

  open_pool(&f, 1, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "b", &b);
  wait_one(&f, "b", &wb[0]);
  wait_one(&f, "a", &wa);
  wait_one(&f, "b", &wb[1]);
  CHECK(hw_pool_cancel_any(f.pool) == &wb[0]);
  CHECK(hw_pool_cancel_any(f.pool) == &wb[1]);
  CHECK(hw_pool_cancel_any(f.pool) == &wa);
  CHECK(hw_pool_cancel_any(f.pool) == NULL);
  CHECK(hw_pool_counters(f.pool)->cancelled == 3);
  (void)drop(&f, &a);
  (void)drop(&f, &b);
  close_pool(&f);
}

static void an_unused_origin_goes_at_once(void) {
  fixture_t f;
  hw_waiter_t waiter;

  open_pool(&f, 0, HW_NO_LIMIT, 10, 0);
  CHECK(acquire(&f, "a") == HW_WAIT && hw_pool_origins(f.pool) == 1);
  hw_pool_forget(f.pool, f.d.origin);
  CHECK(hw_pool_origins(f.pool) == 0);
  wait_one(&f, "a", &waiter);
  hw_pool_forget(f.pool, waiter.origin); /* in use: it stays */
  CHECK(hw_pool_origins(f.pool) == 1);
  hw_pool_cancel(f.pool, &waiter);
  CHECK(hw_pool_origins(f.pool) == 0);
  close_pool(&f);
}

static void lowered_limits_close_what_is_too_many(void) {
  fixture_t f;
  hw_link_t a;
  hw_link_t b;
  hw_pool_options_t lower = {1, HW_NO_LIMIT, 10, 0};

  open_pool(&f, 2, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &a);
  connect_one(&f, "a", &b);
  hw_pool_set_options(f.pool, &lower);
  CHECK(release(&f, &a) == HW_CLOSE);
  (void)drop(&f, &a);
  CHECK(release(&f, &b) == HW_IDLE);
  (void)drop(&f, &b);
  close_pool(&f);
}

static void long_keys_and_the_longest(void) {
  fixture_t f;
  hw_link_t link;
  static char key[300000]; /* as long as https' with all root certificates */

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
  memset(key, 'k', sizeof(key));
  CHECK(hw_pool_acquire(f.pool, key, 64 * 1024 * 1024 + 1, 0, &f.d) ==
        HW_EINVAL);
  CHECK(hw_pool_acquire(f.pool, key, sizeof(key), 0, &f.d) == 0);
  hw_link_init(&link);
  hw_pool_add(f.pool, f.d.origin, &link, 0);
  CHECK(hw_pool_acquire(f.pool, key, 65535, 0, &f.d) == 0);
  hw_pool_forget(f.pool, f.d.origin);
  (void)drop(&f, &link);
  close_pool(&f);
}

static void keys_that_just_fit_and_just_do_not(void) {
  fixture_t f;
  hw_link_t links[80];
  char key[80];
  size_t len = 0;

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
  memset(key, 'k', sizeof(key));
  for (len = 0; len < 80; len++) {
    hw_link_init(&links[len]);
    CHECK(hw_pool_acquire(f.pool, key, len, 0, &f.d) == 0);
    CHECK(f.d.verdict == HW_CONNECT);
    hw_pool_add(f.pool, f.d.origin, &links[len], 0);
  }
  for (len = 0; len < 80; len++) {
    size_t got = 0;
    const char* name = hw_origin_key(links[len].origin, &got);

    CHECK(got == len && memcmp(name, key, len) == 0);
    (void)drop(&f, &links[len]);
  }
  close_pool(&f);
}

static void a_pool_may_fail_to_be_made(void) {
  hw_pool_options_t options = {1, 1, 1, 0};
  hw_pool_t* pool = NULL;

  hw_mem_fail_at(0);
  CHECK(hw_pool_create(&options, NULL, 0, &pool) == HW_ENOMEM && pool == NULL);
}

static void every_allocation_may_fail(void) {
  static char key[100];
  long n = 0;
  int err = HW_ENOMEM;

  memset(key, 'k', sizeof(key));
  for (n = 0; err == HW_ENOMEM; n++) {
    fixture_t f;
    hw_link_t link;

    open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
    hw_link_init(&link);
    hw_mem_fail_at(n);
    err = hw_pool_acquire(f.pool, key, sizeof(key), 0, &f.d);
    if (err == 0) {
      hw_pool_add(f.pool, f.d.origin, &link, 0);
      hw_mem_fail_at(0);
      CHECK(release(&f, &link) == HW_CLOSE); /* no memory for the deadline */
      hw_mem_fail_at(-1);
      (void)drop(&f, &link);
    }
    close_pool(&f);
  }
  CHECK(n > 3);
}

static void an_idle_connection_expires_and_can_be_taken(void) {
  fixture_t f;
  hw_link_t link;

  open_pool(&f, HW_NO_LIMIT, HW_NO_LIMIT, 10, 0);
  connect_one(&f, "a", &link);
  CHECK(release(&f, &link) == HW_IDLE);
  CHECK(hw_pool_set_idle(f.pool, &link, 30, 50) == 0);
  CHECK(hw_deadlines_pop(&f.deadlines, 79) == NULL);
  CHECK(hw_deadlines_pop(&f.deadlines, 80) == &link.idle_until);
  CHECK(link.idle_until.kind == 9);
  CHECK(hw_pool_set_idle(f.pool, &link, 30, 50) == 0);
  CHECK(hw_pool_set_idle(f.pool, &link, UINT64_MAX, 60) == 0);
  CHECK(hw_deadlines_next(&f.deadlines) == UINT64_MAX);
  hw_pool_take(f.pool, &link);
  CHECK(link.state == HW_LINK_ACTIVE && hw_pool_idle(f.pool) == 0);
  (void)drop(&f, &link);
  close_pool(&f);
}

void suite_pool(void) {
  RUN(an_idle_connection_is_used_again);
  RUN(a_dead_connection_was_no_lease);
  RUN(lifo_takes_the_latest_and_fifo_the_oldest);
  RUN(waiting_is_first_come_first_served);
  RUN(a_lost_connection_makes_room_for_a_waiter);
  RUN(max_free_and_may_idle_close);
  RUN(the_total_limit_evicts_the_longest_idle);
  RUN(nobody_starves_under_the_total_limit);
  RUN(the_longest_starved_is_next);
  RUN(a_place_goes_to_another_origin_that_is_hungry);
  RUN(lowered_limits_close_what_is_too_many);
  RUN(a_lowered_total_does_not_wait_for_the_idle);
  RUN(a_limit_of_none_lets_nobody_through);
  RUN(a_connection_past_the_limits_is_not_kept);
  RUN(raised_limits_start_those_who_wait);
  RUN(a_place_that_was_not_used_goes_to_the_next);
  RUN(a_place_that_nobody_asked_about_is_not_lost);
  RUN(the_giver_comes_before_the_hungry);
  RUN(those_who_wait_are_cancelled_longest_first);
  RUN(an_unused_origin_goes_at_once);
  RUN(keys_that_just_fit_and_just_do_not);
  RUN(a_pool_may_fail_to_be_made);
  RUN(long_keys_and_the_longest);
  RUN(every_allocation_may_fail);
  RUN(an_idle_connection_expires_and_can_be_taken);
}
