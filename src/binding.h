// SPDX-License-Identifier: MIT
//
// What the two C++ files share: the state of one environment. Allocated when
// the addon is loaded there, freed by N-API when the environment has ended.
#ifndef HW_BINDING_H
#define HW_BINDING_H

#include <napi.h>

#include "hawser.h"
#include "mem.h"

namespace hawser {

// Words that a call leaves for JavaScript beside its result.
enum Register : uint32_t {
  kConn,
  kWaiter,
  kEvicted,
  kRegisters,
};

struct State {
  hw_loop_t* loop = nullptr;    // null before setup() and once it is closing
  double* registers = nullptr;  // ids among them: more than 32 bits
  Napi::FunctionReference drain;
  Napi::ObjectReference receiver;
  Napi::Reference<Napi::ArrayBuffer> ring;
  Napi::Reference<Napi::Float64Array> register_array;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  napi_env env = nullptr;
  // Strings on their way into the kernel.
  char* scratch = nullptr;
  size_t scratch_size = 0;
  bool fast = false;
};

// N-API without an exception: in a worker that is being terminated every call
// that needs JavaScript fails, node-addon-api throws then, and a second throw
// is fatal to the process. What cannot be set is left out; no JavaScript will
// miss it.
inline void SetNamed(napi_env env,
                     napi_value object,
                     const char* name,
                     napi_value value) {
  (void)napi_set_named_property(env, object, name, value);
}

inline void SetElement(napi_env env,
                       napi_value array,
                       uint32_t index,
                       napi_value value) {
  (void)napi_set_element(env, array, index, value);
}

// The exports that work on pools, requests and connections.
void DefineFunctions(Napi::Env env, Napi::Object exports);

}  // namespace hawser

#endif  // HW_BINDING_H
