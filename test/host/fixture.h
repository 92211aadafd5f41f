/* SPDX-License-Identifier: MIT */
/*
 * A loop of its own with one pool and one connection, and ports of 127.0.0.1
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
  /* What JavaScript would do when it reads a record. May be NULL. */
  void (*on_record)(struct fixture* f, uint32_t type);
  uv_timer_t alive;
  int closed;
} fixture_t;

/* 0, or -1 where the loop could not be made. Adds a new connection. */
int open_loop(fixture_t* f);
void close_loop(fixture_t* f);

/* Another one, of origin "a", in the place of the one there was. */
void add(fixture_t* f);

/* Turns the loop until the first record of this type. */
void turn_until(fixture_t* f, uint32_t type);

/* Keeps the loop alive meanwhile: what is idle does not. */
void turn_idle_until(fixture_t* f, uint32_t type);

/* Closes the connection and turns the loop until it is gone. */
void close_conn(fixture_t* f);

/* Opens and dials, and turns the loop until it is connected. */
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

/* A port that refuses connections, or takes them. */
int open_port(int listens, hw_address_t* addr);

/* The first of `count` ports refuse, and the last does what `listens` says. */
void open_ports(int* fds, hw_address_t* addrs, size_t count, int listens);
void close_ports(const int* fds, size_t count);

#endif /* HW_TEST_FIXTURE_H */
