// SPDX-License-Identifier: MIT
//
// The crossing down: each function reads its arguments, checks them, makes one
// call into the core and translates the result. No decisions here. A result
// that is a number is 0 or more, or a negative code (libuv's, or one of
// HW_ERROR_MAP); ids, lengths and generations are checked by the core again.
#include "binding.h"

#include <cmath>
#include <cstring>

namespace hawser {
namespace {

constexpr size_t kScratchFirst = 16 * 1024;
// Names of origins with all root certificates in them are this long.
constexpr size_t kScratchKept = 512 * 1024;
constexpr uint32_t kMaxChunks = 1024;

// Reading an argument that is not of the type asked for gives 0, which is no
// valid id anywhere.
uint32_t ToUint32(napi_env env, napi_value value) {
  uint32_t out = 0;
  return napi_get_value_uint32(env, value, &out) == napi_ok ? out : 0;
}

double ToDouble(napi_env env, napi_value value);

// What is no whole number in the range of ids is none.
hw_id_t ToId(napi_env env, napi_value value) {
  double number = ToDouble(env, value);
  hw_id_t id = number >= 0 && number < 9e15 ? static_cast<hw_id_t>(number) : 0;
  return static_cast<double>(id) == number ? id : 0;
}

double ToDouble(napi_env env, napi_value value) {
  double out = 0;
  return napi_get_value_double(env, value, &out) == napi_ok ? out : 0;
}

bool ToBool(napi_env env, napi_value value) {
  bool out = false;
  return napi_get_value_bool(env, value, &out) == napi_ok && out;
}

// Milliseconds; anything that is no finite number is "for ever".
uint64_t ToMilliseconds(napi_env env, napi_value value) {
  double ms = ToDouble(env, value);
  return std::isfinite(ms) && ms >= 0 && ms < 9e15 ? static_cast<uint64_t>(ms)
                                                   : UINT64_MAX;
}

// A limit; anything that is no finite number of 32 bits is none.
uint32_t ToLimit(napi_env env, napi_value value) {
  double limit = ToDouble(env, value);
  return std::isfinite(limit) && limit >= 0 && limit < HW_NO_LIMIT
             ? static_cast<uint32_t>(limit)
             : HW_NO_LIMIT;
}

// The arguments of one call, without a JavaScript object or an allocation.
template <size_t kCount>
struct Arguments {
  explicit Arguments(const Napi::CallbackInfo& info)
      : env(info.Env()), state(info.Env().GetInstanceData<State>()) {
    for (size_t i = 0; i < kCount; i++) {
      value[i] = info[i];
    }
  }
  napi_env env;
  State* state;
  napi_value value[kCount];

  hw_loop_t* loop() const {
    return state->loop;
  }
  hw_id_t id() const {
    return ToId(env, value[0]);
  }
};

Napi::Value Result(napi_env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

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

// At the end of a call: one string of 100 MB does not keep 100 MB.
void TrimScratch(State* state) {
  if (state->scratch_size > kScratchKept) {
    hw_mem_free(state->scratch);
    state->scratch = nullptr;
    state->scratch_size = 0;
  }
}

// Appends a string to the scratch memory at *used. utf8 false: latin1, which
// is what Node calls a 'binary' string too. Result: 0, HW_ENOMEM, or HW_EINVAL
// for what is no string or longer than a buffer of libuv's.
int PutString(
    State* state, napi_env env, napi_value string, bool utf8, size_t* used) {
  size_t chars = 0;
  size_t bytes = 0;
  size_t written = 0;

  // Most strings fit; only one that filled all there was is measured.
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

int64_t Lease(State* state, int err, const hw_lease_t& lease) {
  state->registers[kConn] = static_cast<double>(lease.conn);
  state->registers[kWaiter] = static_cast<double>(lease.waiter);
  state->registers[kEvicted] = static_cast<double>(lease.evicted);
  return err != 0 ? err : static_cast<int64_t>(lease.verdict);
}

hw_pool_options_t PoolOptions(napi_env env, const napi_value* value) {
  hw_pool_options_t options;
  options.max_sockets = ToLimit(env, value[0]);
  options.max_total = ToLimit(env, value[1]);
  options.max_free = ToLimit(env, value[2]);
  options.fifo = ToBool(env, value[3]) ? 1 : 0;
  return options;
}

// createPool(owner, maxSockets, maxTotalSockets, maxFreeSockets, fifo): id
// The pool goes when `owner` has been collected and nothing is left in it.
Napi::Value CreatePool(const Napi::CallbackInfo& info) {
  Arguments<5> args(info);
  hw_pool_options_t options = PoolOptions(args.env, args.value + 1);
  hw_id_t id = 0;
  int err = hw_loop_pool_create(args.loop(), &options, &id);
  if (err != 0) {
    return Result(args.env, err);
  }
  auto* hint = static_cast<hw_id_t*>(hw_mem_alloc(sizeof(id)));
  auto finalize = [](napi_env env, void*, void* data) {
    State* state = Napi::Env(env).GetInstanceData<State>();
    if (state->loop != nullptr) {
      hw_loop_pool_drop(state->loop, *static_cast<hw_id_t*>(data));
    }
    hw_mem_free(data);
  };
  if (hint == nullptr) {
    err = HW_ENOMEM;
  } else if (napi_add_finalizer(
                 args.env, args.value[0], nullptr, finalize, hint, nullptr) !=
             napi_ok) {
    err = HW_EINVAL;
  }
  if (err != 0) {
    hw_mem_free(hint);
    hw_loop_pool_drop(args.loop(), id);
    return Result(args.env, err);
  }
  *hint = id;
  return Result(args.env, static_cast<int64_t>(id));
}

// setPool(id, maxSockets, maxTotalSockets, maxFreeSockets, fifo)
Napi::Value SetPool(const Napi::CallbackInfo& info) {
  Arguments<5> args(info);
  hw_pool_options_t options = PoolOptions(args.env, args.value + 1);
  return Result(args.env, hw_loop_pool_set(args.loop(), args.id(), &options));
}

// acquire(pool, key): verdict; registers CONN, WAITER, EVICTED
Napi::Value Acquire(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  hw_lease_t lease = {};
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], true, &len);
  if (err == 0) {
    err = hw_loop_acquire(
        args.loop(), args.id(), args.state->scratch, len, &lease);
  }
  TrimScratch(args.state);
  return Result(args.env, Lease(args.state, err, lease));
}

// add(pool, key): 0; register CONN
Napi::Value Add(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  size_t len = 0;
  hw_lease_t lease = {};
  int err = PutString(args.state, args.env, args.value[1], true, &len);
  if (err == 0) {
    err = hw_loop_add(
        args.loop(), args.id(), args.state->scratch, len, &lease.conn);
  }
  TrimScratch(args.state);
  return Result(args.env, Lease(args.state, err, lease));
}

// release(conn, mayIdle, idleMs): verdict; register WAITER
Napi::Value Release(const Napi::CallbackInfo& info) {
  Arguments<3> args(info);
  hw_lease_t lease = {};
  int err = hw_loop_release(args.loop(),
                            args.id(),
                            ToBool(args.env, args.value[1]) ? 1 : 0,
                            ToMilliseconds(args.env, args.value[2]),
                            &lease);
  return Result(args.env, Lease(args.state, err, lease));
}

// setIdle(conn, idleMs)
Napi::Value SetIdle(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  return Result(
      args.env,
      hw_loop_set_idle(
          args.loop(), args.id(), ToMilliseconds(args.env, args.value[1])));
}

// next(pool): registers CONN, WAITER (0: nobody)
Napi::Value Next(const Napi::CallbackInfo& info) {
  Arguments<1> args(info);
  hw_lease_t lease = {};
  int err = hw_loop_next(args.loop(), args.id(), &lease);
  return Result(args.env, Lease(args.state, err, lease));
}

// A numeric address, IPv4 or IPv6; anything else is libuv's UV_EINVAL.
int ToAddress(napi_env env, napi_value value, int port, hw_address_t* out) {
  char text[INET6_ADDRSTRLEN + 1 + UV_IF_NAMESIZE + 1] = "";
  size_t len = 0;
  if (napi_get_value_string_utf8(env, value, text, sizeof(text), &len) !=
      napi_ok) {
    return UV_EINVAL;
  }
  std::memset(out, 0, sizeof(*out));
  int err = uv_ip4_addr(text, port, &out->v4);
  return err != 0 ? uv_ip6_addr(text, port, &out->v6) : 0;
}

// dial(conn, addresses: string[], port, attemptMs)
Napi::Value Dial(const Napi::CallbackInfo& info) {
  Arguments<4> args(info);
  uint32_t count = 0;
  if (napi_get_array_length(args.env, args.value[1], &count) != napi_ok ||
      count > HW_ADDRESSES_MAX) {
    return Result(args.env, HW_EINVAL);
  }
  int port = static_cast<int>(ToUint32(args.env, args.value[2]));
  hw_address_t addresses[HW_ADDRESSES_MAX];
  for (uint32_t i = 0; i < count; i++) {
    napi_value value = nullptr;
    int err = napi_get_element(args.env, args.value[1], i, &value) == napi_ok
                  ? ToAddress(args.env, value, port, &addresses[i])
                  : UV_EINVAL;
    if (err != 0) {
      return Result(args.env, err);
    }
  }
  return Result(args.env,
                hw_loop_dial(args.loop(),
                             args.id(),
                             addresses,
                             count,
                             ToMilliseconds(args.env, args.value[3])));
}

// dialPipe(conn, path)
Napi::Value DialPipe(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], true, &len);
  if (err == 0) {
    err = hw_loop_dial_pipe(args.loop(), args.id(), args.state->scratch, len);
  }
  return Result(args.env, err);
}

// bind(conn, address, port, flags)
Napi::Value Bind(const Napi::CallbackInfo& info) {
  Arguments<4> args(info);
  int port = static_cast<int>(ToUint32(args.env, args.value[2]));
  hw_address_t address = {};
  int err = ToAddress(args.env, args.value[1], port, &address);
  if (err == 0) {
    err = hw_loop_bind(
        args.loop(), args.id(), &address, ToUint32(args.env, args.value[3]));
  }
  return Result(args.env, err);
}

// begin(conn, flags, maxHeaderSize)
Napi::Value Begin(const Napi::CallbackInfo& info) {
  Arguments<3> args(info);
  return Result(args.env,
                hw_loop_begin(args.loop(),
                              args.id(),
                              ToUint32(args.env, args.value[1]),
                              ToLimit(args.env, args.value[2])));
}

// 0: all written. More: so many bytes were written or queued and WROTE follows;
// the rest is JavaScript's to bring then. Less: an error.
Napi::Value WriteBuffers(
    napi_env env, State* state, hw_id_t id, uv_buf_t* bufs, unsigned count) {
  size_t taken = 0;
  int result = hw_loop_write(state->loop, id, bufs, count, &taken);
  TrimScratch(state);
  return Result(env, result == 1 ? static_cast<int64_t>(taken) : result);
}

template <bool kUtf8>
Napi::Value WriteString(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], kUtf8, &len);
  if (err != 0) {
    return Result(args.env, err);
  }
  uv_buf_t buf = uv_buf_init(args.state->scratch, static_cast<unsigned>(len));
  return WriteBuffers(args.env, args.state, args.id(), &buf, 1);
}

// send(conn, text, flags, maxHeaderSize): begin() and writeLatin1() in one
Napi::Value Send(const Napi::CallbackInfo& info) {
  Arguments<4> args(info);
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], false, &len);
  if (err == 0) {
    err = hw_loop_begin(args.loop(),
                        args.id(),
                        ToUint32(args.env, args.value[2]),
                        ToLimit(args.env, args.value[3]));
  }
  if (err != 0) {
    return Result(args.env, err);
  }
  uv_buf_t buf = uv_buf_init(args.state->scratch, static_cast<unsigned>(len));
  return WriteBuffers(args.env, args.state, args.id(), &buf, 1);
}

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

// writeBuffer(conn, Uint8Array)
Napi::Value WriteBuffer(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  uv_buf_t buf;
  if (!ToBuffer(args.env, args.value[1], &buf)) {
    return Result(args.env, HW_EINVAL);
  }
  return WriteBuffers(args.env, args.state, args.id(), &buf, 1);
}

// writev(conn, chunks: (Uint8Array | string)[]): strings are latin1.
Napi::Value Writev(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  uint32_t count = 0;
  size_t used = 0;
  if (napi_get_array_length(args.env, args.value[1], &count) != napi_ok ||
      count > kMaxChunks) {
    return Result(args.env, HW_EINVAL);
  }
  uv_buf_t bufs[kMaxChunks];
  size_t offsets[kMaxChunks];
  for (uint32_t i = 0; i < count; i++) {
    napi_value chunk = nullptr;
    napi_valuetype type = napi_undefined;
    if (napi_get_element(args.env, args.value[1], i, &chunk) != napi_ok ||
        napi_typeof(args.env, chunk, &type) != napi_ok) {
      return Result(args.env, HW_EINVAL);
    }
    if (type != napi_string) {
      if (!ToBuffer(args.env, chunk, &bufs[i])) {
        return Result(args.env, HW_EINVAL);
      }
      offsets[i] = SIZE_MAX;
      continue;
    }
    // The scratch memory may still move: its address comes afterwards.
    offsets[i] = used;
    int err = PutString(args.state, args.env, chunk, false, &used);
    if (err != 0) {
      return Result(args.env, err);
    }
    bufs[i].len = used - offsets[i];
  }
  for (uint32_t i = 0; i < count; i++) {
    if (offsets[i] != SIZE_MAX) {
      bufs[i].base = args.state->scratch + offsets[i];
    }
  }
  return WriteBuffers(args.env, args.state, args.id(), bufs, count);
}

// queued(conn): a Buffer with a copy of the queued bytes that were not sent
Napi::Value Queued(const Napi::CallbackInfo& info) {
  Arguments<1> args(info);
  size_t len = 0;
  const char* data = hw_loop_queued(args.loop(), args.id(), &len);
  napi_value out = nullptr;
  return napi_create_buffer_copy(args.env, len, data, nullptr, &out) == napi_ok
             ? Napi::Value(args.env, out)
             : Result(args.env, HW_ENOMEM);
}

// giveSlab(id, Uint8Array). JavaScript keeps it until SLAB_DONE.
Napi::Value GiveSlab(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  uv_buf_t buf;
  if (!ToBuffer(args.env, args.value[1], &buf) || buf.len > UINT32_MAX) {
    return Result(args.env, HW_EINVAL);
  }
  return Result(args.env,
                hw_loop_give_slab(args.loop(),
                                  ToUint32(args.env, args.value[0]),
                                  buf.base,
                                  static_cast<uint32_t>(buf.len)));
}

// name(conn, peer): [address, port, family] or a negative code
Napi::Value Name(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  hw_address_t address = {};
  char text[INET6_ADDRSTRLEN + 1 + UV_IF_NAMESIZE] = "";
  int err = hw_loop_name(args.loop(),
                         args.id(),
                         ToBool(args.env, args.value[1]) ? 1 : 0,
                         &address);
  if (err != 0) {
    return Result(args.env, err);
  }
  bool v6 = address.any.sa_family == AF_INET6;
  auto* in6 = &address.v6;
  auto* in4 = &address.v4;
  err = v6 ? uv_ip6_name(in6, text, sizeof(text))
           : uv_ip4_name(in4, text, sizeof(text));
  if (err != 0) {
    return Result(args.env, err);
  }
  Napi::Array out = Napi::Array::New(args.env, 3);
  SetElement(args.env, out, 0, Napi::String::New(args.env, text));
  SetElement(args.env,
             out,
             1,
             Result(args.env, ntohs(v6 ? in6->sin6_port : in4->sin_port)));
  SetElement(
      args.env, out, 2, Napi::String::New(args.env, v6 ? "IPv6" : "IPv4"));
  return out;
}

// bytes(conn, what): 0 read, 1 written, 2 queued
Napi::Value Bytes(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  hw_conn_bytes_t bytes;
  int err = hw_loop_bytes(args.loop(), args.id(), &bytes);
  if (err != 0) {
    return Result(args.env, err);
  }
  uint64_t values[] = {bytes.bytes_read, bytes.bytes_written, bytes.queued};
  uint32_t what = ToUint32(args.env, args.value[1]);
  return Result(args.env, static_cast<int64_t>(values[what < 3 ? what : 0]));
}

// takeText(conn): string, of the LONG_TEXT record last pushed for it
Napi::Value TakeText(const Napi::CallbackInfo& info) {
  Arguments<1> args(info);
  size_t len = 0;
  char* text = hw_loop_take_text(args.loop(), args.id(), &len);
  napi_value out = nullptr;
  napi_status status = napi_create_string_latin1(
      args.env, text != nullptr ? text : "", len, &out);
  hw_mem_free(text);
  return status == napi_ok ? Napi::Value(args.env, out)
                           : Result(args.env, HW_EINVAL);
}

// counts(pool): gauges and counters by name
Napi::Value Counts(const Napi::CallbackInfo& info) {
  Arguments<1> args(info);
  const hw_pool_t* pool = hw_loop_pool(args.loop(), args.id());
  if (pool == nullptr) {
    return Result(args.env, HW_ESTALE);
  }
  const hw_pool_counters_t* counters = hw_pool_counters(pool);
  Napi::Object out = Napi::Object::New(args.env);
  auto set = [&](const char* name, uint64_t value) {
    SetNamed(
        args.env, out, name, Result(args.env, static_cast<int64_t>(value)));
  };
  set("total", hw_pool_total(pool));
  set("idle", hw_pool_idle(pool));
  set("waiting", hw_pool_waiting(pool));
  set("origins", hw_pool_origins(pool));
  set("leases", counters->leases);
  set("reuses", counters->reuses);
  set("opened", counters->opened);
  set("closed", counters->closed);
  set("queued", counters->queued);
  set("cancelled", counters->cancelled);
  set("evicted", counters->evicted);
  return out;
}

// total(pool): connections in it
Napi::Value Total(const Napi::CallbackInfo& info) {
  Arguments<1> args(info);
  const hw_pool_t* pool = hw_loop_pool(args.loop(), args.id());
  return Result(args.env, pool != nullptr ? hw_pool_total(pool) : 0);
}

// list(pool, what): [key, id, id, ..., key, ...] with a key for each origin
// that has any; what: 0 active, 1 idle, 2 waiting. For looking in, not for the
// request path.
Napi::Value List(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  const hw_pool_t* pool = hw_loop_pool(args.loop(), args.id());
  uint32_t what = ToUint32(args.env, args.value[1]);
  Napi::Array out = Napi::Array::New(args.env);
  uint32_t length = 0;
  hw_origin_t* origin = nullptr;
  while (pool != nullptr &&
         (origin = hw_pool_next_origin(pool, origin)) != nullptr) {
    size_t len = 0;
    const char* key = hw_origin_key(origin, &len);
    bool named = false;
    auto add = [&](hw_id_t id) {
      if (!named) {
        SetElement(
            args.env, out, length++, Napi::String::New(args.env, key, len));
        named = true;
      }
      SetElement(
          args.env, out, length++, Result(args.env, static_cast<int64_t>(id)));
    };
    if (what == 2) {
      hw_waiter_t* waiter = nullptr;
      while ((waiter = hw_origin_next_waiting(origin, waiter)) != nullptr) {
        add(hw_waiter_id(waiter));
      }
      continue;
    }
    hw_link_t* link = nullptr;
    while ((link = what == 0 ? hw_origin_next_active(origin, link)
                             : hw_origin_next_idle(origin, link)) != nullptr) {
      add(hw_link_id(link));
    }
  }
  return out;
}

// probes(conn, seconds, count)
Napi::Value Probes(const Napi::CallbackInfo& info) {
  Arguments<3> args(info);
  return Result(args.env,
                hw_loop_probes(args.loop(),
                               args.id(),
                               ToUint32(args.env, args.value[1]),
                               ToUint32(args.env, args.value[2])));
}

// setTos(conn, tos)
Napi::Value SetTos(const Napi::CallbackInfo& info) {
  Arguments<2> args(info);
  return Result(args.env,
                hw_loop_set_tos(
                    args.loop(),
                    args.id(),
                    static_cast<int>(ToUint32(args.env, args.value[1]) & 255)));
}

// The many functions of the form f(id[, flag[, number]]).
using Call = int (*)(hw_loop_t*, hw_id_t, bool, uint32_t);
template <Call kCall>
Napi::Value Simple(const Napi::CallbackInfo& info) {
  Arguments<3> args(info);
  return Result(args.env,
                kCall(args.loop(),
                      args.id(),
                      ToBool(args.env, args.value[1]),
                      ToUint32(args.env, args.value[2])));
}

int Remove(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_remove(loop, id);
}
int Take(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_take(loop, id);
}
int Cancel(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_cancel(loop, id);
}
int Open(hw_loop_t* loop, hw_id_t id, bool pipe, uint32_t) {
  return hw_loop_open(loop, id, pipe ? 1 : 0);
}
int External(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_external(loop, id);
}
int Shutdown(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_shutdown(loop, id);
}
int Pause(hw_loop_t* loop, hw_id_t id, bool paused, uint32_t) {
  return hw_loop_pause(loop, id, paused ? 1 : 0);
}
int Tap(hw_loop_t* loop, hw_id_t id, bool on, uint32_t) {
  return hw_loop_tap(loop, id, on ? 1 : 0);
}
int Close(hw_loop_t* loop, hw_id_t id, bool reset, uint32_t) {
  return hw_loop_close_conn(loop, id, reset ? 1 : 0);
}
int Ref(hw_loop_t* loop, hw_id_t id, bool on, uint32_t) {
  return hw_loop_ref(loop, id, on ? 1 : 0);
}
int HasRef(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_has_ref(loop, id);
}
int KeepAlive(hw_loop_t* loop, hw_id_t id, bool on, uint32_t seconds) {
  return hw_loop_keepalive(loop, id, on ? 1 : 0, seconds);
}
int NoDelay(hw_loop_t* loop, hw_id_t id, bool on, uint32_t) {
  return hw_loop_nodelay(loop, id, on ? 1 : 0);
}
int Tos(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_tos(loop, id);
}
int Dup(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_dup(loop, id);
}
int Fd(hw_loop_t* loop, hw_id_t id, bool, uint32_t) {
  return hw_loop_fd(loop, id);
}

// In an environment that is ending every call is late.
template <Napi::Value (*kFunction)(const Napi::CallbackInfo&)>
napi_value WhileOpen(napi_env env, napi_callback_info raw) {
  Napi::CallbackInfo info(env, raw);
  State* state = info.Env().GetInstanceData<State>();
  if (state->loop != nullptr) {
    return kFunction(info);
  }
  if (state->registers != nullptr) {
    Lease(state, HW_ESTALE, {});
  }
  return Result(env, HW_ESTALE);
}

template <Napi::Value (*kFunction)(const Napi::CallbackInfo&)>
void Define(Napi::Env env, Napi::Object exports, const char* name) {
  napi_value function = nullptr;
  if (napi_create_function(env,
                           name,
                           NAPI_AUTO_LENGTH,
                           WhileOpen<kFunction>,
                           nullptr,
                           &function) == napi_ok) {
    SetNamed(env, exports, name, function);
  }
}

}  // namespace

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  Define<CreatePool>(env, exports, "createPool");
  Define<SetPool>(env, exports, "setPool");
  Define<Acquire>(env, exports, "acquire");
  Define<Add>(env, exports, "add");
  Define<Release>(env, exports, "release");
  Define<SetIdle>(env, exports, "setIdle");
  Define<Simple<Remove>>(env, exports, "remove");
  Define<Next>(env, exports, "next");
  Define<Simple<Take>>(env, exports, "take");
  Define<Simple<Cancel>>(env, exports, "cancel");
  Define<Simple<Open>>(env, exports, "open");
  Define<Simple<External>>(env, exports, "external");
  Define<Dial>(env, exports, "dial");
  Define<DialPipe>(env, exports, "dialPipe");
  Define<Bind>(env, exports, "bind");
  Define<Begin>(env, exports, "begin");
  Define<Send>(env, exports, "send");
  Define<WriteString<false>>(env, exports, "writeLatin1");
  Define<WriteString<true>>(env, exports, "writeUtf8");
  Define<WriteBuffer>(env, exports, "writeBuffer");
  Define<Writev>(env, exports, "writev");
  Define<Queued>(env, exports, "queued");
  Define<Simple<Shutdown>>(env, exports, "shutdown");
  Define<Simple<Pause>>(env, exports, "pause");
  Define<Simple<Tap>>(env, exports, "tap");
  Define<Simple<Close>>(env, exports, "close");
  Define<Simple<Ref>>(env, exports, "ref");
  Define<Simple<HasRef>>(env, exports, "hasRef");
  Define<Simple<KeepAlive>>(env, exports, "keepAlive");
  Define<Simple<NoDelay>>(env, exports, "noDelay");
  Define<Probes>(env, exports, "probes");
  Define<SetTos>(env, exports, "setTos");
  Define<Simple<Tos>>(env, exports, "tos");
  Define<Simple<Dup>>(env, exports, "dup");
  Define<Simple<Fd>>(env, exports, "fd");
  Define<Name>(env, exports, "name");
  Define<Bytes>(env, exports, "bytes");
  Define<TakeText>(env, exports, "takeText");
  Define<GiveSlab>(env, exports, "giveSlab");
  Define<Counts>(env, exports, "counts");
  Define<Total>(env, exports, "total");
  Define<List>(env, exports, "list");
}

}  // namespace hawser
