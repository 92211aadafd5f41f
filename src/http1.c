/* SPDX-License-Identifier: MIT */
/*
 * llhttp glue: see http1.h.
 *
 * The text of a head or of trailers is built in the ring's text area, after the
 * text that is already there, and becomes part of a record when it is complete.
 * A head that takes several reads is saved in between; one above HW_TEXT_MAX
 * bytes is built in its own memory and fetched from there.
 */
#include "http1.h"

#include <string.h>
#include <strings.h>

enum { OVERFLOW_NONE, OVERFLOW_HEADER, OVERFLOW_EXTENSIONS, OVERFLOW_MEMORY };

static char* text_base(const hw_http1_t* p) {
  return p->spilled ? p->saved : p->ring->text + p->ring->text_len;
}

static int saved_reserve(hw_http1_t* p, size_t len) {
  size_t want = 0;
  char* grown = NULL;

  if (len <= p->saved_capacity) {
    return 0;
  }
  if (hw_size_mul(len, 2, &want) != 0) {
    return HW_EINVAL;
  }
  grown = hw_mem_realloc(p->saved, want);
  if (grown == NULL) {
    return HW_ENOMEM;
  }
  p->saved = grown;
  p->saved_capacity = want;
  return 0;
}

static void saved_free(hw_http1_t* p) {
  hw_mem_free(p->saved);
  p->saved = NULL;
  p->saved_capacity = 0;
  p->spilled = 0;
}

static int text_put(hw_http1_t* p, const char* at, size_t len) {
  if (p->spilled && saved_reserve(p, p->text_len + len) != 0) {
    p->overflow = OVERFLOW_MEMORY;
    return -1;
  }
  memcpy(text_base(p) + p->text_len, at, len);
  p->text_len += len;
  return 0;
}

/* Makes the finished text part of a record. */
static void text_attach(hw_http1_t* p, uint32_t* record) {
  record[HW_WORD_TEXT_LEN] = (uint32_t)p->text_len;
  if (p->spilled) {
    record[HW_WORD_FLAGS] |= HW_FLAG_LONG_TEXT;
    hw_mem_free(p->long_text);
    p->long_text = p->saved;
    p->long_text_len = p->text_len;
    p->saved = NULL;
    p->saved_capacity = 0;
    p->spilled = 0;
    p->ring->flush = 1;
  } else {
    record[HW_WORD_TEXT_AT] = p->ring->text_len;
    hw_ring_text_used(p->ring, p->text_len);
    saved_free(p);
  }
  p->text_len = 0;
}

/* Before a feed: restores the text that an earlier read began. */
static void text_restore(hw_http1_t* p, size_t incoming) {
  if (p->text_len == 0 || p->spilled) {
    return;
  }
  if (p->text_len + incoming > HW_TEXT_MAX) {
    p->spilled = 1;
    return;
  }
  memcpy(hw_ring_text(p->ring, p->text_len), p->saved, p->text_len);
}

/* After a feed: the ring will be emptied, so an unfinished text is saved. */
static int text_save(hw_http1_t* p) {
  if (p->text_len == 0 || p->spilled) {
    return 0;
  }
  if (saved_reserve(p, p->text_len) != 0) {
    p->overflow = OVERFLOW_MEMORY;
    return -1;
  }
  memcpy(p->saved, text_base(p), p->text_len);
  return 0;
}

static int is_informational(int status) {
  return status >= 100 && status < 200 && status != 101;
}

/* Node: Parser::TrackHeader in src/node_http_parser.cc. */
static int count_header(hw_http1_t* p, size_t len) {
  if (len >= p->header_max - p->header_bytes) {
    p->overflow = OVERFLOW_HEADER;
    return -1;
  }
  p->header_bytes += (uint32_t)len;
  return 0;
}

static int on_message_begin(llhttp_t* parser) {
  hw_http1_t* p = (hw_http1_t*)parser;

  p->text_len = 0;
  p->value_start = 1;
  p->extension_bytes = 0;
  p->hinted = 0;
  return 0;
}

static int on_status(llhttp_t* parser, const char* at, size_t len) {
  hw_http1_t* p = (hw_http1_t*)parser;

  if (count_header(p, len) != 0) {
    return -1;
  }
  return text_put(p, at, len);
}

static int on_header_field(llhttp_t* parser, const char* at, size_t len) {
  hw_http1_t* p = (hw_http1_t*)parser;

  if (count_header(p, len) != 0) {
    return -1;
  }
  /* 0: a name has already begun. Otherwise this one needs a separator from the
   * value or the reason before it. */
  if (p->value_start != 0) {
    p->value_start = 0;
    if (text_put(p, "\n", 1) != 0) {
      return -1;
    }
    p->name_start = p->text_len;
  }
  return text_put(p, at, len);
}

static int on_header_field_complete(llhttp_t* parser) {
  static const char hint[] = "Keep-Alive";
  hw_http1_t* p = (hw_http1_t*)parser;
  const char* name = text_base(p) + p->name_start;
  size_t len = p->text_len - p->name_start;

  if (len == sizeof(hint) - 1 && strncasecmp(name, hint, len) == 0) {
    p->hinted = 1;
  }
  if (text_put(p, "\n", 1) != 0) {
    return -1;
  }
  p->value_start = p->text_len;
  return 0;
}

static int on_header_value(llhttp_t* parser, const char* at, size_t len) {
  hw_http1_t* p = (hw_http1_t*)parser;

  if (count_header(p, len) != 0) {
    return -1;
  }
  return text_put(p, at, len);
}

/* Optional white space after a value is not part of it (RFC 9112 section 5.1),
 * but llhttp keeps it. */
static int on_header_value_complete(llhttp_t* parser) {
  hw_http1_t* p = (hw_http1_t*)parser;
  const char* text = text_base(p);

  while (p->text_len > p->value_start &&
         (text[p->text_len - 1] == ' ' || text[p->text_len - 1] == '\t')) {
    p->text_len--;
  }
  return 0;
}

static int on_chunk_extension(llhttp_t* parser, const char* at, size_t len) {
  hw_http1_t* p = (hw_http1_t*)parser;

  (void)at;
  p->extension_bytes += (uint32_t)len;
  if (p->extension_bytes > HW_CHUNK_EXTENSIONS_MAX) {
    p->overflow = OVERFLOW_EXTENSIONS;
    return -1;
  }
  return 0;
}

static int on_chunk_header(llhttp_t* parser) {
  hw_http1_t* p = (hw_http1_t*)parser;

  p->header_bytes = 0;
  p->extension_bytes = 0;
  p->value_start = 1; /* a trailer's name starts with a separator */
  return 0;
}

/* Result, for llhttp: 0 go on, 1 no body, 2 no body and what follows is not
 * HTTP, -1 stop. The same as Node's parserOnIncomingClient. */
static int on_headers_complete(llhttp_t* parser) {
  hw_http1_t* p = (hw_http1_t*)parser;
  int status = llhttp_get_status_code(parser);
  uint32_t* record = NULL;

  p->header_bytes = 0;
  if (p->complete) {
    p->surplus = 1;
    hw_ring_push(p->ring, HW_REC_SURPLUS, p->conn);
    return -1;
  }
  record = hw_ring_push(p->ring, HW_REC_HEAD, p->conn);
  record[HW_WORD_STATUS] = (uint32_t)status |
                           ((uint32_t)llhttp_get_http_major(parser) << 16) |
                           ((uint32_t)llhttp_get_http_minor(parser) << 24);
  p->keep_alive = (uint8_t)llhttp_should_keep_alive(parser);
  if (p->keep_alive) {
    record[HW_WORD_FLAGS] |= HW_FLAG_KEEP_ALIVE;
  }
  if (p->hinted) {
    record[HW_WORD_FLAGS] |= HW_FLAG_HINT;
  }
  if ((p->flags & HW_HTTP1_HEAD) == 0 && llhttp_message_needs_eof(parser)) {
    record[HW_WORD_FLAGS] |= HW_FLAG_UNTIL_CLOSE;
  }
  p->head = record;
  text_attach(p, record);
  if (llhttp_get_upgrade(parser) || (p->flags & HW_HTTP1_CONNECT) != 0) {
    p->upgraded = 1;
    record[HW_WORD_FLAGS] |= HW_FLAG_UPGRADE;
    return 2;
  }
  if (is_informational(status)) {
    p->info = 1;
    record[HW_WORD_FLAGS] |= HW_FLAG_INFO;
    return 1;
  }
  return (p->flags & HW_HTTP1_HEAD) != 0 || status == 304 ? 1 : 0;
}

static int on_body(llhttp_t* parser, const char* at, size_t len) {
  hw_http1_t* p = (hw_http1_t*)parser;
  uint32_t* record = hw_ring_push(p->ring, HW_REC_DATA, p->conn);

  if (len <= HW_INLINE_MAX) {
    memcpy(hw_ring_text(p->ring, len), at, len);
    record[HW_WORD_BODY_AT] = p->ring->text_len;
    record[HW_WORD_BODY_LEN] = (uint32_t)len;
    hw_ring_text_used(p->ring, len);
  } else {
    hw_slabs_attach(p->slabs, record, at, len);
  }
  return 0;
}

static int on_message_complete(llhttp_t* parser) {
  hw_http1_t* p = (hw_http1_t*)parser;
  uint32_t* record = NULL;

  if (p->info) {
    p->info = 0;
    return 0;
  }
  if (p->upgraded) {
    return 0; /* reported by UPGRADE, with the rest of the packet */
  }
  p->complete = 1;
  /* A response to HEAD ends with its head, in the same feed, even if the head
   * announces a body (RFC 9112 section 6.3). llhttp learns only now that there
   * is none, and that the connection need not end with it. */
  if ((p->flags & HW_HTTP1_HEAD) != 0 && llhttp_should_keep_alive(parser)) {
    p->keep_alive = 1;
    p->head[HW_WORD_FLAGS] |= HW_FLAG_KEEP_ALIVE;
  }
  record = hw_ring_push(p->ring, HW_REC_END, p->conn);
  if (p->text_len != 0) {
    text_attach(p, record);
  }
  return LLHTTP_PAUSED; /* feed checks whether anything follows */
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_status = on_status,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value_complete = on_header_value_complete,
    .on_chunk_header = on_chunk_header,
};

int hw_http1_usable(void) {
  return llhttp_init != NULL && llhttp_execute != NULL &&
         llhttp_finish != NULL && llhttp_resume != NULL &&
         llhttp_get_error_reason != NULL && llhttp_get_error_pos != NULL &&
         llhttp_errno_name != NULL && llhttp_get_status_code != NULL &&
         llhttp_get_http_major != NULL && llhttp_get_http_minor != NULL &&
         llhttp_get_upgrade != NULL && llhttp_should_keep_alive != NULL &&
         llhttp_message_needs_eof != NULL;
}

void hw_http1_init(hw_http1_t* p) {
  memset(p, 0, sizeof(*p));
}

void hw_http1_close(hw_http1_t* p) {
  saved_free(p);
  hw_mem_free(p->long_text);
  p->long_text = NULL;
  p->text_len = 0;
  p->active = 0;
}

/* Each setter is weak: a check that this llhttp cannot relax stays on. */
static void set_lenient(llhttp_t* parser) {
  static void (*const setters[])(llhttp_t*, int) = {
      llhttp_set_lenient_headers,
      llhttp_set_lenient_chunked_length,
      llhttp_set_lenient_keep_alive,
      llhttp_set_lenient_transfer_encoding,
      llhttp_set_lenient_version,
      llhttp_set_lenient_data_after_close,
      llhttp_set_lenient_optional_lf_after_cr,
      llhttp_set_lenient_optional_cr_before_lf,
      llhttp_set_lenient_optional_crlf_after_chunk,
      llhttp_set_lenient_spaces_after_chunk_size,
  };
  size_t i = 0;

  for (i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
    if (setters[i] != NULL) {
      setters[i](parser, 1);
    }
  }
}

void hw_http1_begin(hw_http1_t* p, uint32_t flags, uint32_t header_max) {
  llhttp_init(&p->parser, LLHTTP_RESPONSE, &settings);
  if ((flags & HW_HTTP1_LENIENT) != 0) {
    set_lenient(&p->parser);
  }
  if ((flags & (HW_HTTP1_LENIENT | HW_HTTP1_RELAXED)) != 0 &&
      llhttp_set_lenient_header_value_relaxed != NULL) {
    llhttp_set_lenient_header_value_relaxed(&p->parser, 1);
  }
  p->flags = (uint8_t)flags;
  p->header_max = header_max;
  p->header_bytes = 0;
  p->extension_bytes = 0;
  p->text_len = 0;
  p->value_start = 0;
  p->begun = 1;
  p->active = 1;
  p->info = 0;
  p->complete = 0;
  p->keep_alive = 0;
  p->surplus = 0;
  p->left_over = 0;
  p->failed = 0;
  p->upgraded = 0;
  p->hinted = 0;
  p->overflow = OVERFLOW_NONE;
}

static void push_text(uint32_t* record, hw_ring_t* ring, const char* text) {
  size_t len = strlen(text);

  memcpy(hw_ring_text(ring, len), text, len);
  record[HW_WORD_TEXT_LEN] += (uint32_t)len;
  hw_ring_text_used(ring, len);
}

/* parsed: of the len bytes of the packet. */
static void push_error(hw_http1_t* p, int err, size_t parsed, size_t len) {
  uint32_t* record = hw_ring_push(p->ring, HW_REC_PARSE_ERROR, p->conn);
  const char* reason = llhttp_get_error_reason(&p->parser);

  p->failed = 1;
  p->text_len = 0;
  record[HW_WORD_STATUS] = (uint32_t)parsed;
  record[HW_WORD_TEXT_AT] = p->ring->text_len;
  if (p->overflow == OVERFLOW_HEADER) {
    push_text(record, p->ring, "HPE_HEADER_OVERFLOW\nHeader overflow");
  } else if (p->overflow == OVERFLOW_EXTENSIONS) {
    push_text(record,
              p->ring,
              "HPE_CHUNK_EXTENSIONS_OVERFLOW\nChunk extensions overflow");
  } else {
    push_text(record, p->ring, llhttp_errno_name(err));
    push_text(record, p->ring, "\n");
    push_text(record, p->ring, reason != NULL ? reason : "");
  }
  hw_slabs_attach(p->slabs, record, p->packet, len);
}

/* The response is complete. The rest of the packet is parsed to report the same
 * error as Node; part of a response, or an empty line, is not an error. */
static int feed_rest(hw_http1_t* p, const char* end) {
  const char* rest = llhttp_get_error_pos(&p->parser);

  if (rest == end) {
    return LLHTTP_OK;
  }
  p->left_over = 1;
  llhttp_resume(&p->parser);
  return llhttp_execute(&p->parser, rest, (size_t)(end - rest));
}

int hw_http1_feed(hw_http1_t* p,
                  hw_ring_t* ring,
                  hw_slabs_t* slabs,
                  uint32_t conn,
                  const char* data,
                  size_t len) {
  int err = 0;

  HW_ASSERT(p->active);
  p->ring = ring;
  p->slabs = slabs;
  p->conn = conn;
  p->packet = data;
  text_restore(p, len);
  err = llhttp_execute(&p->parser, data, len);
  if (err == LLHTTP_PAUSED) {
    err = feed_rest(p, data + len);
  }
  if (p->upgraded && err == LLHTTP_PAUSED_UPGRADE) {
    const char* rest = llhttp_get_error_pos(&p->parser);
    uint32_t* record = hw_ring_push(ring, HW_REC_UPGRADE, conn);

    p->active = 0;
    hw_slabs_attach(slabs, record, rest, len - (size_t)(rest - data));
  } else if (p->surplus || p->complete || err != LLHTTP_OK) {
    p->active = 0;
    if (err != LLHTTP_OK && !p->surplus && p->overflow != OVERFLOW_MEMORY) {
      push_error(
          p, err, (size_t)(llhttp_get_error_pos(&p->parser) - data), len);
    }
  } else {
    p->active = text_save(p) == 0;
  }
  if (p->overflow != OVERFLOW_MEMORY || p->complete) {
    return 0; /* bytes after a response are dropped */
  }
  p->failed = 1;
  p->text_len = 0;
  return HW_ENOMEM;
}

void hw_http1_finish(hw_http1_t* p, hw_ring_t* ring, uint32_t conn) {
  if (!p->active) {
    return;
  }
  p->ring = ring;
  p->conn = conn;
  /* An end in mid-message is not a parse error: the request gets the end of the
   * connection, as in Node, which ignores the result too. */
  (void)llhttp_finish(&p->parser);
  p->active = 0;
}

int hw_http1_reusable(const hw_http1_t* p) {
  return !p->begun || (p->complete && p->keep_alive && !p->left_over &&
                       !p->failed && !p->upgraded);
}

char* hw_http1_take_text(hw_http1_t* p, size_t* len) {
  char* text = p->long_text;

  *len = text != NULL ? p->long_text_len : 0;
  p->long_text = NULL;
  return text;
}
