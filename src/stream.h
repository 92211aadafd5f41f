/* SPDX-License-Identifier: MIT */
/*
 * One connected socket: read, write, shutdown, peek, dup, its options. What
 * lies between its bytes and the user's is the transport's.
 *
 * Embedded in its owner, a connection, from before the socket is connected:
 * options that are set earlier hold once it is.
 */
#ifndef HW_STREAM_H
#define HW_STREAM_H

#include "address.h"
#include "env.h"
#include "socket.h"

typedef struct hw_stream hw_stream_t;
typedef struct hw_write hw_write_t;

/* The most that one connection holds of what the kernel did not take. */
#define HW_WRITE_QUEUE_MAX 65536u

/* Upwards: each is the last thing that a callback of libuv does, and may close
 * the stream. */
typedef struct {
  /* more: the read was filled, and another may follow in the same callback. */
  void (*bytes)(hw_stream_t* stream, const char* data, size_t len, int more);
  void (*end)(hw_stream_t* stream, int status); /* UV_EOF, or an error */
  void (*wrote)(hw_stream_t* stream, int status);
  void (*closed)(hw_stream_t* stream);
} hw_stream_owner_t;

/* What a transport does; chosen when the socket is connected. What it
 * reads it gives to bytes() and end() of the owner. */
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
  uint64_t bytes_written; /* queued ones included, as Node counts */
  uint32_t keepalive_s;   /* 0: off */
  uint8_t opened;         /* hw_stream_open() was called */
  uint8_t is_pipe;
  uint8_t nodelay;
  uint8_t reading;
  uint8_t ending;  /* our side's end was asked for */
  uint8_t closing; /* hw_stream_close() was called */
};

void hw_stream_init(hw_stream_t* stream, const hw_stream_owner_t* owner);

/* A socket is going to be attached: options may be set from here on, to the
 * close. */
void hw_stream_open(hw_stream_t* stream, int is_pipe);

static inline int hw_stream_is_usable(const hw_stream_t* stream) {
  return stream->opened && !stream->closing;
}

/* socket is connected and the stream's from here on. */
void hw_stream_attach(hw_stream_t* stream,
                      hw_socket_t* socket,
                      const hw_transport_t* transport);

/* Connected, and not being closed? */
static inline int hw_stream_is_connected(const hw_stream_t* stream) {
  return stream->socket != NULL && !stream->closing;
}

/* Starts or stops the reads. */
void hw_stream_read(hw_stream_t* stream, int on);

/* Writes at once what the kernel takes. Of the rest up to HW_WRITE_QUEUE_MAX
 * bytes are copied and queued; what is beyond is the caller's to write when
 * wrote() has come. No pointer of the caller's is kept. bufs itself is used as
 * scratch space.
 * Result: 0 all written; 1 something is queued, *taken bytes were written or
 * queued, and wrote() follows; HW_ESTATE (not open, or a write is queued
 * already), HW_ENOMEM, or libuv's code: *taken is then what was written. */
HW_MUST_USE int hw_stream_write(hw_stream_t* stream,
                                uv_buf_t* bufs,
                                unsigned count,
                                size_t* taken);

/* The queued bytes that the kernel has not taken, for the owner of a duplicate
 * (hw_stream_dup) that goes on with them. Good until libuv's next callback. */
const char* hw_stream_queued(const hw_stream_t* stream, size_t* len);

/* Ends our side after what is queued. Result: 0, UV_ENOTCONN, or a code. */
int hw_stream_shutdown(hw_stream_t* stream);

/* Closes; queued writes are dropped. reset: see socket.h. Result: 1, closed()
 * follows, or 0, it had no socket. */
int hw_stream_close(hw_stream_t* stream, int reset);

/* Is nothing there to be read, no bytes and no end? Looks at the socket without
 * reading. */
int hw_stream_peek(const hw_stream_t* stream);

/* A descriptor of its own for the same socket, or a negative code. An end that
 * hw_stream_shutdown() was asked for is sent at once, unless something is
 * queued before it: then it is the descriptor's owner's to send. */
int hw_stream_dup(hw_stream_t* stream);

/* Options of a TCP socket. Set before it is connected they hold once it is, and
 * that they cannot be had is no error then. Result: 0, HW_ESTATE (a pipe, or
 * not usable), or libuv's code. seconds: as for uv_tcp_keepalive(), at least 1
 * when on. */
int hw_stream_keepalive(hw_stream_t* stream, int on, unsigned seconds);
int hw_stream_nodelay(hw_stream_t* stream, int on);

/* For transports. Queues a copy of the first len bytes of bufs. Result: 1, or a
 * negative code. */
HW_MUST_USE int hw_stream_queue(hw_stream_t* stream,
                                const uv_buf_t* bufs,
                                size_t len);

#endif /* HW_STREAM_H */
