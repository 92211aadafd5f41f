/* SPDX-License-Identifier: MIT */
/*
 * Per-environment state, and when JavaScript is called: see loop.h.
 *
 * Records are pushed in libuv's callbacks and drained once per turn in the
 * check phase. While there are records, an idle handle is active, so that the
 * loop does not sleep with records that were pushed outside the poll phase;
 * callbacks that run after the check phase drain at once.
 */
#include "loop.h"

enum { PARSERS_KEPT = 64, DIALS_KEPT = 64, SOCKETS_KEPT = 256, HANDLES = 4 };

static void on_idle(uv_idle_t* idle) {
  (void)idle; /* it only keeps the poll phase from blocking */
}

/* There are records: the loop must not wait before the next check phase. */
static void arm(hw_loop_t* loop) {
  if (!loop->idle_active) {
    loop->idle_active = 1;
    (void)uv_idle_start(&loop->idle, on_idle);
  }
}

static void disarm(hw_loop_t* loop) {
  if (loop->idle_active) {
    loop->idle_active = 0;
    (void)uv_idle_stop(&loop->idle);
  }
}

/* A callback may run the loop itself, which drains too. The records here have
 * then been read, and `epoch` shows it. */
static void drain(hw_loop_t* loop) {
  uint32_t count = loop->env.ring.count;
  uint64_t epoch = loop->epoch;

  if (count != 0 && !loop->closing) {
    loop->drain(loop->data, count, (uint32_t)epoch);
    if (loop->closing || epoch != loop->epoch) {
      return;
    }
    loop->epoch++;
    hw_lease_drained(&loop->leases);
    hw_ring_reset(&loop->env.ring);
  }
  disarm(loop);
}

static void on_check(uv_check_t* check) {
  drain(check->data);
}

static void maybe_free(hw_loop_t* loop);

static void settle(hw_env_t* env, hw_conn_t* conn) {
  hw_loop_t* loop = HW_CONTAINER_OF(env, hw_loop_t, env);
  int is_closed = conn != NULL && hw_conn_is_closed(conn);

  if (loop->closing) {
    hw_ring_reset(&env->ring);
    if (is_closed) {
      hw_lease_free(&loop->leases, conn);
      maybe_free(loop);
    }
    return;
  }
  if (conn != NULL) {
    hw_lease_settle(conn);
  }
  if (is_closed || hw_ring_low(&env->ring) || hw_slabs_low(&env->slabs)) {
    drain(loop); /* close callbacks run after the check phase */
  } else if (env->ring.count != 0) {
    arm(loop);
  }
}

/* -- time ------------------------------------------------------------------ */

static void on_timer(uv_timer_t* timer) {
  hw_loop_t* loop = timer->data;
  hw_env_t* env = &loop->env;
  uint64_t now_ms = uv_now(env->uv);
  hw_deadline_t* due = NULL;

  loop->armed_ms = UINT64_MAX;
  while (!loop->closing &&
         (due = hw_deadlines_pop(&env->deadlines, now_ms)) != NULL) {
    if (due->kind == HW_DEADLINE_IDLE) {
      hw_lease_expire(due);
      settle(env, NULL);
    } else {
      hw_dial_due(due);
    }
  }
}

/* Before the loop sleeps: the timer fires at the earliest deadline, or earlier:
 * a stopped deadline costs at most one call of on_timer that finds nothing. */
static void on_prepare(uv_prepare_t* prepare) {
  hw_loop_t* loop = prepare->data;
  uint64_t next_ms = hw_deadlines_next(&loop->env.deadlines);
  uint64_t now_ms = uv_now(loop->env.uv);

  if (next_ms < loop->armed_ms) {
    loop->armed_ms = next_ms;
    (void)uv_timer_start(
        &loop->timer, on_timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
  }
}

/* -- life ------------------------------------------------------------------ */

static int init_env(hw_env_t* env, uv_loop_t* uv, void* ring_memory) {
  int err = hw_deadlines_init(&env->deadlines);

  if (err != 0) {
    return err;
  }
  hw_ring_init(&env->ring, ring_memory);
  hw_slabs_init(&env->slabs);
  hw_freelist_init(&env->parsers, sizeof(hw_http1_t), PARSERS_KEPT);
  hw_freelist_init(&env->dials, sizeof(hw_dial_t), DIALS_KEPT);
  hw_freelist_init(&env->sockets, sizeof(hw_socket_t), SOCKETS_KEPT);
  env->uv = uv;
  env->settle = settle;
  return 0;
}

static void close_env(hw_env_t* env) {
  hw_freelist_close(&env->parsers);
  hw_freelist_close(&env->dials);
  hw_freelist_close(&env->sockets);
  hw_deadlines_close(&env->deadlines);
}

/* None of these can fail: they make no system call. */
static void start_handles(hw_loop_t* loop) {
  uv_loop_t* uv = loop->env.uv;

  (void)uv_check_init(uv, &loop->check);
  (void)uv_prepare_init(uv, &loop->prepare);
  (void)uv_idle_init(uv, &loop->idle);
  (void)uv_timer_init(uv, &loop->timer);
  loop->check.data = loop;
  loop->prepare.data = loop;
  loop->idle.data = loop;
  loop->timer.data = loop;
  (void)uv_check_start(&loop->check, on_check);
  (void)uv_prepare_start(&loop->prepare, on_prepare);
  uv_unref((uv_handle_t*)&loop->check);
  uv_unref((uv_handle_t*)&loop->prepare);
  uv_unref((uv_handle_t*)&loop->timer);
  loop->handles_left = HANDLES;
}

int hw_loop_create(uv_loop_t* uv,
                   void* ring_memory,
                   void (*drain_cb)(void* data, uint32_t count, uint32_t epoch),
                   void* data,
                   hw_loop_t** out) {
  hw_loop_t* loop = hw_mem_calloc(sizeof(*loop));
  int err = loop != NULL ? init_env(&loop->env, uv, ring_memory) : HW_ENOMEM;

  *out = NULL;
  if (err != 0) {
    hw_mem_free(loop);
    return err;
  }
  hw_leases_init(&loop->leases, &loop->env);
  loop->drain = drain_cb;
  loop->data = data;
  loop->armed_ms = UINT64_MAX;
  start_handles(loop);
  *out = loop;
  return 0;
}

static void maybe_free(hw_loop_t* loop) {
  if (loop->handles_left != 0 || hw_leases_live(&loop->leases) != 0) {
    return;
  }
  hw_leases_close(&loop->leases);
  close_env(&loop->env);
  if (loop->closed != NULL) {
    loop->closed(loop->closed_data);
  }
  hw_mem_free(loop);
}

static void on_handle_closed(uv_handle_t* handle) {
  hw_loop_t* loop = handle->data;

  loop->handles_left--;
  maybe_free(loop);
}

void hw_loop_close(hw_loop_t* loop, void (*closed)(void* data), void* data) {
  loop->closing = 1;
  loop->closed = closed;
  loop->closed_data = data;
  hw_leases_end(&loop->leases);
  uv_close((uv_handle_t*)&loop->check, on_handle_closed);
  uv_close((uv_handle_t*)&loop->prepare, on_handle_closed);
  uv_close((uv_handle_t*)&loop->idle, on_handle_closed);
  uv_close((uv_handle_t*)&loop->timer, on_handle_closed);
}
