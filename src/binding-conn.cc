// SPDX-License-Identifier: MIT
//
// The calls from JavaScript for connections: see binding-pool.cc for the rules.
// Anything of the form f(id[, flag or number, ...]) is the core's own function.
#include <cstring>

#include "binding.h"

namespace hawser {
namespace {

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
napi_value Dial(const Arguments& args) {
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
  hw_conn_t* conn = args.conn();  // now: an element may have run JavaScript
  return Result(
      args.env,
      conn != nullptr
          ? hw_conn_dial(
                conn, addresses, count, ToMilliseconds(args.env, args.value[3]))
          : HW_ESTALE);
}

// dialPipe(conn, path)
napi_value DialPipe(const Arguments& args, hw_conn_t* conn) {
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], true, &len);
  if (err == 0) {
    err = hw_conn_dial_pipe(conn, args.state->scratch, len);
  }
  return Result(args.env, err);
}

// bind(conn, address, port, flags)
napi_value Bind(const Arguments& args, hw_conn_t* conn) {
  int port = static_cast<int>(ToUint32(args.env, args.value[2]));
  hw_address_t address = {};
  int err = ToAddress(args.env, args.value[1], port, &address);
  if (err == 0) {
    err = hw_conn_bind(conn, &address, ToUint32(args.env, args.value[3]));
  }
  return Result(args.env, err);
}

// begin(conn, flags, maxHeaderSize)
napi_value Begin(const Arguments& args, hw_conn_t* conn) {
  return Result(args.env,
                hw_conn_begin(conn,
                              ToUint32(args.env, args.value[1]),
                              ToLimit(args.env, args.value[2])));
}

// 0: all written. Positive: so many bytes were written or queued and WROTE
// follows; JavaScript then brings the rest. Negative: an error.
napi_value WriteBuffers(const Arguments& args,
                        hw_conn_t* conn,
                        uv_buf_t* bufs,
                        unsigned count) {
  size_t taken = 0;
  int result = conn != nullptr
                   ? hw_stream_write(&conn->stream, bufs, count, &taken)
                   : HW_ESTALE;
  TrimScratch(args.state);
  return Result(args.env, result == 1 ? static_cast<int64_t>(taken) : result);
}

napi_value WriteScratch(const Arguments& args, hw_conn_t* conn, size_t len) {
  uv_buf_t buf = uv_buf_init(args.state->scratch, static_cast<unsigned>(len));
  return WriteBuffers(args, conn, &buf, 1);
}

// writeLatin1(conn, text), writeUtf8(conn, text)
template <bool kUtf8>
napi_value WriteString(const Arguments& args) {
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], kUtf8, &len);
  return err != 0 ? Result(args.env, err)
                  : WriteScratch(args, args.conn(), len);
}

// send(conn, text, flags, maxHeaderSize): begin() and writeLatin1() in one
napi_value Send(const Arguments& args, hw_conn_t* conn) {
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], false, &len);
  if (err == 0) {
    err = hw_conn_begin(conn,
                        ToUint32(args.env, args.value[2]),
                        ToLimit(args.env, args.value[3]));
  }
  return err != 0 ? Result(args.env, err) : WriteScratch(args, conn, len);
}

// writeBuffer(conn, Uint8Array)
napi_value WriteBuffer(const Arguments& args) {
  uv_buf_t buf;
  return ToBuffer(args.env, args.value[1], &buf)
             ? WriteBuffers(args, args.conn(), &buf, 1)
             : Result(args.env, HW_EINVAL);
}

// writev(conn, chunks: (Uint8Array | string)[]): strings are latin1.
napi_value Writev(const Arguments& args) {
  uint32_t count = 0;
  size_t used = 0;
  if (napi_get_array_length(args.env, args.value[1], &count) != napi_ok ||
      count > kChunksMax) {
    return Result(args.env, HW_EINVAL);
  }
  uv_buf_t bufs[kChunksMax];
  size_t offsets[kChunksMax];
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
    // The scratch memory may still move: its address is filled in afterwards.
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
  return WriteBuffers(args, args.conn(), bufs, count);
}

// queued(conn): a Buffer with a copy of the queued, unsent bytes
napi_value Queued(const Arguments& args) {
  hw_conn_t* conn = args.conn();
  size_t len = 0;
  const char* data =
      conn != nullptr ? hw_stream_queued(&conn->stream, &len) : nullptr;
  napi_value out = nullptr;
  return napi_create_buffer_copy(args.env, len, data, nullptr, &out) == napi_ok
             ? out
             : Result(args.env, HW_ENOMEM);
}

// close(conn, reset): 0: CLOSED follows; 1: it is already gone
napi_value Close(const Arguments& args, hw_conn_t* conn) {
  return Result(
      args.env,
      hw_lease_close(
          args.leases(), conn, ToBool(args.env, args.value[1]) ? 1 : 0));
}

// hasRef(conn): 1 or 0
napi_value HasRef(const Arguments& args) {
  const hw_conn_t* conn = args.conn();
  return Result(
      args.env,
      conn != nullptr && conn->stream.opened && !conn->unrefd ? 1 : 0);
}

// name(conn, peer): [address, port, family] or a negative code
napi_value Name(const Arguments& args, hw_conn_t* conn) {
  const hw_socket_t* socket = hw_conn_socket(conn);
  hw_address_t address = {};
  char text[INET6_ADDRSTRLEN + 1 + UV_IF_NAMESIZE] = "";
  int err = socket != nullptr
                ? hw_socket_name(
                      socket, ToBool(args.env, args.value[1]) ? 1 : 0, &address)
                : UV_EBADF;
  bool v6 = address.any.sa_family == AF_INET6;
  if (err == 0) {
    err = v6 ? uv_ip6_name(&address.v6, text, sizeof(text))
             : uv_ip4_name(&address.v4, text, sizeof(text));
  }
  napi_value out = nullptr;
  napi_value host = nullptr;
  napi_value family = nullptr;
  if (err != 0 || napi_create_array_with_length(args.env, 3, &out) != napi_ok ||
      napi_create_string_latin1(args.env, text, NAPI_AUTO_LENGTH, &host) !=
          napi_ok ||
      napi_create_string_latin1(
          args.env, v6 ? "IPv6" : "IPv4", NAPI_AUTO_LENGTH, &family) !=
          napi_ok) {
    return Result(args.env, err != 0 ? err : HW_ENOMEM);
  }
  uint16_t port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
  SetElement(args.env, out, 0, host);
  SetElement(args.env, out, 1, Result(args.env, port));
  SetElement(args.env, out, 2, family);
  return out;
}

// bytes(conn, what): 0 read, 1 written, 2 queued
napi_value Bytes(const Arguments& args, hw_conn_t* conn) {
  size_t queued = 0;
  (void)hw_stream_queued(&conn->stream, &queued);
  uint64_t values[] = {
      conn->stream.bytes_read, conn->stream.bytes_written, queued};
  uint32_t what = ToUint32(args.env, args.value[1]);
  return Result(args.env, static_cast<int64_t>(values[what < 3 ? what : 0]));
}

// takeText(conn): string, of the LONG_TEXT record last pushed for it
napi_value TakeText(const Arguments& args) {
  hw_conn_t* conn = args.conn();
  size_t len = 0;
  char* text =
      conn != nullptr ? hw_exchange_take_text(&conn->exchange, &len) : nullptr;
  napi_value out = nullptr;
  napi_status status = napi_create_string_latin1(
      args.env, text != nullptr ? text : "", len, &out);
  hw_mem_free(text);
  return status == napi_ok ? out : Result(args.env, HW_EINVAL);
}

// giveSlab(id, Uint8Array). JavaScript keeps it until SLAB_DONE.
napi_value GiveSlab(const Arguments& args) {
  uv_buf_t buf;
  if (!ToBuffer(args.env, args.value[1], &buf) || buf.len > UINT32_MAX) {
    return Result(args.env, HW_EINVAL);
  }
  return Result(args.env,
                hw_slabs_give(&args.state->loop->env.slabs,
                              ToUint32(args.env, args.value[0]),
                              buf.base,
                              static_cast<uint32_t>(buf.len)));
}

}  // namespace

void DefineConnFunctions(State* state, napi_value exports) {
  Define<Forward<hw_conn_open>::Run>(state, exports, "open");
  Define<Forward<hw_conn_external>::Run>(state, exports, "external");
  Define<Dial>(state, exports, "dial");
  Define<OnConn<DialPipe>>(state, exports, "dialPipe");
  Define<OnConn<Bind>>(state, exports, "bind");
  Define<OnConn<Begin>>(state, exports, "begin");
  Define<OnConn<Send>>(state, exports, "send");
  Define<WriteString<false>>(state, exports, "writeLatin1");
  Define<WriteString<true>>(state, exports, "writeUtf8");
  Define<WriteBuffer>(state, exports, "writeBuffer");
  Define<Writev>(state, exports, "writev");
  Define<Queued>(state, exports, "queued");
  Define<Forward<hw_stream_shutdown>::Run>(state, exports, "shutdown");
  Define<Forward<hw_stream_dup>::Run>(state, exports, "dup");
  Define<Forward<hw_stream_keepalive>::Run>(state, exports, "keepAlive");
  Define<Forward<hw_stream_nodelay>::Run>(state, exports, "noDelay");
  Define<Forward<hw_socket_probes>::Run>(state, exports, "probes");
  Define<Forward<hw_socket_set_tos>::Run>(state, exports, "setTos");
  Define<Forward<hw_socket_tos>::Run>(state, exports, "tos");
  Define<Forward<hw_socket_fd>::Run>(state, exports, "fd");
  Define<Forward<hw_conn_pause>::Run>(state, exports, "pause");
  Define<Forward<hw_conn_tap>::Run>(state, exports, "tap");
  Define<Forward<hw_conn_ref>::Run>(state, exports, "ref");
  Define<HasRef>(state, exports, "hasRef");
  Define<OnConn<Close>>(state, exports, "close");
  Define<OnConn<Name>>(state, exports, "name");
  Define<OnConn<Bytes>>(state, exports, "bytes");
  Define<TakeText>(state, exports, "takeText");
  Define<GiveSlab>(state, exports, "giveSlab");
}

}  // namespace hawser
