/* SPDX-License-Identifier: MIT */
/*
 * The smallest test runner: a suite is a function that runs its tests with
 * RUN(); CHECK() records a failure and continues. Used by the executable (pure
 * files) and by the addon (files that need the host's libuv and llhttp).
 */
#ifndef HW_TEST_RUNNER_H
#define HW_TEST_RUNNER_H

#include <stdio.h>

#include "mem.h"

extern int test_passed;
extern int test_failed;
extern int test_ok;

#define CHECK(cond)                                                         \
  do {                                                                      \
    if (!(cond)) {                                                          \
      test_ok = 0;                                                          \
      (void)printf("%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #cond); \
    }                                                                       \
  } while (0)

/* Each test frees its memory. */
#define RUN(test)                          \
  do {                                     \
    size_t live_before = hw_mem_live();    \
    test_ok = 1;                           \
    test();                                \
    CHECK(hw_mem_live() == live_before);   \
    if (test_ok) {                         \
      test_passed++;                       \
    } else {                               \
      test_failed++;                       \
      (void)printf("not ok: %s\n", #test); \
    }                                      \
  } while (0)

#endif /* HW_TEST_RUNNER_H */
