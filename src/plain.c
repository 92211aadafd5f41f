/* SPDX-License-Identifier: MIT */
/*
 * The transport of plain http: the socket carries the user's bytes unchanged.
 * Reads go directly into slabs; writes go directly to the kernel.
 */
#include <errno.h>
#include <sys/socket.h>

#include "stream.h"

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  hw_stream_t* stream = handle->data;
  hw_env_t* env = stream->socket->env;
  char* base = NULL;
  uint32_t len = 0;

  (void)suggested;
  /* It is low here only if JavaScript runs the loop while it reads the ring;
   * on_read() then has it emptied. */
  if (!hw_ring_low(&env->ring)) {
    len = hw_slabs_space(&env->slabs, &env->ring, &base);
  }
  *buf = uv_buf_init(base, len);
}

static void on_read(uv_stream_t* handle, ssize_t nread, const uv_buf_t* buf) {
  hw_stream_t* stream = handle->data;
  hw_env_t* env = stream->socket->env;

  if (nread == 0) {
    return; /* EAGAIN */
  }
  if (nread == UV_ENOBUFS) { /* the bytes stay in the kernel */
    env->settle(env, NULL);
  } else if (nread < 0) {
    stream->owner->end(stream, (int)nread);
  } else {
    stream->bytes_read += (size_t)nread;
    stream->owner->bytes(
        stream, buf->base, (size_t)nread, (size_t)nread == buf->len);
  }
}

static int read_start(hw_stream_t* stream) {
  return uv_read_start(&stream->socket->uv.stream, on_alloc, on_read);
}

/* Drops the first `skip` bytes of bufs; returns the first remaining buffer. */
static uv_buf_t* skip_bytes(uv_buf_t* bufs, size_t skip) {
  while (skip >= bufs->len && skip > 0) {
    skip -= bufs->len;
    bufs++;
  }
  bufs->base += skip;
  bufs->len -= skip;
  return bufs;
}

static int write_now(hw_stream_t* stream,
                     uv_buf_t* bufs,
                     unsigned count,
                     size_t total,
                     size_t* taken) {
  int written = uv_try_write(&stream->socket->uv.stream, bufs, count);
  size_t left = 0;
  int result = 0;

  if (written < 0 && written != UV_EAGAIN) {
    return written;
  }
  if (written > 0) {
    *taken = (size_t)written;
    if (*taken == total) {
      return 0;
    }
    bufs = skip_bytes(bufs, *taken);
  }
  left = total - *taken;
  if (left > HW_WRITE_QUEUE_MAX) {
    left = HW_WRITE_QUEUE_MAX;
  }
  result = hw_stream_queue(stream, bufs, left);
  if (result == 1) {
    *taken += left;
  }
  return result;
}

static void on_shutdown(uv_shutdown_t* req, int status) {
  (void)status; /* the peer's end or an error comes on the read side */
  hw_mem_free(req);
}

static int end_writes(hw_stream_t* stream) {
  uv_shutdown_t* req = hw_mem_alloc(sizeof(*req));
  int err = HW_ENOMEM;

  if (req != NULL) {
    err = uv_shutdown(req, &stream->socket->uv.stream, on_shutdown);
    if (err != 0) {
      hw_mem_free(req);
    }
  }
  return err;
}

static int peek(const hw_stream_t* stream) {
  int fd = hw_socket_fd(stream->socket);
  char byte = 0;

  return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EINTR);
}

const hw_transport_t hw_plain = {
    .read_start = read_start,
    .write = write_now,
    .shutdown = end_writes,
    .peek = peek,
};
