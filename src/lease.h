/* SPDX-License-Identifier: MIT */
/*
 * The pool's verdicts turned into acts: the connections, waiting requests and
 * pools of one environment, by id. An id that is no longer valid finds nothing,
 * for ever; 0 is never an id. Records name their connection by the low half of
 * its id.
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
  uint32_t dropped_pools; /* with something left in them */
  hw_freelist_t conn_memory;
  hw_freelist_t waiter_memory;
} hw_leases_t;

void hw_leases_init(hw_leases_t* leases, hw_env_t* env);

/* Drops waiting requests and pools, and closes every connection; each that is
 * not gone at once settles later. */
void hw_leases_end(hw_leases_t* leases);

/* After that, when hw_leases_live() is 0. */
void hw_leases_close(hw_leases_t* leases);

static inline uint32_t hw_leases_live(const hw_leases_t* leases) {
  return leases->conns.live;
}

/* NULL when id is not valid. */
static inline hw_conn_t* hw_lease_conn(const hw_leases_t* leases, hw_id_t id) {
  return (hw_conn_t*)hw_ids_get(&leases->conns, id);
}

/* conn, a new or external one, or a closed one, ends. */
void hw_lease_free(hw_leases_t* leases, hw_conn_t* conn);

/* The ring has been read up to its end: CLOSED connections are freed, and the
 * ids that were held back for its records may be used again. */
void hw_lease_drained(hw_leases_t* leases);

/* The deadline of a connection that was idle for its time: it is retired. */
void hw_lease_expire(hw_deadline_t* deadline);

/* At the end of a callback: one that has become useless while it was idle is
 * retired. */
void hw_lease_settle(hw_conn_t* conn);

/* Pools. A pool that is dropped while connections or requests are in it goes
 * with the last of them. */
int hw_lease_pool_create(hw_leases_t* leases,
                         const hw_pool_options_t* options,
                         hw_id_t* id);
int hw_lease_pool_set(hw_leases_t* leases,
                      hw_id_t id,
                      const hw_pool_options_t* options);
void hw_lease_pool_drop(hw_leases_t* leases, hw_id_t id);
const hw_pool_t* hw_lease_pool(const hw_leases_t* leases, hw_id_t id);

/* What a request or a connection's owner is to do. */
typedef struct {
  uint32_t verdict; /* hw_verdict_t */
  hw_id_t conn;     /* REUSE: lease it; CONNECT: a new entry, to be dialled */
  hw_id_t waiter;   /* WAIT: its id; HANDOVER and CONNECT: whose turn it is */
  hw_id_t evicted;  /* not 0: close that connection first */
} hw_lease_t;

/* A request wants a connection of the origin that key names. REUSE, CONNECT or
 * WAIT. A connection of the core is looked at first; CLOSE means that it is
 * dead: close it and ask again. With an error out->evicted counts too, and its
 * place is free: hw_lease_next(). */
int hw_lease_acquire(hw_leases_t* leases,
                     hw_id_t pool,
                     const char* key,
                     size_t key_len,
                     hw_lease_t* out);

/* A new entry past the limits: only out->conn counts. */
int hw_lease_add(hw_leases_t* leases,
                 hw_id_t pool,
                 const char* key,
                 size_t key_len,
                 hw_lease_t* out);

/* The request on conn is done. HANDOVER, IDLE or CLOSE: see hw_pool_release.
 * A connection of the core that may not be reused says CLOSE. */
void hw_lease_release(hw_leases_t* leases,
                      hw_conn_t* conn,
                      int may_idle,
                      uint64_t idle_ms,
                      hw_lease_t* out);

/* Restarts how long an IDLE connection may stay idle; HW_ESTATE for another.
 * HW_ENOMEM: it is IDLE without a limit now; the caller closes it. */
int hw_lease_set_idle(hw_conn_t* conn, uint64_t idle_ms);

/* conn, just leased, turned out to be dead: that was no lease. Result: 0. */
int hw_lease_reject(hw_conn_t* conn);

/* An IDLE connection may not be leased any more. Result: 0. */
int hw_lease_take(hw_conn_t* conn);

/* conn leaves its pool, if it is in one. The connection itself goes on; an
 * external entry, or a new one, ends here. Then hw_lease_next(). */
void hw_lease_remove(hw_leases_t* leases, hw_conn_t* conn);

/* The next of those who wait, if there is a place for it: CONNECT, its id and a
 * new entry for it. With an error and a waiter the entry could not be made, and
 * the waiter has left the queue all the same. To be called after all that makes
 * room, until there is no waiter in *out. */
HW_MUST_USE int hw_lease_next(hw_leases_t* leases,
                              hw_id_t pool,
                              hw_lease_t* out);

/* A waiting request gives up. Result: 0 or HW_ESTALE. */
int hw_lease_cancel(hw_leases_t* leases, hw_id_t waiter);

/* Result: 0 (CLOSED follows), or 1 when conn had no socket and is gone. */
int hw_lease_close(hw_leases_t* leases, hw_conn_t* conn, int reset);

/* From the pool's nodes to the ids that JavaScript knows. */
hw_id_t hw_link_id(const hw_link_t* link);
hw_id_t hw_waiter_id(const hw_waiter_t* waiter);

#endif /* HW_LEASE_H */
