// SPDX-License-Identifier: MIT
//
// One environment (main thread or worker): loading, the self-check of the
// host's parser, the one callback into JavaScript, and the end.
#include <string>

#include "binding.h"
#include "selfcheck.h"

namespace hawser {
namespace {

// Calls JavaScript's drain until it returns without an exception. An exception
// becomes 'uncaughtException', as from any callback, and the records after it
// are still delivered: JavaScript remembers its position.
void Drain(void* data, uint32_t count, uint32_t epoch) {
  State* state = static_cast<State*>(data);
  Napi::Env env(state->env);
  Napi::HandleScope scope(env);
  napi_value arguments[] = {Napi::Number::New(env, count),
                            Napi::Number::New(env, epoch)};
  napi_value receiver = state->receiver.Value();
  napi_value function = state->drain.Value();

  while (state->loop != nullptr) {
    napi_value error = nullptr;
    // It has no async context: each record has the context of its request.
    napi_status status = napi_make_callback(
        env, nullptr, receiver, function, 2, arguments, nullptr);
    if (status != napi_pending_exception) {
      return;
    }
    // A worker that is being terminated can no longer run JavaScript.
    if (napi_get_and_clear_last_exception(env, &error) != napi_ok ||
        napi_fatal_exception(env, error) != napi_ok) {
      return;
    }
  }
}

void ResetReferences(State* state) {
  state->drain.Reset();
  state->receiver.Reset();
  state->ring.Reset();
  state->register_array.Reset();
  state->registers = nullptr;
}

// The ring is no longer written; the environment still exists.
void OnLoopClosed(void* data) {
  State* state = static_cast<State*>(data);

  ResetReferences(state);
  if (napi_remove_async_cleanup_hook(state->cleanup) != napi_ok) {
    abort();
  }
}

// Node waits for the handles to close before it ends the environment; the state
// itself is freed last, with the instance data.
void OnCleanup(napi_async_cleanup_hook_handle handle, void* data) {
  State* state = static_cast<State*>(data);
  hw_loop_t* loop = state->loop;

  HW_ASSERT(handle == state->cleanup);
  state->loop = nullptr;
  hw_loop_close(loop, OnLoopClosed, state);
}

void FreeState(Napi::Env, State* state) {
  hw_mem_free(state->scratch);
  delete state;
}

// setup(ring: ArrayBuffer, registers: Float64Array,
//       drain: (count, epoch) => void)
// Result: whether the fast lane may be used here.
Napi::Value Setup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  State* state = env.GetInstanceData<State>();

  if (state->loop != nullptr || info.Length() != 3 ||
      !info[0].IsArrayBuffer() || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      !info[2].IsFunction()) {
    Napi::TypeError::New(env, "setup: unusable arguments")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::ArrayBuffer ring = info[0].As<Napi::ArrayBuffer>();
  Napi::Float64Array registers = info[1].As<Napi::Float64Array>();
  uv_loop_t* uv = nullptr;

  if (ring.ByteLength() < HW_RING_BYTES ||
      registers.ElementLength() < kRegisters ||
      napi_get_uv_event_loop(env, &uv) != napi_ok) {
    Napi::TypeError::New(env, "setup: too little memory")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  state->fast = hw_selfcheck(ring.Data()) != 0;
  state->registers = registers.Data();
  state->ring = Napi::Persistent(ring);
  state->register_array = Napi::Persistent(registers);
  state->drain = Napi::Persistent(info[2].As<Napi::Function>());
  state->receiver = Napi::Persistent(Napi::Object::New(env));
  // The hook first: otherwise nothing would close the loop.
  bool hooked = napi_add_async_cleanup_hook(
                    env, OnCleanup, state, &state->cleanup) == napi_ok;
  if (!hooked ||
      hw_loop_create(uv, ring.Data(), Drain, state, &state->loop) != 0) {
    if (hooked) {
      (void)napi_remove_async_cleanup_hook(state->cleanup);
    }
    ResetReferences(state);
    Napi::Error::New(env, "setup: out of memory").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Napi::Boolean::New(env, state->fast);
}

napi_value SetupEntry(napi_env env, napi_callback_info raw) {
  return Setup(Napi::CallbackInfo(env, raw));
}

void DefineConstants(Napi::Env env, Napi::Object exports) {
  auto define = [&](Napi::Object where, const char* name, int64_t value) {
    SetNamed(
        env, where, name, Napi::Number::New(env, static_cast<double>(value)));
  };
  Napi::Object record = Napi::Object::New(env);
  Napi::Object word = Napi::Object::New(env);
  Napi::Object flag = Napi::Object::New(env);
  Napi::Object verdict = Napi::Object::New(env);
  Napi::Object errors = Napi::Object::New(env);
  Napi::Object registers = Napi::Object::New(env);
  Napi::Object sizes = Napi::Object::New(env);
  Napi::Object begin = Napi::Object::New(env);
  Napi::Object uv = Napi::Object::New(env);

#define X(name, value) define(record, #name, value);
  HW_RECORD_MAP(X)
#undef X
#define X(name, value) define(word, #name, value);
  HW_RECORD_WORD_MAP(X)
#undef X
#define X(name, value) define(flag, #name, value);
  HW_RECORD_FLAG_MAP(X)
#undef X
  define(flag, "SLAB_SHIFT", HW_FLAG_SLAB_SHIFT);
  define(verdict, "REUSE", HW_REUSE);
  define(verdict, "CONNECT", HW_CONNECT);
  define(verdict, "WAIT", HW_WAIT);
  define(verdict, "HANDOVER", HW_HANDOVER);
  define(verdict, "IDLE", HW_IDLE);
  define(verdict, "CLOSE", HW_CLOSE);
  define(registers, "CONN", kConn);
  define(registers, "WAITER", kWaiter);
  define(registers, "EVICTED", kEvicted);
  define(registers, "SIZE", kRegisters);
  define(begin, "HEAD", HW_HTTP1_HEAD);
  define(begin, "CONNECT", HW_HTTP1_CONNECT);
  define(begin, "LENIENT", HW_HTTP1_LENIENT);
  define(begin, "RELAXED", HW_HTTP1_RELAXED);
  define(sizes, "RING", HW_RING_BYTES);
  define(sizes, "RING_TEXT", hw_ring_text_offset());
  define(sizes, "RECORD_WORDS", HW_RECORD_WORDS);
  define(sizes, "ID_INDEX_BITS", HW_ID_INDEX_BITS);
  define(sizes, "READ_MAX", HW_READ_MAX);
  define(sizes, "SLABS", HW_SLABS_MAX);
  define(sizes, "ADDRESSES", HW_ADDRESSES_MAX);
  define(sizes, "CHUNKS", kChunksMax);
  define(uv, "EOF", UV_EOF);
  define(uv, "ECANCELED", UV_ECANCELED);
  define(uv, "ECONNRESET", UV_ECONNRESET);
  define(uv, "EINVAL", UV_EINVAL);
  define(uv, "EPIPE", UV_EPIPE);
#define X(name, value, code, text)                               \
  {                                                              \
    Napi::Array entry = Napi::Array::New(env, 2);                \
    SetElement(env, entry, 0, Napi::String::New(env, code));     \
    SetElement(env, entry, 1, Napi::String::New(env, text));     \
    SetNamed(env, errors, std::to_string(value).c_str(), entry); \
  }
  HW_ERROR_MAP(X)
#undef X
  SetNamed(env, exports, "record", record);
  SetNamed(env, exports, "word", word);
  SetNamed(env, exports, "flag", flag);
  SetNamed(env, exports, "verdict", verdict);
  SetNamed(env, exports, "errors", errors);
  SetNamed(env, exports, "register", registers);
  SetNamed(env, exports, "size", sizes);
  SetNamed(env, exports, "begins", begin);
  SetNamed(env, exports, "uv", uv);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  State* state = new State;

  state->env = env;
  env.SetInstanceData<State, FreeState>(state);
  DefineConstants(env, exports);
  DefinePoolFunctions(state, exports);
  DefineConnFunctions(state, exports);
  napi_value setup = nullptr;
  if (napi_create_function(
          env, "setup", NAPI_AUTO_LENGTH, SetupEntry, nullptr, &setup) ==
      napi_ok) {
    SetNamed(env, exports, "setup", setup);
  }
  return exports;
}

}  // namespace
}  // namespace hawser

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  return hawser::Init(env, exports);
}

NODE_API_MODULE(hawser, InitAddon)
