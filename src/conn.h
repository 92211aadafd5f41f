/* SPDX-License-Identifier: MIT */
/*
 * One connection: a stream and a reader, dialled; or the pool's entry for a
 * socket that Node owns.
 *
 * Owner: lease.c creates and frees it; the pool only links the node in it. Its
 * events become records, only in libuv's callbacks and never inside a call from
 * above; each of these callbacks ends with env->settle().
 */
#ifndef HW_CONN_H
#define HW_CONN_H

#include "dial.h"
#include "env.h"
#include "exchange.h"
#include "ids.h"
#include "pool.h"
#include "reader.h"
#include "stream.h"

typedef struct hw_conn hw_conn_t;

typedef enum {
  HW_CONN_NEW,      /* neither socket nor dial */
  HW_CONN_EXTERNAL, /* the socket is Node's; only the pool's node is used */
  HW_CONN_READY,    /* a dial that has not started */
  HW_CONN_DIALLING, /* until it is open, or closed after a failure */
  HW_CONN_OPEN,
  HW_CONN_CLOSING,
  HW_CONN_CLOSED
} hw_conn_state_t;

struct hw_conn {
  hw_stream_t stream;
  hw_link_t link;
  hw_id_t id;
  hw_env_t* env;
  hw_dial_t* dial; /* from READY until it is OPEN or CLOSED */
  const hw_reader_t* reader;
  hw_exchange_t exchange; /* the reader's state */
  int idle_end;           /* 0, or what ended it while it was idle */
  uint8_t state;          /* hw_conn_state_t, changed by set_state() only */
  uint8_t paused;         /* JavaScript wants no bytes now */
  uint8_t dirty;          /* received bytes that no request asked for */
  uint8_t ended;          /* reading is over: FIN, error, or upgrade */
  uint8_t tapped;         /* the user wants the raw bytes too */
  uint8_t unrefd;         /* it does not keep the loop alive */
};

void hw_conn_init(hw_conn_t* conn, hw_env_t* env, hw_id_t id);

/* The part of its id that its records carry. */
static inline uint32_t hw_conn_tag(const hw_conn_t* conn) {
  return (uint32_t)conn->id;
}

/* Frees what the connection owns, not the connection itself, which is NEW,
 * EXTERNAL or CLOSED. */
void hw_conn_dispose(hw_conn_t* conn);

static inline int hw_conn_is_external(const hw_conn_t* conn) {
  return conn->state == HW_CONN_EXTERNAL;
}

/* Has it never had a socket, neither the core's nor Node's? */
static inline int hw_conn_is_new(const hw_conn_t* conn) {
  return conn->state == HW_CONN_NEW;
}

static inline int hw_conn_is_open(const hw_conn_t* conn) {
  return conn->state == HW_CONN_OPEN;
}

static inline int hw_conn_is_closed(const hw_conn_t* conn) {
  return conn->state == HW_CONN_CLOSED;
}

/* Is it being opened? */
static inline int hw_conn_is_coming(const hw_conn_t* conn) {
  return conn->state == HW_CONN_READY || conn->state == HW_CONN_DIALLING;
}

/* Can its options be set: has it a socket, or will it get one, and is it not
 * being closed? */
static inline int hw_conn_is_usable(const hw_conn_t* conn) {
  return hw_conn_is_open(conn) || hw_conn_is_coming(conn);
}

/* NEW to READY: makes the first socket. Result: 0 or a negative code. */
int hw_conn_open(hw_conn_t* conn, int is_pipe);

/* NEW to EXTERNAL. Result: 0 or HW_ESTATE. */
int hw_conn_external(hw_conn_t* conn);

/* READY only, else HW_ESTATE: see dial.h. If a dial returns an error, the
 * connection stays READY; otherwise CONNECTED follows. */
int hw_conn_bind(hw_conn_t* conn, const hw_address_t* addr, unsigned flags);
int hw_conn_dial(hw_conn_t* conn,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms);
int hw_conn_dial_pipe(hw_conn_t* conn, const char* path, size_t len);

/* A request is about to be written. flags and header_max as for
 * hw_http1_begin(). Result: 0, or HW_ESTATE, also if the server has already
 * sent bytes. */
int hw_conn_begin(hw_conn_t* conn, uint32_t flags, uint32_t header_max);

/* Its current socket, or NULL. */
hw_socket_t* hw_conn_socket(const hw_conn_t* conn);

/* These apply while it is usable, across all addresses that are tried;
 * otherwise the result is HW_ESTATE. */

/* Whether it keeps the loop alive. */
int hw_conn_ref(hw_conn_t* conn, int on);

/* Stops or resumes its reads. */
int hw_conn_pause(hw_conn_t* conn, int on);

/* Whether a RAW record with the bytes follows the records of each read. */
int hw_conn_tap(hw_conn_t* conn, int on);

/* Closes; queued writes are dropped. CLOSED follows, unless it had no socket
 * and is CLOSED at once. Harmless while it is closing. reset: with RST instead
 * of FIN, if it is open. */
void hw_conn_close(hw_conn_t* conn, int reset);

/* May another request be sent on it? */
int hw_conn_is_reusable(const hw_conn_t* conn);

/* May it be leased? JavaScript checks an external one itself. */
int hw_conn_is_alive(const hw_conn_t* conn);

#endif /* HW_CONN_H */
