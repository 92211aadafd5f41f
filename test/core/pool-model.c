/* SPDX-License-Identifier: MIT */
/*
 * The naive model of the pool: see pool-model.h.
 */
#include "pool-model.h"

#include <string.h>

#include "pool.h"
#include "runner.h"

/* At most PAST connections are opened regardless of the limits, so that those
 * within the limits still have room: PAST + ORIGINS * MAX_SOCKETS links. */
enum { ORIGINS = 6, MAX_SOCKETS = 8, PAST = 12, LINKS = 60, WAITERS = 40 };

typedef struct {
  hw_link_t link;
  int origin; /* -1: not in the pool */
  int idle;
  uint64_t idle_since; /* order of becoming idle */
  uint32_t uses;
} model_link_t;

typedef struct {
  hw_waiter_t waiter;
  int origin; /* -1: not waiting */
  uint64_t since;
} model_waiter_t;

/* Since when an origin waits, starves or is hungry; 0: it does not. One that
 * has released a place counts as hungrier than all others. */
typedef struct {
  uint64_t waiting;
  uint64_t starved;
  uint64_t hungry;
} turn_t;

struct model {
  hw_deadlines_t deadlines;
  hw_pool_t* pool;
  hw_pool_options_t options;
  hw_pool_counters_t counters;
  model_link_t links[LINKS];
  model_waiter_t waiters[WAITERS];
  turn_t turns[ORIGINS];
  model_choose_t choose;
  void* source;
  uint64_t clock;
  uint64_t before; /* counts down: earlier than any time of the clock */
  uint64_t now_ms;
};

uint32_t model_met[HW_CLOSE + 1];
uint32_t model_met_served;
uint32_t model_met_nobody;
uint32_t model_met_evicted;
uint32_t model_met_no_memory;

static uint32_t next_random(model_t* m, uint32_t below) {
  return m->choose(m->source, below);
}

static size_t key_of(int origin, char* key) {
  const char* rest =
      origin == 0
          ? "-with-a-name-that-does-not-fit-into-the-origin-itself-at-all"
          : "";

  return (size_t)snprintf(key, 80, "origin-%d%s", origin, rest);
}

/* Connections of origin, or of all with -1. */
static uint32_t count(const model_t* m, int origin, int idle_only) {
  uint32_t n = 0;
  int i = 0;

  for (i = 0; i < LINKS; i++) {
    n += m->links[i].origin >= 0 &&
         (origin < 0 || m->links[i].origin == origin) &&
         (!idle_only || m->links[i].idle);
  }
  return n;
}

static uint32_t count_waiting(const model_t* m, int origin) {
  uint32_t n = 0;
  int i = 0;

  for (i = 0; i < WAITERS; i++) {
    n += m->waiters[i].origin >= 0 &&
         (origin < 0 || m->waiters[i].origin == origin);
  }
  return n;
}

static int is_full(const model_t* m) {
  return count(m, -1, 0) >= m->options.max_total;
}

static model_waiter_t* first_waiting(model_t* m, int origin) {
  model_waiter_t* first = NULL;
  int i = 0;

  for (i = 0; i < WAITERS; i++) {
    model_waiter_t* w = &m->waiters[i];

    if (w->origin == origin && (first == NULL || w->since < first->since)) {
      first = w;
    }
  }
  return first;
}

/* The idle connection that must be leased, or evicted (origin -1). */
static model_link_t* expected_idle(model_t* m, int origin) {
  model_link_t* best = NULL;
  int i = 0;

  for (i = 0; i < LINKS; i++) {
    model_link_t* l = &m->links[i];
    int older = best != NULL && l->idle_since < best->idle_since;

    if (l->origin >= 0 && l->idle && (origin < 0 || l->origin == origin) &&
        (best == NULL || (origin < 0 || m->options.fifo ? older : !older))) {
      best = l;
    }
  }
  return best;
}

static void note(uint64_t* since, int is_so, uint64_t clock) {
  *since = !is_so ? 0 : *since != 0 ? *since : clock;
}

/* After each change: which origins began to wait, to starve, to be hungry?
 * Those that begin together have the same time. */
static void observe(model_t* m) {
  int i = 0;

  m->clock++;
  for (i = 0; i < ORIGINS; i++) {
    uint32_t has = count(m, i, 0);
    int waits = count_waiting(m, i) > 0;
    int room = waits && has < m->options.max_sockets;

    note(&m->turns[i].waiting, waits, m->clock);
    note(&m->turns[i].starved, room && has == 0, m->clock);
    note(&m->turns[i].hungry, room && has > 0, m->clock);
  }
}

static int somebody(const model_t* m, int starved) {
  int i = 0;

  for (i = 0; i < ORIGINS; i++) {
    if ((starved ? m->turns[i].starved : m->turns[i].hungry) != 0) {
      return 1;
    }
  }
  return 0;
}

/* May origin get a place? The head comment of pool.h, line by line. */
static int is_its_turn(const model_t* m, int origin) {
  int starved = somebody(m, 1);
  uint64_t own = starved ? m->turns[origin].starved : m->turns[origin].hungry;
  int i = 0;

  for (i = 0; i < ORIGINS; i++) {
    uint64_t other = starved ? m->turns[i].starved : m->turns[i].hungry;

    if (own == 0 || (other != 0 && other < own)) {
      return 0;
    }
  }
  return 1;
}

static void add(model_t* m, hw_origin_t* handle, int origin) {
  model_link_t* l = m->links;

  while (l->origin >= 0) {
    l++; /* step_past leaves enough of them free */
  }
  hw_link_init(&l->link);
  hw_pool_add(m->pool, handle, &l->link, m->now_ms);
  l->origin = origin;
  l->idle = 0;
  l->uses = 1;
  m->counters.opened++;
  m->counters.leases++;
  m->turns[origin].hungry = 0; /* it has had its turn */
  observe(m);
}

static void wait_for(model_t* m, hw_origin_t* handle, int origin) {
  int i = 0;

  for (i = 0; i < WAITERS; i++) {
    model_waiter_t* w = &m->waiters[i];

    if (w->origin < 0) {
      hw_waiter_init(&w->waiter);
      hw_pool_wait(m->pool, handle, &w->waiter, m->now_ms);
      w->origin = origin;
      w->since = ++m->clock;
      m->counters.queued++;
      observe(m);
      return;
    }
  }
  hw_pool_forget(m->pool, handle);
}

static void leased_again(model_t* m, model_link_t* l) {
  l->uses++;
  m->counters.leases++;
  m->counters.reuses++;
  CHECK(l->link.uses == l->uses && l->link.state == HW_LINK_ACTIVE);
}

static void check_evicted(model_t* m, const hw_decision_t* d) {
  model_link_t* victim = expected_idle(m, -1);

  CHECK(d->evicted == (victim != NULL ? &victim->link : NULL));
  CHECK(d->verdict == (victim != NULL ? HW_CONNECT : HW_WAIT));
  if (victim != NULL) {
    CHECK(victim->link.state == HW_LINK_NONE && victim->link.origin == NULL);
    victim->origin = -1;
    m->counters.evicted++;
    m->counters.closed++;
    model_met_evicted++;
    observe(m);
  }
}

static void step_acquire(model_t* m, int no_memory) {
  char key[80];
  int origin = (int)next_random(m, ORIGINS);
  size_t len = key_of(origin, key);
  model_link_t* idle = expected_idle(m, origin);
  hw_decision_t d;

  if (hw_pool_acquire(m->pool, key, len, m->now_ms, &d) != 0) {
    CHECK(no_memory && count(m, origin, 0) + count_waiting(m, origin) == 0);
    model_met_no_memory++;
    return;
  }
  model_met[d.verdict]++;
  if (count_waiting(m, origin) == 0 && idle != NULL) {
    CHECK(d.verdict == HW_REUSE && d.link == &idle->link && d.evicted == NULL);
    idle->idle = 0;
    leased_again(m, idle);
    return;
  }
  if (count_waiting(m, origin) > 0 ||
      count(m, origin, 0) >= m->options.max_sockets) {
    CHECK(d.verdict == HW_WAIT && d.evicted == NULL);
  } else if (is_full(m)) {
    check_evicted(m, &d);
  } else {
    CHECK(d.verdict == HW_CONNECT && d.evicted == NULL);
  }
  if (next_random(m, 16) == 0) {
    hw_pool_forget(m->pool, d.origin);
  } else if (d.verdict == HW_CONNECT) {
    add(m, d.origin, origin);
  } else {
    wait_for(m, d.origin, origin);
  }
}

/* A connection that is added regardless of the pool's limits. */
static void step_past(model_t* m) {
  char key[80];
  int origin = (int)next_random(m, ORIGINS);
  size_t len = key_of(origin, key);
  hw_origin_t* handle = NULL;

  if (count(m, -1, 0) >= PAST ||
      hw_pool_origin(m->pool, key, len, &handle) != 0) {
    return;
  }
  if (next_random(m, 2) == 0) {
    hw_pool_forget(m->pool, handle);
  } else {
    add(m, handle, origin);
  }
}

static model_link_t* random_link(model_t* m, int idle) {
  model_link_t* l = &m->links[next_random(m, LINKS)];
  int i = 0;

  for (i = 0; i < LINKS && (l->origin < 0 || l->idle != idle); i++) {
    l = l + 1 < m->links + LINKS ? l + 1 : m->links;
  }
  return i < LINKS ? l : NULL;
}

static int origin_of(const model_t* m, const hw_waiter_t* waiter) {
  int i = 0;

  for (i = 0; i < WAITERS; i++) {
    if (&m->waiters[i].waiter == waiter) {
      return m->waiters[i].origin;
    }
  }
  return -1;
}

static void served(model_t* m, const hw_waiter_t* waiter, int origin) {
  model_waiter_t* first = first_waiting(m, origin);

  CHECK(first != NULL && waiter == &first->waiter);
  if (first != NULL) {
    CHECK(first->waiter.origin == NULL);
    first->origin = -1;
    observe(m);
  }
}

/* Result: whether a waiter got a place. */
static int step_next(model_t* m) {
  hw_origin_t* handle = NULL;
  hw_waiter_t* waiter = hw_pool_next(m->pool, &handle);
  int origin = waiter != NULL ? origin_of(m, waiter) : -1;

  if (waiter == NULL) {
    model_met_nobody++;
    CHECK(handle == NULL);
    CHECK(is_full(m) || !(somebody(m, 0) || somebody(m, 1)));
    return 0;
  }
  model_met_served++;
  CHECK(origin >= 0 && !is_full(m));
  if (origin >= 0) {
    CHECK(is_its_turn(m, origin));
    served(m, waiter, origin);
    if (next_random(m, 16) == 0) {
      hw_pool_forget(m->pool, handle);
    } else {
      add(m, handle, origin);
    }
  }
  return 1;
}

/* Sometimes the owner does not ask which waiter gets the place. */
static void remove_link(model_t* m, model_link_t* l) {
  int giver = l->origin;

  hw_pool_remove(m->pool, &l->link);
  l->origin = -1;
  l->idle = 0;
  m->counters.closed++;
  CHECK(l->link.state == HW_LINK_NONE && l->link.origin == NULL);
  CHECK(!hw_deadline_started(&l->link.idle_until));
  observe(m);
  if (m->turns[giver].hungry != 0 && !is_full(m)) {
    m->turns[giver].hungry = m->before--;
  }
  if (next_random(m, 8) != 0) {
    (void)step_next(m);
  }
}

static hw_verdict_t expected_release(const model_t* m,
                                     const model_link_t* l,
                                     int may_idle) {
  if (count(m, -1, 0) > m->options.max_total ||
      count(m, l->origin, 0) > m->options.max_sockets ||
      (is_full(m) && somebody(m, 1))) {
    return HW_CLOSE;
  }
  if (count_waiting(m, l->origin) > 0) {
    return HW_HANDOVER;
  }
  return may_idle && count(m, l->origin, 1) < m->options.max_free &&
                 !(is_full(m) && somebody(m, 0))
             ? HW_IDLE
             : HW_CLOSE;
}

static void step_release(model_t* m, int no_memory) {
  model_link_t* l = random_link(m, 0);
  int may_idle = next_random(m, 8) != 0;
  uint64_t idle_ms = next_random(m, 4) == 0 ? UINT64_MAX : next_random(m, 50);
  hw_verdict_t expected = HW_CLOSE;
  hw_decision_t d;

  if (l == NULL) {
    return;
  }
  expected = expected_release(m, l, may_idle);
  CHECK(hw_pool_release(m->pool, &l->link, may_idle, idle_ms, m->now_ms, &d) ==
        d.verdict);
  model_met[d.verdict]++;
  CHECK(d.verdict == expected ||
        (no_memory && expected == HW_IDLE && d.verdict == HW_CLOSE));
  if (d.verdict == HW_HANDOVER) {
    served(m, d.waiter, l->origin);
    leased_again(m, l);
  } else if (d.verdict == HW_IDLE) {
    l->idle = 1;
    l->idle_since = ++m->clock;
    CHECK(hw_deadline_started(&l->link.idle_until) == (idle_ms != UINT64_MAX));
  } else {
    CHECK(l->link.state == HW_LINK_ACTIVE);
    remove_link(m, l);
  }
}

static void step_expire(model_t* m) {
  hw_deadline_t* due = NULL;

  m->now_ms += next_random(m, 10);
  while ((due = hw_deadlines_pop(&m->deadlines, m->now_ms)) != NULL) {
    hw_link_t* link = HW_CONTAINER_OF(due, hw_link_t, idle_until);
    model_link_t* l = HW_CONTAINER_OF(link, model_link_t, link);

    CHECK(l->idle);
    hw_pool_take(m->pool, link);
    l->idle = 0;
    remove_link(m, l);
  }
}

static void step_cancel(model_t* m) {
  model_waiter_t* w = &m->waiters[next_random(m, WAITERS)];

  hw_pool_cancel(m->pool, &w->waiter);
  m->counters.cancelled += w->origin >= 0;
  w->origin = -1;
  observe(m);
}

static void step_cancel_any(model_t* m) {
  hw_waiter_t* waiter = hw_pool_cancel_any(m->pool);
  int origin = waiter != NULL ? origin_of(m, waiter) : -1;
  int i = 0;

  CHECK((waiter == NULL) == (count_waiting(m, -1) == 0));
  if (origin < 0) {
    CHECK(waiter == NULL);
    return;
  }
  for (i = 0; i < ORIGINS; i++) {
    CHECK(m->turns[i].waiting == 0 ||
          m->turns[i].waiting >= m->turns[origin].waiting);
  }
  m->counters.cancelled++;
  served(m, waiter, origin);
}

static void step_options(model_t* m, int with_total) {
  m->options.max_sockets = 1 + next_random(m, MAX_SOCKETS);
  m->options.max_free = next_random(m, 6);
  m->options.fifo = (int)next_random(m, 2);
  if (with_total) {
    m->options.max_total = 1 + next_random(m, 15);
  }
  hw_pool_set_options(m->pool, &m->options);
  observe(m);
}

/* What the walks show of one origin: the model's, idle and waiting in order. */
static void check_origin(model_t* m, const hw_origin_t* handle, int origin) {
  hw_link_t* link = NULL;
  hw_waiter_t* waiter = NULL;
  uint32_t active = 0;
  uint32_t idle = 0;
  uint32_t waiting = 0;
  uint64_t since = 0;

  while ((link = hw_origin_next_active(handle, link)) != NULL) {
    model_link_t* l = HW_CONTAINER_OF(link, model_link_t, link);

    active++;
    CHECK(l->origin == origin && !l->idle && link->state == HW_LINK_ACTIVE);
  }
  while ((link = hw_origin_next_idle(handle, link)) != NULL) {
    model_link_t* l = HW_CONTAINER_OF(link, model_link_t, link);

    idle++;
    CHECK(l->origin == origin && l->idle && link->state == HW_LINK_IDLE);
    CHECK(l->idle_since > since);
    since = l->idle_since;
  }
  since = 0;
  while ((waiter = hw_origin_next_waiting(handle, waiter)) != NULL) {
    model_waiter_t* w = HW_CONTAINER_OF(waiter, model_waiter_t, waiter);

    waiting++;
    CHECK(w->origin == origin && waiter->origin == handle && w->since > since);
    since = w->since;
  }
  CHECK(idle == count(m, origin, 1) && active + idle == count(m, origin, 0));
  CHECK(waiting == count_waiting(m, origin) && (idle == 0 || waiting == 0));
  CHECK(active + idle + waiting > 0); /* else it should be gone */
}

void model_check(model_t* m) {
  hw_origin_t* handle = NULL;
  uint32_t origins = 0;
  int seen[ORIGINS] = {0};
  int i = 0;

  while ((handle = hw_pool_next_origin(m->pool, handle)) != NULL) {
    char key[80];
    size_t len = 0;
    const char* name = hw_origin_key(handle, &len);

    for (i = 0; i < ORIGINS; i++) {
      if (key_of(i, key) == len && memcmp(key, name, len) == 0) {
        CHECK(!seen[i]);
        seen[i] = 1;
        check_origin(m, handle, i);
      }
    }
    origins++;
  }
  for (i = 0; i < ORIGINS; i++) {
    CHECK(seen[i] == (count(m, i, 0) + count_waiting(m, i) > 0));
  }
  CHECK(hw_pool_origins(m->pool) == origins);
  CHECK(memcmp(hw_pool_counters(m->pool), &m->counters, sizeof(m->counters)) ==
        0);
}

static void choose_step(model_t* m, uint32_t busy, int change, int no_memory) {
  uint32_t what = next_random(m, 100);

  if (what < 3) {
    step_cancel(m);
  } else if (what < 5) {
    step_cancel_any(m);
  } else if (what < 8) {
    model_link_t* l = random_link(m, (int)next_random(m, 2));

    if (l != NULL) {
      remove_link(m, l);
    }
  } else if (what < 10) {
    while (test_ok && step_next(m)) {
    }
  } else if (what < 14) {
    step_expire(m);
  } else if (what < 16) {
    step_past(m);
  } else if (what == 16) {
    if (change != 0) {
      step_options(m, change > 1);
    }
  } else if (what < 40 + busy * 14) {
    step_acquire(m, no_memory);
  } else {
    step_release(m, no_memory);
  }
}

void model_step(model_t* m, uint32_t busy, int change) {
  int no_memory = next_random(m, 32) == 0;

  hw_mem_fail_at(no_memory ? 0 : -1);
  choose_step(m, busy, change, no_memory);
  hw_mem_fail_at(-1);
  CHECK(hw_pool_total(m->pool) == count(m, -1, 0));
  CHECK(hw_pool_idle(m->pool) == count(m, -1, 1));
  CHECK(hw_pool_waiting(m->pool) == count_waiting(m, -1));
}

model_t* model_open(model_choose_t choose, void* source, uint32_t max_total) {
  static model_t model; /* one at a time */
  model_t* m = &model;
  int i = 0;

  memset(m, 0, sizeof(*m));
  m->clock = m->before = UINT32_MAX;
  m->choose = choose;
  m->source = source;
  m->options = (hw_pool_options_t){3, max_total, 4, 0};
  for (i = 0; i < LINKS; i++) {
    m->links[i].origin = -1;
  }
  for (i = 0; i < WAITERS; i++) {
    m->waiters[i].origin = -1;
    hw_waiter_init(&m->waiters[i].waiter);
  }
  CHECK(hw_deadlines_init(&m->deadlines) == 0);
  CHECK(hw_pool_create(&m->options, &m->deadlines, 0, &m->pool) == 0);
  return m;
}

void model_close(model_t* m) {
  int i = 0;

  while (count_waiting(m, -1) > 0 && test_ok) {
    step_cancel_any(m);
  }
  for (i = 0; i < LINKS && test_ok; i++) {
    if (m->links[i].origin >= 0) {
      remove_link(m, &m->links[i]);
    }
  }
  if (test_ok) { /* a broken pool is left as it is */
    model_check(m);
    hw_pool_destroy(m->pool);
    hw_deadlines_close(&m->deadlines);
  }
}
