/* SPDX-License-Identifier: MIT */
/*
 * A naive model of the pool, written from pool.h alone: arrays and linear
 * search. Each step performs one random operation on both and checks with
 * CHECK() that they agree. The caller provides the random numbers.
 */
#ifndef HW_TEST_POOL_MODEL_H
#define HW_TEST_POOL_MODEL_H

#include <stdint.h>

#include "pool.h"

typedef struct model model_t;

/* A number from 0 to below - 1; below is at most 256. */
typedef uint32_t (*model_choose_t)(void* source, uint32_t below);

/* One at a time. max_total may be HW_NO_LIMIT. */
model_t* model_open(model_choose_t choose, void* source, uint32_t max_total);

/* busy: 0 (more releases than requests) to 3 (the reverse). change: 0, or also
 * change the limits per origin (1), or all limits (2). */
void model_step(model_t* m, uint32_t busy, int change);

/* Compares everything that can be inspected with the model. */
void model_check(model_t* m);

/* Removes what is left and destroys the pool. */
void model_close(model_t* m);

/* How often the steps have met each verdict, evictions, failed allocations. */
extern uint32_t model_met[HW_CLOSE + 1];
extern uint32_t model_met_served; /* by hw_pool_next() */
extern uint32_t model_met_nobody; /* there */
extern uint32_t model_met_evicted;
extern uint32_t model_met_no_memory;

#endif /* HW_TEST_POOL_MODEL_H */
