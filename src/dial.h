/* SPDX-License-Identifier: MIT */
/*
 * From addresses to one connected socket. Each attempt has a socket of its own;
 * the next one begins when JavaScript has heard that the last one failed.
 *
 * Owner: a connection, from hw_dial_open() until the dial is done or stopped.
 */
#ifndef HW_DIAL_H
#define HW_DIAL_H

#include "address.h"
#include "env.h"
#include "socket.h"

typedef struct hw_dial hw_dial_t;

struct hw_dial {
  uv_connect_t req;       /* of the present attempt */
  hw_deadline_t deadline; /* of the present attempt, of kind ATTEMPT */
  hw_env_t* env;
  hw_socket_t* socket; /* of the present attempt; NULL between two */
  /* Upwards: called at the end of a callback of libuv when the dial is
   * connected (0), has failed for good, or has been stopped. It may free the
   * dial. */
  void (*done)(hw_dial_t* dial, int status);
  void* owner;
  uint64_t attempt_ms;
  uint32_t tag; /* for its records */
  uint8_t stopped;
  uint8_t turning; /* between two attempts: a callback goes on */
  uint8_t unrefd;
  uint8_t bound;
  uint32_t count;
  uint32_t current;
  int status; /* why the present attempt failed */
  hw_address_t local;
  hw_address_t first;
  hw_address_t* addrs; /* &first, or memory of its own for several */
};

/* A dial with a socket for its first attempt, not started. */
HW_MUST_USE int hw_dial_open(hw_env_t* env, int is_pipe, hw_dial_t** out);

/* Frees it. It has no socket any more, and nothing is to follow. */
void hw_dial_free(hw_dial_t* dial);

/* Local address of a TCP socket. flags as for uv_tcp_bind(). Of several
 * addresses dialled those after the first get the port alone: who gives
 * several to dial cannot mean one local address. Result: 0 or libuv's code. */
int hw_dial_bind(hw_dial_t* dial, const hw_address_t* addr, unsigned flags);

/* Connects to the first address that answers, one after the other; each but
 * the last gets attempt_ms. The addresses are copied. ATTEMPT_FAILED is pushed
 * for each of several that fails. Result: 0, HW_ENOMEM, HW_EINVAL (none, or
 * too many), or libuv's code: then nothing was started. */
HW_MUST_USE int hw_dial_start(hw_dial_t* dial,
                              const hw_address_t* addrs,
                              size_t count,
                              uint64_t attempt_ms);
HW_MUST_USE int hw_dial_start_pipe(hw_dial_t* dial,
                                   const char* path,
                                   size_t len);

/* The deadline of an attempt is due. */
void hw_dial_due(hw_deadline_t* deadline);

/* Whether it keeps the loop alive. */
void hw_dial_ref(hw_dial_t* dial, int on);

/* Ends it. Result: 1, `done` follows with UV_ECANCELED; or 0, nothing follows,
 * since it has failed and there was no memory for a socket. */
HW_MUST_USE int hw_dial_stop(hw_dial_t* dial);

/* The socket of a dial that is done. */
hw_socket_t* hw_dial_take(hw_dial_t* dial);

#endif /* HW_DIAL_H */
