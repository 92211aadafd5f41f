/* SPDX-License-Identifier: MIT */
/*
 * The state of one environment (main thread or worker): its leases, its ring
 * and slabs, its timer, and when JavaScript is called.
 *
 * Everything runs on the thread of the uv loop. Records reach JavaScript
 * through one callback, `drain`, normally once per turn of the loop.
 */
#ifndef HW_LOOP_H
#define HW_LOOP_H

#include "env.h"
#include "lease.h"

typedef struct hw_loop hw_loop_t;

struct hw_loop {
  hw_env_t env;
  hw_leases_t leases;
  uv_check_t check;
  uv_prepare_t prepare;
  uv_idle_t idle;
  uv_timer_t timer;
  uint64_t epoch;    /* how many times the ring was emptied */
  uint64_t armed_ms; /* when the timer fires; UINT64_MAX: it does not */
  int idle_active;
  int closing;
  int handles_left;
  void (*drain)(void* data, uint32_t count, uint32_t epoch);
  void* data;
  void (*closed)(void* data);
  void* closed_data;
};

/* ring_memory: HW_RING_BYTES bytes that outlive the loop. drain reads the
 * first `count` records; it may call back into the core. Result: 0 or a
 * negative code, *out is then NULL. */
int hw_loop_create(uv_loop_t* uv,
                   void* ring_memory,
                   void (*drain)(void* data, uint32_t count, uint32_t epoch),
                   void* data,
                   hw_loop_t** out);

/* Closes every connection, drops the waiting requests and the pools, and then
 * frees the loop; `closed` is called at the end. There is no drain from here
 * on. */
void hw_loop_close(hw_loop_t* loop, void (*closed)(void* data), void* data);

#endif /* HW_LOOP_H */
