/* SPDX-License-Identifier: MIT */
/*
 * From addresses to one connected socket: see dial.h.
 *
 * One attempt: start its deadline, connect, and wait for either. When an
 * attempt that is not the last fails, its socket is closed; the close callback
 * pushes the record and begins the next attempt. An attempt that fails at once
 * takes the same way, so that no record is pushed inside a call from above.
 */
#include "dial.h"

#include <string.h>

static int attempt(hw_dial_t* dial);

/* For the current attempt. ref() and unref() apply to all of them. */
static int open_socket(hw_dial_t* dial, int is_pipe) {
  int err = hw_socket_open(dial->env, is_pipe, &dial->socket);

  if (err == 0) {
    dial->socket->uv.handle.data = dial;
    if (dial->unrefd) {
      hw_socket_ref(dial->socket, 0);
    }
  }
  return err;
}

int hw_dial_open(hw_env_t* env, int is_pipe, hw_dial_t** out) {
  hw_dial_t* dial = hw_freelist_take(&env->dials);
  int err = 0;

  *out = NULL;
  if (dial == NULL) {
    return HW_ENOMEM;
  }
  memset(dial, 0, sizeof(*dial));
  dial->env = env;
  dial->addrs = &dial->first;
  hw_deadline_init(&dial->deadline, HW_DEADLINE_ATTEMPT);
  err = open_socket(dial, is_pipe);
  if (err != 0) {
    hw_freelist_give(&env->dials, dial);
    return err;
  }
  *out = dial;
  return 0;
}

/* Also after a failed start: another one may follow. */
static void forget_addresses(hw_dial_t* dial) {
  if (dial->addrs != &dial->first) {
    hw_mem_free(dial->addrs);
    dial->addrs = &dial->first;
  }
}

void hw_dial_free(hw_dial_t* dial) {
  HW_ASSERT(dial->socket == NULL && !dial->turning);
  hw_deadline_stop(&dial->env->deadlines, &dial->deadline);
  forget_addresses(dial);
  hw_freelist_give(&dial->env->dials, dial);
}

int hw_dial_bind(hw_dial_t* dial, const hw_address_t* addr, unsigned flags) {
  int err = uv_tcp_bind(&dial->socket->uv.tcp, &addr->any, flags);

  if (err == 0) {
    dial->bound = 1;
    dial->local = *addr;
  }
  return err;
}

/* The port given to hw_dial_bind(), on any address of the current family. */
static int bind_again(hw_dial_t* dial) {
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
  return uv_tcp_bind(&dial->socket->uv.tcp, &local.any, 0);
}

static int is_last(const hw_dial_t* dial) {
  return dial->current + 1 >= dial->count;
}

/* The current attempt of several has failed. */
static void push_failed(hw_dial_t* dial, int status) {
  uint32_t* record =
      hw_ring_push(&dial->env->ring, HW_REC_ATTEMPT_FAILED, dial->tag);

  record[HW_WORD_STATUS] = (uint32_t)status;
  record[HW_WORD_FLAGS] = dial->current;
}

/* It has failed for good. The last socket stays until the dial is stopped, as
 * with a single address: until then its connection has a place in the pool. */
static void fail(hw_dial_t* dial, int status) {
  if (dial->count > 1 && is_last(dial)) {
    push_failed(dial, status);
  }
  dial->done(dial, status);
}

/* The socket of a failed attempt is closed. JavaScript reads of it before the
 * next attempt begins, and may stop the dial. */
static void on_attempt_closed(void* owner) {
  hw_dial_t* dial = owner;
  int err = 0;

  if (!dial->stopped) {
    push_failed(dial, dial->status);
    dial->env->ring.flush = 1;
    dial->env->settle(dial->env, NULL);
  }
  dial->turning = 0;
  if (dial->stopped) {
    dial->done(dial, UV_ECANCELED);
    return;
  }
  dial->current++;
  err = open_socket(dial, 0);
  if (err == 0) {
    err = attempt(dial);
  }
  if (err != 0) {
    fail(dial, err);
  }
}

/* The current attempt has failed, and it is not the last. */
static void turn_to_next(hw_dial_t* dial, int status) {
  hw_socket_t* socket = dial->socket;

  hw_deadline_stop(&dial->env->deadlines, &dial->deadline);
  dial->status = status;
  dial->socket = NULL;
  dial->turning = 1;
  hw_socket_close(socket, 0, on_attempt_closed);
}

static void on_connect(uv_connect_t* req, int status) {
  hw_dial_t* dial = req->data;

  if (dial->stopped || dial->turning) {
    return; /* given up: the socket is being closed */
  }
  hw_deadline_stop(&dial->env->deadlines, &dial->deadline);
  if (status == 0) {
    dial->done(dial, 0);
  } else if (is_last(dial)) {
    fail(dial, status);
  } else {
    turn_to_next(dial, status);
  }
}

void hw_dial_due(hw_deadline_t* deadline) {
  turn_to_next(HW_CONTAINER_OF(deadline, hw_dial_t, deadline), UV_ETIMEDOUT);
}

/* Starts the current attempt. On an error nothing was started: the deadline is
 * started first, because a connect cannot be undone. The last attempt has no
 * limit here; the request's own time limit is JavaScript's. */
static int attempt(hw_dial_t* dial) {
  int err = 0;

  if (!is_last(dial)) {
    uv_update_time(dial->env->uv); /* JavaScript may have run for long */
    err = hw_deadline_start(&dial->env->deadlines,
                            &dial->deadline,
                            dial->attempt_ms,
                            uv_now(dial->env->uv));
    if (err != 0) {
      return err;
    }
  }
  dial->req.data = dial;
  if (dial->bound && dial->current != 0) {
    err = bind_again(dial);
  }
  if (err == 0) {
    err = uv_tcp_connect(&dial->req,
                         &dial->socket->uv.tcp,
                         &dial->addrs[dial->current].any,
                         on_connect);
  }
  if (err != 0 && !is_last(dial)) {
    turn_to_next(dial, err);
    err = 0;
  }
  return err;
}

int hw_dial_start(hw_dial_t* dial,
                  const hw_address_t* addrs,
                  size_t count,
                  uint64_t attempt_ms) {
  int err = 0;

  if (count == 0 || count > HW_ADDRESSES_MAX) {
    return HW_EINVAL;
  }
  if (count > 1) {
    dial->addrs = hw_mem_alloc(count * sizeof(addrs[0])); /* at most 7 KiB */
    if (dial->addrs == NULL) {
      dial->addrs = &dial->first;
      return HW_ENOMEM;
    }
  }
  memcpy(dial->addrs, addrs, count * sizeof(addrs[0]));
  dial->current = 0;
  dial->count = (uint32_t)count;
  dial->attempt_ms = attempt_ms;
  err = attempt(dial);
  if (err != 0) {
    forget_addresses(dial);
  }
  return err;
}

int hw_dial_start_pipe(hw_dial_t* dial, const char* path, size_t len) {
  if (len == 0 || memchr(path, 0, len) != NULL) {
    return UV_EINVAL; /* abstract names take the Node lane */
  }
  dial->count = 1;
  dial->req.data = dial;
  /* A failure, also of a path that is too long, is reported in the callback. */
  uv_pipe_connect(&dial->req, &dial->socket->uv.pipe, path, on_connect);
  return 0;
}

void hw_dial_ref(hw_dial_t* dial, int on) {
  dial->unrefd = (uint8_t)!on;
  if (dial->socket != NULL) {
    hw_socket_ref(dial->socket, on);
  }
}

static void on_stopped(void* owner) {
  hw_dial_t* dial = owner;

  dial->done(dial, UV_ECANCELED);
}

int hw_dial_stop(hw_dial_t* dial) {
  dial->stopped = 1;
  hw_deadline_stop(&dial->env->deadlines, &dial->deadline);
  if (dial->socket != NULL) {
    hw_socket_close(hw_dial_take(dial), 0, on_stopped);
    return 1;
  }
  return dial->turning;
}

hw_socket_t* hw_dial_take(hw_dial_t* dial) {
  hw_socket_t* socket = dial->socket;

  dial->socket = NULL;
  return socket;
}
