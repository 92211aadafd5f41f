/* SPDX-License-Identifier: MIT */
/*
 * One connected socket: read, write, shutdown, peek, dup, options. The
 * transport converts between the socket's bytes and the user's.
 *
 * Embedded in its owner, a connection, before the socket is connected: options
 * that are set earlier apply once it is.
 */
#ifndef HW_STREAM_H
#define HW_STREAM_H

#include "address.h"
#include "env.h"
#include "socket.h"

typedef struct hw_stream hw_stream_t;
typedef struct hw_write hw_write_t;

/* The most bytes that one connection queues when the kernel does not accept
 * them. */
#define HW_WRITE_QUEUE_MAX 65536u

/* Upwards: each is the last call of a libuv callback, and may close the
 * stream. */
typedef struct {
  /* more: the read was filled, and another may follow in the same callback. */
  void (*bytes)(hw_stream_t* stream, const char* data, size_t len, int more);
  void (*end)(hw_stream_t* stream, int status); /* UV_EOF, or an error */
  void (*wrote)(hw_stream_t* stream, int status);
  void (*closed)(hw_stream_t* stream);
} hw_stream_owner_t;

/* Chosen when the socket is connected. A transport passes what it reads to
 * bytes() and end() of the owner. */
typedef struct {
  int (*read_start)(hw_stream_t* stream); /* 0 or libuv's code */
  int (*write)(hw_stream_t* stream,
               uv_buf_t* bufs,
               unsigned count,
               size_t total,
               size_t* taken); /* as hw_stream_write(); total is not 0 */
  int (*shutdown)(hw_stream_t* stream);
  int (*peek)(const hw_stream_t* stream);
} hw_transport_t;

extern const hw_transport_t hw_plain; /* bytes as they are: plain.c */

struct hw_stream {
  hw_socket_t* socket; /* NULL: not connected yet, or closed */
  const hw_transport_t* transport;
  const hw_stream_owner_t* owner;
  hw_write_t* write; /* the one queued write, or NULL */
  uint64_t bytes_read;
  uint64_t bytes_written; /* including queued ones, as Node counts */
  uint32_t keepalive_s;   /* 0: off */
  uint8_t opened;         /* hw_stream_open() was called */
  uint8_t is_pipe;
  uint8_t nodelay;
  uint8_t reading;
  uint8_t ending;  /* the end of our side was requested */
  uint8_t closing; /* hw_stream_close() was called */
};

void hw_stream_init(hw_stream_t* stream, const hw_stream_owner_t* owner);

/* A socket will be attached: from here until the close, options may be set. */
void hw_stream_open(hw_stream_t* stream, int is_pipe);

static inline int hw_stream_is_usable(const hw_stream_t* stream) {
  return stream->opened && !stream->closing;
}

/* Takes socket, which is connected. */
void hw_stream_attach(hw_stream_t* stream,
                      hw_socket_t* socket,
                      const hw_transport_t* transport);

/* Connected, and not being closed? */
static inline int hw_stream_is_connected(const hw_stream_t* stream) {
  return stream->socket != NULL && !stream->closing;
}

/* Starts or stops the reads. */
void hw_stream_read(hw_stream_t* stream, int on);

/* Writes at once what the kernel accepts. Of the rest, up to HW_WRITE_QUEUE_MAX
 * bytes are copied and queued; the caller writes the remainder after wrote().
 * No pointer of the caller's is kept. bufs itself is used as scratch space.
 * Result: 0 all written; 1 something is queued, *taken bytes were written or
 * queued, and wrote() follows; HW_ESTATE (not open, or a write is queued
 * already), HW_ENOMEM, or libuv's code: *taken is then what was written. */
HW_MUST_USE int hw_stream_write(hw_stream_t* stream,
                                uv_buf_t* bufs,
                                unsigned count,
                                size_t* taken);

/* The queued bytes that the kernel has not accepted, for the owner of a
 * duplicate (hw_stream_dup), which continues with them. Valid until libuv's
 * next callback. */
const char* hw_stream_queued(const hw_stream_t* stream, size_t* len);

/* Ends our side after the queued bytes. Result: 0, UV_ENOTCONN, or a code. */
int hw_stream_shutdown(hw_stream_t* stream);

/* Closes; queued writes are dropped. reset: see socket.h. Result: 1 if
 * closed() follows, 0 if it had no socket. */
int hw_stream_close(hw_stream_t* stream, int reset);

/* Is there nothing to read, neither bytes nor an end? Checks the socket without
 * reading. */
int hw_stream_peek(const hw_stream_t* stream);

/* A descriptor of its own for the same socket, or a negative code. An end that
 * hw_stream_shutdown() requested is sent at once, unless bytes are queued
 * before it: then the owner of the new descriptor must send it. */
int hw_stream_dup(hw_stream_t* stream);

/* Options of a TCP socket. If they are set before it is connected, they apply
 * once it is; it is then no error if one is not available. Result: 0, HW_ESTATE
 * (a pipe, or not usable), or libuv's code. seconds: as for uv_tcp_keepalive(),
 * at least 1 when on. */
int hw_stream_keepalive(hw_stream_t* stream, int on, unsigned seconds);
int hw_stream_nodelay(hw_stream_t* stream, int on);

/* For transports. Queues a copy of the first len bytes of bufs. Result: 1 or a
 * negative code. */
HW_MUST_USE int hw_stream_queue(hw_stream_t* stream,
                                const uv_buf_t* bufs,
                                size_t len);

#endif /* HW_STREAM_H */
