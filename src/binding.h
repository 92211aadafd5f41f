// SPDX-License-Identifier: MIT
//
// What the C++ files share: the state of one environment, how an argument is
// read, and how a function of the core becomes one of JavaScript's. Nothing
// here throws: in a worker that is being terminated, every call that needs
// JavaScript fails, and an exception would end the process.
#ifndef HW_BINDING_H
#define HW_BINDING_H

#include <napi.h>

#include <cmath>
#include <utility>

extern "C" {
#include "loop.h"
#include "mem.h"
}

namespace hawser {

// Words that a call passes to JavaScript in addition to its result.
enum Register : uint32_t {
  kConn,
  kWaiter,
  kEvicted,
  kRegisters,
};

// Allocated when the addon is loaded, freed by N-API when the environment has
// ended.
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

  hw_leases_t* leases() const {
    return &loop->leases;
  }
};

// A failure is ignored: it means that no JavaScript will run any more.
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

// -- arguments ----------------------------------------------------------------
//
// An argument of the wrong type reads as 0, which is never a valid id; the core
// checks ids, lengths and generations again.

inline double ToDouble(napi_env env, napi_value value) {
  double out = 0;
  return napi_get_value_double(env, value, &out) == napi_ok ? out : 0;
}

inline uint32_t ToUint32(napi_env env, napi_value value) {
  uint32_t out = 0;
  return napi_get_value_uint32(env, value, &out) == napi_ok ? out : 0;
}

inline bool ToBool(napi_env env, napi_value value) {
  bool out = false;
  return napi_get_value_bool(env, value, &out) == napi_ok && out;
}

// 0, which is not an id, for anything but a whole number in the range of ids.
inline hw_id_t ToId(napi_env env, napi_value value) {
  double number = ToDouble(env, value);
  hw_id_t id = number >= 0 && number < 9e15 ? static_cast<hw_id_t>(number) : 0;
  return static_cast<double>(id) == number ? id : 0;
}

// Milliseconds; anything but a finite number means "forever".
inline uint64_t ToMilliseconds(napi_env env, napi_value value) {
  double ms = ToDouble(env, value);
  return std::isfinite(ms) && ms >= 0 && ms < 9e15 ? static_cast<uint64_t>(ms)
                                                   : UINT64_MAX;
}

// A limit; anything but a finite number of 32 bits means "no limit".
inline uint32_t ToLimit(napi_env env, napi_value value) {
  double limit = ToDouble(env, value);
  return std::isfinite(limit) && limit >= 0 && limit < HW_NO_LIMIT
             ? static_cast<uint32_t>(limit)
             : HW_NO_LIMIT;
}

// The bytes of a Uint8Array.
bool ToBuffer(napi_env env, napi_value value, uv_buf_t* out);

// Appends a string to the scratch memory at *used. utf8 false: latin1, which
// Node also calls 'binary'. Result: 0, HW_ENOMEM, or HW_EINVAL for a value that
// is not a string, or longer than a libuv buffer.
int PutString(
    State* state, napi_env env, napi_value string, bool utf8, size_t* used);

// At the end of a call, so that one string of 100 MB does not keep 100 MB.
void TrimScratch(State* state);

inline napi_value Result(napi_env env, int64_t value) {
  napi_value out = nullptr;
  (void)napi_create_double(env, static_cast<double>(value), &out);
  return out;
}

// Pieces of one writev().
constexpr uint32_t kChunksMax = 1024;

constexpr size_t kArgumentsMax = 5;

// The arguments of one call; needs no JavaScript object and no allocation.
struct Arguments {
  napi_env env;
  State* state;
  napi_value value[kArgumentsMax];

  hw_leases_t* leases() const {
    return state->leases();
  }
  hw_id_t id() const {
    return ToId(env, value[0]);
  }
  // Null if the first argument is not the id of a live connection.
  hw_conn_t* conn() const {
    return hw_lease_conn(leases(), id());
  }
};

// -- functions ----------------------------------------------------------------

using Function = napi_value (*)(const Arguments& args);

napi_value Refuse(State* state, napi_env env);

// In an environment that is ending, every call is refused.
template <Function kFunction>
napi_value Enter(napi_env env, napi_callback_info info) {
  Arguments args;
  size_t count = kArgumentsMax;  // missing ones are undefined
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, args.value, nullptr, &data) !=
      napi_ok) {
    return nullptr;
  }
  args.env = env;
  args.state = static_cast<State*>(data);
  return args.state->loop != nullptr ? kFunction(args)
                                     : Refuse(args.state, env);
}

template <Function kFunction>
void Define(State* state, napi_value exports, const char* name) {
  napi_value function = nullptr;
  if (napi_create_function(state->env,
                           name,
                           NAPI_AUTO_LENGTH,
                           Enter<kFunction>,
                           state,
                           &function) == napi_ok) {
    SetNamed(state->env, exports, name, function);
  }
}

using ConnFunction = napi_value (*)(const Arguments& args, hw_conn_t* conn);

// A function that works on the connection named by the first argument, which
// nothing that it reads before can end.
template <ConnFunction kFunction>
napi_value OnConn(const Arguments& args) {
  hw_conn_t* conn = args.conn();
  return conn != nullptr ? kFunction(args, conn) : Result(args.env, HW_ESTALE);
}

// What a function of the core works on: the connection or a part of it.
template <typename T>
T* Target(hw_conn_t* conn);
template <>
inline hw_conn_t* Target(hw_conn_t* conn) {
  return conn;
}
template <>
inline hw_stream_t* Target(hw_conn_t* conn) {
  return &conn->stream;
}
template <>
inline hw_socket_t* Target(hw_conn_t* conn) {
  return hw_conn_socket(conn);
}

template <typename T>
T To(napi_env env, napi_value value);
template <>
inline int To<int>(napi_env env, napi_value value) {
  return ToBool(env, value) ? 1 : 0;
}
template <>
inline unsigned To<unsigned>(napi_env env, napi_value value) {
  return ToUint32(env, value);
}
template <>
inline uint64_t To<uint64_t>(napi_env env, napi_value value) {
  return ToMilliseconds(env, value);
}

// Exports a function of the core of the form f(target, flag or number, ...)
// unchanged: an int is a boolean in JavaScript, an unsigned a number, a
// uint64_t milliseconds.
template <auto kCall>
struct Forward;

template <typename T, typename... A, int (*kCall)(T*, A...)>
struct Forward<kCall> {
  static napi_value Run(const Arguments& args) {
    return OnConn<Call>(args);
  }
  static napi_value Call(const Arguments& args, hw_conn_t* conn) {
    T* target = Target<T>(conn);
    return Result(args.env,
                  target != nullptr
                      ? Apply(args, target, std::index_sequence_for<A...>())
                      : UV_EBADF);  // only a socket may be missing
  }
  template <size_t... kIndex>
  static int Apply(const Arguments& args,
                   T* target,
                   std::index_sequence<kIndex...>) {
    return kCall(target, To<A>(args.env, args.value[kIndex + 1])...);
  }
};

// The exports that work on pools and requests, and those on connections.
void DefinePoolFunctions(State* state, napi_value exports);
void DefineConnFunctions(State* state, napi_value exports);

}  // namespace hawser

#endif  // HW_BINDING_H
