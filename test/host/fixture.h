/* SPDX-License-Identifier: MIT */
/*
 * A loop for one test, with one pool and one connection, and ports of 127.0.0.1
 * to connect to.
 */
#ifndef HW_TEST_FIXTURE_H
#define HW_TEST_FIXTURE_H

#include "loop.h"
#include "runner.h"

enum { TYPES = 16, PORTS = 3, ATTEMPT_MS = 60000 };

typedef struct fixture {
  uv_loop_t uv;
  hw_loop_t* loop;
  void* memory;
  char* slab;
  hw_id_t pool;
  hw_id_t conn;
  uint32_t met[TYPES]; /* records, by type */
  int status[TYPES];   /* the latest one's */
  /* Acts as JavaScript would when it reads a record. May be NULL. */
  void (*on_record)(struct fixture* f, uint32_t type);
  uv_timer_t alive;
  int closed;
} fixture_t;

/* Adds a new connection. Result: 0, or -1 if the loop could not be made. */
int open_loop(fixture_t* f);
void close_loop(fixture_t* f);

/* Replaces the connection with another one, of origin "a". */
void add(fixture_t* f);

/* Runs the loop until the first record of this type. */
void turn_until(fixture_t* f, uint32_t type);

/* Keeps the loop alive: idle connections do not. */
void turn_idle_until(fixture_t* f, uint32_t type);

/* Closes the connection and runs the loop until it is freed. */
void close_conn(fixture_t* f);

/* Opens and dials, and runs the loop until it is connected. */
void connect_to(fixture_t* f, const hw_address_t* addr);

static inline hw_leases_t* leases_of(const fixture_t* f) {
  return &f->loop->leases;
}

static inline hw_conn_t* conn_of(const fixture_t* f) {
  return hw_lease_conn(leases_of(f), f->conn);
}

static inline hw_stream_t* stream_of(const fixture_t* f) {
  return &conn_of(f)->stream;
}

static inline hw_socket_t* socket_of(const fixture_t* f) {
  return hw_conn_socket(conn_of(f));
}

/* A port that refuses or accepts connections. */
int open_port(int listens, hw_address_t* addr);

/* The first of `count` ports refuse; the last accepts if `listens` is set. */
void open_ports(int* fds, hw_address_t* addrs, size_t count, int listens);
void close_ports(const int* fds, size_t count);

#endif /* HW_TEST_FIXTURE_H */
