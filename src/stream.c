/* SPDX-License-Identifier: MIT */
/*
 * One connected socket: see stream.h.
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <string.h>
#include <unistd.h>

static_assert((int)HW_ENOMEM == (int)UV_ENOMEM, "one code for one cause");

/* What the kernel did not accept at once, in the core's own copy: memory that
 * belongs to JavaScript may be collected, transferred or resized meanwhile. */
struct hw_write {
  uv_write_t req;
  hw_stream_t* stream;
  size_t len;
  char data[];
};

void hw_stream_init(hw_stream_t* stream, const hw_stream_owner_t* owner) {
  memset(stream, 0, sizeof(*stream));
  stream->owner = owner;
}

void hw_stream_open(hw_stream_t* stream, int is_pipe) {
  stream->opened = 1;
  stream->is_pipe = (uint8_t)(is_pipe != 0);
}

/* Without a descriptor libuv remembers the options, but not the delay of
 * keep-alive: they are set once there is one. */
static int set_keepalive(const hw_stream_t* stream) {
  return uv_tcp_keepalive(&stream->socket->uv.tcp,
                          stream->keepalive_s != 0,
                          stream->keepalive_s != 0 ? stream->keepalive_s : 1);
}

static int set_nodelay(const hw_stream_t* stream) {
  return uv_tcp_nodelay(&stream->socket->uv.tcp, stream->nodelay);
}

/* An option that is not available is no reason to fail. */
void hw_stream_attach(hw_stream_t* stream,
                      hw_socket_t* socket,
                      const hw_transport_t* transport) {
  stream->socket = socket;
  stream->transport = transport;
  socket->uv.handle.data = stream;
  if (stream->keepalive_s != 0) {
    (void)set_keepalive(stream);
  }
  if (stream->nodelay) {
    (void)set_nodelay(stream);
  }
}

/* Also after an error or an end, when there is nothing more to read. */
void hw_stream_read(hw_stream_t* stream, int on) {
  if (stream->reading == (on != 0)) {
    return;
  }
  if (on) {
    stream->reading = stream->transport->read_start(stream) == 0;
  } else {
    stream->reading = 0;
    (void)uv_read_stop(&stream->socket->uv.stream); /* cannot fail */
  }
}

/* A stream that is closing has dropped the write, and its owner knows. */
static void on_write(uv_write_t* req, int status) {
  hw_write_t* write = req->data;
  hw_stream_t* stream = write->stream;

  stream->write = NULL;
  hw_mem_free(write);
  if (hw_stream_is_connected(stream)) {
    stream->owner->wrote(stream, status);
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

/* At most one is queued: JavaScript brings the next piece after this one has
 * ended. */
int hw_stream_queue(hw_stream_t* stream, const uv_buf_t* bufs, size_t len) {
  hw_write_t* write = hw_mem_alloc(sizeof(*write) + len);
  uv_buf_t copy;
  int err = 0;

  if (write == NULL) {
    return HW_ENOMEM;
  }
  write->stream = stream;
  write->len = len;
  write->req.data = write;
  gather(write->data, bufs, len);
  copy = uv_buf_init(write->data, (unsigned)len);
  err = uv_write(&write->req, &stream->socket->uv.stream, &copy, 1, on_write);
  if (err != 0) {
    hw_mem_free(write);
    return err;
  }
  stream->write = write;
  return 1;
}

int hw_stream_write(hw_stream_t* stream,
                    uv_buf_t* bufs,
                    unsigned count,
                    size_t* taken) {
  size_t total = 0;
  unsigned i = 0;
  int result = 0;

  *taken = 0;
  if (!hw_stream_is_connected(stream) || stream->write != NULL) {
    return HW_ESTATE;
  }
  for (i = 0; i < count; i++) {
    if (hw_size_add(total, bufs[i].len, &total) != 0) {
      return HW_EINVAL;
    }
  }
  if (total != 0) {
    result = stream->transport->write(stream, bufs, count, total, taken);
    stream->bytes_written += *taken;
  }
  return result;
}

/* libuv reports how much of the one write is still queued. */
const char* hw_stream_queued(const hw_stream_t* stream, size_t* len) {
  const hw_write_t* write = stream->write;

  *len = 0;
  if (write == NULL || !hw_stream_is_connected(stream)) {
    return NULL;
  }
  *len = uv_stream_get_write_queue_size(&stream->socket->uv.stream);
  HW_ASSERT(*len <= write->len);
  return write->data + (write->len - *len);
}

/* The end is sent after the queued bytes. The owner is not called for it,
 * because JavaScript does not wait for it either. */
int hw_stream_shutdown(hw_stream_t* stream) {
  int err = UV_ENOTCONN;

  if (hw_stream_is_connected(stream)) {
    err = stream->transport->shutdown(stream);
    if (err == 0) {
      stream->ending = 1;
    }
  }
  return err;
}

static void on_close(void* owner) {
  hw_stream_t* stream = owner;

  stream->socket = NULL;
  stream->owner->closed(stream);
}

int hw_stream_close(hw_stream_t* stream, int reset) {
  HW_ASSERT(!stream->closing);
  stream->closing = 1;
  stream->reading = 0;
  if (stream->socket == NULL) {
    return 0;
  }
  hw_socket_close(stream->socket, reset, on_close);
  return 1;
}

int hw_stream_peek(const hw_stream_t* stream) {
  return hw_stream_is_connected(stream) && stream->transport->peek(stream);
}

int hw_stream_dup(hw_stream_t* stream) {
  int fd =
      hw_stream_is_connected(stream) ? hw_socket_fd(stream->socket) : HW_ESTATE;

  if (fd < 0) {
    return fd;
  }
  if (stream->ending && stream->write == NULL) {
    /* libuv sends it only in its next turn, when this one may be closed. */
    (void)shutdown(fd, SHUT_WR);
  }
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return fd >= 0 ? fd : uv_translate_sys_error(errno);
}

/* Can this option be set now or, once it is connected, later? */
static int takes_options(const hw_stream_t* stream) {
  return hw_stream_is_usable(stream) && !stream->is_pipe;
}

int hw_stream_keepalive(hw_stream_t* stream, int on, unsigned seconds) {
  if (!takes_options(stream)) {
    return HW_ESTATE;
  }
  stream->keepalive_s = on ? (seconds > 0 ? seconds : 1) : 0;
  return stream->socket != NULL ? set_keepalive(stream) : 0;
}

int hw_stream_nodelay(hw_stream_t* stream, int on) {
  if (!takes_options(stream)) {
    return HW_ESTATE;
  }
  stream->nodelay = (uint8_t)(on != 0);
  return stream->socket != NULL ? set_nodelay(stream) : 0;
}
