/* SPDX-License-Identifier: MIT */
/*
 * Random operations on the pool, held against a naive model: arrays and linear
 * search, written from pool.h alone. The sequences are reproducible.
 */
#include "runner.h"

#include <string.h>

#include "pool.h"

void suite_pool_model(void);

enum { ORIGINS = 6, LINKS = 40, WAITERS = 60, STEPS = 60000 };

typedef struct {
  hw_link_t link;
  int origin; /* -1: not in the pool */
  int idle;
  uint64_t idle_since; /* order of becoming idle */
} model_link_t;

typedef struct {
  hw_waiter_t waiter;
  int origin; /* -1: not waiting */
  uint64_t since;
} model_waiter_t;

typedef struct {
  hw_deadlines_t deadlines;
  hw_pool_t* pool;
  hw_pool_options_t options;
  model_link_t links[LINKS];
  model_waiter_t waiters[WAITERS];
  uint64_t random;
  uint64_t clock;
  uint64_t now_ms;
} model_t;

static uint32_t next_random(model_t* m, uint32_t below) {
  m->random ^= m->random << 13;
  m->random ^= m->random >> 7;
  m->random ^= m->random << 17;
  return (uint32_t)(m->random >> 33) % below;
}

static size_t key_of(int origin, char* key) {
  return (size_t)snprintf(
      key,
      80,
      "origin-%d%s",
      origin,
      origin == 0
          ? "-with-a-name-that-does-not-fit-into-the-origin-itself-at-all"
          : "");
}

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

static int somebody_starves(const model_t* m) {
  int i = 0;

  for (i = 0; i < ORIGINS; i++) {
    if (count_waiting(m, i) > 0 && count(m, i, 0) == 0) {
      return 1;
    }
  }
  return 0;
}

static model_link_t* unused_link(model_t* m) {
  int i = 0;

  for (i = 0; i < LINKS; i++) {
    if (m->links[i].origin < 0) {
      return &m->links[i];
    }
  }
  return NULL;
}

static void add(model_t* m, hw_origin_t* handle, int origin) {
  model_link_t* l = unused_link(m);

  if (l == NULL) {
    hw_pool_forget(m->pool, handle);
    return;
  }
  hw_link_init(&l->link);
  hw_pool_add(m->pool, handle, &l->link, m->now_ms);
  l->origin = origin;
  l->idle = 0;
}

static void wait(model_t* m, hw_origin_t* handle, int origin) {
  int i = 0;

  for (i = 0; i < WAITERS; i++) {
    model_waiter_t* w = &m->waiters[i];

    if (w->origin < 0) {
      hw_waiter_init(&w->waiter);
      hw_pool_wait(m->pool, handle, &w->waiter);
      w->origin = origin;
      w->since = ++m->clock;
      return;
    }
  }
  hw_pool_forget(m->pool, handle);
}

static void step_acquire(model_t* m) {
  char key[80];
  int origin = (int)next_random(m, ORIGINS);
  size_t len = key_of(origin, key);
  model_link_t* idle = expected_idle(m, origin);
  uint32_t total = count(m, -1, 0);
  hw_decision_t d;

  CHECK(hw_pool_acquire(m->pool, key, len, &d) == 0);
  if (count_waiting(m, origin) > 0) {
    CHECK(d.verdict == HW_WAIT);
  } else if (idle != NULL) {
    CHECK(d.verdict == HW_REUSE && d.link == &idle->link);
    idle->idle = 0;
    return;
  } else if (count(m, origin, 0) >= m->options.max_sockets) {
    CHECK(d.verdict == HW_WAIT && d.evicted == NULL);
  } else if (total >= m->options.max_total) {
    model_link_t* victim = expected_idle(m, -1);

    CHECK(d.evicted == (victim != NULL ? &victim->link : NULL));
    CHECK(d.verdict == (victim != NULL ? HW_CONNECT : HW_WAIT));
    if (victim != NULL) {
      victim->origin = -1;
    }
  } else {
    CHECK(d.verdict == HW_CONNECT);
  }
  if (d.verdict == HW_CONNECT) {
    add(m, d.origin, origin);
  } else {
    wait(m, d.origin, origin);
  }
}

static model_link_t* random_link(model_t* m, int idle) {
  model_link_t* l = &m->links[next_random(m, LINKS)];

  return l->origin >= 0 && l->idle == idle ? l : NULL;
}

static void served(model_t* m, const hw_decision_t* d, int origin) {
  model_waiter_t* first = first_waiting(m, origin);

  CHECK(first != NULL && d->waiter == &first->waiter);
  if (first != NULL) {
    first->origin = -1;
  }
}

static void remove_link(model_t* m, model_link_t* l) {
  hw_decision_t d;
  int i = 0;
  int origin = -1;
  int starving = 0;

  l->origin = -1;
  starving = somebody_starves(m);
  hw_pool_remove(m->pool, &l->link, &d);
  if (d.verdict == HW_CONNECT) {
    for (i = 0; i < WAITERS; i++) {
      if (&m->waiters[i].waiter == d.waiter) {
        origin = m->waiters[i].origin;
      }
    }
    CHECK(origin >= 0);
    CHECK(!starving || count(m, origin, 0) == 0);
    CHECK(count(m, origin, 0) < m->options.max_sockets);
    CHECK(count(m, -1, 0) < m->options.max_total);
    served(m, &d, origin);
    add(m, d.origin, origin);
    return;
  }
  CHECK(d.verdict == HW_NOTHING);
  /* Nobody who could have used the place was passed over. */
  for (i = 0; i < ORIGINS; i++) {
    CHECK(count_waiting(m, i) == 0 ||
          count(m, i, 0) >= m->options.max_sockets ||
          count(m, -1, 0) >= m->options.max_total);
  }
}

static void step_release(model_t* m) {
  model_link_t* l = random_link(m, 0);
  int may_idle = next_random(m, 8) != 0;
  int blocked = 0;
  hw_decision_t d;

  if (l == NULL) {
    return;
  }
  blocked = count(m, -1, 0) > m->options.max_total ||
            count(m, l->origin, 0) > m->options.max_sockets ||
            (count(m, -1, 0) >= m->options.max_total && somebody_starves(m));
  hw_pool_release(
      m->pool, &l->link, may_idle, 1 + next_random(m, 50), m->now_ms, &d);
  if (blocked) {
    CHECK(d.verdict == HW_CLOSE);
  } else if (count_waiting(m, l->origin) > 0) {
    CHECK(d.verdict == HW_HANDOVER);
    served(m, &d, l->origin);
    return;
  } else if (!may_idle || count(m, l->origin, 1) >= m->options.max_free) {
    CHECK(d.verdict == HW_CLOSE);
  }
  if (d.verdict == HW_IDLE) {
    l->idle = 1;
    l->idle_since = ++m->clock;
  } else {
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

  if (w->origin >= 0) {
    hw_pool_cancel(m->pool, &w->waiter);
    w->origin = -1;
  }
}

static void step_remove(model_t* m) {
  model_link_t* l = random_link(m, (int)next_random(m, 2));

  if (l != NULL) {
    l->idle = 0;
    remove_link(m, l);
  }
}

static void step_options(model_t* m) {
  m->options.max_sockets = 1 + next_random(m, 8);
  m->options.max_free = next_random(m, 6);
  m->options.fifo = (int)next_random(m, 2);
  hw_pool_set_options(m->pool, &m->options);
}

static void run(uint64_t seed, uint32_t max_total, int change_options) {
  static model_t m;
  int i = 0;

  memset(&m, 0, sizeof(m));
  m.random = seed;
  m.options = (hw_pool_options_t){3, max_total, 4, 0};
  for (i = 0; i < LINKS; i++) {
    m.links[i].origin = -1;
  }
  for (i = 0; i < WAITERS; i++) {
    m.waiters[i].origin = -1;
  }
  CHECK(hw_deadlines_init(&m.deadlines) == 0);
  CHECK(hw_pool_create(&m.options, &m.deadlines, 0, &m.pool) == 0);
  for (i = 0; i < STEPS && test_ok; i++) {
    switch (next_random(&m, 16)) {
      case 0:
        step_cancel(&m);
        break;
      case 1:
        step_remove(&m);
        break;
      case 2:
        step_expire(&m);
        break;
      case 3:
        if (change_options && next_random(&m, 20) == 0) {
          step_options(&m);
        }
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        step_acquire(&m);
        break;
      default:
        step_release(&m);
        break;
    }
    CHECK(hw_pool_total(m.pool) == count(&m, -1, 0));
    CHECK(hw_pool_idle(m.pool) == count(&m, -1, 1));
    CHECK(hw_pool_waiting(m.pool) == count_waiting(&m, -1));
  }
  while (hw_pool_cancel_any(m.pool) != NULL) {
  }
  for (i = 0; i < WAITERS; i++) {
    m.waiters[i].origin = -1;
  }
  for (i = 0; i < LINKS; i++) {
    if (m.links[i].origin >= 0) {
      remove_link(&m, &m.links[i]);
    }
  }
  CHECK(hw_pool_origins(m.pool) == 0);
  hw_pool_destroy(m.pool);
  hw_deadlines_close(&m.deadlines);
}

static void without_a_total_limit(void) {
  run(0x1234567, HW_NO_LIMIT, 0);
}

static void with_a_total_limit(void) {
  run(0x89abcdef, 7, 0);
}

static void with_limits_that_change(void) {
  run(0x5eed5eed, 9, 1);
}

void suite_pool_model(void) {
  RUN(without_a_total_limit);
  RUN(with_a_total_limit);
  RUN(with_limits_that_change);
}
