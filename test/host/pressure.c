/* SPDX-License-Identifier: MIT */
/*
 * shrink(fd): sets the smallest send buffer that the kernel allows, so that it
 * accepts a few KiB of a write and the rest is queued. For
 * test/support/pressure.js.
 */
#include <node_api.h>
#include <sys/socket.h>

static napi_value shrink(napi_env env, napi_callback_info info) {
  napi_value value = NULL;
  size_t count = 1;
  int32_t fd = -1;
  int size = 1; /* the kernel raises it to its minimum */

  if (napi_get_cb_info(env, info, &count, &value, NULL, NULL) == napi_ok &&
      napi_get_value_int32(env, value, &fd) == napi_ok && fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function = NULL;

  return napi_create_function(
             env, "shrink", NAPI_AUTO_LENGTH, shrink, NULL, &function) ==
                 napi_ok
             ? function
             : exports;
}
