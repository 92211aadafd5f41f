/* SPDX-License-Identifier: MIT */
/*
 * Bytes to records, with the host's llhttp: each row whole, byte by byte and
 * split at every byte, which must all make the same records.
 */
#include "runner.h"

#include <string.h>

#include "transcript.h"

void suite_http1(void);

enum { LIMIT = 16 * 1024 };

typedef struct {
  const char* title;
  const char* bytes;
  const char* transcript;
  uint32_t flags;
  int finish; /* the stream ends after the bytes */
  int reusable;
} row_t;

static const row_t rows[] = {
    {"content-length",
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a b \t\r\n\r\nabc",
     "HEAD 200 1.1 keep [OK|Content-Length|3|X|a b]DATA[abc]END[]",
     0,
     0,
     1},
    {"a Keep-Alive header",
     "HTTP/1.1 200 OK\r\nKeep-Alive-: no\r\nkeep-alive: timeout=5\r\n"
     "Content-Length: 0\r\n\r\n",
     "HEAD 200 1.1 keep hint [OK|Keep-Alive-|no|keep-alive|timeout=5|"
     "Content-Length|0]END[]",
     0,
     0,
     1},
    {"chunked with trailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2;e=1\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\nV:\r\n\r\n",
     "HEAD 200 1.1 keep [OK|Transfer-Encoding|chunked]DATA[abc]END[|T|u|V|]",
     0,
     0,
     1},
    {"until close",
     "HTTP/1.0 200 Yes Sir\r\nA: b\r\n\r\nbody",
     "HEAD 200 1.0 until close [Yes Sir|A|b]DATA[body]END[]",
     0,
     1,
     0},
    {"no headers, no reason",
     "HTTP/1.1 204 \r\n\r\n",
     "HEAD 204 1.1 keep []END[]",
     0,
     0,
     1},
    {"head",
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
     "HEAD 200 1.1 keep [OK|Content-Length|9]END[]",
     HW_HTTP1_HEAD,
     0,
     1},
    {"head without framing",
     "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
     "HEAD 200 1.1 keep [OK|A|b]END[]",
     HW_HTTP1_HEAD,
     0,
     1},
    {"head, chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "HEAD 200 1.1 keep [OK|Transfer-Encoding|chunked]END[]",
     HW_HTTP1_HEAD,
     0,
     1},
    {"head, close",
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
     "HEAD 200 1.1 [OK|Connection|close]END[]",
     HW_HTTP1_HEAD,
     0,
     0},
    {"head, 1.0",
     "HTTP/1.0 200 OK\r\n\r\n",
     "HEAD 200 1.0 [OK]END[]",
     HW_HTTP1_HEAD,
     0,
     0},
    {"head, 1.0, keep-alive",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
     "HEAD 200 1.0 keep [OK|Connection|keep-alive]END[]",
     HW_HTTP1_HEAD,
     0,
     1},
    {"head after an informational one",
     "HTTP/1.1 103 H\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
     "HEAD 103 1.1 keep info [H]HEAD 200 1.1 keep [OK]END[]",
     HW_HTTP1_HEAD,
     0,
     1},
    {"without framing, to its end",
     "HTTP/1.1 200 OK\r\n\r\nab",
     "HEAD 200 1.1 until close [OK]DATA[ab]END[]",
     0,
     1,
     0},
    {"not modified",
     "HTTP/1.1 304 NM\r\nContent-Length: 9\r\n\r\n",
     "HEAD 304 1.1 keep [NM|Content-Length|9]END[]",
     0,
     0,
     1},
    {"informational",
     "HTTP/1.1 103 Hints\r\nL: x\r\n\r\nHTTP/1.1 200 OK\r\n"
     "Content-Length: 1\r\n\r\nx",
     "HEAD 103 1.1 keep info [Hints|L|x]"
     "HEAD 200 1.1 keep [OK|Content-Length|1]DATA[x]END[]",
     0,
     0,
     1},
    {"connection close",
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
     "HEAD 200 1.1 [OK|Connection|close|Content-Length|1]DATA[x]END[]",
     0,
     0,
     0},
    {"ended too early",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
     "HEAD 200 1.1 keep [OK|Content-Length|5]DATA[abc]",
     0,
     1,
     0},
};

static void expect(transcript_t* f,
                   const row_t* row,
                   size_t step,
                   size_t split) {
  size_t len = strlen(row->bytes);
  size_t at = 0;

  transcript_begin(f, row->flags, LIMIT);
  while (at < len) {
    size_t n = split != 0 && at == 0 ? split : step;

    n = n < len - at ? n : len - at;
    transcript_feed(f, row->bytes + at, n);
    at += n;
  }
  if (row->finish) {
    transcript_finish(f);
  }
  if (strcmp(f->out, row->transcript) != 0 ||
      hw_http1_reusable(&f->http) != row->reusable) {
    CHECK(0);
    (void)printf("%s, step %zu, split %zu:\n  %s\n  %s\n",
                 row->title,
                 step,
                 split,
                 f->out,
                 row->transcript);
  }
}

static void every_row_tells_the_same_at_every_split(void) {
  size_t i = 0;

  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    transcript_t f;
    size_t len = strlen(rows[i].bytes);
    size_t split = 0;

    transcript_open(&f);
    expect(&f, &rows[i], len, 0);
    expect(&f, &rows[i], 1, 0);
    for (split = 1; split < len; split++) {
      expect(&f, &rows[i], len, split);
    }
    transcript_close(&f);
  }
}

static void whole(transcript_t* f, const char* bytes, uint32_t flags) {
  transcript_begin(f, flags, LIMIT);
  transcript_feed(f, bytes, strlen(bytes));
}

static void what_follows_the_end_is_never_reused(void) {
  transcript_t f;

  transcript_open(&f);
  whole(&f,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny",
        0);
  CHECK(strcmp(f.out,
               "HEAD 200 1.1 keep [OK|Content-Length|1]DATA[x]END[]SURPLUS") ==
        0);
  CHECK(!hw_http1_reusable(&f.http));
  whole(&f, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxjunk", 0);
  CHECK(strstr(f.out, "END[]ERROR[HPE_INVALID_CONSTANT|") != NULL);
  CHECK(!hw_http1_reusable(&f.http));
  transcript_close(&f);
}

static void what_follows_need_not_be_an_error(void) {
  static const char* const rests[] = {
      "\n",
      "\r\n",
      "H",
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"};
  static const char* const heads[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
      "\r\n"};
  transcript_t f;
  size_t i = 0;
  size_t j = 0;

  transcript_open(&f);
  for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
    whole(&f, heads[i], 0);
    CHECK(hw_http1_reusable(&f.http));
    for (j = 0; j < sizeof(rests) / sizeof(rests[0]); j++) {
      char bytes[256];

      (void)snprintf(bytes, sizeof(bytes), "%s%s", heads[i], rests[j]);
      whole(&f, bytes, 0);
      CHECK(strstr(f.out, "END[]") != NULL);
      CHECK(strstr(f.out, "ERROR") == NULL);
      CHECK(!hw_http1_reusable(&f.http));
    }
  }
  transcript_close(&f);
}

static void an_upgrade_hands_out_the_rest(void) {
  transcript_t f;

  transcript_open(&f);
  whole(
      &f, "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest", 0);
  CHECK(strstr(f.out, "UPGRADE[rest]") != NULL);
  CHECK(!hw_http1_reusable(&f.http));
  whole(
      &f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nrest", HW_HTTP1_CONNECT);
  CHECK(strstr(f.out, "UPGRADE[rest]") != NULL);
  transcript_close(&f);
}

static void errors_name_code_and_reason(void) {
  static const char* const table[][2] = {
      {"junk\r\n", "ERROR[HPE_INVALID_CONSTANT|Expected HTTP/"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
       "ERROR[HPE_UNEXPECTED_CONTENT_LENGTH|"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1"
       "\r\n\r\n",
       "ERROR[HPE_"},
      {"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", "ERROR[HPE_INVALID_HEADER_TOKEN|"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
       "ERROR[HPE_INVALID_CHUNK_SIZE|"},
  };
  transcript_t f;
  size_t i = 0;

  transcript_open(&f);
  for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
    whole(&f, table[i][0], 0);
    CHECK(strstr(f.out, table[i][1]) != NULL);
    CHECK(!hw_http1_reusable(&f.http) && !f.http.active);
  }
  transcript_close(&f);
}

static void a_head_over_its_limit_fails_wherever_it_is_split(void) {
  static char bytes[LIMIT + 200];
  size_t step = 0;

  (void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\nX: ");
  memset(bytes + strlen(bytes), 'x', LIMIT + 100);
  for (step = 1; step < sizeof(bytes); step = step * 3 + 1) {
    transcript_t f;
    size_t at = 0;

    transcript_open(&f);
    transcript_begin(&f, 0, LIMIT);
    for (at = 0; at < strlen(bytes) && f.http.active; at += step) {
      size_t left = strlen(bytes) - at;

      transcript_feed(&f, bytes + at, step < left ? step : left);
    }
    CHECK(strcmp(f.out, "ERROR[HPE_HEADER_OVERFLOW|Header overflow]") == 0);
    transcript_close(&f);
  }
}

static void a_head_above_the_ring_is_fetched(void) {
  static const char start[] = "HTTP/1.1 200 OK\r\nX: ";
  static const char end[] = "\r\nContent-Length: 1\r\n\r\ny";
  enum { BIG = 200 * 1024, LEN = sizeof(start) - 1 + BIG + sizeof(end) - 1 };
  char* bytes = hw_mem_calloc(LEN);
  transcript_t f;
  size_t at = 0;

  memset(bytes, 'x', LEN);
  memcpy(bytes, start, sizeof(start) - 1);
  memcpy(bytes + sizeof(start) - 1 + BIG, end, sizeof(end) - 1);
  transcript_open(&f);
  transcript_begin(&f, 0, 1024 * 1024);
  for (at = 0; at < LEN; at += 60000) {
    transcript_feed(&f, bytes + at, LEN - at < 60000 ? LEN - at : 60000);
  }
  CHECK(strncmp(f.out, "HEAD 200 1.1 keep [OK|X|xxxx", 28) == 0);
  CHECK(strstr(f.out, "xxxx|Content-Length|1]DATA[y]END[]") != NULL);
  CHECK(f.len > BIG);
  transcript_close(&f);
  hw_mem_free(bytes);
}

static void without_memory_the_exchange_fails_and_nothing_leaks(void) {
  transcript_t f;

  transcript_open(&f);
  transcript_begin(&f, 0, LIMIT);
  hw_mem_fail_at(0);
  transcript_feed(&f, "HTTP/1.1 200 OK\r\nX: y", 21);
  CHECK(strcmp(f.out, "NO MEMORY") == 0 && !f.http.active);
  hw_mem_fail_at(-1);
  transcript_close(&f);
}

static void large_pieces_come_from_the_slab(void) {
  enum { BODY = 50000 };
  static char bytes[BODY + 100];
  transcript_t f;
  char* at = NULL;
  size_t head = 0;

  head = (size_t)snprintf(bytes,
                          sizeof(bytes),
                          "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                          BODY);
  memset(bytes + head, 'b', BODY);
  transcript_open(&f);
  transcript_begin(&f, 0, LIMIT);
  CHECK(hw_slabs_give(&f.slabs, 5, f.slab, HW_READ_MAX) == 0);
  CHECK(hw_slabs_space(&f.slabs, &f.ring, &at) >= head + BODY);
  memcpy(at, bytes, head + BODY);
  hw_http1_feed(&f.http, &f.ring, &f.slabs, TRANSCRIPT_CONN, at, head + BODY);
  CHECK(f.ring.count == 3);
  CHECK(f.ring.words[HW_RECORD_WORDS + HW_WORD_BODY_AT] == head);
  CHECK(f.ring.words[HW_RECORD_WORDS + HW_WORD_FLAGS] >> 16 == 5);
  CHECK(f.slabs.used == head + BODY);
  transcript_close(&f);
}

void suite_http1(void) {
  RUN(every_row_tells_the_same_at_every_split);
  RUN(what_follows_the_end_is_never_reused);
  RUN(what_follows_need_not_be_an_error);
  RUN(an_upgrade_hands_out_the_rest);
  RUN(errors_name_code_and_reason);
  RUN(a_head_over_its_limit_fails_wherever_it_is_split);
  RUN(a_head_above_the_ring_is_fetched);
  RUN(without_memory_the_exchange_fails_and_nothing_leaks);
  RUN(large_pieces_come_from_the_slab);
}
