/* SPDX-License-Identifier: MIT */
/*
 * What a connection does with received bytes: the reader of a protocol turns
 * them into records. A connection has one, chosen when it is created.
 */
#ifndef HW_READER_H
#define HW_READER_H

#include "env.h"

/* Results of bytes() besides 0 and negative codes. */
enum {
  HW_READER_UNASKED = 1, /* no request asked for them */
  HW_READER_OVER = 2     /* what follows is for the next owner to read */
};

typedef struct {
  void (*init)(void* state);
  /* Bytes of the current slab arrived. Result: 0; one of the above; or a
   * negative code: reading has failed, and no record reports it. */
  int (*bytes)(
      void* state, hw_env_t* env, uint32_t tag, const char* data, size_t len);
  /* The peer ended its side. */
  void (*end)(void* state, hw_env_t* env, uint32_t tag);
  /* May the connection carry another request? */
  int (*is_reusable)(const void* state);
  /* Releases what it holds. */
  void (*close)(void* state, hw_env_t* env);
} hw_reader_t;

#endif /* HW_READER_H */
