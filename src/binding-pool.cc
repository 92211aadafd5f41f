// SPDX-License-Identifier: MIT
//
// The calls from JavaScript for pools and requests: each function reads its
// arguments, makes one call into the core and translates the result: 0 or more,
// or a negative code (libuv's, or one of HW_ERROR_MAP). It decides nothing.
#include "binding.h"

namespace hawser {
namespace {

napi_value Leased(const Arguments& args, int err, const hw_lease_t& lease) {
  double* registers = args.state->registers;
  registers[kConn] = static_cast<double>(lease.conn);
  registers[kWaiter] = static_cast<double>(lease.waiter);
  registers[kEvicted] = static_cast<double>(lease.evicted);
  return Result(args.env, err != 0 ? err : static_cast<int>(lease.verdict));
}

hw_pool_options_t PoolOptions(napi_env env, const napi_value* value) {
  hw_pool_options_t options;
  options.max_sockets = ToLimit(env, value[0]);
  options.max_total = ToLimit(env, value[1]);
  options.max_free = ToLimit(env, value[2]);
  options.fifo = ToBool(env, value[3]) ? 1 : 0;
  return options;
}

void DropPool(napi_env env, void*, void* data) {
  State* state = Napi::Env(env).GetInstanceData<State>();
  if (state->loop != nullptr) {
    hw_lease_pool_drop(state->leases(), *static_cast<hw_id_t*>(data));
  }
  hw_mem_free(data);
}

// createPool(owner, maxSockets, maxTotalSockets, maxFreeSockets, fifo): id
// The pool is freed when `owner` has been collected and the pool is empty.
napi_value CreatePool(const Arguments& args) {
  hw_pool_options_t options = PoolOptions(args.env, args.value + 1);
  hw_id_t id = 0;
  int err = hw_lease_pool_create(args.leases(), &options, &id);
  if (err != 0) {
    return Result(args.env, err);
  }
  auto* hint = static_cast<hw_id_t*>(hw_mem_alloc(sizeof(id)));
  if (hint == nullptr) {
    err = HW_ENOMEM;
  } else if (napi_add_finalizer(
                 args.env, args.value[0], nullptr, DropPool, hint, nullptr) !=
             napi_ok) {
    err = HW_EINVAL;
  }
  if (err != 0) {
    hw_mem_free(hint);
    hw_lease_pool_drop(args.leases(), id);
    return Result(args.env, err);
  }
  *hint = id;
  return Result(args.env, static_cast<int64_t>(id));
}

// setPool(id, maxSockets, maxTotalSockets, maxFreeSockets, fifo)
napi_value SetPool(const Arguments& args) {
  hw_pool_options_t options = PoolOptions(args.env, args.value + 1);
  return Result(args.env,
                hw_lease_pool_set(args.leases(), args.id(), &options));
}

using ByKey = int (*)(hw_leases_t*, hw_id_t, const char*, size_t, hw_lease_t*);

// acquire(pool, key): verdict; registers CONN, WAITER, EVICTED
// add(pool, key): 0; register CONN
template <ByKey kCall>
napi_value WithKey(const Arguments& args) {
  hw_lease_t lease = {};
  size_t len = 0;
  int err = PutString(args.state, args.env, args.value[1], true, &len);
  if (err == 0) {
    err = kCall(args.leases(), args.id(), args.state->scratch, len, &lease);
  }
  TrimScratch(args.state);
  return Leased(args, err, lease);
}

// release(conn, mayIdle, idleMs): verdict; register WAITER
napi_value Release(const Arguments& args) {
  hw_lease_t lease = {};
  hw_conn_t* conn = args.conn();
  if (conn == nullptr) {
    return Leased(args, HW_ESTALE, lease);
  }
  hw_lease_release(args.leases(),
                   conn,
                   ToBool(args.env, args.value[1]) ? 1 : 0,
                   ToMilliseconds(args.env, args.value[2]),
                   &lease);
  return Leased(args, 0, lease);
}

// next(pool): registers CONN, WAITER (0: none)
napi_value Next(const Arguments& args) {
  hw_lease_t lease = {};
  int err = hw_lease_next(args.leases(), args.id(), &lease);
  return Leased(args, err, lease);
}

// remove(conn)
napi_value Remove(const Arguments& args, hw_conn_t* conn) {
  hw_lease_remove(args.leases(), conn);
  return Result(args.env, 0);
}

// cancel(waiter)
napi_value Cancel(const Arguments& args) {
  return Result(args.env, hw_lease_cancel(args.leases(), args.id()));
}

// counts(pool): gauges and counters by name
napi_value Counts(const Arguments& args) {
  const hw_pool_t* pool = hw_lease_pool(args.leases(), args.id());
  if (pool == nullptr) {
    return Result(args.env, HW_ESTALE);
  }
  const hw_pool_counters_t* counters = hw_pool_counters(pool);
  napi_value out = nullptr;
  if (napi_create_object(args.env, &out) != napi_ok) {
    return nullptr;
  }
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
  set("stale", counters->stale);
  return out;
}

// total(pool): connections in it
napi_value Total(const Arguments& args) {
  const hw_pool_t* pool = hw_lease_pool(args.leases(), args.id());
  return Result(args.env, pool != nullptr ? hw_pool_total(pool) : 0);
}

// list(pool, what): [key, id, id, ..., key, ...] with a key for each origin
// that has any; what: 0 active, 1 idle, 2 waiting. For inspection, not for the
// request path.
napi_value List(const Arguments& args) {
  const hw_pool_t* pool = hw_lease_pool(args.leases(), args.id());
  uint32_t what = ToUint32(args.env, args.value[1]);
  napi_value out = nullptr;
  if (napi_create_array(args.env, &out) != napi_ok) {
    return nullptr;
  }
  uint32_t length = 0;
  hw_origin_t* origin = nullptr;
  while (pool != nullptr &&
         (origin = hw_pool_next_origin(pool, origin)) != nullptr) {
    size_t len = 0;
    const char* key = hw_origin_key(origin, &len);
    bool named = false;
    auto add = [&](hw_id_t id) {
      if (!named) {
        napi_value name = nullptr;
        (void)napi_create_string_utf8(args.env, key, len, &name);
        SetElement(args.env, out, length++, name);
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

}  // namespace

void DefinePoolFunctions(State* state, napi_value exports) {
  Define<CreatePool>(state, exports, "createPool");
  Define<SetPool>(state, exports, "setPool");
  Define<WithKey<hw_lease_acquire>>(state, exports, "acquire");
  Define<WithKey<hw_lease_add>>(state, exports, "add");
  Define<Release>(state, exports, "release");
  Define<Forward<hw_lease_set_idle>::Run>(state, exports, "setIdle");
  Define<Forward<hw_lease_reject>::Run>(state, exports, "reject");
  Define<Forward<hw_lease_take>::Run>(state, exports, "take");
  Define<OnConn<Remove>>(state, exports, "remove");
  Define<Next>(state, exports, "next");
  Define<Cancel>(state, exports, "cancel");
  Define<Counts>(state, exports, "counts");
  Define<Total>(state, exports, "total");
  Define<List>(state, exports, "list");
}

}  // namespace hawser
