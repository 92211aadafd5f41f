// SPDX-License-Identifier: MIT
//
// What both kinds of calls from JavaScript need: strings and buffers, and the
// refusal at the end of an environment. See binding.h.
#include "binding.h"

namespace hawser {
namespace {

constexpr size_t kScratchFirst = size_t{16} * 1024;
// The name of an origin that contains all root certificates is this long.
constexpr size_t kScratchKept = size_t{512} * 1024;

bool GrowScratch(State* state, size_t size) {
  if (size <= state->scratch_size) {
    return true;
  }
  size_t want = size > kScratchFirst ? size : kScratchFirst;
  char* grown = static_cast<char*>(hw_mem_realloc(state->scratch, want));
  if (grown == nullptr) {
    return false;
  }
  state->scratch = grown;
  state->scratch_size = want;
  return true;
}

}  // namespace

bool ToBuffer(napi_env env, napi_value value, uv_buf_t* out) {
  bool is_buffer = false;
  void* data = nullptr;
  size_t len = 0;
  if (napi_is_buffer(env, value, &is_buffer) != napi_ok || !is_buffer ||
      napi_get_buffer_info(env, value, &data, &len) != napi_ok) {
    return false;
  }
  out->base = static_cast<char*>(data);
  out->len = len;
  return true;
}

void TrimScratch(State* state) {
  if (state->scratch_size > kScratchKept) {
    hw_mem_free(state->scratch);
    state->scratch = nullptr;
    state->scratch_size = 0;
  }
}

int PutString(
    State* state, napi_env env, napi_value string, bool utf8, size_t* used) {
  size_t chars = 0;
  size_t bytes = 0;
  size_t written = 0;

  // Most strings fit; only one that filled all the space is measured.
  if (!GrowScratch(state, *used + 1024)) {
    return HW_ENOMEM;
  }
  auto get = utf8 ? napi_get_value_string_utf8 : napi_get_value_string_latin1;
  size_t room = state->scratch_size - *used;
  if (get(env, string, state->scratch + *used, room, &written) != napi_ok) {
    return HW_EINVAL;
  }
  if (written + 4 >= room) {
    if (get(env, string, nullptr, 0, &chars) != napi_ok ||
        hw_size_add(chars, *used + 8, &bytes) != 0) {
      return HW_EINVAL;
    }
    if (!GrowScratch(state, bytes)) {
      return HW_ENOMEM;
    }
    room = state->scratch_size - *used;
    if (get(env, string, state->scratch + *used, room, &written) != napi_ok) {
      return HW_EINVAL;
    }
  }
  *used += written;
  return *used <= UINT32_MAX ? 0 : HW_EINVAL;
}

// In an environment that is ending.
napi_value Refuse(State* state, napi_env env) {
  if (state->registers != nullptr) {
    for (uint32_t i = 0; i < kRegisters; i++) {
      state->registers[i] = 0;
    }
  }
  return Result(env, HW_ESTALE);
}

}  // namespace hawser
