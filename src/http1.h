/* SPDX-License-Identifier: MIT */
/*
 * The response side of HTTP/1.1 on one connection: feeds bytes to the host's
 * llhttp, turns its callbacks into records, and decides whether the connection
 * may be reused.
 *
 * One exchange is begin, feed for each read, and finish at the end of the
 * stream. Informational responses (1xx) belong to the exchange; the first
 * other response ends it. The parser continues with what follows in the same
 * read, as Node's does: a second response is SURPLUS, garbage a PARSE_ERROR.
 */
#ifndef HW_HTTP1_H
#define HW_HTTP1_H

#include "base.h"
#include "llhttp.h"
#include "mem.h"
#include "ring.h"
#include "slab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Body pieces up to this many bytes travel in the ring and are copied by
 * JavaScript, so that a small body that the user keeps does not pin a slab. */
#define HW_INLINE_MAX 4096u

/* Node: deps of lib/_http_common.js, kMaxChunkExtensionsSize. */
#define HW_CHUNK_EXTENSIONS_MAX (16u * 1024u)

enum {
  HW_HTTP1_HEAD = 1, /* the request is HEAD: no body, regardless of the head */
  HW_HTTP1_CONNECT = 2, /* the request is CONNECT: a tunnel after the head */
  HW_HTTP1_LENIENT = 4, /* Node's insecureHTTPParser */
  HW_HTTP1_RELAXED = 8  /* Node's httpValidation: 'relaxed' */
};

/* From the free list, for one exchange. Owns the text it saves between reads.
 */
typedef struct {
  llhttp_t parser; /* first: llhttp's callbacks get a pointer to it */
  hw_ring_t* ring; /* during a feed */
  hw_slabs_t* slabs;
  const char* packet;
  uint32_t* head; /* the head's record, in the feed that brought its end */
  uint32_t conn;
  uint8_t flags;
  uint8_t begun;    /* there was an exchange */
  uint8_t active;   /* it has neither completed nor failed */
  uint8_t info;     /* inside an informational response */
  uint8_t complete; /* the final response has ended */
  uint8_t keep_alive;
  uint8_t surplus;   /* a second response has come */
  uint8_t left_over; /* any bytes came after the end */
  uint8_t failed;
  uint8_t upgraded;
  uint8_t hinted;   /* the head has a Keep-Alive header */
  uint8_t overflow; /* 1: header block, 2: chunk extensions, 3: memory */
  uint32_t header_bytes;
  uint32_t header_max;
  uint32_t extension_bytes;
  size_t text_len;    /* of the unfinished text */
  size_t name_start;  /* where its latest header name starts */
  size_t value_start; /* and that header's value */
  char* saved;        /* the text when it is not in the ring */
  size_t saved_capacity;
  int spilled;     /* the unfinished text is in saved */
  char* long_text; /* finished, too long for the ring; JavaScript fetches it */
  size_t long_text_len;
} hw_http1_t;

/* Does the host export llhttp's functions? */
int hw_http1_usable(void);

void hw_http1_init(hw_http1_t* p);
void hw_http1_close(hw_http1_t* p);

/* A new exchange. header_max: bytes of one header block, as Node counts them
 * (lib: maxHeaderSize). */
void hw_http1_begin(hw_http1_t* p, uint32_t flags, uint32_t header_max);

/* Bytes of the current slab arrived. Pushes HEAD, DATA, END, UPGRADE,
 * SURPLUS and PARSE_ERROR records for conn. There must be room in the ring.
 * Result: 0, or HW_ENOMEM: the exchange has failed, and no record reports it.
 */
int hw_http1_feed(hw_http1_t* p,
                  hw_ring_t* ring,
                  hw_slabs_t* slabs,
                  uint32_t conn,
                  const char* data,
                  size_t len);

/* The stream ended: a body that runs until the close is complete now. */
void hw_http1_finish(hw_http1_t* p, hw_ring_t* ring, uint32_t conn);

/* May the connection carry another request? RFC 9112 section 9.3. True if it
 * has carried none yet. */
int hw_http1_reusable(const hw_http1_t* p);

/* The text of a record with LONG_TEXT: *len bytes that the caller frees with
 * hw_mem_free; NULL when there is none. */
char* hw_http1_take_text(hw_http1_t* p, size_t* len);

#ifdef __cplusplus
}
#endif

#endif /* HW_HTTP1_H */
