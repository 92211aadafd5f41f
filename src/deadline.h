/* SPDX-License-Identifier: MIT */
/*
 * Deadlines. Entries that share a timeout value expire in the order in which
 * they were started, so each value has one ordered list. The lists of one set
 * are in a small table by value, and in a heap by the due time of their heads.
 * Starting, stopping and restarting cost O(log n) in the number of values in
 * use, which are few, and the next due time is at the top of the heap.
 *
 * Time is passed in as now_ms (any monotonic millisecond clock that never goes
 * back). Nothing here calls back: the owner takes what is due and acts.
 */
#ifndef HW_DEADLINE_H
#define HW_DEADLINE_H

#include "base.h"
#include "queue.h"
#include "mem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hw_deadline_list; /* the ordered list of one timeout value */

/* One entry, embedded in and owned by what it times; must be stopped before its
 * memory is freed. */
typedef struct {
  hw_queue_t node;
  uint64_t due_ms;
  struct hw_deadline_list* list; /* NULL: not started */
  uint8_t kind;                  /* the owner's: says what expires */
} hw_deadline_t;

typedef struct {
  struct hw_deadline_list** heap; /* lists with entries, the earliest first */
  size_t heap_count;
  size_t heap_size;    /* places */
  hw_queue_t* buckets; /* table by timeout value */
  hw_freelist_t spare; /* empty lists, kept for the next new value */
} hw_deadlines_t;

int hw_deadlines_init(hw_deadlines_t* set);   /* 0 or HW_ENOMEM */
void hw_deadlines_close(hw_deadlines_t* set); /* asserts that none is started */

void hw_deadline_init(hw_deadline_t* d, uint8_t kind);

/* Starts or restarts d, to be due at now_ms + timeout_ms (saturating).
 * Result: 0 or HW_ENOMEM (d is then not started). */
int hw_deadline_start(hw_deadlines_t* set,
                      hw_deadline_t* d,
                      uint64_t timeout_ms,
                      uint64_t now_ms);

/* Stops d; harmless when it is not started. */
void hw_deadline_stop(hw_deadlines_t* set, hw_deadline_t* d);

static inline int hw_deadline_started(const hw_deadline_t* d) {
  return d->list != NULL;
}

/* When the next entry is due: UINT64_MAX when none is started. */
uint64_t hw_deadlines_next(const hw_deadlines_t* set);

/* Removes one entry with due_ms <= now_ms and returns it, or NULL. Entries of
 * one timeout value come in the order in which they were started. */
hw_deadline_t* hw_deadlines_pop(hw_deadlines_t* set, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif /* HW_DEADLINE_H */
