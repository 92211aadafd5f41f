/* SPDX-License-Identifier: MIT */
/*
 * turn(): one turn of the loop inside a callback, as in modules that make
 * asynchronous calls synchronous.
 */
#include <node_api.h>
#include <uv.h>

static napi_value turn(napi_env env, napi_callback_info info) {
  uv_loop_t* loop = NULL;

  (void)info;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) {
    (void)uv_run(loop, UV_RUN_NOWAIT);
  }
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function = NULL;

  return napi_create_function(
             env, "turn", NAPI_AUTO_LENGTH, turn, NULL, &function) == napi_ok
             ? function
             : exports;
}
