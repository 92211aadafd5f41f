/* SPDX-License-Identifier: MIT */
/*
 * From addresses to one connected socket. Each attempt has its own socket; the
 * next one begins after JavaScript has read that the previous one failed.
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
  uv_connect_t req;       /* of the current attempt */
  hw_deadline_t deadline; /* of the current attempt, of kind ATTEMPT */
  hw_env_t* env;
  hw_socket_t* socket; /* of the current attempt; NULL between two */
  /* Upwards: called at the end of a callback of libuv when the dial is
   * connected (0), has failed for good, or has been stopped. It may free the
   * dial. */
  void (*done)(hw_dial_t* dial, int status);
  void* owner;
  uint64_t attempt_ms;
  uint32_t tag; /* for its records */
  uint8_t stopped;
  uint8_t turning; /* between two attempts: a callback continues */
  uint8_t unrefd;
  uint8_t bound;
  uint32_t count;
  uint32_t current;
  int status; /* why the current attempt failed */
  hw_address_t local;
  hw_address_t first;
  hw_address_t* addrs; /* &first, or allocated for several */
};

/* A dial with a socket for its first attempt, not started. */
HW_MUST_USE int hw_dial_open(hw_env_t* env, int is_pipe, hw_dial_t** out);

/* Frees a dial that has no socket and no callback to come. */
void hw_dial_free(hw_dial_t* dial);

/* Local address of a TCP socket. flags as for uv_tcp_bind(). If several
 * addresses are dialled, the attempts after the first bind the port only: the
 * addresses may be of different families. Result: 0 or libuv's code. */
int hw_dial_bind(hw_dial_t* dial, const hw_address_t* addr, unsigned flags);

/* Tries the addresses one after the other until one is connected; each but the
 * last gets attempt_ms. The addresses are copied. Of several addresses,
 * ATTEMPT_FAILED is pushed for each that fails. Result: 0, or, if nothing was
 * started, HW_ENOMEM, HW_EINVAL (none, or too many) or libuv's code. */
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

/* Ends it. Result: 1 if `done` follows with UV_ECANCELED; 0 if nothing follows,
 * because it has failed and there was no memory for a socket. */
HW_MUST_USE int hw_dial_stop(hw_dial_t* dial);

/* The socket of a dial that is done. */
hw_socket_t* hw_dial_take(hw_dial_t* dial);

#endif /* HW_DIAL_H */
