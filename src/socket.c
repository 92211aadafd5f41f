/* SPDX-License-Identifier: MIT */
/*
 * One libuv handle in its own memory: see socket.h.
 */
#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

/* Neither makes a system call: the descriptor comes with bind or connect. */
int hw_socket_open(hw_env_t* env, int is_pipe, hw_socket_t** out) {
  hw_socket_t* socket = hw_freelist_take(&env->sockets);
  int err = 0;

  *out = NULL;
  if (socket == NULL) {
    return HW_ENOMEM;
  }
  err = is_pipe ? uv_pipe_init(env->uv, &socket->uv.pipe, 0)
                : uv_tcp_init(env->uv, &socket->uv.tcp);
  if (err != 0) {
    hw_freelist_give(&env->sockets, socket);
    return err;
  }
  socket->env = env;
  socket->closed = NULL;
  *out = socket;
  return 0;
}

/* The memory is freed first: this call may end the owner, and the loop too. */
static void on_close(uv_handle_t* handle) {
  hw_socket_t* socket = HW_CONTAINER_OF(handle, hw_socket_t, uv.handle);
  void (*closed)(void* owner) = socket->closed;
  void* owner = handle->data;

  hw_freelist_give(&socket->env->sockets, socket);
  closed(owner);
}

/* libuv refuses a reset while a shutdown is in progress; it is then a plain
 * close. */
void hw_socket_close(hw_socket_t* socket,
                     int reset,
                     void (*closed)(void* owner)) {
  socket->closed = closed;
  if (!reset || !hw_socket_is_tcp(socket) ||
      uv_tcp_close_reset(&socket->uv.tcp, on_close) != 0) {
    uv_close(&socket->uv.handle, on_close);
  }
}

void hw_socket_ref(hw_socket_t* socket, int on) {
  if (on) {
    uv_ref(&socket->uv.handle);
  } else {
    uv_unref(&socket->uv.handle);
  }
}

int hw_socket_fd(hw_socket_t* socket) {
  uv_os_fd_t fd = -1;
  int err = uv_fileno(&socket->uv.handle, &fd);

  return err != 0 ? err : fd;
}

int hw_socket_name(const hw_socket_t* socket, int peer, hw_address_t* out) {
  int len = (int)sizeof(*out);

  if (!hw_socket_is_tcp(socket)) {
    return UV_EBADF;
  }
  return peer ? uv_tcp_getpeername(&socket->uv.tcp, &out->any, &len)
              : uv_tcp_getsockname(&socket->uv.tcp, &out->any, &len);
}

static int tcp_fd(hw_socket_t* socket) {
  return hw_socket_is_tcp(socket) ? hw_socket_fd(socket) : UV_EBADF;
}

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0
             ? 0
             : uv_translate_sys_error(errno);
}

int hw_socket_probes(hw_socket_t* socket, unsigned seconds, unsigned count) {
  int fd = tcp_fd(socket);
  int err = fd < 0 ? fd : 0;

  if (err == 0 && seconds != 0) {
    err = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)seconds);
  }
  if (err == 0 && count != 0) {
    err = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)count);
  }
  return err;
}

/* The two families have the option under different names. */
static int is_v6(const hw_socket_t* socket) {
  hw_address_t addr;

  memset(&addr, 0, sizeof(addr));
  return hw_socket_name(socket, 0, &addr) == 0 &&
         addr.any.sa_family == AF_INET6;
}

int hw_socket_set_tos(hw_socket_t* socket, unsigned tos) {
  int fd = tcp_fd(socket);
  int value = (int)(tos & 255);

  if (fd < 0) {
    return fd;
  }
  return is_v6(socket) ? set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, value)
                       : set_option(fd, IPPROTO_IP, IP_TOS, value);
}

int hw_socket_tos(hw_socket_t* socket) {
  int fd = tcp_fd(socket);
  int v6 = is_v6(socket);
  int tos = 0;
  socklen_t len = sizeof(tos);

  if (fd < 0) {
    return fd;
  }
  return getsockopt(fd,
                    v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                    v6 ? IPV6_TCLASS : IP_TOS,
                    &tos,
                    &len) == 0
             ? tos
             : uv_translate_sys_error(errno);
}
