/* SPDX-License-Identifier: MIT */
/*
 * What all connections of one environment (main thread or worker) share. Owned
 * by the loop.
 */
#ifndef HW_ENV_H
#define HW_ENV_H

#include <uv.h>

#include "deadline.h"
#include "mem.h"
#include "ring.h"
#include "slab.h"

typedef struct hw_env hw_env_t;
struct hw_conn;

struct hw_env {
  uv_loop_t* uv;
  hw_ring_t ring;
  hw_slabs_t slabs;
  hw_deadlines_t deadlines;
  hw_freelist_t parsers; /* of hw_http1_t */
  hw_freelist_t dials;   /* of hw_dial_t */
  hw_freelist_t sockets; /* of hw_socket_t */
  /* Upwards to the loop: must be called at the end of each libuv callback that
   * pushed records or changed conn; conn is NULL if none has changed.
   * JavaScript may run inside. */
  void (*settle)(hw_env_t* env, struct hw_conn* conn);
};

/* What a deadline in the shared set belongs to. */
enum { HW_DEADLINE_IDLE = 1, HW_DEADLINE_ATTEMPT = 2 };

#endif /* HW_ENV_H */
