/* SPDX-License-Identifier: MIT */
/*
 * What every C file of the core may use: the core's own error codes, checked
 * size arithmetic, container_of and the assertion.
 *
 * Results are 0 or a negative code. libuv's codes pass through unchanged; the
 * core's are -10001 and below, so that the two can never be confused.
 */
#ifndef HW_BASE_H
#define HW_BASE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, code that JavaScript shows, text that JavaScript shows) */
#define HW_ERROR_MAP(X)                                                   \
  X(STALE, -10002, "ERR_HAWSER_STALE", "the connection no longer exists") \
  X(STATE, -10003, "ERR_HAWSER_STATE", "not possible in this state")      \
  X(INVAL, -10004, "ERR_HAWSER_INVAL", "invalid argument")                \
  X(LIMIT, -10005, "ERR_HAWSER_LIMIT", "too many connections or requests")

enum {
#define X(name, value, code, text) HW_E##name = (value),
  HW_ERROR_MAP(X)
#undef X
  /* The system's code, which libuv passes through: one code per cause. */
  HW_ENOMEM = -ENOMEM
};

/* Ignoring such a result is a mistake, and the compiler warns about it. */
#define HW_MUST_USE __attribute__((warn_unused_result))

/* Assertions are for mistakes in the core, never for bad input. They stay on in
 * release builds: a corrupt pool is worse than a stopped process. */
#define HW_ASSERT(cond)                                                        \
  do {                                                                         \
    if (!(cond)) {                                                             \
      (void)fprintf(stderr, "hawser: %s:%d: %s\n", __FILE__, __LINE__, #cond); \
      abort();                                                                 \
    }                                                                          \
  } while (0)

#define HW_CONTAINER_OF(ptr, type, member) \
  ((type*)(void*)((char*)(ptr)-offsetof(type, member)))

/* Sum and product of sizes from outside. Result: 0, or HW_EINVAL when the
 * exact value does not fit a size_t (*out is then untouched). */
static inline int hw_size_add(size_t a, size_t b, size_t* out) {
  if (a > SIZE_MAX - b) {
    return HW_EINVAL;
  }
  *out = a + b;
  return 0;
}

static inline int hw_size_mul(size_t a, size_t b, size_t* out) {
  if (a != 0 && b > SIZE_MAX / a) {
    return HW_EINVAL;
  }
  *out = a * b;
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* HW_BASE_H */
