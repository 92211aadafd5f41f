/* SPDX-License-Identifier: MIT */
/*
 * Leases and the loop: verdicts, retiring, the timer, every allocation that may
 * fail, and the end of a connection or of the loop at any moment.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

void suite_lease(void);

static hw_pool_counters_t counters_of(const fixture_t* f) {
  return *hw_pool_counters(hw_lease_pool(leases_of(f), f->pool));
}

static uint32_t acquire(fixture_t* f, hw_lease_t* lease) {
  CHECK(hw_lease_acquire(leases_of(f), f->pool, "a", 1, lease) == 0);
  return lease->verdict;
}

static uint32_t release(fixture_t* f, uint64_t idle_ms) {
  hw_lease_t lease;

  hw_lease_release(leases_of(f), conn_of(f), 1, idle_ms, &lease);
  return lease.verdict;
}

/* An idle connection, and its peer. */
static int open_idle(fixture_t* f, int listener, const hw_address_t* addr) {
  if (open_loop(f) != 0) {
    return -1;
  }
  connect_to(f, addr);
  CHECK(release(f, UINT64_MAX) == HW_IDLE);
  return accept(listener, NULL, NULL);
}

/* Any event while it is idle makes one RETIRE and nothing else. */
static void what_comes_to_an_idle_connection_retires_it(void) {
  enum { END, BYTES, RESET, WAYS };
  static const int statuses[] = {UV_EOF, 0, UV_ECONNRESET};
  hw_address_t addr;
  int listener = open_port(1, &addr);
  int way = 0;

  for (way = 0; way < WAYS; way++) {
    fixture_t f;
    struct linger hard = {1, 0};
    int peer = open_idle(&f, listener, &addr);
    uint32_t i = 0;
    uint32_t records = 0;

    if (way == BYTES) {
      CHECK(write(peer, "x", 1) == 1);
    } else if (way == RESET) {
      CHECK(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
    }
    if (way != BYTES) {
      (void)close(peer);
    }
    memset(f.met, 0, sizeof(f.met));
    turn_idle_until(&f, HW_REC_RETIRE);
    CHECK(f.status[HW_REC_RETIRE] == statuses[way]);
    for (i = 0; i < TYPES; i++) {
      records += f.met[i];
    }
    CHECK(records == 1);
    CHECK(hw_link_is_active(&conn_of(&f)->link));
    CHECK(release(&f, 1) == HW_CLOSE);
    if (way == BYTES) {
      (void)close(peer);
    }
    close_conn(&f);
    close_loop(&f);
  }
  (void)close(listener);
}

/* Also for an entry whose socket is Node's; the loop sleeps until then. */
static void an_idle_connection_is_retired_in_time(void) {
  enum { IDLE_MS = 20 };
  int external = 0;

  for (external = 0; external < 2; external++) {
    hw_address_t addr;
    int listener = open_port(1, &addr);
    fixture_t f;
    uint64_t start = 0;

    if (open_loop(&f) != 0) {
      return;
    }
    if (external) {
      CHECK(hw_conn_external(conn_of(&f)) == 0);
    } else {
      connect_to(&f, &addr);
    }
    CHECK(release(&f, 3600000) == HW_IDLE);
    CHECK(hw_lease_set_idle(conn_of(&f), IDLE_MS) == 0);
    start = uv_now(&f.uv);
    turn_idle_until(&f, HW_REC_RETIRE);
    CHECK(uv_now(&f.uv) >= start + IDLE_MS);
    CHECK(f.status[HW_REC_RETIRE] == 0);
    close_conn(&f);
    close_loop(&f);
    (void)close(listener);
  }
}

static void a_dead_connection_is_no_lease(void) {
  hw_address_t addr;
  int listener = open_port(1, &addr);
  fixture_t f;
  int peer = open_idle(&f, listener, &addr);
  hw_lease_t lease;
  hw_pool_counters_t before = counters_of(&f);

  (void)close(peer); /* and the loop does not run */
  CHECK(acquire(&f, &lease) == HW_CLOSE && lease.conn == f.conn);
  CHECK(counters_of(&f).leases == before.leases);
  CHECK(counters_of(&f).reuses == before.reuses);
  CHECK(counters_of(&f).stale == before.stale + 1);
  close_conn(&f);
  CHECK(acquire(&f, &lease) == HW_CONNECT);
  f.conn = lease.conn;
  CHECK(hw_lease_close(leases_of(&f), conn_of(&f), 0) == 1);
  close_loop(&f);
  (void)close(listener);
}

/* Any allocation may fail: the result is an error or success, with no leak. */
static void every_allocation_of_a_lease_may_fail(void) {
  fixture_t f;
  long n = 0;
  int failed = 0;

  for (n = 0; n < 12; n++) {
    hw_pool_options_t one = {1, 1, 1, 0};
    hw_id_t pool = 0;
    hw_lease_t first;
    hw_lease_t second;
    hw_lease_t next;

    if (open_loop(&f) != 0) {
      return;
    }
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    memset(&next, 0, sizeof(next));
    hw_mem_fail_at(n);
    failed += hw_lease_pool_create(leases_of(&f), &one, &pool) != 0;
    failed +=
        hw_lease_acquire(leases_of(&f), pool, "key", 3, &first) == HW_ENOMEM;
    failed +=
        hw_lease_acquire(leases_of(&f), pool, "key", 3, &second) == HW_ENOMEM;
    if (first.conn != 0) {
      hw_lease_remove(leases_of(&f), hw_lease_conn(leases_of(&f), first.conn));
    }
    failed += hw_lease_next(leases_of(&f), pool, &next) == HW_ENOMEM;
    hw_mem_fail_at(-1);
    CHECK(next.waiter == second.waiter);
    hw_lease_pool_drop(leases_of(&f), pool);
    close_conn(&f);
    close_loop(&f);
  }
  CHECK(failed >= 6);
}

/* -- ends at any moment ---------------------------------------------------- */

enum { STARTED, FIRST_FAILED, ALL_FAILED, CONNECTED, IDLE, MOMENTS };

static int close_result;

static void close_at_failure(fixture_t* f, uint32_t type) {
  if (type == HW_REC_ATTEMPT_FAILED) {
    f->on_record = NULL;
    close_result = hw_lease_close(leases_of(f), conn_of(f), 0);
  }
}

/* Brings the connection to a state; the first of two ports refuses. */
static void bring_to(fixture_t* f, const hw_address_t* addrs, int moment) {
  CHECK(hw_conn_open(conn_of(f), 0) == 0);
  CHECK(hw_conn_dial(conn_of(f), addrs, 2, ATTEMPT_MS) == 0);
  switch (moment) {
    case FIRST_FAILED:
      turn_until(f, HW_REC_ATTEMPT_FAILED);
      break;
    case ALL_FAILED:
    case CONNECTED:
    case IDLE:
      turn_until(f, HW_REC_CONNECTED);
      CHECK((f->status[HW_REC_CONNECTED] == 0) == (moment != ALL_FAILED));
      if (moment == IDLE) {
        CHECK(release(f, 1000) == HW_IDLE);
      }
      break;
    default:
      break;
  }
}

static void at_each_moment(void (*end)(fixture_t* f)) {
  int moment = 0;

  for (moment = 0; moment < MOMENTS; moment++) {
    hw_address_t addrs[2];
    int fds[2];
    fixture_t f;

    open_ports(fds, addrs, 2, moment != ALL_FAILED);
    if (open_loop(&f) != 0) {
      return;
    }
    bring_to(&f, addrs, moment);
    end(&f);
    close_ports(fds, 2);
  }
}

static void close_conn_then_loop(fixture_t* f) {
  close_conn(f);
  CHECK(f->met[HW_REC_CLOSED] == 1);
  close_loop(f);
}

static void a_connection_may_be_closed_at_any_moment(void) {
  at_each_moment(close_conn_then_loop);
}

static void the_loop_may_be_closed_at_any_moment(void) {
  at_each_moment(close_loop);
}

/* Closed on the record that its first address failed: the second is not tried.
 */
static void a_dial_may_be_stopped_between_two_attempts(void) {
  hw_address_t addrs[2];
  int fds[2];
  fixture_t f;

  open_ports(fds, addrs, 2, 1);
  if (open_loop(&f) == 0) {
    struct pollfd connects = {fds[1], POLLIN, 0};

    f.on_record = close_at_failure;
    CHECK(hw_conn_open(conn_of(&f), 0) == 0);
    CHECK(hw_conn_dial(conn_of(&f), addrs, 2, ATTEMPT_MS) == 0);
    turn_until(&f, HW_REC_CLOSED);
    CHECK(close_result == 0 && conn_of(&f) == NULL);
    CHECK(f.met[HW_REC_CONNECTED] == 0);
    CHECK(poll(&connects, 1, 0) == 0);
    close_loop(&f);
  }
  close_ports(fds, 2);
}

void suite_lease(void) {
  RUN(what_comes_to_an_idle_connection_retires_it);
  RUN(an_idle_connection_is_retired_in_time);
  RUN(a_dead_connection_is_no_lease);
  RUN(every_allocation_of_a_lease_may_fail);
  RUN(a_connection_may_be_closed_at_any_moment);
  RUN(a_dial_may_be_stopped_between_two_attempts);
  RUN(the_loop_may_be_closed_at_any_moment);
}
