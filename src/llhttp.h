/* SPDX-License-Identifier: MIT */
/*
 * The host's llhttp, declared in our own words: Node exports it but ships no
 * header for it. The parser itself is opaque and oversized here (the largest
 * seen, llhttp 9.4, takes 96 bytes) and only the accessors are used. All
 * symbols are weak: a host without them leaves a null pointer, and
 * hw_http1_usable() says no. The layout of the settings is that of llhttp 9.3
 * to 9.x; whether it holds is checked at load with canned responses
 * (src/selfcheck.c).
 */
#ifndef HW_LLHTTP_H
#define HW_LLHTTP_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint64_t opaque[32];
} llhttp_t;

typedef int (*llhttp_cb)(llhttp_t*);
typedef int (*llhttp_data_cb)(llhttp_t*, const char* at, size_t length);

typedef struct {
  llhttp_cb on_message_begin;
  llhttp_data_cb on_protocol;
  llhttp_data_cb on_url;
  llhttp_data_cb on_status;
  llhttp_data_cb on_method;
  llhttp_data_cb on_version;
  llhttp_data_cb on_header_field;
  llhttp_data_cb on_header_value;
  llhttp_data_cb on_chunk_extension_name;
  llhttp_data_cb on_chunk_extension_value;
  llhttp_cb on_headers_complete;
  llhttp_data_cb on_body;
  llhttp_cb on_message_complete;
  llhttp_cb on_protocol_complete;
  llhttp_cb on_url_complete;
  llhttp_cb on_status_complete;
  llhttp_cb on_method_complete;
  llhttp_cb on_version_complete;
  llhttp_cb on_header_field_complete;
  llhttp_cb on_header_value_complete;
  llhttp_cb on_chunk_extension_name_complete;
  llhttp_cb on_chunk_extension_value_complete;
  llhttp_cb on_chunk_header;
  llhttp_cb on_chunk_complete;
  llhttp_cb on_reset;
  void* reserved[8]; /* null: a later llhttp that appends finds no callback */
} llhttp_settings_t;

enum { LLHTTP_RESPONSE = 2 };

enum {
  LLHTTP_OK = 0,
  LLHTTP_PAUSED = 21,
  LLHTTP_PAUSED_UPGRADE = 22,
  LLHTTP_USER = 24
};

#define LLHTTP_WEAK __attribute__((weak))

LLHTTP_WEAK void llhttp_init(llhttp_t*, int type, const llhttp_settings_t*);
LLHTTP_WEAK void llhttp_settings_init(llhttp_settings_t*);
LLHTTP_WEAK int llhttp_execute(llhttp_t*, const char* data, size_t len);
LLHTTP_WEAK int llhttp_finish(llhttp_t*);
LLHTTP_WEAK void llhttp_resume(llhttp_t*);
LLHTTP_WEAK int llhttp_get_errno(const llhttp_t*);
LLHTTP_WEAK const char* llhttp_get_error_reason(const llhttp_t*);
LLHTTP_WEAK const char* llhttp_get_error_pos(const llhttp_t*);
LLHTTP_WEAK const char* llhttp_errno_name(int err);
LLHTTP_WEAK int llhttp_get_status_code(llhttp_t*);
LLHTTP_WEAK uint8_t llhttp_get_http_major(llhttp_t*);
LLHTTP_WEAK uint8_t llhttp_get_http_minor(llhttp_t*);
LLHTTP_WEAK uint8_t llhttp_get_upgrade(llhttp_t*);
LLHTTP_WEAK int llhttp_should_keep_alive(const llhttp_t*);
LLHTTP_WEAK int llhttp_message_needs_eof(const llhttp_t*);

LLHTTP_WEAK void llhttp_set_lenient_headers(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_chunked_length(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_keep_alive(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_transfer_encoding(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_version(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_data_after_close(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_optional_lf_after_cr(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_optional_cr_before_lf(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_optional_crlf_after_chunk(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_spaces_after_chunk_size(llhttp_t*, int);
LLHTTP_WEAK void llhttp_set_lenient_header_value_relaxed(llhttp_t*, int);

#endif /* HW_LLHTTP_H */
