/* SPDX-License-Identifier: MIT */
/*
 * Connections on their own loop, against sockets that this file opens:
 * dialling, options that are set before a connection is open, and every
 * allocation that may fail.
 */
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

void suite_conn(void);

/* After an error nothing follows; otherwise CONNECTED follows once. */
static void dial_with_failure(fixture_t* f,
                              const hw_address_t* addrs,
                              size_t count,
                              int listens,
                              long n) {
  int err = 0;
  int i = 0;

  add(f);
  CHECK(hw_conn_open(conn_of(f), 0) == 0);
  hw_mem_fail_at(n);
  err = hw_conn_dial(conn_of(f), addrs, count, ATTEMPT_MS);
  if (err == 0) {
    turn_until(f, HW_REC_CONNECTED);
  }
  hw_mem_fail_at(-1);
  for (i = 0; i < 8; i++) {
    (void)uv_run(&f->uv, UV_RUN_NOWAIT);
  }
  CHECK(f->met[HW_REC_CONNECTED] == (err == 0));
  CHECK(err == 0 || err == HW_ENOMEM);
  if (err == 0) {
    int status = f->status[HW_REC_CONNECTED];

    CHECK(status == HW_ENOMEM || status == (listens ? 0 : UV_ECONNREFUSED));
  } else {
    CHECK(f->met[HW_REC_ATTEMPT_FAILED] == 0);
    /* It is as it was before. */
    CHECK(hw_conn_dial(conn_of(f), addrs, count, ATTEMPT_MS) == 0);
    turn_until(f, HW_REC_CONNECTED);
  }
  close_conn(f);
}

static void a_dial_that_fails_fails_once(void) {
  fixture_t f;
  hw_address_t addrs[PORTS];
  int fds[PORTS];
  size_t count = 0;
  int listens = 0;
  long n = 0;

  for (listens = 0; listens < 2; listens++) {
    for (count = 1; count <= PORTS; count += 2) {
      open_ports(fds, addrs, count, listens);
      for (n = 0; n < 8; n++) {
        if (open_loop(&f) == 0) { /* a fresh loop has no memory in reserve */
          close_conn(&f);
          dial_with_failure(&f, addrs, count, listens, n);
          close_loop(&f);
        }
      }
      close_ports(fds, count);
    }
  }
}

static int option(fixture_t* f, int level, int name) {
  int value = -1;
  socklen_t len = sizeof(value);

  CHECK(getsockopt(hw_socket_fd(socket_of(f)), level, name, &value, &len) == 0);
  return value;
}

enum { BEFORE_DIAL, WHILE_DIALLING, WHEN_OPEN, MOMENTS };

static void set_all(fixture_t* f) {
  CHECK(hw_stream_keepalive(stream_of(f), 1, 77) == 0);
  CHECK(hw_stream_nodelay(stream_of(f), 1) == 0);
  CHECK(hw_conn_ref(conn_of(f), 0) == 0);
  CHECK(conn_of(f)->unrefd);
}

/* At any time, and across any number of addresses. */
static void what_is_set_holds_when_it_is_open(void) {
  hw_address_t addrs[PORTS];
  int fds[PORTS];
  size_t count = 0;
  int moment = 0;

  for (count = 1; count <= PORTS; count += 2) {
    open_ports(fds, addrs, count, 1);
    for (moment = 0; moment < MOMENTS; moment++) {
      fixture_t f;
      uv_idle_t busy; /* an unref'd connection does not keep the loop alive */

      if (open_loop(&f) != 0) {
        return;
      }
      CHECK(uv_idle_init(&f.uv, &busy) == 0);
      CHECK(hw_conn_open(conn_of(&f), 0) == 0);
      if (moment == BEFORE_DIAL) {
        set_all(&f);
      }
      CHECK(hw_conn_dial(conn_of(&f), addrs, count, ATTEMPT_MS) == 0);
      if (moment == WHILE_DIALLING) {
        set_all(&f);
      }
      turn_until(&f, HW_REC_CONNECTED);
      CHECK(f.status[HW_REC_CONNECTED] == 0);
      CHECK(f.met[HW_REC_ATTEMPT_FAILED] == count - 1);
      if (moment == WHEN_OPEN) {
        set_all(&f);
      }
      CHECK(option(&f, SOL_SOCKET, SO_KEEPALIVE) == 1);
      CHECK(option(&f, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
      CHECK(option(&f, IPPROTO_TCP, TCP_NODELAY) == 1);
      CHECK(conn_of(&f)->unrefd);
      CHECK(uv_loop_alive(&f.uv) == 0); /* as libuv reports too */
      uv_close((uv_handle_t*)&busy, NULL);
      close_conn(&f);
      close_loop(&f);
    }
    close_ports(fds, count);
  }
}

static void expect_refused(fixture_t* f, int err) {
  CHECK(hw_stream_keepalive(stream_of(f), 1, 1) == err);
  CHECK(hw_stream_nodelay(stream_of(f), 1) == err);
  CHECK(hw_conn_ref(conn_of(f), 1) == err);
  CHECK(hw_conn_pause(conn_of(f), 1) == err);
  CHECK(hw_conn_tap(conn_of(f), 1) == err);
  CHECK(hw_lease_set_idle(conn_of(f), 1) == err);
}

/* A successful call must have had an effect. */
static void what_cannot_be_set_is_an_error(void) {
  fixture_t f;

  if (open_loop(&f) != 0) {
    return;
  }
  expect_refused(&f, HW_ESTATE); /* new */
  CHECK(hw_conn_open(conn_of(&f), 1) == 0);
  CHECK(hw_stream_keepalive(stream_of(&f), 1, 1) == HW_ESTATE); /* a pipe */
  CHECK(hw_stream_nodelay(stream_of(&f), 1) == HW_ESTATE);
  CHECK(hw_lease_close(&f.loop->leases, conn_of(&f), 0) == 0);
  expect_refused(&f, HW_ESTATE); /* closing */
  turn_until(&f, HW_REC_CLOSED);
  CHECK(conn_of(&f) == NULL);
  add(&f);
  CHECK(hw_conn_external(conn_of(&f)) == 0);
  expect_refused(&f, HW_ESTATE);
  close_conn(&f);
  close_loop(&f);
}

static void a_path_that_fails_leaves_nothing_behind(void) {
  static const char* const paths[] = {"", "\0abstract"};
  fixture_t f;
  size_t i = 0;

  if (open_loop(&f) != 0) {
    return;
  }
  CHECK(hw_conn_open(conn_of(&f), 1) == 0);
  for (i = 0; i < 2; i++) {
    CHECK(hw_conn_dial_pipe(conn_of(&f), paths[i], i * 9) == UV_EINVAL);
  }
  CHECK(hw_conn_dial_pipe(conn_of(&f), "/nowhere", 8) == 0);
  turn_until(&f, HW_REC_CONNECTED);
  CHECK(f.status[HW_REC_CONNECTED] == UV_ENOENT);
  close_conn(&f);
  close_loop(&f);
}

static void an_open_that_fails_leaves_nothing_behind(void) {
  fixture_t f;
  int n = 0;

  for (n = 0; n < 2; n++) { /* the dial, its first socket */
    if (open_loop(&f) != 0) {
      return;
    }
    hw_mem_fail_at(n);
    CHECK(hw_conn_open(conn_of(&f), n) == HW_ENOMEM);
    hw_mem_fail_at(-1);
    CHECK(hw_conn_open(conn_of(&f), n) == 0);
    close_conn(&f);
    close_loop(&f);
  }
}

/* An address that is not ours, and one of the wrong family. */
static void a_bind_that_fails_leaves_nothing_behind(void) {
  fixture_t f;
  hw_address_t local;
  hw_address_t addr;
  int fd = open_port(1, &addr);

  if (open_loop(&f) == 0) {
    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    memset(&local, 0, sizeof(local));
    local.v4.sin_family = AF_INET;
    local.v4.sin_addr.s_addr = htonl(0x08080808);
    CHECK(hw_conn_bind(conn_of(&f), &local, 0) < 0);
    CHECK(hw_conn_dial(conn_of(&f), &addr, 1, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CONNECTED);
    close_conn(&f);
    close_loop(&f);
  }
  (void)close(fd);
}

static void send_text(int fd, const char* text) {
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Any allocation may fail while a response arrives: the response ends normally
 * or with ENOMEM, and with nothing else. */
static void a_response_without_memory_says_so(void) {
  static const char* const pieces[] = {
      "HTTP/1.1 200 OK\r\nX: y", "z\r\nContent-Length: 2\r\n", "\r\nab"};
  hw_address_t addr;
  int listener = open_port(1, &addr);
  int failed = 0;
  long n = 0;

  for (n = 0; n < 6; n++) {
    fixture_t f;
    int fd = -1;
    size_t i = 0;

    if (open_loop(&f) != 0) {
      return;
    }
    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    CHECK(hw_conn_dial(conn_of(&f), &addr, 1, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CONNECTED);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(hw_conn_begin(conn_of(&f), 0, 16 * 1024) == 0);
    hw_mem_fail_at(n);
    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
      send_text(fd, pieces[i]);
      (void)uv_run(&f.uv, UV_RUN_NOWAIT);
      (void)uv_run(&f.uv, UV_RUN_NOWAIT);
    }
    hw_mem_fail_at(-1);
    CHECK(f.met[HW_REC_PARSE_ERROR] == 0);
    CHECK(f.met[HW_REC_END] + f.met[HW_REC_READ_ERROR] == 1);
    if (f.met[HW_REC_READ_ERROR] != 0) {
      hw_lease_t lease;

      failed++;
      CHECK(f.status[HW_REC_READ_ERROR] == UV_ENOMEM);
      hw_lease_release(&f.loop->leases, conn_of(&f), 1, 1000, &lease);
      CHECK(lease.verdict == HW_CLOSE);
    }
    (void)close(fd);
    close_conn(&f);
    close_loop(&f);
  }
  CHECK(failed >= 2);
  (void)close(listener);
}

static void what_only_a_descriptor_has(void) {
  hw_address_t addr;
  int listener = open_port(1, &addr);
  fixture_t f;

  if (open_loop(&f) == 0) {
    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    CHECK(hw_socket_probes(socket_of(&f), 7, 3) == UV_EBADF);
    CHECK(hw_socket_set_tos(socket_of(&f), 16) == UV_EBADF);
    CHECK(hw_socket_tos(socket_of(&f)) == UV_EBADF);
    CHECK(hw_conn_dial(conn_of(&f), &addr, 1, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CONNECTED);
    CHECK(hw_socket_probes(socket_of(&f), 7, 3) == 0);
    CHECK(hw_socket_probes(socket_of(&f), 0, 0) == 0); /* as it is */
    CHECK(option(&f, IPPROTO_TCP, TCP_KEEPINTVL) == 7);
    CHECK(option(&f, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    CHECK(hw_socket_probes(socket_of(&f), 1u << 31, 0) == UV_EINVAL);
    CHECK(hw_socket_set_tos(socket_of(&f), 16) == 0);
    CHECK(hw_socket_tos(socket_of(&f)) == 16);
    close_conn(&f);
    CHECK(conn_of(&f) == NULL);
    close_loop(&f);
  }
  (void)close(listener);
}

/* Byte number i of a write: no two pieces look alike. */
static char byte_at(size_t i) {
  return (char)(i * 7 + (i >> 8) * 3 + (i >> 16));
}

static void read_and_compare(int fd, size_t len) {
  char buf[4096];
  size_t got = 0;

  while (got < len) {
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
    ssize_t i = 0;

    if (n <= 0) {
      break;
    }
    for (i = 0; i < n; i++) {
      CHECK(buf[i] == byte_at(got + (size_t)i));
    }
    got += (size_t)n;
  }
  CHECK(got == len);
}

/* The core keeps no pointer to the caller's memory, and the caller brings what
 * was not taken. In `count` buffers, of which the first may be empty. */
static void write_more_than_fits(fixture_t* f, int listener, unsigned count) {
  enum { SIZE = 8 * 1024 * 1024 };
  char* data = malloc(SIZE);
  uv_buf_t bufs[4];
  size_t taken = 0;
  size_t queued = 0;
  size_t part = SIZE / count;
  size_t i = 0;
  const char* rest = NULL;
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

  for (i = 0; i < SIZE; i++) {
    data[i] = byte_at(i);
  }
  for (i = 0; i < count; i++) {
    bufs[i] = uv_buf_init(data + i * part, (unsigned)part);
  }
  if (count > 1) { /* one empty buffer, and one with its bytes too */
    bufs[0].len = 0;
    bufs[1] = uv_buf_init(data, (unsigned)(2 * part));
  }
  hw_mem_fail_at(count > 1 ? 0 : -1);
  i = (size_t)hw_stream_write(stream_of(f), bufs, count, &taken);
  hw_mem_fail_at(-1);
  if (count > 1) { /* what the kernel accepted is still taken */
    CHECK((int)i == HW_ENOMEM && taken > 0 && taken < SIZE);
    CHECK(stream_of(f)->bytes_written == taken);
    CHECK(hw_stream_queued(stream_of(f), &queued) == NULL && queued == 0);
  } else {
    CHECK(i == 1);
    memset(data, 0, SIZE);
    rest = hw_stream_queued(stream_of(f), &queued);
    CHECK(queued > 0 && queued <= 64 * 1024 && taken < SIZE);
    CHECK(rest != NULL && rest[0] == byte_at(taken - queued));
    CHECK(stream_of(f)->bytes_written == taken);
    CHECK(hw_stream_write(stream_of(f), bufs, count, &i) == HW_ESTATE);
    read_and_compare(fd, taken - queued);
    turn_until(f, HW_REC_WROTE);
    CHECK(f->status[HW_REC_WROTE] == 0);
  }
  (void)close(fd);
  free(data);
}

static void what_is_queued_is_a_bounded_copy(void) {
  hw_address_t addr;
  int listener = open_port(1, &addr);
  unsigned count = 0;

  for (count = 1; count <= 4; count += 3) {
    fixture_t f;

    if (open_loop(&f) != 0) {
      return;
    }
    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    CHECK(hw_conn_dial(conn_of(&f), &addr, 1, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CONNECTED);
    write_more_than_fits(&f, listener, count);
    close_conn(&f);
    close_loop(&f);
  }
  (void)close(listener);
}

/* The owner of a duplicated descriptor closes the connection before libuv has
 * sent the end. */
static void an_end_is_sent_before_the_descriptor_is_passed_on(void) {
  hw_address_t addr;
  int listener = open_port(1, &addr);
  fixture_t f;

  if (open_loop(&f) == 0) {
    int own = -1;
    int peer = -1;
    char byte = 0;

    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    CHECK(hw_conn_dial(conn_of(&f), &addr, 1, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CONNECTED);
    peer = accept(listener, NULL, NULL);
    CHECK(hw_stream_shutdown(stream_of(&f)) == 0);
    own = hw_stream_dup(stream_of(&f));
    CHECK(own >= 0);
    close_conn(&f);
    CHECK(recv(peer, &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(send(peer, "x", 1, 0) == 1);
    CHECK(recv(own, &byte, 1, 0) == 1 && byte == 'x');
    (void)close(own);
    (void)close(peer);
    close_loop(&f);
  }
  (void)close(listener);
}

static void a_loop_may_fail_to_be_made(void) {
  uv_loop_t uv;
  hw_loop_t* loop = NULL;
  void* memory = malloc(HW_RING_BYTES);
  int n = 0;

  CHECK(uv_loop_init(&uv) == 0);
  for (n = 0; n < 2; n++) {
    hw_mem_fail_at(n);
    CHECK(hw_loop_create(&uv, memory, NULL, NULL, &loop) == HW_ENOMEM);
    CHECK(loop == NULL);
  }
  hw_mem_fail_at(-1);
  CHECK(uv_loop_close(&uv) == 0); /* no handle is left in it */
  free(memory);
}

void suite_conn(void) {
  RUN(a_dial_that_fails_fails_once);
  RUN(what_is_set_holds_when_it_is_open);
  RUN(what_cannot_be_set_is_an_error);
  RUN(a_path_that_fails_leaves_nothing_behind);
  RUN(an_open_that_fails_leaves_nothing_behind);
  RUN(a_bind_that_fails_leaves_nothing_behind);
  RUN(a_response_without_memory_says_so);
  RUN(what_only_a_descriptor_has);
  RUN(what_is_queued_is_a_bounded_copy);
  RUN(an_end_is_sent_before_the_descriptor_is_passed_on);
  RUN(a_loop_may_fail_to_be_made);
}
