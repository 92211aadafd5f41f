/* SPDX-License-Identifier: MIT */
/*
 * One libuv handle in its own memory, so that its owner can change: a dial owns
 * it while it is being connected, a stream from then on. uv.handle.data is the
 * owner's.
 */
#ifndef HW_SOCKET_H
#define HW_SOCKET_H

#include "address.h"
#include "env.h"

typedef struct hw_socket hw_socket_t;

struct hw_socket {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv;
  hw_env_t* env;
  void (*closed)(void* owner);
};

/* A TCP socket without an address yet, or a pipe. Result: 0 or a negative
 * code. */
HW_MUST_USE int hw_socket_open(hw_env_t* env, int is_pipe, hw_socket_t** out);

/* Ends it: `closed` is called with uv.handle.data in a later callback, when the
 * socket itself is gone. reset: with RST instead of FIN (an open TCP socket
 * without a shutdown in progress; any other is closed as usual). */
void hw_socket_close(hw_socket_t* socket,
                     int reset,
                     void (*closed)(void* owner));

static inline int hw_socket_is_tcp(const hw_socket_t* socket) {
  return socket->uv.handle.type == UV_TCP;
}

/* Whether it keeps the loop alive. */
void hw_socket_ref(hw_socket_t* socket, int on);

/* Its descriptor, or libuv's code. */
int hw_socket_fd(hw_socket_t* socket);

/* Of a TCP socket with a descriptor; else UV_EBADF. Its own or its peer's
 * address; the seconds between its keep-alive probes and how many there are
 * (0: as it is); the type of service in the IP header of what it sends.
 * Result: 0 (hw_socket_tos: the value), or a code. */
int hw_socket_name(const hw_socket_t* socket, int peer, hw_address_t* out);
int hw_socket_probes(hw_socket_t* socket, unsigned seconds, unsigned count);
int hw_socket_set_tos(hw_socket_t* socket, unsigned tos);
int hw_socket_tos(hw_socket_t* socket);

#endif /* HW_SOCKET_H */
