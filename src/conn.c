/* SPDX-License-Identifier: MIT */
/*
 * One connection: see conn.h. Dialling first, then reading, writing, closing.
 */
#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static_assert((int)HW_ENOMEM == (int)UV_ENOMEM, "one code for one cause");

/* Lives from hw_conn_dial until the connection is up or closed. */
struct hw_dial {
  uv_connect_t req;
  hw_deadline_t deadline;
  hw_conn_t* conn;
  uint64_t attempt_ms;
  size_t count;
  size_t current;
  int failed; /* why the current attempt is given up at once, or 0 */
  int bound;
  hw_address_t local;
  hw_address_t addrs[];
};

/* What the kernel did not take at once, in the core's own copy: bytes that
 * belong to JavaScript may be collected, transferred or resized meanwhile. */
struct hw_write {
  uv_write_t req;
  hw_conn_t* conn;
  size_t len;
  char data[];
};

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf);
static void stop_reading(hw_conn_t* conn);
static void push_raw(hw_conn_t* conn, const char* data, size_t len);
static void on_failure(hw_conn_t* conn, int status);
static int dial_next(hw_conn_t* conn);

static void set_state(hw_conn_t* conn, hw_conn_state_t next) {
  switch (next) {
    case HW_CONN_NEW:
      HW_ASSERT(0);
      break;
    case HW_CONN_EXTERNAL:
    case HW_CONN_READY:
      HW_ASSERT(conn->state == HW_CONN_NEW || conn->state == HW_CONN_REDIAL);
      break;
    case HW_CONN_DIALLING:
      HW_ASSERT(conn->state == HW_CONN_READY);
      break;
    case HW_CONN_REDIAL:
    case HW_CONN_OPEN:
      HW_ASSERT(conn->state == HW_CONN_DIALLING);
      break;
    case HW_CONN_CLOSING:
      HW_ASSERT(conn->state != HW_CONN_CLOSED);
      break;
    case HW_CONN_CLOSED:
      HW_ASSERT(conn->state == HW_CONN_CLOSING || conn->state == HW_CONN_NEW ||
                conn->state == HW_CONN_EXTERNAL);
      break;
  }
  conn->state = (uint8_t)next;
}

static uint32_t* push(hw_conn_t* conn, uint32_t type) {
  return hw_ring_push(conn->env->ring, type, hw_conn_tag(conn));
}

static void push_status(hw_conn_t* conn, uint32_t type, int status) {
  push(conn, type)[HW_WORD_STATUS] = (uint32_t)status;
}

void hw_conn_init(hw_conn_t* conn, hw_conn_env_t* env, hw_id_t id) {
  memset(conn, 0, sizeof(*conn));
  conn->env = env;
  conn->id = id;
  conn->state = HW_CONN_NEW;
  hw_link_init(&conn->link);
}

static void dial_free(hw_conn_t* conn) {
  if (conn->dial != NULL) {
    hw_deadline_stop(conn->env->deadlines, &conn->dial->deadline);
    hw_mem_free(conn->dial);
    conn->dial = NULL;
  }
}

static void parser_free(hw_conn_t* conn) {
  if (conn->http != NULL) {
    hw_http1_close(conn->http);
    hw_freelist_give(conn->env->parsers, conn->http);
    conn->http = NULL;
  }
}

void hw_conn_dispose(hw_conn_t* conn) {
  HW_ASSERT(conn->state == HW_CONN_NEW || conn->state == HW_CONN_EXTERNAL ||
            conn->state == HW_CONN_CLOSED);
  HW_ASSERT(conn->link.state == HW_LINK_NONE);
  dial_free(conn);
  parser_free(conn);
}

static int handle_init(hw_conn_t* conn) {
  int err = conn->is_pipe ? uv_pipe_init(conn->env->uv, &conn->uv.pipe, 0)
                          : uv_tcp_init(conn->env->uv, &conn->uv.tcp);

  conn->uv.handle.data = conn;
  if (err == 0 && conn->unrefd) {
    uv_unref(&conn->uv.handle);
  }
  return err;
}

int hw_conn_open(hw_conn_t* conn, int is_pipe) {
  int err = 0;

  if (conn->state != HW_CONN_NEW) {
    return HW_ESTATE;
  }
  conn->is_pipe = (uint8_t)(is_pipe != 0);
  err = handle_init(conn);
  if (err == 0) {
    set_state(conn, HW_CONN_READY);
  }
  return err;
}

int hw_conn_external(hw_conn_t* conn) {
  if (conn->state != HW_CONN_NEW) {
    return HW_ESTATE;
  }
  set_state(conn, HW_CONN_EXTERNAL);
  return 0;
}

static int dial_create(hw_conn_t* conn, size_t count) {
  size_t size = 0;
  hw_dial_t* dial = NULL;

  if (count > HW_ADDRESSES_MAX ||
      hw_size_mul(count, sizeof(dial->addrs[0]), &size) != 0 ||
      hw_size_add(size, sizeof(*dial), &size) != 0) {
    return HW_EINVAL;
  }
  dial = hw_mem_calloc(size);
  if (dial == NULL) {
    return HW_ENOMEM;
  }
  if (conn->dial != NULL) { /* made by hw_conn_bind */
    dial->bound = conn->dial->bound;
    dial->local = conn->dial->local;
    dial_free(conn);
  }
  dial->conn = conn;
  dial->count = count;
  hw_deadline_init(&dial->deadline, HW_DEADLINE_ATTEMPT);
  conn->dial = dial;
  return 0;
}

int hw_conn_bind(hw_conn_t* conn, const hw_address_t* addr, unsigned flags) {
  int err = 0;

  if (conn->state != HW_CONN_READY || conn->is_pipe) {
    return HW_ESTATE;
  }
  err = dial_create(conn, 0);
  if (err != 0) {
    return err;
  }
  conn->dial->bound = 1;
  conn->dial->local = *addr;
  err = uv_tcp_bind(&conn->uv.tcp, &addr->any, flags);
  if (err != 0) {
    dial_free(conn);
  }
  return err;
}

/* The port that hw_conn_bind was told, on any address of the family that is
 * tried now: who gives several addresses to dial cannot mean one of his own. */
static int bind_again(hw_conn_t* conn) {
  hw_dial_t* dial = conn->dial;
  hw_address_t local;
  in_port_t port = dial->local.any.sa_family == AF_INET6
                       ? dial->local.v6.sin6_port
                       : dial->local.v4.sin_port;

  memset(&local, 0, sizeof(local));
  local.any.sa_family = dial->addrs[dial->current].any.sa_family;
  if (local.any.sa_family == AF_INET6) {
    local.v6.sin6_port = port;
  } else {
    local.v4.sin_port = port;
  }
  return uv_tcp_bind(&conn->uv.tcp, &local.any, 0);
}

static void on_reset_for_next(uv_handle_t* handle) {
  hw_conn_t* conn = handle->data;
  hw_dial_t* dial = conn->dial;
  int err = 0;

  if (conn->state == HW_CONN_CLOSING) {
    /* Closed meanwhile: this was the last close. */
    set_state(conn, HW_CONN_CLOSED);
    push(conn, HW_REC_CLOSED);
    conn->env->settle(conn);
    return;
  }
  err = handle_init(conn);
  HW_ASSERT(err == 0); /* without flags uv_tcp_init makes no system call */
  set_state(conn, HW_CONN_READY);
  dial->failed = dial->bound ? bind_again(conn) : 0;
  err = dial_next(conn);
  if (err != 0) {
    push_status(conn, HW_REC_CONNECTED, err);
  }
  conn->env->settle(conn);
}

/* The current attempt failed: on to the next address, or the end. */
static void attempt_failed(hw_conn_t* conn, int status) {
  hw_dial_t* dial = conn->dial;
  uint32_t* record = NULL;

  hw_deadline_stop(conn->env->deadlines, &dial->deadline);
  if (dial->count > 1) {
    record = push(conn, HW_REC_ATTEMPT_FAILED);
    record[HW_WORD_STATUS] = (uint32_t)status;
    record[HW_WORD_FLAGS] = (uint32_t)dial->current;
  }
  dial->current++;
  if (dial->current >= dial->count) {
    push_status(conn, HW_REC_CONNECTED, status);
    return;
  }
  set_state(conn, HW_CONN_REDIAL);
  uv_close(&conn->uv.handle, on_reset_for_next);
}

static void start_reading(hw_conn_t* conn);

/* Of an open TCP connection. libuv keeps these too, but not for how long, and
 * not when the handle is made anew between two addresses. */
static int set_keepalive(hw_conn_t* conn) {
  return uv_tcp_keepalive(&conn->uv.tcp,
                          conn->keepalive_s != 0,
                          conn->keepalive_s != 0 ? conn->keepalive_s : 1);
}

static int set_nodelay(hw_conn_t* conn) {
  return uv_tcp_nodelay(&conn->uv.tcp, conn->nodelay);
}

/* What was asked for before. That it cannot be had is no reason to fail. */
static void set_options(hw_conn_t* conn) {
  if (conn->keepalive_s != 0) {
    (void)set_keepalive(conn);
  }
  if (conn->nodelay) {
    (void)set_nodelay(conn);
  }
}

static void on_connect(uv_connect_t* req, int status) {
  hw_conn_t* conn = ((hw_dial_t*)req->data)->conn;

  if (conn->state != HW_CONN_DIALLING) {
    return; /* the handle is being closed; its callback goes on */
  }
  if (status != 0) {
    attempt_failed(conn, status);
  } else {
    dial_free(conn);
    set_state(conn, HW_CONN_OPEN);
    set_options(conn);
    push_status(conn, HW_REC_CONNECTED, 0);
    start_reading(conn);
  }
  conn->env->settle(conn);
}

void hw_conn_attempt_due(hw_deadline_t* deadline) {
  hw_dial_t* dial = HW_CONTAINER_OF(deadline, hw_dial_t, deadline);

  attempt_failed(dial->conn, dial->failed != 0 ? dial->failed : UV_ETIMEDOUT);
  dial->conn->env->settle(dial->conn);
}

static int start_deadline(hw_conn_t* conn, uint64_t timeout_ms) {
  return hw_deadline_start(conn->env->deadlines,
                           &conn->dial->deadline,
                           timeout_ms,
                           uv_now(conn->env->uv));
}

/* READY to DIALLING: starts the current attempt. One of several that fails at
 * once is given up by its deadline too, so that no record is pushed inside a
 * call. The last one has the time it takes. With an error nothing was started,
 * since the deadline comes first: a connect cannot be taken back. */
static int dial_next(hw_conn_t* conn) {
  hw_dial_t* dial = conn->dial;

  uv_update_time(conn->env->uv); /* JavaScript may have been busy since */
  if (dial->current + 1 < dial->count) {
    int err = start_deadline(conn, dial->attempt_ms);

    if (err != 0) {
      return err;
    }
  }
  dial->req.data = dial;
  if (dial->failed == 0) {
    dial->failed = uv_tcp_connect(
        &dial->req, &conn->uv.tcp, &dial->addrs[dial->current].any, on_connect);
  }
  if (dial->failed != 0 && (dial->count == 1 || start_deadline(conn, 0) != 0)) {
    return dial->failed;
  }
  set_state(conn, HW_CONN_DIALLING);
  return 0;
}

int hw_conn_dial(hw_conn_t* conn,
                 const hw_address_t* addrs,
                 size_t count,
                 uint64_t attempt_ms) {
  int err = 0;

  if (conn->state != HW_CONN_READY || conn->is_pipe) {
    return HW_ESTATE;
  }
  if (count == 0) {
    return HW_EINVAL;
  }
  err = dial_create(conn, count);
  if (err != 0) {
    return err;
  }
  memcpy(conn->dial->addrs, addrs, count * sizeof(addrs[0]));
  conn->dial->attempt_ms = attempt_ms;
  err = dial_next(conn);
  if (err != 0) {
    dial_free(conn);
  }
  return err;
}

int hw_conn_dial_pipe(hw_conn_t* conn, const char* path, size_t len) {
  int err = 0;

  if (conn->state != HW_CONN_READY || !conn->is_pipe) {
    return HW_ESTATE;
  }
  if (len == 0 || memchr(path, 0, len) != NULL) {
    return UV_EINVAL; /* abstract names go through the Node lane */
  }
  err = dial_create(conn, 1);
  if (err != 0) {
    return err;
  }
  conn->dial->req.data = conn->dial;
  set_state(conn, HW_CONN_DIALLING);
  /* A failure, a path that is too long included, comes in the callback. */
  uv_pipe_connect(&conn->dial->req, &conn->uv.pipe, path, on_connect);
  return 0;
}

static int in_exchange(const hw_conn_t* conn) {
  return conn->exchange == HW_EXCHANGE_BEGUN ||
         conn->exchange == HW_EXCHANGE_READING;
}

int hw_conn_begin(hw_conn_t* conn, uint32_t flags, uint32_t header_max) {
  if (conn->state == HW_CONN_EXTERNAL || conn->state >= HW_CONN_CLOSING ||
      in_exchange(conn) || conn->dirty) {
    return HW_ESTATE;
  }
  parser_free(conn);
  conn->exchange = HW_EXCHANGE_BEGUN;
  conn->flags = (uint8_t)flags;
  conn->header_max = header_max;
  return 0;
}

/* The first byte of a response is there. */
static int start_parsing(hw_conn_t* conn) {
  hw_http1_t* http = hw_freelist_take(conn->env->parsers);

  if (http == NULL) {
    return HW_ENOMEM;
  }
  hw_http1_init(http);
  hw_http1_begin(http, conn->flags, conn->header_max);
  conn->http = http;
  conn->exchange = HW_EXCHANGE_READING;
  return 0;
}

static void end_exchange(hw_conn_t* conn, int reusable) {
  conn->exchange =
      (uint8_t)(reusable ? HW_EXCHANGE_REUSABLE : HW_EXCHANGE_LAST);
}

static void parse(hw_conn_t* conn, const char* data, size_t len) {
  hw_http1_t* http = conn->http;
  hw_ring_t* ring = conn->env->ring;
  hw_slabs_t* slabs = conn->env->slabs;
  uint32_t first = ring->count;
  int err = 0;

  err = hw_http1_feed(http, ring, slabs, hw_conn_tag(conn), data, len);
  if (conn->tapped) {
    push_raw(conn, data, len);
  } else {
    hw_slabs_hand_over(slabs, ring, first, data);
  }
  if (!http->active) {
    if (http->upgraded) {
      /* What else is in the kernel is the next owner's: see hw_conn_dup. */
      conn->ended = 1;
      stop_reading(conn);
    }
    end_exchange(conn, hw_http1_reusable(http));
    if (http->long_text == NULL) {
      parser_free(conn);
    }
  }
  if (err != 0) {
    on_failure(conn, err);
  }
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  hw_conn_t* conn = handle->data;
  hw_ring_t* ring = conn->env->ring;
  char* base = NULL;
  uint32_t len = 0;

  (void)suggested;
  /* It is low here only if JavaScript turns the loop while it reads the ring.
   * on_read() has it emptied then. */
  if (!hw_ring_low(ring)) {
    len = hw_slabs_space(conn->env->slabs, ring, &base);
  }
  *buf = uv_buf_init(base, len);
}

/* Also after an error: there is nothing more to read then. */
static void stop_reading(hw_conn_t* conn) {
  if (conn->reading) {
    conn->reading = 0;
    (void)uv_read_stop(&conn->uv.stream); /* cannot fail */
  }
}

static void start_reading(hw_conn_t* conn) {
  if (conn->state == HW_CONN_OPEN && !conn->reading && !conn->paused &&
      !conn->ended && !conn->dirty) {
    conn->reading = uv_read_start(&conn->uv.stream, on_alloc, on_read) == 0;
  }
}

/* Bytes (status 0) or an end on an idle connection: it is never leased again.
 */
static void retire(hw_conn_t* conn, int status) {
  hw_pool_take(conn->link.pool, &conn->link);
  push_status(conn, HW_REC_RETIRE, status);
  stop_reading(conn);
}

static void on_failure(hw_conn_t* conn, int status) {
  conn->ended = 1;
  stop_reading(conn);
  push_status(conn, HW_REC_READ_ERROR, status);
}

static void push_raw(hw_conn_t* conn, const char* data, size_t len) {
  uint32_t* record = push(conn, HW_REC_RAW);

  record[HW_WORD_BODY_AT] = hw_slabs_take(conn->env->slabs, data, len);
  record[HW_WORD_BODY_LEN] = (uint32_t)len;
  record[HW_WORD_FLAGS] = conn->env->slabs->current.id << HW_FLAG_SLAB_SHIFT;
}

static void on_bytes(hw_conn_t* conn, const char* data, size_t len) {
  conn->bytes_read += len;
  if (conn->exchange == HW_EXCHANGE_BEGUN && start_parsing(conn) != 0) {
    end_exchange(conn, 0);
    on_failure(conn, HW_ENOMEM);
    return;
  }
  if (conn->exchange == HW_EXCHANGE_READING) {
    parse(conn, data, len);
    return;
  }
  conn->dirty = 1;
  if (conn->link.state == HW_LINK_IDLE) {
    retire(conn, 0);
  } else {
    stop_reading(conn); /* release will refuse it */
  }
}

static void on_end(hw_conn_t* conn, int status) {
  if (conn->link.state == HW_LINK_IDLE) {
    conn->ended = 1;
    retire(conn, status);
  } else if (status == UV_EOF) {
    conn->ended = 1;
    stop_reading(conn);
    /* The socket's end is told first, then the response's that comes of it. */
    push(conn, HW_REC_EOF);
    if (conn->exchange == HW_EXCHANGE_READING) {
      hw_http1_finish(conn->http, conn->env->ring, hw_conn_tag(conn));
    }
    end_exchange(conn, 0);
  } else {
    on_failure(conn, status);
  }
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  hw_conn_t* conn = stream->data;

  if (nread == 0) {
    return; /* EAGAIN */
  }
  if (nread > 0) {
    on_bytes(conn, buf->base, (size_t)nread);
    /* libuv reads on at once: JavaScript says first whether it wants more. */
    if ((size_t)nread == buf->len && conn->env->ring->count != 0) {
      conn->env->ring->flush = 1;
    }
  } else if (nread != UV_ENOBUFS) { /* no slab: the bytes stay in the kernel */
    on_end(conn, (int)nread);
  }
  conn->env->settle(conn);
}

static void on_write(uv_write_t* req, int status) {
  hw_write_t* write = req->data;
  hw_conn_t* conn = write->conn;

  conn->write = NULL;
  hw_mem_free(write);
  if (conn->state == HW_CONN_OPEN) {
    push_status(conn, HW_REC_WROTE, status);
    conn->env->settle(conn);
  }
}

/* Copies up to len bytes of bufs to out. */
static void gather(char* out, const uv_buf_t* bufs, size_t len) {
  for (; len > 0; bufs++) {
    size_t part = bufs->len < len ? bufs->len : len;

    if (part > 0) {
      memcpy(out, bufs->base, part);
    }
    out += part;
    len -= part;
  }
}

/* Queues a copy of the first len bytes of bufs. Result: 1, or an error. */
static int queue_write(hw_conn_t* conn, const uv_buf_t* bufs, size_t len) {
  hw_write_t* write = hw_mem_alloc(sizeof(*write) + len);
  uv_buf_t copy;
  int err = 0;

  if (write == NULL) {
    return HW_ENOMEM;
  }
  write->conn = conn;
  write->len = len;
  write->req.data = write;
  gather(write->data, bufs, len);
  copy = uv_buf_init(write->data, (unsigned)len);
  err = uv_write(&write->req, &conn->uv.stream, &copy, 1, on_write);
  if (err != 0) {
    hw_mem_free(write);
    return err;
  }
  conn->write = write;
  conn->bytes_written += len;
  return 1;
}

/* Drops the first `skip` bytes of bufs; the first buffer that is left. */
static uv_buf_t* skip_bytes(uv_buf_t* bufs, size_t skip) {
  while (skip >= bufs->len && skip > 0) {
    skip -= bufs->len;
    bufs++;
  }
  bufs->base += skip;
  bufs->len -= skip;
  return bufs;
}

int hw_conn_write(hw_conn_t* conn,
                  uv_buf_t* bufs,
                  unsigned count,
                  size_t* taken) {
  size_t total = 0;
  size_t left = 0;
  unsigned i = 0;
  int written = 0;
  int err = 0;

  *taken = 0;
  if (conn->state != HW_CONN_OPEN || conn->write != NULL) {
    return HW_ESTATE;
  }
  for (i = 0; i < count; i++) {
    if (hw_size_add(total, bufs[i].len, &total) != 0) {
      return HW_EINVAL;
    }
  }
  if (total == 0) {
    return 0;
  }
  written = uv_try_write(&conn->uv.stream, bufs, count);
  if (written < 0 && written != UV_EAGAIN) {
    return written;
  }
  if (written > 0) {
    *taken = (size_t)written;
    conn->bytes_written += *taken;
    if (*taken == total) {
      return 0;
    }
    bufs = skip_bytes(bufs, *taken);
  }
  left = total - *taken;
  if (left > HW_WRITE_QUEUE_MAX) {
    left = HW_WRITE_QUEUE_MAX;
  }
  err = queue_write(conn, bufs, left);
  if (err == 1) {
    *taken += left;
  }
  return err;
}

const char* hw_conn_queued(const hw_conn_t* conn, size_t* len) {
  const hw_write_t* write = conn->write;

  *len = 0;
  if (write == NULL || conn->state != HW_CONN_OPEN) {
    return NULL;
  }
  *len = uv_stream_get_write_queue_size(&conn->uv.stream);
  HW_ASSERT(*len <= write->len);
  return write->data + (write->len - *len);
}

static void on_shutdown(uv_shutdown_t* req, int status) {
  (void)status; /* the peer's end or an error comes on the read side */
  hw_mem_free(req);
}

int hw_conn_shutdown(hw_conn_t* conn) {
  uv_shutdown_t* req = NULL;
  int err = 0;

  if (conn->state != HW_CONN_OPEN) {
    return UV_ENOTCONN;
  }
  req = hw_mem_alloc(sizeof(*req));
  if (req == NULL) {
    return HW_ENOMEM;
  }
  err = uv_shutdown(req, &conn->uv.stream, on_shutdown);
  if (err != 0) {
    hw_mem_free(req);
  } else {
    conn->ending = 1;
  }
  return err;
}

/* Has it a handle that is not being closed for good? */
static int is_usable(const hw_conn_t* conn) {
  return conn->state >= HW_CONN_READY && conn->state < HW_CONN_CLOSING;
}

int hw_conn_ref(hw_conn_t* conn, int on) {
  if (!is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->unrefd = (uint8_t)!on;
  if (on) {
    uv_ref(&conn->uv.handle);
  } else {
    uv_unref(&conn->uv.handle);
  }
  return 0;
}

int hw_conn_tap(hw_conn_t* conn, int on) {
  if (!is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->tapped = (uint8_t)(on != 0);
  return 0;
}

int hw_conn_pause(hw_conn_t* conn, int paused) {
  if (!is_usable(conn)) {
    return HW_ESTATE;
  }
  conn->paused = (uint8_t)(paused != 0);
  if (paused) {
    stop_reading(conn);
  } else {
    start_reading(conn);
  }
  return 0;
}

static void on_close(uv_handle_t* handle) {
  hw_conn_t* conn = handle->data;

  set_state(conn, HW_CONN_CLOSED);
  push(conn, HW_REC_CLOSED);
  conn->env->settle(conn);
}

static void start_closing(hw_conn_t* conn) {
  conn->reading = 0;
  set_state(conn, HW_CONN_CLOSING);
  if (conn->dial != NULL) {
    hw_deadline_stop(conn->env->deadlines, &conn->dial->deadline);
  }
}

void hw_conn_close(hw_conn_t* conn) {
  int redial = conn->state == HW_CONN_REDIAL;

  if (conn->state == HW_CONN_NEW || conn->state == HW_CONN_EXTERNAL) {
    set_state(conn, HW_CONN_CLOSED);
    return;
  }
  if (conn->state >= HW_CONN_CLOSING) {
    return;
  }
  start_closing(conn);
  if (!redial) {
    uv_close(&conn->uv.handle, on_close);
  }
}

void hw_conn_close_reset(hw_conn_t* conn) {
  if (conn->state != HW_CONN_OPEN || conn->is_pipe) {
    hw_conn_close(conn);
    return;
  }
  /* Refused while a shutdown is under way: then it is a plain close. */
  if (uv_tcp_close_reset(&conn->uv.tcp, on_close) != 0) {
    hw_conn_close(conn);
    return;
  }
  start_closing(conn);
}

int hw_conn_reusable(const hw_conn_t* conn) {
  return conn->state == HW_CONN_OPEN && !conn->dirty && !conn->ended &&
         conn->write == NULL &&
         (conn->exchange == HW_EXCHANGE_NONE ||
          conn->exchange == HW_EXCHANGE_REUSABLE);
}

char* hw_conn_take_text(hw_conn_t* conn, size_t* len) {
  *len = 0;
  return conn->http != NULL ? hw_http1_take_text(conn->http, len) : NULL;
}

int hw_conn_peek(const hw_conn_t* conn) {
  uv_os_fd_t fd = -1;
  char byte = 0;

  if (conn->state != HW_CONN_OPEN || conn->ended || conn->dirty ||
      uv_fileno(&conn->uv.handle, &fd) != 0) {
    return 0;
  }
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EINTR);
}

int hw_conn_keepalive(hw_conn_t* conn, int on, unsigned seconds) {
  if (!is_usable(conn) || conn->is_pipe) {
    return HW_ESTATE;
  }
  conn->keepalive_s = on ? (seconds > 0 ? seconds : 1) : 0;
  return conn->state == HW_CONN_OPEN ? set_keepalive(conn) : 0;
}

int hw_conn_nodelay(hw_conn_t* conn, int on) {
  if (!is_usable(conn) || conn->is_pipe) {
    return HW_ESTATE;
  }
  conn->nodelay = (uint8_t)(on != 0);
  return conn->state == HW_CONN_OPEN ? set_nodelay(conn) : 0;
}

/* Result: the descriptor of a TCP connection, or what libuv says of none. */
static int tcp_fd(const hw_conn_t* conn) {
  uv_os_fd_t fd = -1;

  if (!is_usable(conn) || conn->is_pipe ||
      uv_fileno(&conn->uv.handle, &fd) != 0) {
    return UV_EBADF;
  }
  return fd;
}

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0
             ? 0
             : uv_translate_sys_error(errno);
}

int hw_conn_probes(hw_conn_t* conn, unsigned seconds, unsigned count) {
  int fd = tcp_fd(conn);
  int err = 0;

  if (fd < 0) {
    return fd;
  }
  if (seconds != 0) {
    err = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)seconds);
  }
  if (err == 0 && count != 0) {
    err = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)count);
  }
  return err;
}

static int is_v6(int fd) {
  hw_address_t addr;
  socklen_t len = sizeof(addr);

  memset(&addr, 0, sizeof(addr));
  return getsockname(fd, &addr.any, &len) == 0 &&
         addr.any.sa_family == AF_INET6;
}

int hw_conn_set_tos(hw_conn_t* conn, int tos) {
  int fd = tcp_fd(conn);

  if (fd < 0) {
    return fd;
  }
  return is_v6(fd) ? set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, tos)
                   : set_option(fd, IPPROTO_IP, IP_TOS, tos);
}

int hw_conn_tos(const hw_conn_t* conn) {
  int fd = tcp_fd(conn);
  int tos = 0;
  socklen_t len = sizeof(tos);

  if (fd < 0) {
    return fd;
  }
  return getsockopt(fd,
                    is_v6(fd) ? IPPROTO_IPV6 : IPPROTO_IP,
                    is_v6(fd) ? IPV6_TCLASS : IP_TOS,
                    &tos,
                    &len) == 0
             ? tos
             : uv_translate_sys_error(errno);
}

int hw_conn_dup(const hw_conn_t* conn) {
  uv_os_fd_t fd = -1;
  int err = 0;

  if (conn->state != HW_CONN_OPEN) {
    return HW_ESTATE;
  }
  err = uv_fileno(&conn->uv.handle, &fd);
  if (err != 0) {
    return err;
  }
  if (conn->ending && conn->write == NULL) {
    /* libuv does it in its next turn only, and this one may be closed then. */
    (void)shutdown(fd, SHUT_WR);
  }
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return fd >= 0 ? fd : uv_translate_sys_error(errno);
}
