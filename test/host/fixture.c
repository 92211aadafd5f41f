/* SPDX-License-Identifier: MIT */
/*
 * A loop for one test: see fixture.h.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

static void on_drain(void* data, uint32_t count, uint32_t epoch) {
  fixture_t* f = data;
  uint32_t i = 0;

  (void)epoch;
  for (i = 0; i < count; i++) {
    const uint32_t* w =
        (const uint32_t*)f->memory + (size_t)i * HW_RECORD_WORDS;

    CHECK(w[HW_WORD_TYPE] < TYPES);
    CHECK(w[HW_WORD_CONN] == (uint32_t)f->conn);
    f->met[w[HW_WORD_TYPE] % TYPES]++;
    f->status[w[HW_WORD_TYPE] % TYPES] = (int)w[HW_WORD_STATUS];
    if (f->on_record != NULL) {
      f->on_record(f, w[HW_WORD_TYPE]);
    }
  }
}

static void on_closed(void* data) {
  ((fixture_t*)data)->closed = 1;
}

void add(fixture_t* f) {
  hw_lease_t lease;

  memset(f->met, 0, sizeof(f->met));
  CHECK(hw_lease_add(&f->loop->leases, f->pool, "a", 1, &lease) == 0);
  f->conn = lease.conn;
}

int open_loop(fixture_t* f) {
  hw_pool_options_t options = {HW_NO_LIMIT, HW_NO_LIMIT, 10, 0};

  memset(f, 0, sizeof(*f));
  f->memory = malloc(HW_RING_BYTES);
  f->slab = malloc(HW_READ_MAX);
  CHECK(uv_loop_init(&f->uv) == 0);
  CHECK(hw_loop_create(&f->uv, f->memory, on_drain, f, &f->loop) == 0);
  if (f->loop == NULL) {
    return -1;
  }
  CHECK(hw_slabs_give(&f->loop->env.slabs, 1, f->slab, HW_READ_MAX) == 0);
  CHECK(hw_lease_pool_create(&f->loop->leases, &options, &f->pool) == 0);
  add(f);
  return 0;
}

void turn_until(fixture_t* f, uint32_t type) {
  int i = 0;

  for (i = 0; i < 1000 && f->met[type] == 0; i++) {
    (void)uv_run(&f->uv, UV_RUN_ONCE);
  }
  CHECK(f->met[type] == 1);
}

static void on_alive(uv_timer_t* timer) {
  (void)timer;
}

void turn_idle_until(fixture_t* f, uint32_t type) {
  CHECK(uv_timer_init(&f->uv, &f->alive) == 0);
  CHECK(uv_timer_start(&f->alive, on_alive, 60000, 0) == 0);
  turn_until(f, type);
  uv_close((uv_handle_t*)&f->alive, NULL);
}

void close_conn(fixture_t* f) {
  if (hw_lease_close(&f->loop->leases, conn_of(f), 0) == 0) {
    turn_until(f, HW_REC_CLOSED);
  }
  CHECK(conn_of(f) == NULL);
}

void connect_to(fixture_t* f, const hw_address_t* addr) {
  CHECK(hw_conn_open(conn_of(f), 0) == 0);
  CHECK(hw_conn_dial(conn_of(f), addr, 1, ATTEMPT_MS) == 0);
  turn_until(f, HW_REC_CONNECTED);
}

void close_loop(fixture_t* f) {
  hw_loop_close(f->loop, on_closed, f);
  (void)uv_run(&f->uv, UV_RUN_DEFAULT);
  CHECK(f->closed && uv_loop_close(&f->uv) == 0);
  free(f->memory);
  free(f->slab);
}

/* A port of 127.0.0.1 that refuses or accepts connections. */
int open_port(int listens, hw_address_t* addr) {
  socklen_t len = sizeof(addr->v4);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memset(addr, 0, sizeof(*addr));
  addr->v4.sin_family = AF_INET;
  addr->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd, &addr->any, len) == 0);
  CHECK(getsockname(fd, &addr->any, &len) == 0);
  CHECK(!listens || listen(fd, 8) == 0);
  return fd;
}

/* The first of `count` ports refuse; the last accepts if `listens` is set. */
void open_ports(int* fds, hw_address_t* addrs, size_t count, int listens) {
  size_t i = 0;

  for (i = 0; i < count; i++) {
    fds[i] = open_port(listens && i + 1 == count, &addrs[i]);
  }
}

void close_ports(const int* fds, size_t count) {
  size_t i = 0;

  for (i = 0; i < count; i++) {
    (void)close(fds[i]);
  }
}
