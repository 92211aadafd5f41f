/* SPDX-License-Identifier: MIT */
/*
 * The core's face: what the binding calls. One hw_loop_t per environment (main
 * thread or worker) holds its connections, waiting requests and pools, by id.
 *
 * An id is an index with a generation, never a pointer: one that is no longer
 * valid is HW_ESTALE for ever, and nothing else happens. 0 is never an id.
 * Records name their connection by the low half of its id.
 *
 * Everything runs on the thread of the uv loop. Records reach JavaScript by
 * the one callback `drain`, once per turn of the loop as a rule.
 */
#ifndef HW_HAWSER_H
#define HW_HAWSER_H

#include <uv.h>

#include "base.h"
#include "address.h"
#include "ids.h"
#include "pool.h"
#include "ring.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hw_loop hw_loop_t;

/* ring_memory: HW_RING_BYTES bytes that outlive the loop. drain reads the
 * first `count` records; it may call back into the core. Result: 0 or a
 * negative code, *out is then NULL. */
int hw_loop_create(uv_loop_t* uv,
                   void* ring_memory,
                   void (*drain)(void* data, uint32_t count, uint32_t epoch),
                   void* data,
                   hw_loop_t** out);

/* Closes every connection, drops the waiting requests and the pools, and then
 * frees the loop; `closed` is called at the end. No drain from here on. */
void hw_loop_close(hw_loop_t* loop, void (*closed)(void* data), void* data);

int hw_loop_give_slab(hw_loop_t* loop, uint32_t id, char* base, uint32_t size);

/* Pools. A pool that is dropped while connections or requests are in it goes
 * with the last of them. */
int hw_loop_pool_create(hw_loop_t* loop,
                        const hw_pool_options_t* options,
                        hw_id_t* id);
int hw_loop_pool_set(hw_loop_t* loop,
                     hw_id_t id,
                     const hw_pool_options_t* options);
void hw_loop_pool_drop(hw_loop_t* loop, hw_id_t id);
const hw_pool_t* hw_loop_pool(const hw_loop_t* loop, hw_id_t id);

/* What a request or a connection's owner is told to do. */
typedef struct {
  uint32_t verdict; /* hw_verdict_t */
  hw_id_t conn;     /* REUSE: lease it; CONNECT: a new entry, to be dialled */
  hw_id_t waiter;   /* WAIT: its id; HANDOVER and CONNECT: whose turn it is */
  hw_id_t evicted;  /* not 0: close that connection first */
} hw_lease_t;

/* A request wants a connection of the origin that key names. REUSE, CONNECT or
 * WAIT. A connection of the core is looked at first; CLOSE means that it is
 * dead: close it and ask again. With an error out->evicted counts too, and its
 * place is free: hw_loop_next(). */
int hw_loop_acquire(hw_loop_t* loop,
                    hw_id_t pool,
                    const char* key,
                    size_t key_len,
                    hw_lease_t* out);

/* An entry past the limits: CONNECT without a waiter. */
int hw_loop_add(hw_loop_t* loop,
                hw_id_t pool,
                const char* key,
                size_t key_len,
                hw_id_t* conn);

/* The request on conn is done. HANDOVER, IDLE or CLOSE: see hw_pool_release.
 * A connection of the core that may not be reused says CLOSE. */
int hw_loop_release(hw_loop_t* loop,
                    hw_id_t conn,
                    int may_idle,
                    uint64_t idle_ms,
                    hw_lease_t* out);

/* Restarts how long an IDLE connection may stay idle. HW_ENOMEM: it is IDLE
 * without a limit now; the caller closes it. */
int hw_loop_set_idle(hw_loop_t* loop, hw_id_t conn, uint64_t idle_ms);

/* conn leaves its pool, if it is in one. The connection itself goes on; an
 * external entry, or a new one, ends here. Then hw_loop_next(). */
int hw_loop_remove(hw_loop_t* loop, hw_id_t conn);

/* The next of those who wait, if there is a place for it: CONNECT, its id and a
 * new entry for it. With an error and a waiter the entry could not be made, and
 * the waiter has left the queue all the same. To be called after all that makes
 * room, until there is no waiter in *out. */
HW_MUST_USE int hw_loop_next(hw_loop_t* loop, hw_id_t pool, hw_lease_t* out);

/* An IDLE connection may not be leased any more. */
int hw_loop_take(hw_loop_t* loop, hw_id_t conn);

/* A waiting request gives up. */
int hw_loop_cancel(hw_loop_t* loop, hw_id_t waiter);

/* Connections: see conn.h for each. */
int hw_loop_open(hw_loop_t* loop, hw_id_t conn, int is_pipe);
int hw_loop_external(hw_loop_t* loop, hw_id_t conn);
int hw_loop_bind(hw_loop_t* loop,
                 hw_id_t conn,
                 const hw_address_t* addr,
                 unsigned flags);
int hw_loop_dial(hw_loop_t* loop,
                 hw_id_t conn,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms);
int hw_loop_dial_pipe(hw_loop_t* loop,
                      hw_id_t conn,
                      const char* path,
                      size_t len);
int hw_loop_begin(hw_loop_t* loop,
                  hw_id_t conn,
                  uint32_t flags,
                  uint32_t header_max);
int hw_loop_write(hw_loop_t* loop,
                  hw_id_t conn,
                  uv_buf_t* bufs,
                  unsigned count,
                  size_t* taken);
const char* hw_loop_queued(hw_loop_t* loop, hw_id_t conn, size_t* len);
int hw_loop_shutdown(hw_loop_t* loop, hw_id_t conn);
int hw_loop_pause(hw_loop_t* loop, hw_id_t conn, int paused);
int hw_loop_tap(hw_loop_t* loop, hw_id_t conn, int on);
/* Result: 0 (CLOSED follows), or 1 when conn had no handle and is gone. */
int hw_loop_close_conn(hw_loop_t* loop, hw_id_t conn, int reset);
int hw_loop_ref(hw_loop_t* loop, hw_id_t conn, int on);
int hw_loop_has_ref(hw_loop_t* loop, hw_id_t conn);
int hw_loop_keepalive(hw_loop_t* loop, hw_id_t conn, int on, unsigned seconds);
int hw_loop_nodelay(hw_loop_t* loop, hw_id_t conn, int on);
int hw_loop_probes(hw_loop_t* loop,
                   hw_id_t conn,
                   unsigned seconds,
                   unsigned count);
int hw_loop_set_tos(hw_loop_t* loop, hw_id_t conn, int tos);
int hw_loop_tos(hw_loop_t* loop, hw_id_t conn);
int hw_loop_dup(hw_loop_t* loop, hw_id_t conn);
int hw_loop_fd(hw_loop_t* loop, hw_id_t conn);
int hw_loop_name(hw_loop_t* loop, hw_id_t conn, int peer, hw_address_t* out);

/* The text of a LONG_TEXT record: the caller frees it with hw_mem_free. */
char* hw_loop_take_text(hw_loop_t* loop, hw_id_t conn, size_t* len);

typedef struct {
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t queued;
} hw_conn_bytes_t;
int hw_loop_bytes(hw_loop_t* loop, hw_id_t conn, hw_conn_bytes_t* out);

/* From the pool's nodes to the ids that JavaScript knows. */
hw_id_t hw_link_id(const hw_link_t* link);
hw_id_t hw_waiter_id(const hw_waiter_t* waiter);

/* Is the host's llhttp there, and does it behave as http1.c needs? Parses
 * canned responses; 1 or 0. memory: HW_RING_BYTES bytes of scratch. */
int hw_selfcheck(void* memory);

#ifdef __cplusplus
}
#endif

#endif /* HW_HAWSER_H */
