/* SPDX-License-Identifier: MIT */
/*
 * One connection: see conn.h.
 *
 *   NEW -> READY -> DIALLING -> OPEN -> CLOSING -> CLOSED
 *    |       |         |                  ^         ^
 *    |       +---------+------------------+         |
 *    +-> EXTERNAL ----------------------------------+
 *
 * A dial that has failed for good stays DIALLING until JavaScript closes it, as
 * with a socket of Node's. If no callback can follow, closing leads to CLOSED
 * at once, without a record.
 */
#include "conn.h"

#include <string.h>

/* A transition that is not in the picture above is a mistake in the core. */
static void set_state(hw_conn_t* conn, hw_conn_state_t next) {
  switch (next) {
    case HW_CONN_NEW:
      HW_ASSERT(0);
      break;
    case HW_CONN_EXTERNAL:
    case HW_CONN_READY:
      HW_ASSERT(conn->state == HW_CONN_NEW);
      break;
    case HW_CONN_DIALLING:
      HW_ASSERT(conn->state == HW_CONN_READY);
      break;
    case HW_CONN_OPEN:
      HW_ASSERT(conn->state == HW_CONN_DIALLING);
      break;
    case HW_CONN_CLOSING:
      HW_ASSERT(hw_conn_is_usable(conn));
      break;
    case HW_CONN_CLOSED:
      HW_ASSERT(!hw_conn_is_closed(conn));
      break;
  }
  conn->state = (uint8_t)next;
}

static hw_conn_t* conn_of(hw_stream_t* stream) {
  return HW_CONTAINER_OF(stream, hw_conn_t, stream);
}

static uint32_t* push(hw_conn_t* conn, uint32_t type) {
  return hw_ring_push(&conn->env->ring, type, hw_conn_tag(conn));
}

static void push_status(hw_conn_t* conn, uint32_t type, int status) {
  push(conn, type)[HW_WORD_STATUS] = (uint32_t)status;
}

/* The last call of each callback: JavaScript may run inside, and conn may be
 * freed when it returns. */
static void settle(hw_conn_t* conn) {
  conn->env->settle(conn->env, conn);
}

/* -- reading --------------------------------------------------------------- */

/* Reads as long as there is something to read and it is wanted. */
static void update_reading(hw_conn_t* conn) {
  if (hw_conn_is_open(conn)) {
    hw_stream_read(&conn->stream,
                   !conn->paused && !conn->ended && !conn->dirty);
  }
}

/* Bytes that no request asked for make no record; the connection is just no
 * longer reusable. */
static void read_bytes(hw_conn_t* conn, const char* data, size_t len) {
  hw_env_t* env = conn->env;
  uint32_t first = env->ring.count;
  int result =
      conn->reader->bytes(&conn->exchange, env, hw_conn_tag(conn), data, len);

  if (result == HW_READER_UNASKED) {
    conn->dirty = 1;
  } else if (conn->tapped) {
    /* A listener for 'data' on the socket gets the bytes of those records. */
    hw_slabs_attach(&env->slabs, push(conn, HW_REC_RAW), data, len);
  } else {
    hw_slabs_hand_over(&env->slabs, &env->ring, first, data);
  }
  if (result == HW_READER_OVER) {
    conn->ended = 1;
  } else if (result < 0) {
    conn->ended = 1;
    push_status(conn, HW_REC_READ_ERROR, result);
  }
}

static void on_bytes(hw_stream_t* stream,
                     const char* data,
                     size_t len,
                     int more) {
  hw_conn_t* conn = conn_of(stream);

  read_bytes(conn, data, len);
  update_reading(conn);
  /* JavaScript says first whether it wants more. */
  if (more && conn->env->ring.count != 0) {
    conn->env->ring.flush = 1;
  }
  settle(conn);
}

/* While it is idle, there is no request to report its end to. The end is stored
 * for the RETIRE record, which lease.c pushes when this connection settles. */
static void on_end(hw_stream_t* stream, int status) {
  hw_conn_t* conn = conn_of(stream);

  conn->ended = 1;
  update_reading(conn);
  if (hw_link_is_idle(&conn->link)) {
    conn->idle_end = status;
  } else if (status == UV_EOF) {
    /* The socket's end is reported first, then the response's that comes of
     * it. */
    push(conn, HW_REC_EOF);
    conn->reader->end(&conn->exchange, conn->env, hw_conn_tag(conn));
  } else {
    push_status(conn, HW_REC_READ_ERROR, status);
  }
  settle(conn);
}

/* The queued write has ended; JavaScript may bring the next piece. */
static void on_wrote(hw_stream_t* stream, int status) {
  push_status(conn_of(stream), HW_REC_WROTE, status);
  settle(conn_of(stream));
}

/* Its id is dropped when the record has been read. */
static void closed(hw_conn_t* conn) {
  set_state(conn, HW_CONN_CLOSED);
  push(conn, HW_REC_CLOSED);
  settle(conn);
}

static void on_closed(hw_stream_t* stream) {
  closed(conn_of(stream));
}

static const hw_stream_owner_t owner = {
    .bytes = on_bytes,
    .end = on_end,
    .wrote = on_wrote,
    .closed = on_closed,
};

/* -- from new to open ------------------------------------------------------ */

void hw_conn_init(hw_conn_t* conn, hw_env_t* env, hw_id_t id) {
  memset(conn, 0, sizeof(*conn));
  conn->env = env;
  conn->id = id;
  conn->state = HW_CONN_NEW;
  conn->reader = &hw_http1_reader;
  conn->reader->init(&conn->exchange);
  hw_stream_init(&conn->stream, &owner);
  hw_link_init(&conn->link);
}

static void free_dial(hw_conn_t* conn) {
  if (conn->dial != NULL) {
    hw_dial_free(conn->dial);
    conn->dial = NULL;
  }
}

void hw_conn_dispose(hw_conn_t* conn) {
  HW_ASSERT(hw_conn_is_new(conn) || hw_conn_is_external(conn) ||
            hw_conn_is_closed(conn));
  free_dial(conn);
  conn->reader->close(&conn->exchange, conn->env);
}

/* Connected, failed for good, or stopped by hw_conn_close(). With a failure the
 * dial is kept, since its socket may still be open. */
static void on_dialled(hw_dial_t* dial, int status) {
  hw_conn_t* conn = dial->owner;

  if (conn->state == HW_CONN_CLOSING) {
    closed(conn);
    return;
  }
  if (status == 0) {
    hw_stream_attach(&conn->stream, hw_dial_take(dial), &hw_plain);
    free_dial(conn);
    set_state(conn, HW_CONN_OPEN);
  }
  push_status(conn, HW_REC_CONNECTED, status);
  update_reading(conn);
  settle(conn);
}

int hw_conn_open(hw_conn_t* conn, int is_pipe) {
  int err = 0;

  if (!hw_conn_is_new(conn)) {
    return HW_ESTATE;
  }
  err = hw_dial_open(conn->env, is_pipe, &conn->dial);
  if (err != 0) {
    return err;
  }
  conn->dial->done = on_dialled;
  conn->dial->owner = conn;
  conn->dial->tag = hw_conn_tag(conn);
  hw_stream_open(&conn->stream, is_pipe);
  set_state(conn, HW_CONN_READY);
  return 0;
}

int hw_conn_external(hw_conn_t* conn) {
  if (!hw_conn_is_new(conn)) {
    return HW_ESTATE;
  }
  set_state(conn, HW_CONN_EXTERNAL);
  return 0;
}

/* A dial may be started once; pipes and addresses do not mix. */
static int is_ready(const hw_conn_t* conn, int is_pipe) {
  return conn->state == HW_CONN_READY && conn->stream.is_pipe == is_pipe;
}

int hw_conn_bind(hw_conn_t* conn, const hw_address_t* addr, unsigned flags) {
  return is_ready(conn, 0) ? hw_dial_bind(conn->dial, addr, flags) : HW_ESTATE;
}

int hw_conn_dial(hw_conn_t* conn,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms) {
  int err = HW_ESTATE;

  if (is_ready(conn, 0)) {
    err = hw_dial_start(conn->dial, addrs, count, attempt_ms);
    if (err == 0) {
      set_state(conn, HW_CONN_DIALLING);
    }
  }
  return err;
}

int hw_conn_dial_pipe(hw_conn_t* conn, const char* path, size_t len) {
  int err = HW_ESTATE;

  if (is_ready(conn, 1)) {
    err = hw_dial_start_pipe(conn->dial, path, len);
    if (err == 0) {
      set_state(conn, HW_CONN_DIALLING);
    }
  }
  return err;
}

/* A request may begin before its connection is open; it is written later. */
int hw_conn_begin(hw_conn_t* conn, uint32_t flags, uint32_t header_max) {
  if ((!hw_conn_is_new(conn) && !hw_conn_is_usable(conn)) || conn->dirty) {
    return HW_ESTATE;
  }
  return hw_exchange_begin(&conn->exchange, conn->env, flags, header_max);
}

/* -- while it exists ------------------------------------------------------- */

hw_socket_t* hw_conn_socket(const hw_conn_t* conn) {
  if (!hw_conn_is_usable(conn)) {
    return NULL;
  }
  return conn->dial != NULL ? conn->dial->socket : conn->stream.socket;
}

int hw_conn_ref(hw_conn_t* conn, int on) {
  if (!hw_conn_is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->unrefd = (uint8_t)!on;
  if (conn->dial != NULL) {
    hw_dial_ref(conn->dial, on);
  } else {
    hw_socket_ref(conn->stream.socket, on);
  }
  return 0;
}

int hw_conn_pause(hw_conn_t* conn, int on) {
  if (!hw_conn_is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->paused = (uint8_t)(on != 0);
  update_reading(conn);
  return 0;
}

int hw_conn_tap(hw_conn_t* conn, int on) {
  if (!hw_conn_is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->tapped = (uint8_t)(on != 0);
  return 0;
}

/* A connection never has a stream and a dial at the same time. Each returns
 * whether a callback of its own follows. */
void hw_conn_close(hw_conn_t* conn, int reset) {
  int follows = 0;

  if (hw_conn_is_usable(conn)) {
    set_state(conn, HW_CONN_CLOSING);
    follows = hw_stream_close(&conn->stream, reset) ||
              (conn->dial != NULL && hw_dial_stop(conn->dial));
  } else if (conn->state == HW_CONN_CLOSING || hw_conn_is_closed(conn)) {
    return;
  }
  if (!follows) {
    set_state(conn, HW_CONN_CLOSED);
  }
}

int hw_conn_is_reusable(const hw_conn_t* conn) {
  return hw_conn_is_open(conn) && !conn->dirty && !conn->ended &&
         conn->stream.write == NULL &&
         conn->reader->is_reusable(&conn->exchange);
}

int hw_conn_is_alive(const hw_conn_t* conn) {
  return !hw_conn_is_open(conn) ||
         (!conn->ended && !conn->dirty && hw_stream_peek(&conn->stream));
}
