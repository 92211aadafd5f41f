/* SPDX-License-Identifier: MIT */
/*
 * The reader of HTTP/1.1: one exchange after the other on a connection. It has
 * a parser only from the first byte of a response to its end, or until a long
 * head is fetched: idle connections are many, and one parser that serves all in
 * turn stays in the cache.
 */
#ifndef HW_EXCHANGE_H
#define HW_EXCHANGE_H

#include "env.h"
#include "http1.h"
#include "reader.h"

/* The phase of the latest exchange. */
typedef enum {
  HW_EXCHANGE_NONE,  /* there has been none */
  HW_EXCHANGE_BEGUN, /* no byte of the response yet */
  HW_EXCHANGE_READING,
  HW_EXCHANGE_REUSABLE, /* over, and another may follow */
  HW_EXCHANGE_LAST      /* over, and none may follow */
} hw_exchange_phase_t;

/* Embedded in its connection. */
typedef struct {
  hw_http1_t* http;
  uint32_t header_max;
  uint8_t flags; /* as for hw_http1_begin() */
  uint8_t phase; /* hw_exchange_phase_t */
} hw_exchange_t;

extern const hw_reader_t hw_http1_reader; /* its state is a hw_exchange_t */

/* A request is about to be written: responses are read from now on. Result: 0,
 * or HW_ESTATE while an exchange is in progress. */
HW_MUST_USE int hw_exchange_begin(hw_exchange_t* exchange,
                                  hw_env_t* env,
                                  uint32_t flags,
                                  uint32_t header_max);

/* The text of a record with LONG_TEXT, as hw_http1_take_text(). */
char* hw_exchange_take_text(hw_exchange_t* exchange, size_t* len);

#endif /* HW_EXCHANGE_H */
