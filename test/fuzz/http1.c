/* SPDX-License-Identifier: MIT */
/*
 * The response path under libFuzzer. The first byte of an input selects
 * the kind of request and the second how the input is split; the rest are the
 * bytes of the server. They go through http1 whole and in pieces: both must
 * produce the same records, and both must keep the rules of the wire:
 *
 *   informational heads, one final head, a body, one end, in this order;
 *   no body where none is allowed, and as much of it as was announced;
 *   a connection is reused only after a complete response that allowed it, with
 *   nothing after it.
 *
 * With the fourth bit of the split, an allocation fails on the way. Then the
 * only rule is that nothing is leaked or read out of bounds.
 *
 * With HW_FUZZ_LARGE the end of an input, whose length its second byte gives,
 * is repeated until it fills the largest read.
 */
#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include "transcript.h"

enum { HEADER_MAX = 1024, FINISH = 16, NO_MEMORY = 8 };

#ifdef HW_FUZZ_LARGE
enum { LARGE = 1 };
#else
enum { LARGE = 0 };
#endif

int test_ok = 1;

static transcript_t whole;
static transcript_t pieces;

/* The lengths of the pieces: 1, or at random up to a limit. */
static size_t piece_len(uint32_t* random, size_t limit) {
  *random = *random * 1664525u + 1013904223u;
  return 1 + (*random >> 16) % limit;
}

static void feed_pieces(transcript_t* t,
                        const char* bytes,
                        size_t len,
                        uint8_t how) {
  static const size_t limits[] = {1, 2, 7, 64};
  uint32_t random = how;
  size_t at = 0;

  while (at < len && t->http.active) {
    size_t n = piece_len(&random, limits[how & 3]);

    n = n < len - at ? n : len - at;
    transcript_feed(t, bytes + at, n);
    at += n;
  }
}

static void feed_large(transcript_t* t,
                       const char* bytes,
                       size_t len,
                       uint8_t how) {
  static char large[HW_READ_MAX];
  size_t period = 1 + how % 64u;
  size_t at = 0;

  period = period < len ? period : len;
  memcpy(large, bytes, len);
  for (at = len; at < sizeof(large); at++) {
    large[at] = large[at - period];
  }
  transcript_feed(t, large, sizeof(large));
}

/* The value of the only header of this name in the latest head. Result: how
 * many there are. */
static int header(const transcript_t* t, const char* name, const char** value) {
  const char* at = t->head;
  const char* end = t->head + t->head_len;
  size_t len = strlen(name);
  int found = 0;
  int is_name = 0; /* the reason is the first line */

  while (at < end) {
    const char* line_end = memchr(at, '\n', (size_t)(end - at));

    line_end = line_end != NULL ? line_end : end;
    if (is_name && (size_t)(line_end - at) == len &&
        strncasecmp(at, name, len) == 0) {
      found++;
      *value = line_end < end ? line_end + 1 : end;
    }
    is_name = !is_name;
    at = line_end + 1;
  }
  return found;
}

static void check_length(const transcript_t* t) {
  const char* value = NULL;
  size_t expected = 0;

  if (header(t, "Transfer-Encoding", &value) != 0 ||
      header(t, "Content-Length", &value) != 1) {
    return;
  }
  while (value < t->head + t->head_len && *value >= '0' && *value <= '9') {
    expected = expected * 10 + (size_t)(*value++ - '0');
  }
  MUST(t->body_len == expected);
}

static void check_rules(const transcript_t* t, uint32_t flags) {
  int bodiless = (flags & HW_HTTP1_HEAD) != 0 || t->status / 100 == 1 ||
                 t->status == 204 || t->status == 304;

  if (t->end_len != 0) {
    MUST((t->head_flags & HW_FLAG_INFO) == 0);
    if (bodiless) {
      MUST(t->body_len == 0);
    } else if ((flags & HW_HTTP1_LENIENT) == 0) {
      check_length(t);
    }
  }
  if (bodiless && (flags & HW_HTTP1_LENIENT) == 0) {
    MUST(t->body_len == 0);
  }
  if (hw_http1_reusable(&t->http)) {
    MUST(t->end_len == t->len); /* and nothing after it */
    MUST((t->head_flags & HW_FLAG_KEEP_ALIVE) != 0);
    MUST((t->head_flags & HW_FLAG_UNTIL_CLOSE) == 0 || t->body_len == 0);
    MUST((t->head_flags & HW_FLAG_UPGRADE) == 0 && !t->failed);
  }
}

static size_t common_len(void) {
  if (whole.end_len != 0) {
    return whole.end_len; /* after it, a whole packet makes more records */
  }
  return whole.upgrade_len != 0 ? whole.upgrade_len : whole.len;
}

static void compare(size_t len) {
  if (whole.overflow || pieces.overflow) {
    /* A limit is checked at the end of a piece, so it may be reported before or
     * after another error of the same line. The records before are the same. */
    size_t n =
        whole.error_len < pieces.error_len ? whole.error_len : pieces.error_len;

    if (whole.end_len != 0) {
      n = whole.end_len;
    }
    MUST(whole.end_len != 0 || (whole.failed && pieces.failed));
    MUST(memcmp(whole.out, pieces.out, n) == 0);
    return;
  }
  MUST(pieces.len >= common_len());
  MUST(memcmp(whole.out, pieces.out, common_len()) == 0);
  MUST(whole.end_len == pieces.end_len);
  MUST(whole.upgrade_len == pieces.upgrade_len);
  MUST(whole.upgrade_at == pieces.upgrade_at);
  if (whole.end_len == 0 && whole.upgrade_len == 0) {
    MUST(whole.len == pieces.len && whole.failed == pieces.failed);
  }
  MUST(hw_http1_reusable(&whole.http) ==
       (hw_http1_reusable(&pieces.http) && pieces.fed == len));
}

static void check_upgrade(const transcript_t* t,
                          const char* bytes,
                          size_t len) {
  static const char open[] = "UPGRADE[";

  if (t->upgrade_len != 0) {
    MUST(t->upgrade_at <= len);
    MUST(memcmp(t->out + t->upgrade_len + sizeof(open) - 1,
                bytes + t->upgrade_at,
                t->fed - t->upgrade_at) == 0);
  }
}

static void begin(transcript_t* t, uint32_t flags) {
  hw_http1_init(&t->http);
  transcript_begin(t, flags, HEADER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static size_t live;
  const char* bytes = (const char*)data + 2;
  uint32_t flags = 0;
  size_t len = 0;

  if (size < 2) {
    return 0;
  }
  if (whole.memory == NULL) {
    transcript_open(&whole);
    transcript_open(&pieces);
    live = hw_mem_live();
  }
  len = size - 2;
  flags = data[0] & 15u;
  if (len == 0 || len > HW_READ_MAX) {
    return 0;
  }
  begin(&whole, flags);
  begin(&pieces, flags);
  if (LARGE) {
    feed_large(&whole, bytes, len, data[1]);
    check_rules(&whole, flags);
  } else if ((data[1] & NO_MEMORY) != 0) {
    hw_mem_fail_at(data[1] >> 4);
    feed_pieces(&pieces, bytes, len, data[1]);
    hw_mem_fail_at(-1);
  } else {
    transcript_feed(&whole, bytes, len);
    feed_pieces(&pieces, bytes, len, data[1]);
    if ((data[0] & FINISH) != 0) {
      transcript_finish(&whole);
      transcript_finish(&pieces);
    }
    check_rules(&whole, flags);
    check_rules(&pieces, flags);
    check_upgrade(&whole, bytes, len);
    check_upgrade(&pieces, bytes, len);
    compare(len);
  }
  hw_http1_close(&whole.http);
  hw_http1_close(&pieces.http);
  hw_mem_free(whole.head);
  hw_mem_free(pieces.head);
  whole.head = NULL;
  pieces.head = NULL;
  MUST(hw_mem_live() == live);
  return 0;
}
