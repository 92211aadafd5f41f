/* SPDX-License-Identifier: MIT */
/*
 * Carries out the pool's verdicts: see lease.h.
 */
#include "lease.h"

#include <string.h>

enum { CONNS_KEPT = 256, WAITERS_KEPT = 4096 };

/* A waiting request. JavaScript knows the request by this id. */
typedef struct {
  hw_waiter_t link;
  hw_id_t id;
  hw_id_t pool;
} waiter_t;

/* A pool by id. `dropped`: its Agent has been collected, and the pool is freed
 * when it is empty. */
typedef struct {
  hw_pool_t* pool;
  hw_id_t id;
  int dropped;
} pool_entry_t;

/* The pool reads no clock: each call passes the time of this turn. */
static uint64_t now_of(const hw_env_t* env) {
  return uv_now(env->uv);
}

hw_id_t hw_link_id(const hw_link_t* link) {
  return HW_CONTAINER_OF(link, hw_conn_t, link)->id;
}

hw_id_t hw_waiter_id(const hw_waiter_t* waiter) {
  return HW_CONTAINER_OF(waiter, waiter_t, link)->id;
}

/* -- pools ----------------------------------------------------------------- */

static pool_entry_t* get_pool(const hw_leases_t* leases, hw_id_t id) {
  return hw_ids_get(&leases->pools, id);
}

int hw_lease_pool_create(hw_leases_t* leases,
                         const hw_pool_options_t* options,
                         hw_id_t* id) {
  pool_entry_t* entry = hw_mem_calloc(sizeof(*entry));
  int err = 0;

  if (entry == NULL) {
    return HW_ENOMEM;
  }
  err = hw_pool_create(
      options, &leases->env->deadlines, HW_DEADLINE_IDLE, &entry->pool);
  if (err == 0) {
    err = hw_ids_put(&leases->pools, entry, id);
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

int hw_lease_pool_set(hw_leases_t* leases,
                      hw_id_t id,
                      const hw_pool_options_t* options) {
  pool_entry_t* entry = get_pool(leases, id);

  if (entry == NULL) {
    return HW_ESTALE;
  }
  hw_pool_set_options(entry->pool, options);
  return 0;
}

/* Something has left a pool. There is hardly ever a dropped one. */
static void free_dropped_pools(hw_leases_t* leases) {
  uint32_t i = 0;

  for (i = 1; i < leases->pools.size && leases->dropped_pools != 0; i++) {
    pool_entry_t* entry = hw_ids_at(&leases->pools, i);

    if (entry != NULL && entry->dropped && hw_pool_total(entry->pool) == 0 &&
        hw_pool_waiting(entry->pool) == 0) {
      hw_ids_drop(&leases->pools, entry->id);
      hw_ids_reuse(&leases->pools);
      hw_pool_destroy(entry->pool);
      hw_mem_free(entry);
      leases->dropped_pools--;
    }
  }
}

void hw_lease_pool_drop(hw_leases_t* leases, hw_id_t id) {
  pool_entry_t* entry = get_pool(leases, id);

  if (entry != NULL && !entry->dropped) {
    entry->dropped = 1;
    leases->dropped_pools++;
    free_dropped_pools(leases);
  }
}

const hw_pool_t* hw_lease_pool(const hw_leases_t* leases, hw_id_t id) {
  const pool_entry_t* entry = get_pool(leases, id);

  return entry != NULL ? entry->pool : NULL;
}

/* -- connections and waiters ----------------------------------------------- */

/* Only hw_lease_next() gives away the place that becomes free. */
static void leave_pool(hw_conn_t* conn) {
  if (hw_link_is_pooled(&conn->link)) {
    hw_pool_remove(conn->link.pool, &conn->link);
  }
}

/* The index of its id is held back while the ring has records, which may name
 * it. */
void hw_lease_free(hw_leases_t* leases, hw_conn_t* conn) {
  leave_pool(conn);
  hw_conn_dispose(conn);
  hw_ids_drop(&leases->conns, conn->id);
  if (leases->env->ring.count == 0) { /* no record has its index */
    hw_ids_reuse(&leases->conns);
  }
  hw_freelist_give(&leases->conn_memory, conn);
  free_dropped_pools(leases);
}

/* Memory for a connection or a waiter of origin, and its id. NULL if there is
 * none: *err is why, and the pool's decision is cancelled. */
static void* claim(hw_freelist_t* memory,
                   hw_ids_t* ids,
                   hw_pool_t* pool,
                   hw_origin_t* origin,
                   hw_id_t* id,
                   int* err) {
  void* block = hw_freelist_take(memory);

  *err = block != NULL ? hw_ids_put(ids, block, id) : HW_ENOMEM;
  if (*err == 0) {
    return block;
  }
  if (block != NULL) {
    hw_freelist_give(memory, block);
  }
  hw_pool_forget(pool, origin);
  return NULL;
}

/* A new entry, an ACTIVE connection of origin. */
static int add_conn(hw_leases_t* leases,
                    hw_pool_t* pool,
                    hw_origin_t* origin,
                    hw_id_t* id) {
  int err = 0;
  hw_conn_t* conn =
      claim(&leases->conn_memory, &leases->conns, pool, origin, id, &err);

  if (conn != NULL) {
    hw_conn_init(conn, leases->env, *id);
    hw_pool_add(pool, origin, &conn->link, now_of(leases->env));
  }
  return err;
}

/* The same for a request that waits. */
static int add_waiter(hw_leases_t* leases,
                      hw_id_t pool_id,
                      hw_pool_t* pool,
                      hw_origin_t* origin,
                      hw_id_t* id) {
  int err = 0;
  waiter_t* waiter =
      claim(&leases->waiter_memory, &leases->waiters, pool, origin, id, &err);

  if (waiter != NULL) {
    hw_waiter_init(&waiter->link);
    waiter->id = *id;
    waiter->pool = pool_id;
    hw_pool_wait(pool, origin, &waiter->link, now_of(leases->env));
  }
  return err;
}

/* The waiter has left its queue: its id is dropped. */
static hw_id_t end_waiter(hw_leases_t* leases, hw_waiter_t* link) {
  waiter_t* waiter = HW_CONTAINER_OF(link, waiter_t, link);
  hw_id_t id = waiter->id;

  hw_ids_drop(&leases->waiters, id);
  hw_ids_reuse(&leases->waiters);
  hw_freelist_give(&leases->waiter_memory, waiter);
  return id;
}

/* -- leases ---------------------------------------------------------------- */

/* Events lag behind a busy loop, so an idle connection is checked when it is
 * leased: its end may already be in the kernel. */
int hw_lease_acquire(hw_leases_t* leases,
                     hw_id_t pool_id,
                     const char* key,
                     size_t key_len,
                     hw_lease_t* out) {
  pool_entry_t* entry = get_pool(leases, pool_id);
  hw_decision_t decision;
  int err = 0;

  memset(out, 0, sizeof(*out));
  if (entry == NULL) {
    return HW_ESTALE;
  }
  err = hw_pool_acquire(
      entry->pool, key, key_len, now_of(leases->env), &decision);
  if (err != 0) {
    return err;
  }
  out->verdict = (uint32_t)decision.verdict;
  if (decision.verdict == HW_REUSE) {
    hw_conn_t* conn = HW_CONTAINER_OF(decision.link, hw_conn_t, link);

    out->conn = conn->id;
    if (hw_conn_is_alive(conn)) {
      (void)hw_conn_ref(conn, 1); /* an external one has a handle of Node's */
    } else {
      hw_pool_reject(entry->pool, &conn->link);
      out->verdict = HW_CLOSE;
    }
    return 0;
  }
  if (decision.evicted != NULL) {
    out->evicted = hw_link_id(decision.evicted);
  }
  return decision.verdict == HW_CONNECT
             ? add_conn(leases, entry->pool, decision.origin, &out->conn)
             : add_waiter(
                   leases, pool_id, entry->pool, decision.origin, &out->waiter);
}

int hw_lease_add(hw_leases_t* leases,
                 hw_id_t pool_id,
                 const char* key,
                 size_t key_len,
                 hw_lease_t* out) {
  pool_entry_t* entry = get_pool(leases, pool_id);
  hw_origin_t* origin = NULL;
  int err = 0;

  memset(out, 0, sizeof(*out));
  if (entry == NULL) {
    return HW_ESTALE;
  }
  err = hw_pool_origin(entry->pool, key, key_len, &origin);
  if (err == 0) {
    err = add_conn(leases, entry->pool, origin, &out->conn);
  }
  return err;
}

/* May it carry another request, now or once it is connected? JavaScript decides
 * for an external one, because it has the socket. */
static int is_good(const hw_conn_t* conn) {
  return hw_conn_is_reusable(conn) || hw_conn_is_external(conn) ||
         hw_conn_is_coming(conn) || hw_conn_is_new(conn);
}

/* A connection that is handed over is not checked: it was busy until now, and
 * its events have been read. */
void hw_lease_release(hw_leases_t* leases,
                      hw_conn_t* conn,
                      int may_idle,
                      uint64_t idle_ms,
                      hw_lease_t* out) {
  hw_decision_t decision;

  memset(out, 0, sizeof(*out));
  out->conn = conn->id;
  out->verdict = HW_CLOSE;
  if (!hw_link_is_active(&conn->link) || !is_good(conn)) {
    return;
  }
  out->verdict = (uint32_t)hw_pool_release(conn->link.pool,
                                           &conn->link,
                                           may_idle && !hw_conn_is_new(conn),
                                           idle_ms,
                                           now_of(leases->env),
                                           &decision);
  if (decision.verdict == HW_HANDOVER) {
    out->waiter = end_waiter(leases, decision.waiter);
  } else if (decision.verdict == HW_IDLE) {
    (void)hw_conn_ref(conn, 0); /* an external one has a handle of Node's */
  }
}

int hw_lease_set_idle(hw_conn_t* conn, uint64_t idle_ms) {
  return hw_link_is_idle(&conn->link)
             ? hw_pool_set_idle(
                   conn->link.pool, &conn->link, idle_ms, now_of(conn->env))
             : HW_ESTATE;
}

int hw_lease_reject(hw_conn_t* conn) {
  if (hw_link_is_active(&conn->link) && conn->link.uses > 1) {
    hw_pool_reject(conn->link.pool, &conn->link);
  }
  return 0;
}

int hw_lease_take(hw_conn_t* conn) {
  if (hw_link_is_idle(&conn->link)) {
    hw_pool_take(conn->link.pool, &conn->link);
  }
  return 0;
}

/* From here on it is ACTIVE without a request, so that it cannot be leased, and
 * JavaScript closes it when it reads the record. status: 0, or how it ended
 * while it was idle. */
static void retire(hw_conn_t* conn, int status) {
  hw_pool_take(conn->link.pool, &conn->link);
  hw_ring_push(
      &conn->env->ring, HW_REC_RETIRE, hw_conn_tag(conn))[HW_WORD_STATUS] =
      (uint32_t)status;
}

void hw_lease_settle(hw_conn_t* conn) {
  if (hw_link_is_idle(&conn->link) && hw_conn_is_open(conn) &&
      !hw_conn_is_reusable(conn)) {
    retire(conn, conn->idle_end);
  }
}

void hw_lease_expire(hw_deadline_t* deadline) {
  hw_link_t* link = HW_CONTAINER_OF(deadline, hw_link_t, idle_until);

  retire(HW_CONTAINER_OF(link, hw_conn_t, link), 0);
}

void hw_lease_remove(hw_leases_t* leases, hw_conn_t* conn) {
  if (hw_conn_is_external(conn) || hw_conn_is_new(conn)) {
    hw_lease_free(leases, conn); /* only an entry */
  } else {
    leave_pool(conn);
    free_dropped_pools(leases);
  }
}

/* The waiter's id is dropped even if no entry can be made for it: JavaScript
 * then fails the request. */
int hw_lease_next(hw_leases_t* leases, hw_id_t pool_id, hw_lease_t* out) {
  pool_entry_t* entry = get_pool(leases, pool_id);
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
  out->waiter = end_waiter(leases, waiter);
  return add_conn(leases, entry->pool, origin, &out->conn);
}

int hw_lease_cancel(hw_leases_t* leases, hw_id_t id) {
  waiter_t* waiter = hw_ids_get(&leases->waiters, id);
  pool_entry_t* entry = NULL;

  if (waiter == NULL) {
    return HW_ESTALE;
  }
  entry = get_pool(leases, waiter->pool);
  HW_ASSERT(entry != NULL);
  hw_pool_cancel(entry->pool, &waiter->link);
  (void)end_waiter(leases, &waiter->link);
  free_dropped_pools(leases);
  return 0;
}

int hw_lease_close(hw_leases_t* leases, hw_conn_t* conn, int reset) {
  (void)hw_lease_take(conn);
  hw_conn_close(conn, reset);
  if (hw_conn_is_closed(conn)) {
    hw_lease_free(leases, conn);
    return 1;
  }
  return 0;
}

/* JavaScript has read every record. CLOSED connections are freed only now,
 * because JavaScript found their handles by the id in the records. */
void hw_lease_drained(hw_leases_t* leases) {
  const hw_ring_t* ring = &leases->env->ring;
  uint32_t i = 0;

  for (i = 0; i < ring->count; i++) {
    const uint32_t* words = hw_ring_at(ring, i);

    if (words[HW_WORD_TYPE] == HW_REC_CLOSED) {
      hw_conn_t* conn =
          hw_ids_at(&leases->conns, words[HW_WORD_CONN] & HW_ID_INDEX_MASK);

      if (conn != NULL) { /* else hw_lease_close() was called once more */
        hw_lease_free(leases, conn);
      }
    }
  }
  hw_ids_reuse(&leases->conns);
}

/* -- life ------------------------------------------------------------------ */

void hw_leases_init(hw_leases_t* leases, hw_env_t* env) {
  leases->env = env;
  leases->dropped_pools = 0;
  hw_ids_init(&leases->conns);
  hw_ids_init(&leases->waiters);
  hw_ids_init(&leases->pools);
  hw_freelist_init(&leases->conn_memory, sizeof(hw_conn_t), CONNS_KEPT);
  hw_freelist_init(&leases->waiter_memory, sizeof(waiter_t), WAITERS_KEPT);
}

static void drop_waiters(hw_leases_t* leases, pool_entry_t* entry) {
  hw_waiter_t* waiter = NULL;

  while ((waiter = hw_pool_cancel_any(entry->pool)) != NULL) {
    hw_freelist_give(&leases->waiter_memory,
                     HW_CONTAINER_OF(waiter, waiter_t, link));
  }
}

/* Connections first: those without a socket are freed at once, and leave their
 * pools. */
void hw_leases_end(hw_leases_t* leases) {
  uint32_t i = 0;

  for (i = 1; i < leases->conns.size; i++) {
    hw_conn_t* conn = hw_ids_at(&leases->conns, i);

    if (conn != NULL) {
      leave_pool(conn);
      (void)hw_lease_close(leases, conn, 0);
    }
  }
  leases->dropped_pools = 0;
  for (i = 1; i < leases->pools.size; i++) {
    pool_entry_t* entry = hw_ids_at(&leases->pools, i);

    if (entry != NULL) {
      drop_waiters(leases, entry);
      hw_pool_destroy(entry->pool);
      hw_mem_free(entry);
    }
  }
}

void hw_leases_close(hw_leases_t* leases) {
  hw_ids_close(&leases->conns);
  hw_ids_close(&leases->waiters);
  hw_ids_close(&leases->pools);
  hw_freelist_close(&leases->conn_memory);
  hw_freelist_close(&leases->waiter_memory);
}
