/* SPDX-License-Identifier: MIT */
/*
 * One completion record: eight 32-bit words that describe an event on one
 * connection. Offsets are written only here; JavaScript gets the same numbers
 * as exported constants.
 *
 * Word 0 is the type and word 1 the low half of the connection's id (0 where
 * there is none): enough as long as the record exists, see ids.h.
 * The other words are named by what they carry; a word that a type does not
 * name is 0. Text offsets count bytes from the start of the ring's text area;
 * body offsets count from the start of a slab, or of the text area when the
 * slab id is 0.
 */
#ifndef HW_RECORD_H
#define HW_RECORD_H

/* X(name, value): the event, and the words that it uses. */
#define HW_RECORD_MAP(X)                                                      \
  /* connected: STATUS 0, or it failed for good: STATUS < 0 */                \
  X(CONNECTED, 1)                                                             \
  /* one address of several failed: STATUS, INDEX; the next one is tried */   \
  X(ATTEMPT_FAILED, 2)                                                        \
  /* a response head, informational ones too: STATUS (and the version: major  \
   * in bits 16 to 23, minor in bits 24 to 31), FLAGS, TEXT ("reason" and     \
   * then "\nname\nvalue" for each header) */                                 \
  X(HEAD, 3)                                                                  \
  /* body bytes: BODY */                                                      \
  X(DATA, 4)                                                                  \
  /* the message is complete: FLAGS, TEXT (trailers) */                       \
  X(END, 5)                                                                   \
  /* the message is complete and the rest is not HTTP: BODY (may be empty) */ \
  X(UPGRADE, 6)                                                               \
  /* STATUS bytes were parsed, TEXT is "code\nreason", BODY the packet */     \
  X(PARSE_ERROR, 7)                                                           \
  /* a second response head for one request */                                \
  X(SURPLUS, 8)                                                               \
  /* the peer closed its side */                                              \
  X(EOF, 9)                                                                   \
  /* reading failed: STATUS */                                                \
  X(READ_ERROR, 10)                                                           \
  /* a queued write ended: STATUS 0 or negative */                            \
  X(WROTE, 11)                                                                \
  /* the handle is closed, the id is free */                                  \
  X(CLOSED, 12)                                                               \
  /* never leased again: idle for too long, or bytes came while it was idle   \
   * (STATUS 0), or its end (UV_EOF), or an error */                          \
  X(RETIRE, 13)                                                               \
  /* slab INDEX is not written again */                                       \
  X(SLAB_DONE, 14)                                                            \
  /* what was read, after the records that came of it; for a connection that  \
   * asked for it (hw_conn_tap): BODY */                                      \
  X(RAW, 15)

enum {
#define X(name, value) HW_REC_##name = (value),
  HW_RECORD_MAP(X)
#undef X
};

#define HW_RECORD_WORD_MAP(X) \
  X(TYPE, 0)                  \
  X(CONN, 1)                  \
  X(STATUS, 2)                \
  X(FLAGS, 3)                 \
  X(TEXT_AT, 4)               \
  X(TEXT_LEN, 5)              \
  X(BODY_AT, 6)               \
  X(BODY_LEN, 7)

enum {
#define X(name, value) HW_WORD_##name = (value),
  HW_RECORD_WORD_MAP(X)
#undef X
      HW_RECORD_WORDS = 8
};

/* The slab id of BODY is in the upper 16 bits of FLAGS; INDEX is FLAGS. */
#define HW_FLAG_SLAB_SHIFT 16

#define HW_RECORD_FLAG_MAP(X)                                              \
  X(KEEP_ALIVE, 1)   /* HEAD: the peer allows reuse after this message */  \
  X(UPGRADE, 2)      /* HEAD: what follows the head is not HTTP */         \
  X(INFO, 4)         /* HEAD: 1xx, another head follows */                 \
  X(LONG_TEXT, 8)    /* TEXT is not in the ring: fetch it by connection */ \
  X(UNTIL_CLOSE, 16) /* HEAD: the body ends with the connection */         \
  X(HINT, 32)        /* HEAD: there is a Keep-Alive header */              \
  X(OWN, 64)         /* DATA: the slab goes to the user with its bytes */

enum {
#define X(name, value) HW_FLAG_##name = (value),
  HW_RECORD_FLAG_MAP(X)
#undef X
};

#endif /* HW_RECORD_H */
