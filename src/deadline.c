/* SPDX-License-Identifier: MIT */
/*
 * Ordered lists of deadlines, one per timeout value, in a heap: see deadline.h.
 */
#include "deadline.h"

enum { BUCKETS = 64, LISTS_KEPT = 64, HEAP_FIRST = 16 };

/* Owned by the set; in use while it has entries, then kept as a spare. */
struct hw_deadline_list {
  hw_queue_t entries; /* soonest first */
  hw_queue_t bucket_node;
  uint64_t timeout_ms;
  size_t at; /* its place in the heap */
};

static hw_deadline_t* head_of(const struct hw_deadline_list* list) {
  return HW_CONTAINER_OF(hw_queue_first(&list->entries), hw_deadline_t, node);
}

static void put_at(hw_deadlines_t* set,
                   struct hw_deadline_list* list,
                   size_t at) {
  set->heap[at] = list;
  list->at = at;
}

static int is_earlier(const hw_deadlines_t* set, size_t a, size_t b) {
  return head_of(set->heap[a])->due_ms < head_of(set->heap[b])->due_ms;
}

static void swap(hw_deadlines_t* set, size_t a, size_t b) {
  struct hw_deadline_list* list = set->heap[a];

  put_at(set, set->heap[b], a);
  put_at(set, list, b);
}

static void sift_up(hw_deadlines_t* set, size_t at) {
  while (at > 0 && is_earlier(set, at, (at - 1) / 2)) {
    swap(set, at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

static void sift_down(hw_deadlines_t* set, size_t at) {
  for (;;) {
    size_t least = at;
    size_t child = 2 * at + 1;

    if (child < set->heap_count && is_earlier(set, child, least)) {
      least = child;
    }
    if (child + 1 < set->heap_count && is_earlier(set, child + 1, least)) {
      least = child + 1;
    }
    if (least == at) {
      return;
    }
    swap(set, at, least);
    at = least;
  }
}

/* Makes room at the end of the heap, so that starting an entry cannot fail
 * halfway. */
static int reserve_place(hw_deadlines_t* set) {
  size_t size = set->heap_size == 0 ? HEAP_FIRST : 2 * set->heap_size;
  struct hw_deadline_list** grown = NULL;

  if (set->heap_count < set->heap_size) {
    return 0;
  }
  grown = hw_mem_realloc(set->heap, size * sizeof(void*));
  if (grown == NULL) {
    return HW_ENOMEM;
  }
  set->heap = grown;
  set->heap_size = size;
  return 0;
}

static void heap_remove(hw_deadlines_t* set, size_t at) {
  set->heap_count--;
  if (at != set->heap_count) {
    put_at(set, set->heap[set->heap_count], at);
    sift_up(set, at);
    sift_down(set, at);
  }
}

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
  hw_freelist_init(&set->spare, sizeof(struct hw_deadline_list), LISTS_KEPT);
  set->heap = NULL;
  set->heap_count = 0;
  set->heap_size = 0;
  return 0;
}

void hw_deadlines_close(hw_deadlines_t* set) {
  HW_ASSERT(set->heap_count == 0);
  hw_freelist_close(&set->spare);
  hw_mem_free(set->heap);
  hw_mem_free(set->buckets);
  set->heap = NULL;
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

/* A list that is still empty, and not in the heap. */
static struct hw_deadline_list* make_list(hw_deadlines_t* set,
                                          uint64_t timeout_ms) {
  struct hw_deadline_list* list =
      reserve_place(set) == 0 ? hw_freelist_take(&set->spare) : NULL;

  if (list == NULL) {
    return NULL;
  }
  hw_queue_init(&list->entries);
  hw_queue_init(&list->bucket_node);
  list->timeout_ms = timeout_ms;
  hw_queue_push(bucket_of(set, timeout_ms), &list->bucket_node);
  return list;
}

int hw_deadline_start(hw_deadlines_t* set,
                      hw_deadline_t* d,
                      uint64_t timeout_ms,
                      uint64_t now_ms) {
  struct hw_deadline_list* list = NULL;

  hw_deadline_stop(set, d);
  list = find_list(set, timeout_ms);
  if (list == NULL) {
    list = make_list(set, timeout_ms);
  }
  if (list == NULL) {
    return HW_ENOMEM;
  }
  d->list = list;
  d->due_ms =
      timeout_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + timeout_ms;
  if (hw_queue_empty(&list->entries)) {
    hw_queue_push(&list->entries, &d->node);
    put_at(set, list, set->heap_count);
    set->heap_count++;
    sift_up(set, list->at);
  } else {
    hw_queue_push(&list->entries, &d->node);
  }
  return 0;
}

void hw_deadline_stop(hw_deadlines_t* set, hw_deadline_t* d) {
  struct hw_deadline_list* list = d->list;
  int was_first = 0;

  if (list == NULL) {
    return;
  }
  was_first = head_of(list) == d;
  hw_queue_remove(&d->node);
  d->list = NULL;
  if (hw_queue_empty(&list->entries)) {
    heap_remove(set, list->at);
    hw_queue_remove(&list->bucket_node);
    hw_freelist_give(&set->spare, list);
  } else if (was_first) {
    sift_down(set, list->at);
  }
}

uint64_t hw_deadlines_next(const hw_deadlines_t* set) {
  return set->heap_count != 0 ? head_of(set->heap[0])->due_ms : UINT64_MAX;
}

hw_deadline_t* hw_deadlines_pop(hw_deadlines_t* set, uint64_t now_ms) {
  hw_deadline_t* d = NULL;

  if (hw_deadlines_next(set) > now_ms || set->heap_count == 0) {
    return NULL;
  }
  d = head_of(set->heap[0]);
  hw_deadline_stop(set, d);
  return d;
}
