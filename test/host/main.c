/* SPDX-License-Identifier: MIT */
/*
 * The tests that need the host's llhttp: an addon that runs them when it is
 * loaded, because only Node has the symbols.
 */
#include <node_api.h>

#include "selfcheck.h"
#include "mem.h"
#include "ring.h"
#include "runner.h"

int test_passed;
int test_failed;
int test_ok;

void suite_http1(void);
void suite_conn(void);
void suite_lease(void);

static void the_self_check_passes(void) {
  void* memory = hw_mem_alloc(HW_RING_BYTES);

  CHECK(hw_selfcheck(memory) == 1);
  hw_mem_free(memory);
}

NAPI_MODULE_INIT() {
  (void)env;
  RUN(the_self_check_passes);
  suite_http1();
  suite_conn();
  suite_lease();
  (void)printf("host: %d passed, %d failed\n", test_passed, test_failed);
  (void)fflush(stdout);
  return exports;
}
