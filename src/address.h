/* SPDX-License-Identifier: MIT */
/*
 * An address of either family, without the 100 bytes of padding of a
 * sockaddr_storage: several are kept for each connection being dialled.
 */
#ifndef HW_ADDRESS_H
#define HW_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} hw_address_t;

/* Per dial. */
#define HW_ADDRESSES_MAX 256u

#endif /* HW_ADDRESS_H */
