/* SPDX-License-Identifier: MIT */
/*
 * Does the host have llhttp, and does it behave as http1.c needs?
 */
#ifndef HW_SELFCHECK_H
#define HW_SELFCHECK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Parses canned responses. memory: HW_RING_BYTES bytes of scratch. Result: 1 or
 * 0. */
int hw_selfcheck(void* memory);

#ifdef __cplusplus
}
#endif

#endif /* HW_SELFCHECK_H */
