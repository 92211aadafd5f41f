/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer inside Node, which has the host's llhttp: run(...arguments) is the
 * main() of a fuzzer and does not return.
 */
#include <node_api.h>

#include "fuzz.h"

enum { ARGUMENTS = 32, LENGTH = 1024 };

int LLVMFuzzerRunDriver(int* argc,
                        char*** argv,
                        int (*test)(const uint8_t* data, size_t size));

static napi_value run(napi_env env, napi_callback_info info) {
  static char text[ARGUMENTS][LENGTH];
  static char* list[ARGUMENTS + 1];
  napi_value values[ARGUMENTS];
  size_t count = ARGUMENTS;
  char** argv = list;
  int argc = 0;

  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok) {
    return NULL;
  }
  for (argc = 0; argc < (int)count && argc < ARGUMENTS; argc++) {
    size_t len = 0;

    if (napi_get_value_string_utf8(
            env, values[argc], text[argc], LENGTH, &len) != napi_ok) {
      return NULL;
    }
    list[argc] = text[argc];
  }
  exit(LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput));
}

NAPI_MODULE_INIT() {
  napi_value function = NULL;

  if (napi_create_function(env, "run", 3, run, NULL, &function) == napi_ok) {
    (void)napi_set_named_property(env, exports, "run", function);
  }
  return exports;
}
