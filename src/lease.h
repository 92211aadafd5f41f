/* SPDX-License-Identifier: MIT */
/*
 * Carries out the pool's verdicts on the connections, waiting requests and
 * pools of one environment, which are found by id. An id that is no longer
 * valid never finds anything; 0 is never an id. Records name their connection
 * by the low half of its id.
 */
#ifndef HW_LEASE_H
#define HW_LEASE_H

#include "conn.h"
#include "env.h"
#include "ids.h"
#include "pool.h"

/* Embedded in the loop. */
typedef struct {
  hw_env_t* env;
  hw_ids_t conns;
  hw_ids_t waiters;
  hw_ids_t pools;
  uint32_t dropped_pools; /* that are not empty yet */
  hw_freelist_t conn_memory;
  hw_freelist_t waiter_memory;
} hw_leases_t;

void hw_leases_init(hw_leases_t* leases, hw_env_t* env);

/* Drops waiting requests and pools, and closes every connection; each that
 * is not gone at once settles later. */
void hw_leases_end(hw_leases_t* leases);

/* Must follow, once hw_leases_live() is 0. */
void hw_leases_close(hw_leases_t* leases);

static inline uint32_t hw_leases_live(const hw_leases_t* leases) {
  return leases->conns.live;
}

/* NULL when id is not valid. */
static inline hw_conn_t* hw_lease_conn(const hw_leases_t* leases, hw_id_t id) {
  return (hw_conn_t*)hw_ids_get(&leases->conns, id);
}

/* Frees conn, which is new, external or closed. */
void hw_lease_free(hw_leases_t* leases, hw_conn_t* conn);

/* The whole ring has been read: frees CLOSED connections, and the ids that were
 * held back for its records may be used again. */
void hw_lease_drained(hw_leases_t* leases);

/* The idle deadline of a connection is due: retires it. */
void hw_lease_expire(hw_deadline_t* deadline);

/* At the end of a callback: retires conn if it is idle and no longer reusable.
 */
void hw_lease_settle(hw_conn_t* conn);

/* Pools. A pool that is dropped while it has connections or requests is freed
 * with the last of them. */
int hw_lease_pool_create(hw_leases_t* leases,
                         const hw_pool_options_t* options,
                         hw_id_t* id);
int hw_lease_pool_set(hw_leases_t* leases,
                      hw_id_t id,
                      const hw_pool_options_t* options);
void hw_lease_pool_drop(hw_leases_t* leases, hw_id_t id);
const hw_pool_t* hw_lease_pool(const hw_leases_t* leases, hw_id_t id);

/* What a request or a connection's owner must do. */
typedef struct {
  uint32_t verdict; /* hw_verdict_t */
  hw_id_t conn;     /* REUSE: lease it; CONNECT: a new entry, to be dialled */
  hw_id_t waiter;   /* WAIT: its id; HANDOVER and CONNECT: whose turn it is */
  hw_id_t evicted;  /* not 0: close that connection first */
} hw_lease_t;

/* A request wants a connection of the origin that key names. REUSE, CONNECT or
 * WAIT. A connection of the core is checked first; CLOSE means that
 * it is dead: close it and ask again. With an error out->evicted counts too,
 * and its place is free: hw_lease_next(). */
int hw_lease_acquire(hw_leases_t* leases,
                     hw_id_t pool,
                     const char* key,
                     size_t key_len,
                     hw_lease_t* out);

/* A new entry regardless of the limits: only out->conn is set. */
int hw_lease_add(hw_leases_t* leases,
                 hw_id_t pool,
                 const char* key,
                 size_t key_len,
                 hw_lease_t* out);

/* The request on conn is done. HANDOVER, IDLE or CLOSE: see hw_pool_release.
 * For a connection of the core that may not be reused: CLOSE. */
void hw_lease_release(hw_leases_t* leases,
                      hw_conn_t* conn,
                      int may_idle,
                      uint64_t idle_ms,
                      hw_lease_t* out);

/* Restarts how long an IDLE connection may stay idle; HW_ESTATE for another.
 * HW_ENOMEM: it is IDLE without a limit now; the caller closes it. */
int hw_lease_set_idle(hw_conn_t* conn, uint64_t idle_ms);

/* conn, just leased, is dead: it does not count as a lease. Result: 0. */
int hw_lease_reject(hw_conn_t* conn);

/* An IDLE connection may not be leased any more. Result: 0. */
int hw_lease_take(hw_conn_t* conn);

/* conn leaves its pool, if it is in one. The connection itself stays; an
 * external or a new entry is freed. Call hw_lease_next() afterwards. */
void hw_lease_remove(hw_leases_t* leases, hw_conn_t* conn);

/* The next waiting request, if there is a place for it: CONNECT, its id and a
 * new entry for it. An error with a waiter means that the entry could not be
 * made; the waiter has left the queue nevertheless. Must be called after
 * anything that makes room, until there is no waiter in *out. */
HW_MUST_USE int hw_lease_next(hw_leases_t* leases,
                              hw_id_t pool,
                              hw_lease_t* out);

/* A waiting request gives up. Result: 0 or HW_ESTALE. */
int hw_lease_cancel(hw_leases_t* leases, hw_id_t waiter);

/* Result: 0 (CLOSED follows), or 1 when conn had no socket and is gone. */
int hw_lease_close(hw_leases_t* leases, hw_conn_t* conn, int reset);

/* From the pool's nodes to the ids that JavaScript uses. */
hw_id_t hw_link_id(const hw_link_t* link);
hw_id_t hw_waiter_id(const hw_waiter_t* waiter);

#endif /* HW_LEASE_H */
