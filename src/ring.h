/* SPDX-License-Identifier: MIT */
/*
 * The completion ring: the events of one turn of the loop for JavaScript, as
 * fixed-size records plus a text area for heads and small bodies. Both are in
 * memory that belongs to JavaScript (one ArrayBuffer), so that nothing is
 * copied or allocated on the way up.
 *
 * It is filled from the front and emptied as a whole: JavaScript reads all
 * records in one call and the ring starts again at zero, which keeps the part
 * in use in the processor's cache. It never overflows and never grows: one read
 * of HW_READ_MAX bytes makes a bounded number of records. hw_ring_low() is true
 * when that many no longer fit, or after a full batch; the loop then drains
 * before the next read.
 */
#ifndef HW_RING_H
#define HW_RING_H

#include "base.h"
#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The largest buffer of one read: a 64 KiB body and its head take one system
 * call. */
#define HW_READ_MAX 131072u

/* The smallest piece of input that makes its own record is a chunk of one byte:
 * "1\nX", three bytes, if HW_HTTP1_LENIENT allows line breaks to be left out.
 * Any read makes a few more records. */
#define HW_RING_RESERVE_RECORDS (HW_READ_MAX / 3u + 64u)

/* The part of a head from earlier reads is put before the text of this read;
 * above HW_TEXT_MAX bytes a head is not passed in the ring. */
#define HW_TEXT_MAX 65536u
#define HW_RING_RESERVE_TEXT (HW_READ_MAX + HW_TEXT_MAX + 1024u)

/* After so many records, about 40 responses, JavaScript runs: the requests that
 * it then writes use sockets and memory that are still in the processor's
 * cache. That saves CPU with 10,000 busy connections, and makes no difference
 * with 50. */
#define HW_RING_BATCH 128u

#define HW_RING_RECORDS (HW_RING_BATCH + HW_RING_RESERVE_RECORDS)
#define HW_RING_TEXT (2u * HW_RING_RESERVE_TEXT)
#define HW_RING_BYTES (HW_RING_RECORDS * HW_RECORD_WORDS * 4u + HW_RING_TEXT)

typedef struct {
  uint32_t* words;
  char* text;
  uint32_t count; /* records */
  uint32_t text_len;
  int flush; /* drain as soon as the current callback is done */
} hw_ring_t;

/* memory: HW_RING_BYTES bytes, 4-aligned, the caller's for the ring's life. */
void hw_ring_init(hw_ring_t* ring, void* memory);

/* Where the text area starts, in bytes from the start of the memory. */
uint32_t hw_ring_text_offset(void);

/* A new record with all words but type and conn 0. There must be room: see
 * hw_ring_low. The pointer is good until the next reset. */
uint32_t* hw_ring_push(hw_ring_t* ring, uint32_t type, uint32_t conn);

/* A record that was pushed since the last reset. */
static inline uint32_t* hw_ring_at(const hw_ring_t* ring, uint32_t index) {
  return ring->words + (size_t)index * HW_RECORD_WORDS;
}

/* Room for up to len bytes of text, and how much of it was used. */
char* hw_ring_text(hw_ring_t* ring, size_t len);
void hw_ring_text_used(hw_ring_t* ring, size_t len);

/* Must the ring be drained before the next callback? */
static inline int hw_ring_low(const hw_ring_t* ring) {
  return ring->flush || ring->count >= HW_RING_BATCH ||
         HW_RING_TEXT - ring->text_len < HW_RING_RESERVE_TEXT;
}

/* JavaScript has read everything. */
void hw_ring_reset(hw_ring_t* ring);

#ifdef __cplusplus
}
#endif

#endif /* HW_RING_H */
