/* SPDX-License-Identifier: MIT */
/*
 * The pool: origins, idle and active connections, waiting requests, limits and
 * counters. It decides and the owner acts: it never opens or closes anything,
 * never reads a clock, and knows nothing about sockets or JavaScript.
 *
 * Terms. An origin is whatever one key names (Node's agent.getName()). A
 * connection is ACTIVE (leased to a request, or being dialled for one), IDLE
 * (in the free list) or NONE (not in the pool). A waiter is a request that
 * is waiting for a connection.
 *
 * Every operation is O(1) in the number of origins, connections and waiters.
 * The owner embeds hw_link_t in its connection and hw_waiter_t in its waiting
 * request; the pool only links those nodes and owns only its origins.
 *
 * Limits, as in Node: max_sockets counts the active, idle and dialling
 * connections of one origin; max_total those of the pool; max_free the idle
 * ones of one origin. HW_NO_LIMIT turns one off.
 *
 * Waiting is first in, first out per origin. Of the origins that compete for
 * max_total none starves: a free slot goes first to the origin that has
 * waited longest without any connection of its own, then to the origin that
 * released the slot, then round robin. An idle connection of another origin
 * is evicted (the one idle longest) so that no request has to wait for it.
 */
#ifndef HW_POOL_H
#define HW_POOL_H

#include "base.h"
#include "queue.h"
#include "mem.h"
#include "deadline.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HW_NO_LIMIT UINT32_MAX

typedef struct hw_pool hw_pool_t;
typedef struct hw_origin hw_origin_t;

typedef enum { HW_LINK_NONE, HW_LINK_ACTIVE, HW_LINK_IDLE } hw_link_state_t;

/* The pool's part of a connection. The owner may read it, but not write it. */
typedef struct {
  hw_queue_t node;          /* in origin->active or origin->idle */
  hw_queue_t pool_node;     /* in pool->idle while IDLE, oldest first */
  hw_deadline_t idle_until; /* started while IDLE, if a timeout was given */
  hw_pool_t* pool;
  hw_origin_t* origin; /* NULL while NONE */
  uint64_t created_ms;
  uint64_t leased_ms; /* when the latest lease began */
  uint32_t uses;      /* leases so far, the first one included */
  uint8_t state;      /* hw_link_state_t */
} hw_link_t;

static inline int hw_link_is_idle(const hw_link_t* link) {
  return link->state == HW_LINK_IDLE;
}

static inline int hw_link_is_active(const hw_link_t* link) {
  return link->state == HW_LINK_ACTIVE;
}

static inline int hw_link_is_pooled(const hw_link_t* link) {
  return link->state != HW_LINK_NONE;
}

/* The pool's part of a waiting request. */
typedef struct {
  hw_queue_t node;     /* in origin->waiting */
  hw_origin_t* origin; /* NULL while not waiting */
  uint64_t since_ms;   /* when it began to wait */
} hw_waiter_t;

typedef struct {
  uint32_t max_sockets;
  uint32_t max_total;
  uint32_t max_free;
  int fifo; /* lease the connection idle longest, not the latest one */
} hw_pool_options_t;

/* Monotonic counters; the gauges are in hw_pool. */
typedef struct {
  uint64_t leases;    /* requests that got a connection, new or reused */
  uint64_t reuses;    /* of these, an idle or handed-over connection */
  uint64_t opened;    /* connections added */
  uint64_t closed;    /* connections removed */
  uint64_t queued;    /* requests that had to wait */
  uint64_t cancelled; /* waiters removed before they got a connection */
  uint64_t evicted;   /* idle connections closed for another origin */
  uint64_t stale;     /* idle connections found dead when they were leased */
} hw_pool_counters_t;

/* The set of deadlines is the owner's and shared by all of its pools. `kind` is
 * the kind of this pool's idle_until entries. Result: 0 or HW_ENOMEM. */
int hw_pool_create(const hw_pool_options_t* options,
                   hw_deadlines_t* deadlines,
                   uint8_t kind,
                   hw_pool_t** out);

/* Frees the pool. Asserts that it has no connection and no waiter. */
void hw_pool_destroy(hw_pool_t* pool);

/* The same meaning as at creation; takes effect with the next decision. This is
 * the only operation that visits every origin. */
void hw_pool_set_options(hw_pool_t* pool, const hw_pool_options_t* options);

typedef enum {
  HW_REUSE,    /* link: it is ACTIVE now. Check it; if it is dead,
                  hw_pool_reject() it, close it and ask again */
  HW_CONNECT,  /* origin: dial, and hw_pool_add() the new connection */
  HW_WAIT,     /* origin: hw_pool_wait() */
  HW_HANDOVER, /* waiter: it left the queue; the released link stays ACTIVE */
  HW_IDLE,     /* the released link is IDLE now */
  HW_CLOSE     /* the link is still ACTIVE: close it, then hw_pool_remove() */
} hw_verdict_t;

typedef struct {
  hw_verdict_t verdict;
  hw_link_t* link;
  hw_origin_t* origin;
  hw_waiter_t* waiter;
  hw_link_t* evicted; /* acquire only: not NULL: it left the pool (NONE); the
                         owner closes it */
} hw_decision_t;

/* A waiter is served in two ways: by the owner's hw_pool_release()
 * (HW_HANDOVER) or by hw_pool_next(). Nothing else takes one out of its queue
 * to serve it, so a place that becomes free is not lost before the owner asks
 * for it. */

/* A request for the origin that key names wants a connection.
 * *out: HW_REUSE, HW_CONNECT or HW_WAIT. With HW_CONNECT and HW_WAIT nothing
 * has been counted yet, and the owner must call hw_pool_add(), hw_pool_wait()
 * or hw_pool_forget() with out->origin before anything else on this pool.
 * A request never overtakes one that is already waiting for the same origin.
 * Result: 0, HW_ENOMEM, or HW_EINVAL for a key above 64 MiB. */
HW_MUST_USE int hw_pool_acquire(hw_pool_t* pool,
                                const char* key,
                                size_t key_len,
                                uint64_t now_ms,
                                hw_decision_t* out);

/* The connection of the latest HW_REUSE or HW_HANDOVER is dead: it does not
 * count as a lease. It is still ACTIVE and must be closed. */
void hw_pool_reject(hw_pool_t* pool, hw_link_t* link);

/* The origin that key names, created if necessary, regardless of the limits:
 * for a connection that the user opens without the pool. Then as after
 * HW_CONNECT. Result: as hw_pool_acquire(). */
HW_MUST_USE int hw_pool_origin(hw_pool_t* pool,
                               const char* key,
                               size_t key_len,
                               hw_origin_t** out);

/* link, in state NONE, becomes an ACTIVE connection of origin. */
void hw_pool_add(hw_pool_t* pool,
                 hw_origin_t* origin,
                 hw_link_t* link,
                 uint64_t now_ms);

/* waiter, in no queue, goes to the end of origin's queue. */
void hw_pool_wait(hw_pool_t* pool,
                  hw_origin_t* origin,
                  hw_waiter_t* waiter,
                  uint64_t now_ms);

/* The owner cannot act on the decision: origin is freed if nothing uses it. */
void hw_pool_forget(hw_pool_t* pool, hw_origin_t* origin);

/* An ACTIVE link has done its request and may be reused.
 * *out: HW_HANDOVER, HW_IDLE or HW_CLOSE. idle_ms is how long it may stay idle
 * (UINT64_MAX: forever). may_idle 0: handover or close only.
 * Without memory for the deadline: HW_CLOSE.
 * Result: the verdict. */
HW_MUST_USE hw_verdict_t hw_pool_release(hw_pool_t* pool,
                                         hw_link_t* link,
                                         int may_idle,
                                         uint64_t idle_ms,
                                         uint64_t now_ms,
                                         hw_decision_t* out);

/* Restarts the idle deadline of an IDLE link (UINT64_MAX: none). */
int hw_pool_set_idle(hw_pool_t* pool,
                     hw_link_t* link,
                     uint64_t idle_ms,
                     uint64_t now_ms);

/* An IDLE link becomes ACTIVE without a request: the user takes it away, or
 * it is about to be closed. */
void hw_pool_take(hw_pool_t* pool, hw_link_t* link);

/* A link, IDLE or ACTIVE, leaves the pool (closed, failed, taken away). Its
 * origin is the next to get a place, unless another one starves. If a request
 * is waiting for the place, hw_pool_next() returns it. */
void hw_pool_remove(hw_pool_t* pool, hw_link_t* link);

/* Takes the waiter whose turn it is out of its queue, if there is a place for
 * it: after a removal, after limits were raised, after hw_pool_forget(). Before
 * anything else on this pool the owner adds a connection to *origin, or forgets
 * it. Must be called again until it returns NULL: no waiter can use a place. */
HW_MUST_USE hw_waiter_t* hw_pool_next(hw_pool_t* pool, hw_origin_t** origin);

/* A waiter gives up. Harmless when it is not waiting. */
void hw_pool_cancel(hw_pool_t* pool, hw_waiter_t* waiter);

/* Removes and returns the waiter at the head of the longest-waiting origin's
 * queue, or NULL: for a pool that shuts down. */
hw_waiter_t* hw_pool_cancel_any(hw_pool_t* pool);

/* Inspection: gauges, and walks in no particular order of origins; within an
 * origin, idle and waiting run oldest first. The walks are for statistics, not
 * for the request path. */
const hw_pool_counters_t* hw_pool_counters(const hw_pool_t* pool);
uint32_t hw_pool_total(const hw_pool_t* pool); /* active + idle */
uint32_t hw_pool_idle(const hw_pool_t* pool);
uint32_t hw_pool_waiting(const hw_pool_t* pool);
uint32_t hw_pool_origins(const hw_pool_t* pool);
hw_origin_t* hw_pool_next_origin(const hw_pool_t* pool, hw_origin_t* after);
const char* hw_origin_key(const hw_origin_t* origin, size_t* len);
hw_link_t* hw_origin_next_active(const hw_origin_t* origin, hw_link_t* after);
hw_link_t* hw_origin_next_idle(const hw_origin_t* origin, hw_link_t* after);
hw_waiter_t* hw_origin_next_waiting(const hw_origin_t* origin,
                                    hw_waiter_t* after);

/* Prepares a node for its first use. */
void hw_link_init(hw_link_t* link);
void hw_waiter_init(hw_waiter_t* waiter);

#ifdef __cplusplus
}
#endif

#endif /* HW_POOL_H */
