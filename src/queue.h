/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list. A head is a node that is linked to itself when
 * the list is empty; a node that is in no list is linked to itself too, so
 * "is it linked?" has one answer and removing twice is harmless.
 */
#ifndef HW_QUEUE_H
#define HW_QUEUE_H

typedef struct hw_queue {
  struct hw_queue* next;
  struct hw_queue* prev;
} hw_queue_t;

static inline void hw_queue_init(hw_queue_t* q) {
  q->next = q;
  q->prev = q;
}

static inline int hw_queue_empty(const hw_queue_t* q) {
  return q->next == q;
}

static inline hw_queue_t* hw_queue_first(const hw_queue_t* q) {
  return q->next;
}

static inline hw_queue_t* hw_queue_last(const hw_queue_t* q) {
  return q->prev;
}

/* Links node, which is in no list, before q: at the tail when q is a head. */
static inline void hw_queue_push(hw_queue_t* q, hw_queue_t* node) {
  node->next = q;
  node->prev = q->prev;
  q->prev->next = node;
  q->prev = node;
}

/* Unlinks node and leaves it linked to itself. */
static inline void hw_queue_remove(hw_queue_t* node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  hw_queue_init(node);
}

#endif /* HW_QUEUE_H */
