/* SPDX-License-Identifier: MIT */
/*
 * The tests of the pure files: core_test. Links no Node.
 */
#include "runner.h"

int test_passed;
int test_failed;
int test_ok;

void suite_mem(void);
void suite_deadline(void);
void suite_table(void);
void suite_ids(void);
void suite_pool(void);
void suite_pool_random(void);
void suite_ring(void);

int main(void) {
  suite_mem();
  suite_deadline();
  suite_table();
  suite_ids();
  suite_pool();
  suite_pool_random();
  suite_ring();
  (void)printf("core: %d passed, %d failed\n", test_passed, test_failed);
  return test_failed == 0 ? 0 : 1;
}
