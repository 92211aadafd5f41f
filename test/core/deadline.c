/* SPDX-License-Identifier: MIT */
/*
 * deadline.c: entries are due in order, regardless of what was started, stopped
 * or restarted meanwhile, and a failed start leaves no trace. The clock
 * is an argument.
 */
#include "runner.h"

#include "deadline.h"

void suite_deadline(void);

static void they_come_in_the_order_in_which_they_are_due(void) {
  hw_deadlines_t set;
  hw_deadline_t d[4];
  int i = 0;

  CHECK(hw_deadlines_init(&set) == 0);
  CHECK(hw_deadlines_next(&set) == UINT64_MAX);
  for (i = 0; i < 4; i++) {
    hw_deadline_init(&d[i], (uint8_t)i);
  }
  CHECK(hw_deadline_start(&set, &d[0], 100, 0) == 0);
  CHECK(hw_deadline_start(&set, &d[1], 50, 10) == 0);
  CHECK(hw_deadline_start(&set, &d[2], 100, 20) == 0);
  CHECK(hw_deadline_start(&set, &d[3], UINT64_MAX, 20) == 0);
  CHECK(hw_deadlines_next(&set) == 60);
  CHECK(hw_deadlines_pop(&set, 59) == NULL);
  CHECK(hw_deadlines_pop(&set, 1000) == &d[1]);
  CHECK(hw_deadlines_pop(&set, 1000) == &d[0]);
  CHECK(hw_deadlines_pop(&set, 1000) == &d[2]);
  CHECK(hw_deadlines_pop(&set, 1000) == NULL);
  CHECK(d[3].due_ms == UINT64_MAX && hw_deadline_started(&d[3]));
  hw_deadline_stop(&set, &d[3]);
  hw_deadline_stop(&set, &d[3]);
  hw_deadlines_close(&set);
}

static void a_restart_moves_it_to_the_end(void) {
  hw_deadlines_t set;
  hw_deadline_t a;
  hw_deadline_t b;

  CHECK(hw_deadlines_init(&set) == 0);
  hw_deadline_init(&a, 0);
  hw_deadline_init(&b, 0);
  CHECK(hw_deadline_start(&set, &a, 10, 0) == 0);
  CHECK(hw_deadline_start(&set, &b, 10, 1) == 0);
  CHECK(hw_deadline_start(&set, &a, 10, 2) == 0);
  CHECK(hw_deadlines_next(&set) == 11);
  CHECK(hw_deadline_start(&set, &b, 500, 3) == 0);
  CHECK(set.heap_count == 2);
  CHECK(hw_deadlines_pop(&set, 12) == &a);
  CHECK(set.heap_count == 1);
  hw_deadline_stop(&set, &b);
  hw_deadlines_close(&set);
}

static void without_memory_it_is_not_started(void) {
  hw_deadlines_t set;
  hw_deadline_t d;

  hw_mem_fail_at(0);
  CHECK(hw_deadlines_init(&set) == HW_ENOMEM);
  CHECK(hw_deadlines_init(&set) == 0);
  hw_deadline_init(&d, 0);
  hw_mem_fail_at(0);
  CHECK(hw_deadline_start(&set, &d, 1, 0) == HW_ENOMEM);
  CHECK(!hw_deadline_started(&d));
  CHECK(hw_deadline_start(&set, &d, 1, 0) == 0);
  hw_deadline_stop(&set, &d);
  hw_mem_fail_at(0); /* the heap has a place, and a list is kept */
  CHECK(hw_deadline_start(&set, &d, 3, 0) == 0);
  /* A restart with another value; the list of the old one is kept for it. */
  hw_mem_fail_at(0);
  CHECK(hw_deadline_start(&set, &d, 2, 0) == 0);
  hw_mem_fail_at(-1);
  CHECK(d.due_ms == 2 && set.heap_count == 1);
  hw_deadline_stop(&set, &d);
  hw_deadlines_close(&set);
}

static void a_failed_restart_stops_it(void) {
  hw_deadlines_t set;
  hw_deadline_t a;
  hw_deadline_t b;

  CHECK(hw_deadlines_init(&set) == 0);
  hw_deadline_init(&a, 0);
  hw_deadline_init(&b, 0);
  CHECK(hw_deadline_start(&set, &a, 1, 0) == 0);
  CHECK(hw_deadline_start(&set, &b, 1, 0) == 0);
  hw_mem_fail_at(0);
  CHECK(hw_deadline_start(&set, &a, 2, 0) == HW_ENOMEM);
  CHECK(!hw_deadline_started(&a) && hw_deadlines_next(&set) == 1);
  hw_deadline_stop(&set, &b);
  hw_deadlines_close(&set);
}

static void a_thousand_values_work(void) {
  hw_deadlines_t set;
  static hw_deadline_t d[1000];
  uint64_t last = 0;
  int i = 0;

  CHECK(hw_deadlines_init(&set) == 0);
  for (i = 0; i < 1000; i++) {
    hw_deadline_init(&d[i], 0);
    CHECK(hw_deadline_start(&set, &d[i], (uint64_t)(i * 7 % 1000), 0) == 0);
  }
  for (i = 0; i < 1000; i++) {
    hw_deadline_t* due = hw_deadlines_pop(&set, 5000);

    CHECK(due != NULL && due->due_ms >= last);
    last = due != NULL ? due->due_ms : 0;
  }
  hw_deadlines_close(&set);
}

/* Compared with a walk over all entries, while they are started and stopped. */
static void the_next_one_is_always_the_earliest(void) {
  enum { COUNT = 64, STEPS = 20000, VALUES = 40 };
  hw_deadlines_t set;
  static hw_deadline_t d[COUNT];
  uint32_t random = 12345;
  uint64_t now = 0;
  int step = 0;
  int i = 0;

  CHECK(hw_deadlines_init(&set) == 0);
  for (i = 0; i < COUNT; i++) {
    hw_deadline_init(&d[i], 0);
  }
  for (step = 0; step < STEPS; step++) {
    uint64_t earliest = UINT64_MAX;
    hw_deadline_t* due = NULL;

    random = random * 1664525u + 1013904223u;
    i = (int)((random >> 8) % COUNT);
    if ((random >> 16) % 3 == 0) {
      hw_deadline_stop(&set, &d[i]);
    } else {
      CHECK(hw_deadline_start(&set, &d[i], (random >> 20) % VALUES, now) == 0);
    }
    now += (random >> 28) % 2;
    for (i = 0; i < COUNT; i++) {
      if (hw_deadline_started(&d[i]) && d[i].due_ms < earliest) {
        earliest = d[i].due_ms;
      }
    }
    CHECK(hw_deadlines_next(&set) == earliest);
    due = hw_deadlines_pop(&set, now);
    CHECK(earliest <= now ? due != NULL && due->due_ms == earliest
                          : due == NULL);
  }
  for (i = 0; i < COUNT; i++) {
    hw_deadline_stop(&set, &d[i]);
  }
  hw_deadlines_close(&set);
}

void suite_deadline(void) {
  RUN(they_come_in_the_order_in_which_they_are_due);
  RUN(a_restart_moves_it_to_the_end);
  RUN(without_memory_it_is_not_started);
  RUN(a_failed_restart_stops_it);
  RUN(a_thousand_values_work);
  RUN(the_next_one_is_always_the_earliest);
}
