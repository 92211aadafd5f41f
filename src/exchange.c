/* SPDX-License-Identifier: MIT */
/*
 * The reader of HTTP/1.1: see exchange.h.
 *
 * The phase says how far the latest exchange is; the parser, while there is
 * one, has the rest of the state. Informational responses belong to the
 * exchange.
 */
#include "exchange.h"

static void init(void* state) {
  *(hw_exchange_t*)state = (hw_exchange_t){.phase = HW_EXCHANGE_NONE};
}

/* Back to the free list, for whichever connection has bytes next. */
static void give_parser(hw_exchange_t* exchange, hw_env_t* env) {
  if (exchange->http != NULL) {
    hw_http1_close(exchange->http);
    hw_freelist_give(&env->parsers, exchange->http);
    exchange->http = NULL;
  }
}

static int is_under_way(const hw_exchange_t* exchange) {
  return exchange->phase == HW_EXCHANGE_BEGUN ||
         exchange->phase == HW_EXCHANGE_READING;
}

int hw_exchange_begin(hw_exchange_t* exchange,
                      hw_env_t* env,
                      uint32_t flags,
                      uint32_t header_max) {
  if (is_under_way(exchange)) {
    return HW_ESTATE;
  }
  give_parser(exchange, env);
  exchange->phase = HW_EXCHANGE_BEGUN;
  exchange->flags = (uint8_t)flags;
  exchange->header_max = header_max;
  return 0;
}

/* The first byte of a response has arrived. */
static int take_parser(hw_exchange_t* exchange, hw_env_t* env) {
  exchange->http = hw_freelist_take(&env->parsers);
  if (exchange->http == NULL) {
    return HW_ENOMEM;
  }
  hw_http1_init(exchange->http);
  hw_http1_begin(exchange->http, exchange->flags, exchange->header_max);
  exchange->phase = HW_EXCHANGE_READING;
  return 0;
}

static int bytes(
    void* state, hw_env_t* env, uint32_t tag, const char* data, size_t len) {
  hw_exchange_t* exchange = state;
  hw_http1_t* http = NULL;
  int err = 0;

  if (exchange->phase == HW_EXCHANGE_BEGUN && take_parser(exchange, env) != 0) {
    exchange->phase = HW_EXCHANGE_LAST;
    return HW_ENOMEM;
  }
  if (exchange->phase != HW_EXCHANGE_READING) {
    return HW_READER_UNASKED;
  }
  http = exchange->http;
  err = hw_http1_feed(http, &env->ring, &env->slabs, tag, data, len);
  if (!http->active) {
    exchange->phase =
        hw_http1_reusable(http) ? HW_EXCHANGE_REUSABLE : HW_EXCHANGE_LAST;
    if (http->upgraded && err == 0) {
      err = HW_READER_OVER;
    }
    if (http->long_text == NULL) {
      give_parser(exchange, env);
    }
  }
  return err;
}

/* A body that runs until the close is complete now. The EOF record reports the
 * end of any other to its request. */
static void end(void* state, hw_env_t* env, uint32_t tag) {
  hw_exchange_t* exchange = state;

  if (exchange->phase == HW_EXCHANGE_READING) {
    hw_http1_finish(exchange->http, &env->ring, tag);
  }
  exchange->phase = HW_EXCHANGE_LAST;
}

static int is_reusable(const void* state) {
  const hw_exchange_t* exchange = state;

  return exchange->phase == HW_EXCHANGE_NONE ||
         exchange->phase == HW_EXCHANGE_REUSABLE;
}

static void close_reader(void* state, hw_env_t* env) {
  give_parser(state, env);
}

char* hw_exchange_take_text(hw_exchange_t* exchange, size_t* len) {
  *len = 0;
  return exchange->http != NULL ? hw_http1_take_text(exchange->http, len)
                                : NULL;
}

const hw_reader_t hw_http1_reader = {
    .init = init,
    .bytes = bytes,
    .end = end,
    .is_reusable = is_reusable,
    .close = close_reader,
};
