/* SPDX-License-Identifier: MIT */
/*
 * Per-environment state: the tables behind the ids, the verdicts of the pool
 * turned into acts, and when JavaScript is called.
 *
 * Records are pushed in libuv's callbacks and drained once per turn in the
 * check phase. While there are records an idle handle is active, so that the
 * loop cannot fall asleep over those that were pushed outside of the poll
 * phase; callbacks that run after the check phase drain at once.
 */
#include "hawser.h"

#include <string.h>

#include "conn.h"
#include "mem.h"

enum { CONNS_KEPT = 256, PARSERS_KEPT = 64, WAITERS_KEPT = 4096 };

typedef struct {
  hw_waiter_t link;
  hw_id_t id;
  hw_id_t pool;
} waiter_t;

typedef struct {
  hw_pool_t* pool;
  hw_id_t id;
  int dropped;
} pool_entry_t;

struct hw_loop {
  hw_conn_env_t env;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t timer;
  hw_ring_t ring;
  hw_slabs_t slabs;
  hw_deadlines_t deadlines;
  hw_ids_t conns;
  hw_ids_t waiters;
  hw_ids_t pools;
  uint32_t dropped_pools; /* with something left in them */
  hw_freelist_t conn_memory;
  hw_freelist_t parser_memory;
  hw_freelist_t waiter_memory;
  uint64_t epoch;    /* how often the ring was emptied */
  uint64_t armed_ms; /* when the timer fires; UINT64_MAX: it does not */
  int idle_active;
  int closing;
  int handles_left;
  void (*drain)(void* data, uint32_t count, uint32_t epoch);
  void* data;
  void (*closed)(void* data);
  void* closed_data;
};

/* -- ids ------------------------------------------------------------------ */

hw_id_t hw_link_id(const hw_link_t* link) {
  return HW_CONTAINER_OF(link, hw_conn_t, link)->id;
}

hw_id_t hw_waiter_id(const hw_waiter_t* waiter) {
  return HW_CONTAINER_OF(waiter, waiter_t, link)->id;
}

/* -- when JavaScript is called --------------------------------------------- */

static void on_idle(uv_idle_t* idle) {
  (void)idle; /* it only keeps the poll phase from blocking */
}

/* The next check phase comes without a wait, and it does come. */
static void turn_once(hw_loop_t* loop) {
  if (!loop->idle_active && !loop->closing) {
    loop->idle_active = 1;
    (void)uv_idle_start(&loop->idle, on_idle);
  }
}

/* After records were pushed. */
static void arm(hw_loop_t* loop) {
  if (loop->ring.count != 0) {
    turn_once(loop);
  }
}

static hw_conn_t* get_conn(const hw_loop_t* loop, hw_id_t id);
static void free_conn(hw_loop_t* loop, hw_conn_t* conn);

/* Records carry the low half of an id: an index that is dropped while there are
 * some is not used again before they are read. */
static void empty_ring(hw_loop_t* loop) {
  hw_ring_reset(&loop->ring);
  hw_ids_reuse(&loop->conns);
}

/* Frees connections whose CLOSED record has been read. */
static void free_closed(hw_loop_t* loop, uint32_t count) {
  uint32_t i = 0;

  for (i = 0; i < count; i++) {
    const uint32_t* words = hw_ring_at(&loop->ring, i);

    if (words[HW_WORD_TYPE] == HW_REC_CLOSED) {
      hw_conn_t* conn =
          hw_ids_at(&loop->conns, words[HW_WORD_CONN] & HW_ID_INDEX_MASK);

      if (conn != NULL) { /* else hw_loop_close_conn() was called once more */
        free_conn(loop, conn);
      }
    }
  }
}

/* A callback may turn the loop itself, and so drain in its turn: what was
 * here is read then, and `epoch` says so. */
static void drain(hw_loop_t* loop) {
  uint32_t count = loop->ring.count;
  uint64_t epoch = loop->epoch;

  if (count != 0 && !loop->closing) {
    loop->drain(loop->data, count, (uint32_t)epoch);
    if (loop->closing || epoch != loop->epoch) {
      return;
    }
    loop->epoch++;
    free_closed(loop, count);
    empty_ring(loop);
  }
  if (loop->idle_active) {
    loop->idle_active = 0;
    (void)uv_idle_stop(&loop->idle);
  }
}

static void on_check(uv_check_t* check) {
  hw_loop_t* loop = check->data;

  drain(loop);
}

static void rearm_timer(hw_loop_t* loop);

static void on_timer(uv_timer_t* timer) {
  hw_loop_t* loop = timer->data;
  uint64_t now_ms = uv_now(loop->env.uv);
  hw_deadline_t* due = NULL;

  loop->armed_ms = UINT64_MAX;
  while (!loop->closing &&
         (due = hw_deadlines_pop(&loop->deadlines, now_ms)) != NULL) {
    if (due->kind == HW_DEADLINE_IDLE) {
      hw_link_t* link = HW_CONTAINER_OF(due, hw_link_t, idle_until);
      hw_conn_t* conn = HW_CONTAINER_OF(link, hw_conn_t, link);

      hw_pool_take(link->pool, link);
      hw_ring_push(&loop->ring, HW_REC_RETIRE, hw_conn_tag(conn));
      loop->env.settle(conn);
    } else {
      hw_conn_attempt_due(due);
    }
  }
  if (!loop->closing) {
    rearm_timer(loop);
  }
}

/* The timer fires at the earliest deadline, or earlier: a deadline that was
 * stopped costs at most one idle run of on_timer. */
static void rearm_timer(hw_loop_t* loop) {
  uint64_t next_ms = hw_deadlines_next(&loop->deadlines);
  uint64_t now_ms = uv_now(loop->env.uv);

  if (next_ms < loop->armed_ms) {
    loop->armed_ms = next_ms;
    (void)uv_timer_start(
        &loop->timer, on_timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
  }
}

static void deadline_started(hw_loop_t* loop, const hw_deadline_t* deadline) {
  if (hw_deadline_started(deadline) && deadline->due_ms < loop->armed_ms) {
    rearm_timer(loop);
  }
}

static void maybe_free_loop(hw_loop_t* loop);

static void settle(hw_conn_t* conn) {
  hw_loop_t* loop = HW_CONTAINER_OF(conn->env, hw_loop_t, env);

  if (loop->closing) {
    empty_ring(loop);
    if (conn->state == HW_CONN_CLOSED) {
      free_conn(loop, conn);
      maybe_free_loop(loop);
    }
    return;
  }
  if (conn->state == HW_CONN_DIALLING) {
    rearm_timer(loop); /* the next address has its own deadline */
  }
  if (conn->state == HW_CONN_CLOSED || hw_ring_low(&loop->ring) ||
      hw_slabs_low(&loop->slabs)) {
    drain(loop); /* close callbacks run after the check phase */
  } else {
    arm(loop);
  }
}

/* -- life of the loop ------------------------------------------------------ */

int hw_loop_create(uv_loop_t* uv,
                   void* ring_memory,
                   void (*drain_cb)(void* data, uint32_t count, uint32_t epoch),
                   void* data,
                   hw_loop_t** out) {
  hw_loop_t* loop = hw_mem_calloc(sizeof(*loop));
  int err = 0;

  *out = NULL;
  if (loop == NULL) {
    return HW_ENOMEM;
  }
  err = hw_deadlines_init(&loop->deadlines);
  if (err != 0) {
    hw_mem_free(loop);
    return err;
  }
  hw_ids_init(&loop->conns);
  hw_ids_init(&loop->waiters);
  hw_ids_init(&loop->pools);
  hw_ring_init(&loop->ring, ring_memory);
  hw_slabs_init(&loop->slabs);
  hw_freelist_init(&loop->conn_memory, sizeof(hw_conn_t), CONNS_KEPT);
  hw_freelist_init(&loop->parser_memory, sizeof(hw_http1_t), PARSERS_KEPT);
  hw_freelist_init(&loop->waiter_memory, sizeof(waiter_t), WAITERS_KEPT);
  loop->env.uv = uv;
  loop->env.ring = &loop->ring;
  loop->env.slabs = &loop->slabs;
  loop->env.deadlines = &loop->deadlines;
  loop->env.parsers = &loop->parser_memory;
  loop->env.settle = settle;
  loop->drain = drain_cb;
  loop->data = data;
  loop->armed_ms = UINT64_MAX;
  /* These three cannot fail: they make no system call. */
  (void)uv_check_init(uv, &loop->check);
  (void)uv_idle_init(uv, &loop->idle);
  (void)uv_timer_init(uv, &loop->timer);
  loop->check.data = loop;
  loop->idle.data = loop;
  loop->timer.data = loop;
  (void)uv_check_start(&loop->check, on_check);
  uv_unref((uv_handle_t*)&loop->check);
  uv_unref((uv_handle_t*)&loop->timer);
  loop->handles_left = 3;
  *out = loop;
  return 0;
}

static void maybe_free_loop(hw_loop_t* loop) {
  if (loop->handles_left != 0 || loop->conns.live != 0) {
    return;
  }
  hw_ids_close(&loop->conns);
  hw_ids_close(&loop->waiters);
  hw_ids_close(&loop->pools);
  hw_freelist_close(&loop->conn_memory);
  hw_freelist_close(&loop->parser_memory);
  hw_freelist_close(&loop->waiter_memory);
  hw_deadlines_close(&loop->deadlines);
  if (loop->closed != NULL) {
    loop->closed(loop->closed_data);
  }
  hw_mem_free(loop);
}

static void on_handle_closed(uv_handle_t* handle) {
  hw_loop_t* loop = handle->data;

  loop->handles_left--;
  maybe_free_loop(loop);
}

static void drop_waiters(hw_loop_t* loop) {
  uint32_t i = 0;

  for (i = 1; i < loop->pools.size; i++) {
    pool_entry_t* entry = hw_ids_at(&loop->pools, i);
    hw_waiter_t* waiter = NULL;

    while (entry != NULL &&
           (waiter = hw_pool_cancel_any(entry->pool)) != NULL) {
      hw_freelist_give(&loop->waiter_memory,
                       HW_CONTAINER_OF(waiter, waiter_t, link));
    }
  }
}

static void destroy_pools(hw_loop_t* loop) {
  uint32_t i = 0;

  for (i = 1; i < loop->pools.size; i++) {
    pool_entry_t* entry = hw_ids_at(&loop->pools, i);

    if (entry != NULL) {
      hw_pool_destroy(entry->pool);
      hw_mem_free(entry);
    }
  }
  loop->dropped_pools = 0;
}

static void detach_conn(hw_conn_t* conn) {
  if (conn->link.state != HW_LINK_NONE) {
    hw_pool_remove(conn->link.pool, &conn->link);
  }
}

void hw_loop_close(hw_loop_t* loop, void (*closed)(void* data), void* data) {
  uint32_t i = 0;

  loop->closing = 1;
  loop->closed = closed;
  loop->closed_data = data;
  drop_waiters(loop);
  for (i = 1; i < loop->conns.size; i++) {
    hw_conn_t* conn = hw_ids_at(&loop->conns, i);

    if (conn == NULL) {
      continue;
    }
    detach_conn(conn);
    hw_conn_close(conn);
    if (conn->state == HW_CONN_CLOSED) {
      free_conn(loop, conn);
    }
  }
  destroy_pools(loop);
  uv_close((uv_handle_t*)&loop->check, on_handle_closed);
  uv_close((uv_handle_t*)&loop->idle, on_handle_closed);
  uv_close((uv_handle_t*)&loop->timer, on_handle_closed);
}

int hw_loop_give_slab(hw_loop_t* loop, uint32_t id, char* base, uint32_t size) {
  return hw_slabs_give(&loop->slabs, id, base, size);
}

/* -- pools ----------------------------------------------------------------- */

static pool_entry_t* get_pool(const hw_loop_t* loop, hw_id_t id) {
  return hw_ids_get(&loop->pools, id);
}

int hw_loop_pool_create(hw_loop_t* loop,
                        const hw_pool_options_t* options,
                        hw_id_t* id) {
  pool_entry_t* entry = hw_mem_calloc(sizeof(*entry));
  int err = 0;

  if (entry == NULL) {
    return HW_ENOMEM;
  }
  err =
      hw_pool_create(options, &loop->deadlines, HW_DEADLINE_IDLE, &entry->pool);
  if (err == 0) {
    err = hw_ids_put(&loop->pools, entry, id);
    if (err != 0) {
      hw_pool_destroy(entry->pool);
    }
  }
  if (err != 0) {
    hw_mem_free(entry);
    return err;
  }
  entry->id = *id;
  return 0;
}

int hw_loop_pool_set(hw_loop_t* loop,
                     hw_id_t id,
                     const hw_pool_options_t* options) {
  pool_entry_t* entry = get_pool(loop, id);

  if (entry == NULL) {
    return HW_ESTALE;
  }
  hw_pool_set_options(entry->pool, options);
  return 0;
}

/* Something has left a pool. Hardly ever is there one that was dropped. */
static void free_dropped_pools(hw_loop_t* loop) {
  uint32_t i = 0;

  for (i = 1; i < loop->pools.size && loop->dropped_pools != 0; i++) {
    pool_entry_t* entry = hw_ids_at(&loop->pools, i);

    if (entry != NULL && entry->dropped && hw_pool_total(entry->pool) == 0 &&
        hw_pool_waiting(entry->pool) == 0) {
      hw_ids_drop(&loop->pools, entry->id);
      hw_ids_reuse(&loop->pools);
      hw_pool_destroy(entry->pool);
      hw_mem_free(entry);
      loop->dropped_pools--;
    }
  }
}

void hw_loop_pool_drop(hw_loop_t* loop, hw_id_t id) {
  pool_entry_t* entry = get_pool(loop, id);

  if (entry != NULL && !entry->dropped) {
    entry->dropped = 1;
    loop->dropped_pools++;
    free_dropped_pools(loop);
  }
}

const hw_pool_t* hw_loop_pool(const hw_loop_t* loop, hw_id_t id) {
  const pool_entry_t* entry = get_pool(loop, id);

  return entry != NULL ? entry->pool : NULL;
}

/* -- leases ---------------------------------------------------------------- */

static hw_conn_t* get_conn(const hw_loop_t* loop, hw_id_t id) {
  return hw_ids_get(&loop->conns, id);
}

static void free_conn(hw_loop_t* loop, hw_conn_t* conn) {
  HW_ASSERT(conn != NULL);
  detach_conn(conn);
  hw_conn_dispose(conn);
  hw_ids_drop(&loop->conns, conn->id);
  if (loop->ring.count == 0) {
    hw_ids_reuse(&loop->conns);
  }
  hw_freelist_give(&loop->conn_memory, conn);
  free_dropped_pools(loop);
}

/* A new entry, in state NEW, as an ACTIVE connection of origin. */
static int add_conn(hw_loop_t* loop,
                    hw_pool_t* pool,
                    hw_origin_t* origin,
                    hw_id_t* id) {
  hw_conn_t* conn = hw_freelist_take(&loop->conn_memory);
  int err = HW_ENOMEM;

  if (conn != NULL) {
    err = hw_ids_put(&loop->conns, conn, id);
    if (err != 0) {
      hw_freelist_give(&loop->conn_memory, conn);
    }
  }
  if (err != 0) {
    hw_pool_forget(pool, origin);
    return err;
  }
  hw_conn_init(conn, &loop->env, *id);
  hw_pool_add(pool, origin, &conn->link, uv_now(loop->env.uv));
  return 0;
}

static int add_waiter(hw_loop_t* loop,
                      hw_id_t pool_id,
                      hw_pool_t* pool,
                      hw_origin_t* origin,
                      hw_id_t* id) {
  waiter_t* waiter = hw_freelist_take(&loop->waiter_memory);
  int err = HW_ENOMEM;

  if (waiter != NULL) {
    err = hw_ids_put(&loop->waiters, waiter, id);
    if (err != 0) {
      hw_freelist_give(&loop->waiter_memory, waiter);
    }
  }
  if (err != 0) {
    hw_pool_forget(pool, origin);
    return err;
  }
  hw_waiter_init(&waiter->link);
  waiter->id = *id;
  waiter->pool = pool_id;
  hw_pool_wait(pool, origin, &waiter->link);
  return 0;
}

/* The waiter has left its queue: its id ends here. */
static hw_id_t end_waiter(hw_loop_t* loop, hw_waiter_t* link) {
  waiter_t* waiter = HW_CONTAINER_OF(link, waiter_t, link);
  hw_id_t id = waiter->id;

  hw_ids_drop(&loop->waiters, id);
  hw_ids_reuse(&loop->waiters);
  hw_freelist_give(&loop->waiter_memory, waiter);
  return id;
}

/* May a connection that the pool offers be leased? The user of an external
 * one looks for himself. */
static int lease(hw_conn_t* conn) {
  if (conn->state == HW_CONN_EXTERNAL) {
    return 1;
  }
  if (conn->state == HW_CONN_OPEN && !hw_conn_peek(conn)) {
    return 0;
  }
  (void)hw_conn_ref(conn, 1);
  return 1;
}

int hw_loop_acquire(hw_loop_t* loop,
                    hw_id_t pool_id,
                    const char* key,
                    size_t key_len,
                    hw_lease_t* out) {
  pool_entry_t* entry = get_pool(loop, pool_id);
  hw_decision_t decision;
  int err = 0;

  memset(out, 0, sizeof(*out));
  if (entry == NULL) {
    return HW_ESTALE;
  }
  err = hw_pool_acquire(entry->pool, key, key_len, &decision);
  if (err != 0) {
    return err;
  }
  if (decision.verdict == HW_REUSE) {
    hw_conn_t* conn = HW_CONTAINER_OF(decision.link, hw_conn_t, link);

    out->conn = conn->id;
    out->verdict = lease(conn) ? HW_REUSE : HW_CLOSE;
    return 0;
  }
  if (decision.evicted != NULL) {
    out->evicted = hw_link_id(decision.evicted);
  }
  out->verdict = (uint32_t)decision.verdict;
  return decision.verdict == HW_CONNECT
             ? add_conn(loop, entry->pool, decision.origin, &out->conn)
             : add_waiter(
                   loop, pool_id, entry->pool, decision.origin, &out->waiter);
}

int hw_loop_add(hw_loop_t* loop,
                hw_id_t pool_id,
                const char* key,
                size_t key_len,
                hw_id_t* conn) {
  pool_entry_t* entry = get_pool(loop, pool_id);
  hw_origin_t* origin = NULL;
  int err = 0;

  if (entry == NULL) {
    return HW_ESTALE;
  }
  err = hw_pool_origin(entry->pool, key, key_len, &origin);
  return err != 0 ? err : add_conn(loop, entry->pool, origin, conn);
}

int hw_loop_release(hw_loop_t* loop,
                    hw_id_t id,
                    int may_idle,
                    uint64_t idle_ms,
                    hw_lease_t* out) {
  hw_conn_t* conn = get_conn(loop, id);
  hw_decision_t decision;

  memset(out, 0, sizeof(*out));
  if (conn == NULL) {
    return HW_ESTALE;
  }
  out->conn = id;
  out->verdict = HW_CLOSE;
  if (conn->link.state != HW_LINK_ACTIVE ||
      (conn->state != HW_CONN_EXTERNAL && !hw_conn_reusable(conn) &&
       !(conn->state < HW_CONN_OPEN))) {
    return 0;
  }
  out->verdict =
      (uint32_t)hw_pool_release(conn->link.pool,
                                &conn->link,
                                may_idle && conn->state >= HW_CONN_EXTERNAL,
                                idle_ms,
                                uv_now(loop->env.uv),
                                &decision);
  if (decision.verdict == HW_HANDOVER) {
    out->waiter = end_waiter(loop, decision.waiter);
  } else if (decision.verdict == HW_IDLE) {
    (void)hw_conn_ref(conn, 0); /* an external one has a handle of Node's */
    deadline_started(loop, &conn->link.idle_until);
  }
  return 0;
}

int hw_loop_set_idle(hw_loop_t* loop, hw_id_t id, uint64_t idle_ms) {
  hw_conn_t* conn = get_conn(loop, id);
  int err = 0;

  if (conn == NULL) {
    return HW_ESTALE;
  }
  if (conn->link.state != HW_LINK_IDLE) {
    return HW_ESTATE;
  }
  err = hw_pool_set_idle(
      conn->link.pool, &conn->link, idle_ms, uv_now(loop->env.uv));
  deadline_started(loop, &conn->link.idle_until);
  return err;
}

int hw_loop_next(hw_loop_t* loop, hw_id_t pool_id, hw_lease_t* out) {
  pool_entry_t* entry = get_pool(loop, pool_id);
  hw_origin_t* origin = NULL;
  hw_waiter_t* waiter = NULL;

  memset(out, 0, sizeof(*out));
  if (entry == NULL) {
    return HW_ESTALE;
  }
  waiter = hw_pool_next(entry->pool, &origin);
  if (waiter == NULL) {
    return 0;
  }
  out->verdict = HW_CONNECT;
  out->waiter = end_waiter(loop, waiter);
  return add_conn(loop, entry->pool, origin, &out->conn);
}

int hw_loop_remove(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  if (conn == NULL) {
    return HW_ESTALE;
  }
  detach_conn(conn);
  if (conn->state == HW_CONN_EXTERNAL || conn->state == HW_CONN_NEW) {
    hw_conn_close(conn); /* only an entry, closed at once */
    free_conn(loop, conn);
  }
  free_dropped_pools(loop);
  return 0;
}

int hw_loop_take(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  if (conn == NULL) {
    return HW_ESTALE;
  }
  if (conn->link.state == HW_LINK_IDLE) {
    hw_pool_take(conn->link.pool, &conn->link);
  }
  return 0;
}

int hw_loop_cancel(hw_loop_t* loop, hw_id_t id) {
  waiter_t* waiter = hw_ids_get(&loop->waiters, id);
  pool_entry_t* entry = NULL;

  if (waiter == NULL) {
    return HW_ESTALE;
  }
  entry = get_pool(loop, waiter->pool);
  HW_ASSERT(entry != NULL);
  hw_pool_cancel(entry->pool, &waiter->link);
  (void)end_waiter(loop, &waiter->link);
  free_dropped_pools(loop);
  return 0;
}

/* -- connections ----------------------------------------------------------- */

int hw_loop_open(hw_loop_t* loop, hw_id_t id, int is_pipe) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_open(conn, is_pipe) : HW_ESTALE;
}

int hw_loop_external(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_external(conn) : HW_ESTALE;
}

int hw_loop_bind(hw_loop_t* loop,
                 hw_id_t id,
                 const hw_address_t* addr,
                 unsigned flags) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_bind(conn, addr, flags) : HW_ESTALE;
}

int hw_loop_dial(hw_loop_t* loop,
                 hw_id_t id,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms) {
  hw_conn_t* conn = get_conn(loop, id);
  int err = HW_ESTALE;

  if (conn != NULL) {
    err = hw_conn_dial(conn, addrs, count, attempt_ms);
    if (err == 0 && count > 1) {
      rearm_timer(loop);
      turn_once(loop); /* the first may have failed, and the timer is unref'd */
    }
  }
  return err;
}

int hw_loop_dial_pipe(hw_loop_t* loop,
                      hw_id_t id,
                      const char* path,
                      size_t len) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_dial_pipe(conn, path, len) : HW_ESTALE;
}

int hw_loop_begin(hw_loop_t* loop,
                  hw_id_t id,
                  uint32_t flags,
                  uint32_t header_max) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_begin(conn, flags, header_max) : HW_ESTALE;
}

int hw_loop_write(hw_loop_t* loop,
                  hw_id_t id,
                  uv_buf_t* bufs,
                  unsigned count,
                  size_t* taken) {
  hw_conn_t* conn = get_conn(loop, id);

  *taken = 0;
  return conn != NULL ? hw_conn_write(conn, bufs, count, taken) : HW_ESTALE;
}

const char* hw_loop_queued(hw_loop_t* loop, hw_id_t id, size_t* len) {
  hw_conn_t* conn = get_conn(loop, id);

  *len = 0;
  return conn != NULL ? hw_conn_queued(conn, len) : NULL;
}

int hw_loop_shutdown(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_shutdown(conn) : HW_ESTALE;
}

int hw_loop_pause(hw_loop_t* loop, hw_id_t id, int paused) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_pause(conn, paused) : HW_ESTALE;
}

int hw_loop_tap(hw_loop_t* loop, hw_id_t id, int on) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_tap(conn, on) : HW_ESTALE;
}

int hw_loop_close_conn(hw_loop_t* loop, hw_id_t id, int reset) {
  hw_conn_t* conn = get_conn(loop, id);

  if (conn == NULL) {
    return HW_ESTALE;
  }
  (void)hw_loop_take(loop, id);
  if (reset) {
    hw_conn_close_reset(conn);
  } else {
    hw_conn_close(conn);
  }
  if (conn->state == HW_CONN_CLOSED) {
    free_conn(loop, conn);
    return 1;
  }
  return 0;
}

static int has_handle(const hw_conn_t* conn) {
  return conn != NULL && conn->state != HW_CONN_NEW &&
         conn->state != HW_CONN_EXTERNAL;
}

int hw_loop_ref(hw_loop_t* loop, hw_id_t id, int on) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_ref(conn, on) : HW_ESTALE;
}

int hw_loop_has_ref(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  return has_handle(conn) && !conn->unrefd;
}

int hw_loop_keepalive(hw_loop_t* loop, hw_id_t id, int on, unsigned seconds) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_keepalive(conn, on, seconds) : HW_ESTALE;
}

int hw_loop_nodelay(hw_loop_t* loop, hw_id_t id, int on) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_nodelay(conn, on) : HW_ESTALE;
}

int hw_loop_probes(hw_loop_t* loop,
                   hw_id_t id,
                   unsigned seconds,
                   unsigned count) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_probes(conn, seconds, count) : HW_ESTALE;
}

int hw_loop_set_tos(hw_loop_t* loop, hw_id_t id, int tos) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_set_tos(conn, tos) : HW_ESTALE;
}

int hw_loop_tos(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_tos(conn) : HW_ESTALE;
}

int hw_loop_dup(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);

  return conn != NULL ? hw_conn_dup(conn) : HW_ESTALE;
}

int hw_loop_fd(hw_loop_t* loop, hw_id_t id) {
  hw_conn_t* conn = get_conn(loop, id);
  uv_os_fd_t fd = -1;

  if (!has_handle(conn) || conn->state >= HW_CONN_CLOSING ||
      uv_fileno(&conn->uv.handle, &fd) != 0) {
    return -1;
  }
  return fd;
}

int hw_loop_name(hw_loop_t* loop, hw_id_t id, int peer, hw_address_t* out) {
  hw_conn_t* conn = get_conn(loop, id);
  int len = (int)sizeof(*out);

  if (conn == NULL) {
    return HW_ESTALE;
  }
  if (!has_handle(conn) || conn->is_pipe || conn->state >= HW_CONN_CLOSING) {
    return HW_ESTATE;
  }
  return peer ? uv_tcp_getpeername(&conn->uv.tcp, &out->any, &len)
              : uv_tcp_getsockname(&conn->uv.tcp, &out->any, &len);
}

char* hw_loop_take_text(hw_loop_t* loop, hw_id_t id, size_t* len) {
  hw_conn_t* conn = get_conn(loop, id);

  *len = 0;
  return conn != NULL ? hw_conn_take_text(conn, len) : NULL;
}

int hw_loop_bytes(hw_loop_t* loop, hw_id_t id, hw_conn_bytes_t* out) {
  hw_conn_t* conn = get_conn(loop, id);
  size_t queued = 0;

  memset(out, 0, sizeof(*out));
  if (conn == NULL) {
    return HW_ESTALE;
  }
  out->bytes_read = conn->bytes_read;
  out->bytes_written = conn->bytes_written;
  (void)hw_conn_queued(conn, &queued);
  out->queued = queued;
  return 0;
}
