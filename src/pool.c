/* SPDX-License-Identifier: MIT */
/*
 * The pool: see pool.h for what it decides. An origin is always in
 * pool->origins, in pool->waiting while it has waiters, and in one of two more
 * lists while it has waiters and room for another connection of its own:
 * starved (no connection at all) or hungry. These two lists make the choice of
 * the next waiter O(1).
 */
#include "pool.h"

#include <string.h>

#include "table.h"

enum { KEY_INLINE = 56, KEY_MAX = 64 * 1024 * 1024, ORIGINS_KEPT = 1024 };

typedef enum { NEED_NONE, NEED_STARVED, NEED_HUNGRY } need_t;

/* Owned by the pool; freed when no link, no waiter and no pending decision
 * needs it. The fields that acquire reads come first, to share few cache lines.
 */
struct hw_origin {
  hw_table_item_t item;
  hw_queue_t idle; /* oldest first */
  hw_queue_t active;
  uint32_t idle_count;
  uint32_t count; /* active and idle */
  uint32_t waiting_count;
  uint32_t need; /* need_t: which list need_node is in */
  char key_inline[KEY_INLINE];
  char* key_long; /* NULL while the key fits above */
  hw_queue_t waiting;
  hw_queue_t pool_node;
  hw_queue_t need_node;
  hw_queue_t waiting_node;
  hw_pool_t* pool;
};

struct hw_pool {
  hw_pool_options_t options;
  hw_deadlines_t* deadlines;
  hw_table_t table;
  hw_queue_t origins;
  hw_queue_t idle;    /* links of all origins, oldest first */
  hw_queue_t waiting; /* origins, the one that has waited longest first */
  hw_queue_t starved;
  hw_queue_t hungry;
  hw_freelist_t origin_memory;
  uint32_t total;
  uint32_t idle_count;
  uint32_t waiting_count;
  uint32_t origin_count;
  uint8_t kind;
  hw_pool_counters_t counters;
};

static void free_key(hw_origin_t* origin) {
  hw_mem_free(origin->key_long);
}

static int set_key(hw_origin_t* origin, const char* key, size_t len) {
  char* copy = origin->key_inline;

  origin->key_long = NULL;
  if (len > KEY_INLINE) {
    copy = origin->key_long = hw_mem_alloc(len);
    if (copy == NULL) {
      return HW_ENOMEM;
    }
  }
  memcpy(copy, key, len);
  origin->item.key = copy;
  origin->item.key_len = len;
  return 0;
}

static hw_origin_t* make_origin(hw_pool_t* pool,
                                uint64_t hash,
                                const char* key,
                                size_t len) {
  hw_origin_t* origin = hw_freelist_take(&pool->origin_memory);

  if (origin == NULL) {
    return NULL;
  }
  if (set_key(origin, key, len) != 0) {
    hw_freelist_give(&pool->origin_memory, origin);
    return NULL;
  }
  origin->item.hash = hash;
  if (hw_table_put(&pool->table, &origin->item) != 0) {
    free_key(origin);
    hw_freelist_give(&pool->origin_memory, origin);
    return NULL;
  }
  hw_queue_init(&origin->idle);
  hw_queue_init(&origin->active);
  hw_queue_init(&origin->waiting);
  hw_queue_init(&origin->pool_node);
  hw_queue_init(&origin->need_node);
  hw_queue_init(&origin->waiting_node);
  origin->need = NEED_NONE;
  origin->pool = pool;
  origin->idle_count = 0;
  origin->count = 0;
  origin->waiting_count = 0;
  hw_queue_push(&pool->origins, &origin->pool_node);
  pool->origin_count++;
  return origin;
}

void hw_pool_forget(hw_pool_t* pool, hw_origin_t* origin) {
  HW_ASSERT(origin->pool == pool);
  if (origin->count != 0 || origin->waiting_count != 0) {
    return;
  }
  HW_ASSERT(origin->need == NEED_NONE && hw_queue_empty(&origin->waiting_node));
  HW_ASSERT(origin->idle_count == 0 && hw_queue_empty(&origin->active));
  hw_table_remove(&pool->table, &origin->item);
  hw_queue_remove(&origin->pool_node);
  free_key(origin);
  hw_freelist_give(&pool->origin_memory, origin);
  pool->origin_count--;
}

int hw_pool_origin(hw_pool_t* pool,
                   const char* key,
                   size_t key_len,
                   hw_origin_t** out) {
  uint64_t hash = 0;
  hw_table_item_t* item = NULL;

  if (key_len > KEY_MAX) {
    return HW_EINVAL;
  }
  hash = hw_table_hash(&pool->table, key, key_len);
  item = hw_table_find(&pool->table, hash, key, key_len);
  *out = item != NULL ? HW_CONTAINER_OF(item, hw_origin_t, item)
                      : make_origin(pool, hash, key, key_len);
  return *out != NULL ? 0 : HW_ENOMEM;
}

static need_t need_of(const hw_pool_t* pool, const hw_origin_t* origin) {
  if (origin->waiting_count == 0 ||
      origin->count >= pool->options.max_sockets) {
    return NEED_NONE;
  }
  return origin->count == 0 ? NEED_STARVED : NEED_HUNGRY;
}

/* Puts origin into the list that fits its need for a connection. If it is
 * already there, it keeps its turn. */
static void update_need(hw_pool_t* pool, hw_origin_t* origin) {
  need_t need = need_of(pool, origin);

  if (need == origin->need) {
    return;
  }
  hw_queue_remove(&origin->need_node);
  if (need != NEED_NONE) {
    hw_queue_push(need == NEED_STARVED ? &pool->starved : &pool->hungry,
                  &origin->need_node);
  }
  origin->need = need;
}

/* The same for an origin that has had its turn: it is moved to the end. */
static void requeue_need(hw_pool_t* pool, hw_origin_t* origin) {
  hw_queue_remove(&origin->need_node);
  origin->need = NEED_NONE;
  update_need(pool, origin);
}

void hw_link_init(hw_link_t* link) {
  memset(link, 0, sizeof(*link));
  hw_queue_init(&link->node);
  hw_queue_init(&link->pool_node);
  hw_deadline_init(&link->idle_until, 0);
  link->state = HW_LINK_NONE;
}

void hw_waiter_init(hw_waiter_t* waiter) {
  hw_queue_init(&waiter->node);
  waiter->origin = NULL;
  waiter->since_ms = 0;
}

/* IDLE to ACTIVE. */
static void activate(hw_pool_t* pool, hw_link_t* link) {
  hw_origin_t* origin = link->origin;

  HW_ASSERT(hw_link_is_idle(link) && link->pool == pool);
  HW_ASSERT(origin->idle_count > 0 && pool->idle_count > 0);
  hw_deadline_stop(pool->deadlines, &link->idle_until);
  hw_queue_remove(&link->node);
  hw_queue_remove(&link->pool_node);
  origin->idle_count--;
  pool->idle_count--;
  hw_queue_push(&origin->active, &link->node);
  link->state = HW_LINK_ACTIVE;
}

/* Out of its origin and the pool; the origin may be unused afterwards. */
static void unlink_active(hw_pool_t* pool, hw_link_t* link) {
  hw_origin_t* origin = link->origin;

  HW_ASSERT(hw_link_is_active(link) && link->pool == pool);
  HW_ASSERT(origin->count > 0 && pool->total > 0);
  hw_queue_remove(&link->node);
  origin->count--;
  pool->total--;
  pool->counters.closed++;
  link->state = HW_LINK_NONE;
  link->origin = NULL;
}

int hw_pool_create(const hw_pool_options_t* options,
                   hw_deadlines_t* deadlines,
                   uint8_t kind,
                   hw_pool_t** out) {
  hw_pool_t* pool = hw_mem_calloc(sizeof(*pool));

  *out = pool;
  if (pool == NULL) {
    return HW_ENOMEM;
  }
  pool->options = *options;
  pool->deadlines = deadlines;
  pool->kind = kind;
  hw_table_init(&pool->table);
  hw_queue_init(&pool->origins);
  hw_queue_init(&pool->idle);
  hw_queue_init(&pool->waiting);
  hw_queue_init(&pool->starved);
  hw_queue_init(&pool->hungry);
  hw_freelist_init(&pool->origin_memory, sizeof(hw_origin_t), ORIGINS_KEPT);
  return 0;
}

void hw_pool_destroy(hw_pool_t* pool) {
  HW_ASSERT(pool->total == 0 && pool->waiting_count == 0);
  HW_ASSERT(hw_queue_empty(&pool->origins) && pool->origin_count == 0);
  hw_table_close(&pool->table);
  hw_freelist_close(&pool->origin_memory);
  hw_mem_free(pool);
}

void hw_pool_set_options(hw_pool_t* pool, const hw_pool_options_t* options) {
  hw_origin_t* origin = NULL;

  pool->options = *options;
  /* The limits decide which origins may use a place; they hardly ever change.
   */
  while ((origin = hw_pool_next_origin(pool, origin)) != NULL) {
    update_need(pool, origin);
  }
}

/* One of origin's idle connections, or NULL. */
static hw_link_t* pick_idle(const hw_pool_t* pool, const hw_origin_t* origin) {
  const hw_queue_t* q = pool->options.fifo ? hw_queue_first(&origin->idle)
                                           : hw_queue_last(&origin->idle);

  return q != &origin->idle ? HW_CONTAINER_OF(q, hw_link_t, node) : NULL;
}

/* Removes the connection that has been idle longest from the pool, or returns
 * NULL. Its origin, which may be freed with it, is not the one that acquires:
 * that one has nothing idle. */
static hw_link_t* evict(hw_pool_t* pool) {
  hw_link_t* link = NULL;
  hw_origin_t* origin = NULL;

  if (hw_queue_empty(&pool->idle)) {
    return NULL;
  }
  link = HW_CONTAINER_OF(hw_queue_first(&pool->idle), hw_link_t, pool_node);
  origin = link->origin;
  activate(pool, link);
  unlink_active(pool, link);
  pool->counters.evicted++;
  update_need(pool, origin);
  hw_pool_forget(pool, origin);
  return link;
}

static void count_reuse(hw_pool_t* pool, hw_link_t* link, uint64_t now_ms) {
  link->uses++;
  link->leased_ms = now_ms;
  pool->counters.leases++;
  pool->counters.reuses++;
}

void hw_pool_reject(hw_pool_t* pool, hw_link_t* link) {
  HW_ASSERT(hw_link_is_active(link) && link->pool == pool && link->uses > 1);
  link->uses--;
  pool->counters.leases--;
  pool->counters.reuses--;
  pool->counters.stale++;
}

int hw_pool_acquire(hw_pool_t* pool,
                    const char* key,
                    size_t key_len,
                    uint64_t now_ms,
                    hw_decision_t* out) {
  hw_origin_t* origin = NULL;
  int err = hw_pool_origin(pool, key, key_len, &origin);

  memset(out, 0, sizeof(*out));
  if (err != 0) {
    return err;
  }
  out->origin = origin;
  out->verdict = HW_WAIT;
  if (origin->waiting_count != 0) {
    return 0;
  }
  out->link = pick_idle(pool, origin);
  if (out->link != NULL) {
    out->verdict = HW_REUSE;
    activate(pool, out->link);
    count_reuse(pool, out->link, now_ms);
    return 0;
  }
  if (origin->count >= pool->options.max_sockets) {
    return 0;
  }
  if (pool->total >= pool->options.max_total) {
    /* One for one: after max_total was lowered, the total stays too large, but
     * an idle connection must not make a request wait. Releases reduce it. */
    out->evicted = evict(pool);
    if (out->evicted == NULL) {
      return 0;
    }
  }
  out->verdict = HW_CONNECT;
  return 0;
}

void hw_pool_add(hw_pool_t* pool,
                 hw_origin_t* origin,
                 hw_link_t* link,
                 uint64_t now_ms) {
  HW_ASSERT(!hw_link_is_pooled(link) && origin->pool == pool);
  HW_ASSERT(hw_queue_empty(&link->node) && hw_queue_empty(&link->pool_node));
  link->state = HW_LINK_ACTIVE;
  link->pool = pool;
  link->origin = origin;
  link->created_ms = now_ms;
  link->leased_ms = now_ms;
  link->uses = 1;
  hw_deadline_init(&link->idle_until, pool->kind);
  hw_queue_push(&origin->active, &link->node);
  origin->count++;
  pool->total++;
  pool->counters.opened++;
  pool->counters.leases++;
  requeue_need(pool, origin);
}

void hw_pool_wait(hw_pool_t* pool,
                  hw_origin_t* origin,
                  hw_waiter_t* waiter,
                  uint64_t now_ms) {
  HW_ASSERT(waiter->origin == NULL && origin->pool == pool);
  waiter->origin = origin;
  waiter->since_ms = now_ms;
  hw_queue_push(&origin->waiting, &waiter->node);
  origin->waiting_count++;
  pool->waiting_count++;
  pool->counters.queued++;
  if (origin->waiting_count == 1) {
    hw_queue_push(&pool->waiting, &origin->waiting_node);
    update_need(pool, origin);
  }
}

/* Out of its queue, served or not. */
static void unlink_waiter(hw_pool_t* pool, hw_waiter_t* waiter) {
  hw_origin_t* origin = waiter->origin;

  HW_ASSERT(origin->pool == pool);
  HW_ASSERT(origin->waiting_count > 0 && pool->waiting_count > 0);
  hw_queue_remove(&waiter->node);
  waiter->origin = NULL;
  origin->waiting_count--;
  pool->waiting_count--;
  if (origin->waiting_count == 0) {
    HW_ASSERT(hw_queue_empty(&origin->waiting));
    hw_queue_remove(&origin->waiting_node);
    update_need(pool, origin);
  }
}

static hw_waiter_t* first_waiter(const hw_origin_t* origin) {
  HW_ASSERT(!hw_queue_empty(&origin->waiting));
  return HW_CONTAINER_OF(hw_queue_first(&origin->waiting), hw_waiter_t, node);
}

static hw_waiter_t* pop_waiter(hw_pool_t* pool, hw_origin_t* origin) {
  hw_waiter_t* waiter = first_waiter(origin);

  unlink_waiter(pool, waiter);
  return waiter;
}

static int over_limits(const hw_pool_t* pool, const hw_origin_t* origin) {
  return pool->total > pool->options.max_total ||
         origin->count > pool->options.max_sockets;
}

/* Does an origin without any connection wait for the place of this one? */
static int place_is_wanted(const hw_pool_t* pool) {
  return pool->total >= pool->options.max_total &&
         !hw_queue_empty(&pool->starved);
}

static int make_idle(hw_pool_t* pool,
                     hw_link_t* link,
                     uint64_t idle_ms,
                     uint64_t now_ms) {
  hw_origin_t* origin = link->origin;

  HW_ASSERT(origin->waiting_count == 0 && hw_queue_empty(&link->pool_node));
  if (idle_ms != UINT64_MAX &&
      hw_deadline_start(pool->deadlines, &link->idle_until, idle_ms, now_ms) !=
          0) {
    return HW_ENOMEM;
  }
  hw_queue_remove(&link->node);
  hw_queue_push(&origin->idle, &link->node);
  hw_queue_push(&pool->idle, &link->pool_node);
  link->state = HW_LINK_IDLE;
  origin->idle_count++;
  pool->idle_count++;
  return 0;
}

hw_verdict_t hw_pool_release(hw_pool_t* pool,
                             hw_link_t* link,
                             int may_idle,
                             uint64_t idle_ms,
                             uint64_t now_ms,
                             hw_decision_t* out) {
  hw_origin_t* origin = link->origin;

  HW_ASSERT(hw_link_is_active(link) && link->pool == pool);
  memset(out, 0, sizeof(*out));
  out->verdict = HW_CLOSE;
  out->link = link;
  out->origin = origin;
  if (over_limits(pool, origin) || place_is_wanted(pool)) {
    return out->verdict;
  }
  if (origin->waiting_count != 0) {
    out->verdict = HW_HANDOVER;
    out->waiter = pop_waiter(pool, origin);
    count_reuse(pool, link, now_ms);
    return out->verdict;
  }
  /* Another, hungry origin can use the place as soon as it is free. */
  if (!may_idle || origin->idle_count >= pool->options.max_free ||
      (pool->total >= pool->options.max_total &&
       !hw_queue_empty(&pool->hungry))) {
    return out->verdict;
  }
  if (make_idle(pool, link, idle_ms, now_ms) == 0) {
    out->verdict = HW_IDLE;
  }
  return out->verdict;
}

int hw_pool_set_idle(hw_pool_t* pool,
                     hw_link_t* link,
                     uint64_t idle_ms,
                     uint64_t now_ms) {
  HW_ASSERT(hw_link_is_idle(link) && link->pool == pool);
  if (idle_ms == UINT64_MAX) {
    hw_deadline_stop(pool->deadlines, &link->idle_until);
    return 0;
  }
  return hw_deadline_start(pool->deadlines, &link->idle_until, idle_ms, now_ms);
}

void hw_pool_take(hw_pool_t* pool, hw_link_t* link) {
  activate(pool, link);
}

/* Which origin gets the free place? */
static hw_origin_t* next_in_need(const hw_pool_t* pool) {
  const hw_queue_t* list =
      hw_queue_empty(&pool->starved) ? &pool->hungry : &pool->starved;

  return hw_queue_empty(list)
             ? NULL
             : HW_CONTAINER_OF(hw_queue_first(list), hw_origin_t, need_node);
}

hw_waiter_t* hw_pool_next(hw_pool_t* pool, hw_origin_t** origin) {
  *origin = pool->total < pool->options.max_total ? next_in_need(pool) : NULL;
  /* It stays in its list if it has more waiters; hw_pool_add() moves it to the
   * end. */
  return *origin != NULL ? pop_waiter(pool, *origin) : NULL;
}

void hw_pool_remove(hw_pool_t* pool, hw_link_t* link) {
  hw_origin_t* origin = link->origin;

  if (hw_link_is_idle(link)) {
    activate(pool, link);
  }
  unlink_active(pool, link);
  update_need(pool, origin);
  if (origin->need == NEED_HUNGRY && pool->total < pool->options.max_total) {
    hw_queue_remove(&origin->need_node);
    hw_queue_push(hw_queue_first(&pool->hungry), &origin->need_node);
  }
  hw_pool_forget(pool, origin);
}

void hw_pool_cancel(hw_pool_t* pool, hw_waiter_t* waiter) {
  hw_origin_t* origin = waiter->origin;

  if (origin == NULL) {
    return;
  }
  unlink_waiter(pool, waiter);
  pool->counters.cancelled++;
  hw_pool_forget(pool, origin);
}

hw_waiter_t* hw_pool_cancel_any(hw_pool_t* pool) {
  hw_waiter_t* waiter = NULL;

  if (!hw_queue_empty(&pool->waiting)) {
    waiter = first_waiter(HW_CONTAINER_OF(
        hw_queue_first(&pool->waiting), hw_origin_t, waiting_node));
    hw_pool_cancel(pool, waiter);
  }
  return waiter;
}

const hw_pool_counters_t* hw_pool_counters(const hw_pool_t* pool) {
  return &pool->counters;
}

uint32_t hw_pool_total(const hw_pool_t* pool) {
  return pool->total;
}

uint32_t hw_pool_idle(const hw_pool_t* pool) {
  return pool->idle_count;
}

uint32_t hw_pool_waiting(const hw_pool_t* pool) {
  return pool->waiting_count;
}

uint32_t hw_pool_origins(const hw_pool_t* pool) {
  return pool->origin_count;
}

/* The node after `after` in a list, or the first; NULL at the end. */
static hw_queue_t* next_node(const hw_queue_t* head, const hw_queue_t* after) {
  hw_queue_t* next = after != NULL ? after->next : head->next;

  return next != head ? next : NULL;
}

hw_origin_t* hw_pool_next_origin(const hw_pool_t* pool, hw_origin_t* after) {
  hw_queue_t* q =
      next_node(&pool->origins, after != NULL ? &after->pool_node : NULL);

  return q != NULL ? HW_CONTAINER_OF(q, hw_origin_t, pool_node) : NULL;
}

const char* hw_origin_key(const hw_origin_t* origin, size_t* len) {
  *len = origin->item.key_len;
  return origin->item.key;
}

static hw_link_t* next_link(const hw_queue_t* head, const hw_link_t* after) {
  hw_queue_t* q = next_node(head, after != NULL ? &after->node : NULL);

  return q != NULL ? HW_CONTAINER_OF(q, hw_link_t, node) : NULL;
}

hw_link_t* hw_origin_next_active(const hw_origin_t* origin, hw_link_t* after) {
  return next_link(&origin->active, after);
}

hw_link_t* hw_origin_next_idle(const hw_origin_t* origin, hw_link_t* after) {
  return next_link(&origin->idle, after);
}

hw_waiter_t* hw_origin_next_waiting(const hw_origin_t* origin,
                                    hw_waiter_t* after) {
  hw_queue_t* q =
      next_node(&origin->waiting, after != NULL ? &after->node : NULL);

  return q != NULL ? HW_CONTAINER_OF(q, hw_waiter_t, node) : NULL;
}
