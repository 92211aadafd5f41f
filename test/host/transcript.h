/* SPDX-License-Identifier: MIT */
/*
 * One exchange's records as text, such as
 *   HEAD 200 1.1 keep [OK|Content-Length|3]DATA[abc]END[]
 * Adjacent pieces of a body are joined, so that the same bytes give the same
 * text however they were split. Used by the tests and by the fuzzer.
 */
#ifndef HW_TEST_TRANSCRIPT_H
#define HW_TEST_TRANSCRIPT_H

#include "http1.h"

enum { TRANSCRIPT_CONN = 3, TRANSCRIPT_MAX = 512 * 1024 };

typedef struct {
  hw_ring_t ring;
  hw_slabs_t slabs;
  hw_http1_t http;
  void* memory;
  char* slab;
  char* out; /* with a NUL after it */
  size_t len;
  size_t fed; /* bytes since transcript_begin() */
  int in_data;
  /* The latest record of each kind, for tests that need more. */
  char* head; /* the latest head's text, as the record has it */
  size_t head_len;
  size_t head_start; /* where it begins in out */
  uint32_t head_flags;
  uint32_t status;
  size_t body_len;    /* bytes after the latest head */
  size_t end_len;     /* len after END; 0: there was none */
  size_t upgrade_len; /* len before UPGRADE; 0: there was none */
  size_t upgrade_at;  /* position in the stream where HTTP ends */
  size_t error_len;   /* len before ERROR */
  int failed;
  int overflow; /* the error is an overflow */
} transcript_t;

void transcript_open(transcript_t* t);
void transcript_close(transcript_t* t);

/* A new exchange; the transcript is cleared. */
void transcript_begin(transcript_t* t, uint32_t flags, uint32_t header_max);

/* len bytes, at most HW_READ_MAX, as one read; not fed if the exchange has
 * ended. The next read may overwrite them in the slab. */
void transcript_feed(transcript_t* t, const char* bytes, size_t len);

void transcript_finish(transcript_t* t);

#endif /* HW_TEST_TRANSCRIPT_H */
