/* SPDX-License-Identifier: MIT */
/*
 * Before the fast lane is used: does the host's llhttp call back as http1.c
 * expects? The host does not version the layout of the settings, so canned
 * responses go through the real glue and every record is checked. With a wrong
 * layout one callback would be called in place of another, which shows here.
 */
#include <string.h>

#include "selfcheck.h"
#include "http1.h"

enum { CONN = 7, SLAB = 1, HEADER_MAX = 16 * 1024 };

typedef struct {
  hw_ring_t ring;
  hw_slabs_t slabs;
  hw_http1_t http;
  uint32_t next; /* record to check */
} check_t;

static int feed(check_t* c, const char* bytes, uint32_t flags) {
  char* at = NULL;
  size_t len = strlen(bytes);
  size_t i = 0;

  hw_ring_reset(&c->ring);
  c->next = 0;
  if (hw_slabs_space(&c->slabs, &c->ring, &at) < len) {
    return 0;
  }
  hw_ring_reset(&c->ring);
  for (i = 0; i < len; i++) {
    at[i] = bytes[i];
  }
  hw_http1_begin(&c->http, flags, HEADER_MAX);
  hw_http1_feed(&c->http, &c->ring, &c->slabs, CONN, at, len);
  return 1;
}

/* The next record, if it is of this type. */
static const uint32_t* expect(check_t* c, uint32_t type) {
  const uint32_t* words = hw_ring_at(&c->ring, c->next);

  if (c->next >= c->ring.count || words[HW_WORD_TYPE] != type ||
      words[HW_WORD_CONN] != CONN) {
    return NULL;
  }
  c->next++;
  return words;
}

static int text_is(const check_t* c, const uint32_t* words, const char* text) {
  return words[HW_WORD_TEXT_LEN] == strlen(text) &&
         memcmp(c->ring.text + words[HW_WORD_TEXT_AT], text, strlen(text)) == 0;
}

static int body_is(const check_t* c, const uint32_t* words, const char* body) {
  return words[HW_WORD_BODY_LEN] == strlen(body) &&
         memcmp(c->ring.text + words[HW_WORD_BODY_AT], body, strlen(body)) == 0;
}

static int check_length(check_t* c) {
  const uint32_t* words = NULL;

  return feed(c,
              "HTTP/1.1 201 Made\r\nA: b \r\nContent-Length: 3\r\n\r\nabc",
              0) &&
         (words = expect(c, HW_REC_HEAD)) != NULL &&
         words[HW_WORD_STATUS] == (201u | 1u << 16 | 1u << 24) &&
         words[HW_WORD_FLAGS] == HW_FLAG_KEEP_ALIVE &&
         text_is(c, words, "Made\nA\nb\nContent-Length\n3") &&
         (words = expect(c, HW_REC_DATA)) != NULL && body_is(c, words, "abc") &&
         expect(c, HW_REC_END) != NULL && c->next == c->ring.count &&
         hw_http1_reusable(&c->http);
}

static int check_chunked(check_t* c) {
  const uint32_t* words = NULL;

  return feed(c,
              "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "2;x=y\r\nhi\r\n0\r\nT: u\r\n\r\n",
              0) &&
         (words = expect(c, HW_REC_HEAD)) != NULL &&
         words[HW_WORD_STATUS] == (200u | 1u << 16) &&
         words[HW_WORD_FLAGS] == 0 &&
         (words = expect(c, HW_REC_DATA)) != NULL && body_is(c, words, "hi") &&
         (words = expect(c, HW_REC_END)) != NULL &&
         text_is(c, words, "\nT\nu") && !hw_http1_reusable(&c->http);
}

static int check_head(check_t* c) {
  return feed(c,
              "HTTP/1.1 100 Continue\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
              HW_HTTP1_HEAD) &&
         expect(c, HW_REC_HEAD) != NULL && expect(c, HW_REC_HEAD) != NULL &&
         expect(c, HW_REC_END) != NULL && c->next == c->ring.count;
}

static int check_upgrade(check_t* c) {
  const uint32_t* words = NULL;

  return feed(c,
              "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz",
              0) &&
         expect(c, HW_REC_HEAD) != NULL &&
         (words = expect(c, HW_REC_UPGRADE)) != NULL &&
         words[HW_WORD_BODY_LEN] == 3;
}

static int check_until_close(check_t* c) {
  if (!feed(c, "HTTP/1.1 200 OK\r\n\r\nx", 0) ||
      expect(c, HW_REC_HEAD) == NULL || expect(c, HW_REC_DATA) == NULL ||
      c->next != c->ring.count) {
    return 0;
  }
  hw_http1_finish(&c->http, &c->ring, CONN);
  return expect(c, HW_REC_END) != NULL && !hw_http1_reusable(&c->http);
}

static int check_error(check_t* c) {
  const uint32_t* words = NULL;

  return feed(c, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0) &&
         (words = expect(c, HW_REC_PARSE_ERROR)) != NULL &&
         words[HW_WORD_STATUS] == 33 &&
         text_is(c,
                 words,
                 "HPE_INVALID_CONTENT_LENGTH\n"
                 "Invalid character in Content-Length");
}

int hw_selfcheck(void* memory) {
  check_t c;
  char* slab = NULL;
  int good = 0;

  if (!hw_http1_usable()) {
    return 0;
  }
  slab = hw_mem_alloc(HW_READ_MAX);
  if (slab == NULL) {
    return 0;
  }
  hw_ring_init(&c.ring, memory);
  hw_slabs_init(&c.slabs);
  hw_http1_init(&c.http);
  if (hw_slabs_give(&c.slabs, SLAB, slab, HW_READ_MAX) == 0) {
    good = check_length(&c) && check_chunked(&c) && check_head(&c) &&
           check_upgrade(&c) && check_until_close(&c) && check_error(&c);
  }
  hw_http1_close(&c.http);
  hw_mem_free(slab);
  return good;
}
