/* SPDX-License-Identifier: MIT */
/*
 * One connection: a TCP or Unix socket of the core with its parser, or the
 * pool's entry for a socket that Node owns (HW_CONN_EXTERNAL).
 *
 * Owner: the loop (loop.c) creates and frees it; the pool only links the node
 * in it. It dies in the close callback of its handle. What happens on it
 * becomes records, in libuv's callbacks only and never inside a call from
 * above; after each callback the loop is told once, by `settle`, which is the
 * one edge upwards.
 */
#ifndef HW_CONN_H
#define HW_CONN_H

#include <uv.h>

#include "address.h"
#include "base.h"
#include "deadline.h"
#include "http1.h"
#include "ids.h"
#include "pool.h"
#include "ring.h"
#include "slab.h"

typedef struct hw_conn hw_conn_t;
typedef struct hw_dial hw_dial_t;
typedef struct hw_write hw_write_t;

/* What all connections of one loop share. */
typedef struct {
  uv_loop_t* uv;
  hw_ring_t* ring;
  hw_slabs_t* slabs;
  hw_deadlines_t* deadlines;
  hw_freelist_t* parsers; /* of hw_http1_t */
  /* Called at the end of each callback that pushed records or closed conn. */
  void (*settle)(hw_conn_t* conn);
} hw_conn_env_t;

typedef enum {
  HW_CONN_NEW,      /* no handle yet */
  HW_CONN_EXTERNAL, /* the socket is Node's; nothing below is used */
  HW_CONN_READY,    /* a handle, not connected */
  HW_CONN_DIALLING,
  HW_CONN_REDIAL, /* between two addresses: the handle is being closed */
  HW_CONN_OPEN,
  HW_CONN_CLOSING,
  HW_CONN_CLOSED
} hw_conn_state_t;

/* How far the latest exchange on a connection is. */
typedef enum {
  HW_EXCHANGE_NONE,  /* there was none yet */
  HW_EXCHANGE_BEGUN, /* no byte of the response yet */
  HW_EXCHANGE_READING,
  HW_EXCHANGE_REUSABLE, /* over, and another may follow */
  HW_EXCHANGE_LAST      /* over, and none may follow */
} hw_exchange_t;

/* The most that one connection holds of what the kernel did not take. */
#define HW_WRITE_QUEUE_MAX 65536u

/* What a deadline in the shared set belongs to. */
enum { HW_DEADLINE_IDLE = 1, HW_DEADLINE_ATTEMPT = 2 };

struct hw_conn {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv;
  hw_conn_env_t* env;
  hw_link_t link;
  hw_id_t id;
  uint8_t state; /* hw_conn_state_t, changed by set_state only */
  uint8_t is_pipe;
  uint8_t reading;
  uint8_t paused;   /* JavaScript does not want bytes now */
  uint8_t dirty;    /* bytes came that belong to no exchange */
  uint8_t ended;    /* nothing more is read: FIN, an error, or an upgrade */
  uint8_t ending;   /* our side's end was asked for */
  uint8_t exchange; /* hw_exchange_t */
  uint8_t flags;    /* of the exchange, as for hw_http1_begin */
  uint8_t tapped;   /* somebody wants the bytes themselves too */
  uint8_t unrefd;   /* it does not keep the loop alive */
  uint8_t nodelay;
  uint32_t keepalive_s; /* 0: off */
  uint32_t header_max;
  uint64_t bytes_read;
  uint64_t bytes_written; /* queued ones included, as Node counts */
  hw_dial_t* dial;        /* while dialling */
  hw_write_t* write;      /* the one queued write, or NULL */
  /* Only from the first byte of a response to its end, or until a long head is
   * fetched: idle connections are many, and one parser that serves them all in
   * turn stays in the cache. */
  hw_http1_t* http;
};

void hw_conn_init(hw_conn_t* conn, hw_conn_env_t* env, hw_id_t id);

/* What its records carry for its id. */
static inline uint32_t hw_conn_tag(const hw_conn_t* conn) {
  return (uint32_t)conn->id;
}

/* Frees what the connection owns, not the connection itself. Only in state
 * NEW, EXTERNAL or CLOSED. */
void hw_conn_dispose(hw_conn_t* conn);

/* NEW to READY: makes the handle. Result: 0 or libuv's code. */
int hw_conn_open(hw_conn_t* conn, int is_pipe);

/* NEW to EXTERNAL: the socket is Node's, this is the pool's entry for it. */
int hw_conn_external(hw_conn_t* conn);

/* Local address for the next dial. flags as for uv_tcp_bind. READY only. Of
 * several addresses dialled those after the first get the port alone. */
int hw_conn_bind(hw_conn_t* conn, const hw_address_t* addr, unsigned flags);

/* Connects to the first address that answers, one after the other; each but
 * the last gets attempt_ms. The addresses are copied. Then CONNECTED, preceded
 * by ATTEMPT_FAILED for each that did not. Result: 0, HW_ENOMEM, HW_ESTATE,
 * HW_EINVAL (none, or too many), or libuv's code: then nothing follows, and it
 * is READY as before. */
int hw_conn_dial(hw_conn_t* conn,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms);
int hw_conn_dial_pipe(hw_conn_t* conn, const char* path, size_t len);

/* A request is about to be written: responses are parsed from now on. Result:
 * 0, or HW_ESTATE also where the server has spoken before it was asked. flags
 * and header_max as for hw_http1_begin. */
int hw_conn_begin(hw_conn_t* conn, uint32_t flags, uint32_t header_max);

/* Writes at once what the kernel takes. Of the rest up to HW_WRITE_QUEUE_MAX
 * bytes are copied and queued; what is beyond is the caller's to write when
 * WROTE has come. No pointer of the caller's is kept. bufs itself is used as
 * scratch space.
 * Result: 0 all written; 1 something is queued, *taken bytes were written or
 * queued, and WROTE follows; HW_ESTATE (not open, or a write is queued
 * already), HW_ENOMEM, or libuv's code: *taken is then what was written. */
int hw_conn_write(hw_conn_t* conn,
                  uv_buf_t* bufs,
                  unsigned count,
                  size_t* taken);

/* The queued bytes that the kernel has not taken: for somebody who goes on
 * with a descriptor of its own (hw_conn_dup) and then closes this connection.
 * Good until the next callback of libuv. */
const char* hw_conn_queued(const hw_conn_t* conn, size_t* len);

/* Ends our side after what is queued. Result: 0 or libuv's code. */
int hw_conn_shutdown(hw_conn_t* conn);

/* These hold from READY on, through all the addresses that are tried, to the
 * close; in another state: HW_ESTATE. */

/* Whether it keeps the loop alive. */
int hw_conn_ref(hw_conn_t* conn, int on);

/* Stops or resumes the reads of this connection. */
int hw_conn_pause(hw_conn_t* conn, int paused);

/* Whether a RAW record with the bytes follows each read of a response. */
int hw_conn_tap(hw_conn_t* conn, int on);

/* TCP only, else HW_ESTATE. seconds as for uv_tcp_keepalive, at least 1 when
 * on. Of one that is open libuv's code. */
int hw_conn_keepalive(hw_conn_t* conn, int on, unsigned seconds);
int hw_conn_nodelay(hw_conn_t* conn, int on);

/* Of a TCP connection with a descriptor, else UV_EBADF: seconds between its
 * keep-alive probes and how many there are (0: as it is), and the type of
 * service in the IP header of what it sends. Result: 0 (hw_conn_tos: the
 * value), or a code. */
int hw_conn_probes(hw_conn_t* conn, unsigned seconds, unsigned count);
int hw_conn_set_tos(hw_conn_t* conn, int tos);
int hw_conn_tos(const hw_conn_t* conn);

/* Closes; CLOSED follows, queued writes are dropped. Harmless when closing.
 * NEW and EXTERNAL become CLOSED at once, without a record.
 * reset: with RST instead of FIN (TCP). */
void hw_conn_close(hw_conn_t* conn);
void hw_conn_close_reset(hw_conn_t* conn);

/* May another request be sent on it? */
int hw_conn_reusable(const hw_conn_t* conn);

/* Is an idle connection still good? Looks at the socket without reading:
 * FIN, RST or any byte say no. */
int hw_conn_peek(const hw_conn_t* conn);

/* The text of a record with LONG_TEXT, as hw_http1_take_text. */
char* hw_conn_take_text(hw_conn_t* conn, size_t* len);

/* A descriptor of its own for the same socket, or a negative code. An end that
 * hw_conn_shutdown was asked for is sent at once, unless something is queued
 * before it: then it is the descriptor's owner's to send. */
int hw_conn_dup(const hw_conn_t* conn);

/* deadline, of kind ATTEMPT, is due. */
void hw_conn_attempt_due(hw_deadline_t* deadline);

#endif /* HW_CONN_H */
