/* SPDX-License-Identifier: MIT */
/*
 * Records as text: see transcript.h. Also checks that every offset in a
 * record is within its memory.
 */
#include "transcript.h"

#include <string.h>

#include "runner.h"

static void put(transcript_t* t, const char* bytes, size_t len) {
  CHECK(t->len + len < TRANSCRIPT_MAX);
  if (t->len + len < TRANSCRIPT_MAX) {
    memcpy(t->out + t->len, bytes, len);
    t->len += len;
    t->out[t->len] = 0;
  }
}

static void put_string(transcript_t* t, const char* text) {
  put(t, text, strlen(text));
}

/* Result: the text, to be freed. */
static char* text_of(transcript_t* t, const uint32_t* w, size_t* len) {
  char* text = NULL;

  *len = w[HW_WORD_TEXT_LEN];
  if ((w[HW_WORD_FLAGS] & HW_FLAG_LONG_TEXT) != 0) {
    text = hw_http1_take_text(&t->http, len);
    CHECK(text != NULL && *len == w[HW_WORD_TEXT_LEN]);
    return text;
  }
  CHECK(w[HW_WORD_TEXT_AT] <= t->ring.text_len &&
        *len <= t->ring.text_len - w[HW_WORD_TEXT_AT]);
  text = hw_mem_alloc(*len);
  if (text == NULL) {
    *len = 0; /* a test that lets allocations fail */
    return NULL;
  }
  memcpy(text, t->ring.text + w[HW_WORD_TEXT_AT], *len);
  return text;
}

static void put_text(transcript_t* t, const char* text, size_t len) {
  size_t i = 0;

  put_string(t, "[");
  for (i = 0; i < len; i++) {
    put(t, text[i] == '\n' ? "|" : text + i, 1);
  }
  put_string(t, "]");
}

static const char* body_of(const transcript_t* t, const uint32_t* w) {
  uint32_t slab = w[HW_WORD_FLAGS] >> HW_FLAG_SLAB_SHIFT;
  size_t size = slab != 0 ? HW_READ_MAX : t->ring.text_len;

  CHECK(slab <= 1);
  CHECK(w[HW_WORD_BODY_AT] <= size &&
        w[HW_WORD_BODY_LEN] <= size - w[HW_WORD_BODY_AT]);
  return (slab != 0 ? t->slab : t->ring.text) + w[HW_WORD_BODY_AT];
}

static void put_head(transcript_t* t, const uint32_t* w) {
  char line[64];

  t->head_start = t->len;
  (void)snprintf(line,
                 sizeof(line),
                 "HEAD %u %u.%u %s%s%s%s%s",
                 w[HW_WORD_STATUS] & 0xffff,
                 (w[HW_WORD_STATUS] >> 16) & 0xff,
                 w[HW_WORD_STATUS] >> 24,
                 w[HW_WORD_FLAGS] & HW_FLAG_KEEP_ALIVE ? "keep " : "",
                 w[HW_WORD_FLAGS] & HW_FLAG_INFO ? "info " : "",
                 w[HW_WORD_FLAGS] & HW_FLAG_UPGRADE ? "upgrade " : "",
                 w[HW_WORD_FLAGS] & HW_FLAG_HINT ? "hint " : "",
                 w[HW_WORD_FLAGS] & HW_FLAG_UNTIL_CLOSE ? "until close " : "");
  put_string(t, line);
  hw_mem_free(t->head);
  t->head = text_of(t, w, &t->head_len);
  t->head_flags = w[HW_WORD_FLAGS];
  t->status = w[HW_WORD_STATUS] & 0xffff;
  t->body_len = 0;
  put_text(t, t->head, t->head_len);
}

static void put_data(transcript_t* t, const uint32_t* w) {
  if (t->in_data) {
    t->len--; /* the bracket */
  } else {
    put_string(t, "DATA[");
  }
  put(t, body_of(t, w), w[HW_WORD_BODY_LEN]);
  put_string(t, "]");
  t->body_len += w[HW_WORD_BODY_LEN];
}

static void put_end(transcript_t* t, const uint32_t* w) {
  size_t len = 0;
  char* text = text_of(t, w, &len);

  put_string(t, "END");
  put_text(t, text, len);
  hw_mem_free(text);
  t->end_len = t->len;
}

static void put_error(transcript_t* t, const uint32_t* w) {
  size_t len = 0;
  char* text = text_of(t, w, &len);

  t->failed = 1;
  t->error_len = t->len;
  (void)body_of(t, w);
  CHECK(w[HW_WORD_STATUS] <= w[HW_WORD_BODY_LEN]);
  put_string(t, "ERROR");
  put_text(t, text, len);
  t->overflow = strstr(t->out + t->error_len, "OVERFLOW|") != NULL;
  hw_mem_free(text);
}

/* A slab that is given to the user: no later record refers to it. */
static void check_hand_over(const transcript_t* t, uint32_t index) {
  uint32_t i = 0;

  CHECK(hw_ring_at(&t->ring, index)[HW_WORD_FLAGS] >> HW_FLAG_SLAB_SHIFT != 0);
  CHECK(hw_slabs_low(&t->slabs));
  for (i = index + 1; i < t->ring.count; i++) {
    const uint32_t* w = hw_ring_at(&t->ring, i);

    CHECK(w[HW_WORD_FLAGS] >> HW_FLAG_SLAB_SHIFT == 0);
  }
}

static void drain(transcript_t* t) {
  uint32_t i = 0;

  CHECK(t->ring.count <= HW_RING_RECORDS);
  for (i = 0; i < t->ring.count; i++) {
    const uint32_t* w = hw_ring_at(&t->ring, i);

    CHECK(w[HW_WORD_CONN] == TRANSCRIPT_CONN ||
          w[HW_WORD_TYPE] == HW_REC_SLAB_DONE);
    switch (w[HW_WORD_TYPE]) {
      case HW_REC_HEAD:
        put_head(t, w);
        break;
      case HW_REC_DATA:
        if ((w[HW_WORD_FLAGS] & HW_FLAG_OWN) != 0) {
          check_hand_over(t, i);
        }
        put_data(t, w);
        break;
      case HW_REC_END:
        put_end(t, w);
        break;
      case HW_REC_PARSE_ERROR:
        put_error(t, w);
        break;
      case HW_REC_UPGRADE:
        t->upgrade_len = t->len;
        t->upgrade_at = t->fed - w[HW_WORD_BODY_LEN];
        put_string(t, "UPGRADE[");
        put(t, body_of(t, w), w[HW_WORD_BODY_LEN]);
        put_string(t, "]");
        break;
      case HW_REC_SURPLUS:
        put_string(t, "SURPLUS");
        break;
      default:
        CHECK(0);
        break;
    }
    t->in_data = w[HW_WORD_TYPE] == HW_REC_DATA;
  }
  hw_ring_reset(&t->ring);
}

void transcript_open(transcript_t* t) {
  memset(t, 0, sizeof(*t));
  t->memory = hw_mem_alloc(HW_RING_BYTES);
  t->slab = hw_mem_alloc(HW_READ_MAX);
  t->out = hw_mem_calloc(TRANSCRIPT_MAX);
  hw_ring_init(&t->ring, t->memory);
  hw_slabs_init(&t->slabs);
  hw_http1_init(&t->http);
}

void transcript_close(transcript_t* t) {
  hw_http1_close(&t->http);
  hw_mem_free(t->head);
  hw_mem_free(t->memory);
  hw_mem_free(t->slab);
  hw_mem_free(t->out);
}

void transcript_begin(transcript_t* t, uint32_t flags, uint32_t header_max) {
  t->len = 0;
  t->out[0] = 0;
  t->fed = 0;
  t->in_data = 0;
  t->head_len = 0;
  t->head_start = 0;
  t->head_flags = 0;
  t->status = 0;
  t->body_len = 0;
  t->end_len = 0;
  t->upgrade_len = 0;
  t->upgrade_at = 0;
  t->error_len = 0;
  t->failed = 0;
  t->overflow = 0;
  hw_http1_begin(&t->http, flags, header_max);
}

void transcript_feed(transcript_t* t, const char* bytes, size_t len) {
  char* at = NULL;
  int err = 0;

  if (!t->http.active) {
    return;
  }
  hw_slabs_init(&t->slabs);
  CHECK(hw_slabs_give(&t->slabs, 1, t->slab, HW_READ_MAX) == 0);
  CHECK(hw_slabs_space(&t->slabs, &t->ring, &at) >= len);
  memcpy(at, bytes, len);
  t->fed += len;
  err = hw_http1_feed(&t->http, &t->ring, &t->slabs, TRANSCRIPT_CONN, at, len);
  hw_slabs_hand_over(&t->slabs, &t->ring, 0, at);
  drain(t);
  if (err != 0) {
    CHECK(err == HW_ENOMEM && !t->http.active);
    CHECK(!t->failed && !hw_http1_reusable(&t->http));
    put_string(t, "NO MEMORY");
  }
  memset(at, '#', len);
}

void transcript_finish(transcript_t* t) {
  hw_http1_finish(&t->http, &t->ring, TRANSCRIPT_CONN);
  drain(t);
}
