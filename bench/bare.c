/* SPDX-License-Identifier: MIT */
/*
 * bare PORT PATH BODY CONNECTIONS WARM_UP_MS DURATION_MS: the CPU that the
 * system calls of a request take, whichever client makes them. Keeps one
 * request in flight on each connection: one write, one read and, as in libuv,
 * one epoll_wait for all connections that have become readable. Prints a line
 * of JSON. Each response must arrive in one read and end with BODY.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024, REQUEST_MAX = 512, READ_SIZE = 65536 };

typedef struct {
  uint64_t requests;
  double user_us;
  double system_us;
  double time_s;
} moment_t;

static char request[REQUEST_MAX];
static size_t request_len;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double time_s(void) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double us(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static moment_t moment(uint64_t requests) {
  struct rusage usage;
  moment_t result = {.requests = requests, .time_s = time_s()};

  (void)getrusage(RUSAGE_SELF, &usage);
  result.user_us = us(usage.ru_utime);
  result.system_us = us(usage.ru_stime);
  return result;
}

static int number(const char* text) {
  return (int)strtol(text, NULL, 10);
}

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  to.sin_port = htons((uint16_t)port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (const struct sockaddr*)&to, sizeof to) != 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    fail("connect");
  }
  return fd;
}

static void ask(int fd) {
  if (write(fd, request, request_len) != (ssize_t)request_len) {
    fail("write");
  }
}

static void answer(int fd, const char* body, size_t body_len) {
  static char input[READ_SIZE];
  ssize_t count = read(fd, input, sizeof input);

  if (count < 0) {
    fail("read");
  }
  if ((size_t)count < body_len ||
      memcmp(input + (size_t)count - body_len, body, body_len) != 0) {
    (void)fputs("a read gave no whole response with the right body\n", stderr);
    exit(1);
  }
}

static void print(const moment_t* from, const moment_t* to) {
  double requests = (double)(to->requests - from->requests);
  double seconds = to->time_s - from->time_s;
  double user = to->user_us - from->user_us;
  double system = to->system_us - from->system_us;

  (void)printf(
      "{\"rps\":%.0f,\"user\":%.3f,\"system\":%.3f,\"clientBusy\":%.3f,"
      "\"requests\":%.0f,\"seconds\":%.3f}\n",
      requests / seconds,
      user / requests,
      system / requests,
      (user + system) / 1e6 / seconds,
      requests,
      seconds);
}

int main(int argc, char** argv) {
  static struct epoll_event events[EVENTS];
  struct epoll_event event = {.events = EPOLLIN};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  moment_t from = {0};
  moment_t to = {0};
  uint64_t requests = 0;
  double warm_s;
  double end_s;

  if (argc != 7) {
    (void)fputs("bare PORT PATH BODY CONNECTIONS WARM_UP_MS DURATION_MS\n",
                stderr);
    return 2;
  }
  /* What hawser sends. */
  request_len = (size_t)snprintf(
      request,
      sizeof request,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: keep-alive\r\n\r\n",
      argv[2],
      argv[1]);
  for (int i = number(argv[4]); i > 0; i--) {
    event.data.fd = dial(number(argv[1]));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) != 0) {
      fail("epoll_ctl");
    }
    ask(event.data.fd);
  }
  warm_s = time_s() + number(argv[5]) / 1000.0;
  end_s = warm_s + number(argv[6]) / 1000.0;
  while (to.requests == 0) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    double now_s = time_s();

    if (from.requests == 0 && now_s >= warm_s) {
      from = moment(requests);
    }
    if (now_s >= end_s) {
      to = moment(requests);
    }
    for (int i = 0; i < count; i++) {
      answer(events[i].data.fd, argv[3], strlen(argv[3]));
      requests++;
      ask(events[i].data.fd);
    }
  }
  print(&from, &to);
  return 0;
}
