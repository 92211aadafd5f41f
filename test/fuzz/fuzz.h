/* SPDX-License-Identifier: MIT */
/*
 * For both fuzzers: a CHECK() that ends the process, so that libFuzzer reports
 * a finding.
 */
#ifndef HW_TEST_FUZZ_H
#define HW_TEST_FUZZ_H

#include "runner.h"

#define MUST(cond)          \
  do {                      \
    CHECK(cond);            \
    if (!test_ok) {         \
      (void)fflush(stdout); \
      abort();              \
    }                       \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif /* HW_TEST_FUZZ_H */
