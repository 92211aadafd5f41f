/* SPDX-License-Identifier: MIT */
/*
 * Ordered lists of deadlines, one per timeout value: see deadline.h.
 */
#include "deadline.h"

enum { BUCKETS = 64, LISTS_KEPT = 64 };

/* Owned by the set; exists while it has entries, and then goes to spare. */
struct hw_deadline_list {
  hw_queue_t entries; /* soonest first */
  hw_queue_t set_node;
  hw_queue_t bucket_node;
  uint64_t timeout_ms;
};

static hw_queue_t* bucket_of(const hw_deadlines_t* set, uint64_t timeout_ms) {
  /* Fibonacci hashing: timeouts are round numbers. */
  return &set->buckets[(timeout_ms * 0x9E3779B97F4A7C15u) >> 58];
}

int hw_deadlines_init(hw_deadlines_t* set) {
  size_t i = 0;

  set->buckets = hw_mem_alloc(BUCKETS * sizeof(set->buckets[0]));
  if (set->buckets == NULL) {
    return HW_ENOMEM;
  }
  for (i = 0; i < BUCKETS; i++) {
    hw_queue_init(&set->buckets[i]);
  }
  hw_queue_init(&set->lists);
  hw_freelist_init(&set->spare, sizeof(struct hw_deadline_list), LISTS_KEPT);
  set->lists_live = 0;
  return 0;
}

void hw_deadlines_close(hw_deadlines_t* set) {
  HW_ASSERT(hw_queue_empty(&set->lists) && set->lists_live == 0);
  hw_freelist_close(&set->spare);
  hw_mem_free(set->buckets);
  set->buckets = NULL;
}

void hw_deadline_init(hw_deadline_t* d, uint8_t kind) {
  hw_queue_init(&d->node);
  d->due_ms = 0;
  d->list = NULL;
  d->kind = kind;
}

static struct hw_deadline_list* find_list(const hw_deadlines_t* set,
                                          uint64_t timeout_ms) {
  hw_queue_t* bucket = bucket_of(set, timeout_ms);
  hw_queue_t* q = NULL;

  for (q = hw_queue_first(bucket); q != bucket; q = q->next) {
    struct hw_deadline_list* list =
        HW_CONTAINER_OF(q, struct hw_deadline_list, bucket_node);

    if (list->timeout_ms == timeout_ms) {
      return list;
    }
  }
  return NULL;
}

static struct hw_deadline_list* make_list(hw_deadlines_t* set,
                                          uint64_t timeout_ms) {
  struct hw_deadline_list* list = hw_freelist_take(&set->spare);

  if (list == NULL) {
    return NULL;
  }
  hw_queue_init(&list->entries);
  hw_queue_init(&list->set_node);
  hw_queue_init(&list->bucket_node);
  list->timeout_ms = timeout_ms;
  hw_queue_push(&set->lists, &list->set_node);
  hw_queue_push(bucket_of(set, timeout_ms), &list->bucket_node);
  set->lists_live++;
  return list;
}

int hw_deadline_start(hw_deadlines_t* set,
                      hw_deadline_t* d,
                      uint64_t timeout_ms,
                      uint64_t now_ms) {
  struct hw_deadline_list* list = NULL;

  /* The usual restart: same value, so the list is at hand. */
  if (d->list != NULL && d->list->timeout_ms == timeout_ms) {
    list = d->list;
    hw_queue_remove(&d->node);
  } else {
    hw_deadline_stop(set, d);
    list = find_list(set, timeout_ms);
    if (list == NULL) {
      list = make_list(set, timeout_ms);
    }
    if (list == NULL) {
      return HW_ENOMEM;
    }
  }
  d->list = list;
  d->due_ms =
      timeout_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + timeout_ms;
  hw_queue_push(&list->entries, &d->node);
  return 0;
}

void hw_deadline_stop(hw_deadlines_t* set, hw_deadline_t* d) {
  struct hw_deadline_list* list = d->list;

  if (list == NULL) {
    return;
  }
  hw_queue_remove(&d->node);
  d->list = NULL;
  if (hw_queue_empty(&list->entries)) {
    hw_queue_remove(&list->set_node);
    hw_queue_remove(&list->bucket_node);
    hw_freelist_give(&set->spare, list);
    set->lists_live--;
  }
}

/* The entry that is due first among all lists, or NULL. */
static hw_deadline_t* earliest(const hw_deadlines_t* set) {
  const hw_queue_t* q = NULL;
  hw_deadline_t* best = NULL;

  for (q = hw_queue_first(&set->lists); q != &set->lists; q = q->next) {
    struct hw_deadline_list* list =
        HW_CONTAINER_OF(q, struct hw_deadline_list, set_node);
    hw_deadline_t* d =
        HW_CONTAINER_OF(hw_queue_first(&list->entries), hw_deadline_t, node);

    if (best == NULL || d->due_ms < best->due_ms) {
      best = d;
    }
  }
  return best;
}

uint64_t hw_deadlines_next(const hw_deadlines_t* set) {
  const hw_deadline_t* d = earliest(set);

  return d != NULL ? d->due_ms : UINT64_MAX;
}

hw_deadline_t* hw_deadlines_pop(hw_deadlines_t* set, uint64_t now_ms) {
  hw_deadline_t* d = earliest(set);

  if (d == NULL || d->due_ms > now_ms) {
    return NULL;
  }
  hw_deadline_stop(set, d);
  return d;
}
