/* SPDX-License-Identifier: MIT */
/*
 * The bench's origin: a single-threaded epoll HTTP/1.1 server that answers
 * from memory, so that the client is what is measured. GET /11, /1k and /64k
 * give bodies of that size, any POST is read to its end (Content-Length) and
 * answered with 11 bytes. Prints its port and serves until stdin closes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, IN_SIZE = 8192, OUT_MAX = 65536 + 512, CONNS_MAX = 65536 };

typedef struct {
  const char* path;
  size_t body;
  char* bytes;
  size_t len;
} answer_t;

typedef struct {
  size_t in_len;
  size_t skip;            /* bytes of a request body still to come */
  const answer_t* answer; /* under way */
  size_t sent;
  char in[IN_SIZE];
} conn_t;

static answer_t answers[] = {
    {"/11 ", 11, NULL, 0}, {"/1k ", 1024, NULL, 0}, {"/64k ", 65536, NULL, 0}};
static conn_t* conns[CONNS_MAX];

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void prepare(answer_t* answer) {
  answer->bytes = malloc(OUT_MAX);
  if (answer->bytes == NULL) {
    die("malloc");
  }
  answer->len = (size_t)snprintf(answer->bytes,
                                 OUT_MAX,
                                 "HTTP/1.1 200 OK\r\nServer: origin\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: %zu\r\n"
                                 "Connection: keep-alive\r\n\r\n",
                                 answer->body);
  memset(answer->bytes + answer->len, 'x', answer->body);
  answer->len += answer->body;
}

static void drop(int fd) {
  close(fd);
  free(conns[fd]);
  conns[fd] = NULL;
}

static const answer_t* choose(const char* head) {
  const char* path = strchr(head, ' ');
  size_t i = 0;

  for (i = 0; path != NULL && i < 3; i++) {
    if (strncmp(path + 1, answers[i].path, strlen(answers[i].path)) == 0) {
      return &answers[i];
    }
  }
  return &answers[0];
}

static size_t content_length(const char* head) {
  const char* line = strcasestr(head, "\r\ncontent-length:");

  return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

/* Sends what is left of the answer: 1 done, 0 later, -1 gone. */
static int send_answer(int fd, conn_t* conn, int epfd) {
  while (conn->sent < conn->answer->len) {
    ssize_t n = send(fd,
                     conn->answer->bytes + conn->sent,
                     conn->answer->len - conn->sent,
                     MSG_NOSIGNAL);

    if (n < 0 && errno == EAGAIN) {
      struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};

      epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event);
      return 0;
    }
    if (n <= 0) {
      return -1;
    }
    conn->sent += (size_t)n;
  }
  conn->answer = NULL;
  return 1;
}

/* Takes complete requests out of the input and answers each. */
static int serve(int fd, conn_t* conn, int epfd) {
  for (;;) {
    size_t body = conn->skip < conn->in_len ? conn->skip : conn->in_len;
    char* end = NULL;
    size_t head = 0;
    int done = 0;

    memmove(conn->in, conn->in + body, conn->in_len - body);
    conn->in_len -= body;
    conn->skip -= body;
    if (conn->skip == 0 && conn->answer != NULL) {
      done = send_answer(fd, conn, epfd);
      if (done <= 0) {
        return done;
      }
    }
    conn->in[conn->in_len] = 0;
    end = conn->skip == 0 ? strstr(conn->in, "\r\n\r\n") : NULL;
    if (end == NULL) {
      return conn->in_len == IN_SIZE - 1 ? -1 : 1;
    }
    *end = 0;
    conn->answer = choose(conn->in);
    conn->sent = 0;
    conn->skip = content_length(conn->in);
    head = (size_t)(end - conn->in) + 4;
    memmove(conn->in, conn->in + head, conn->in_len - head);
    conn->in_len -= head;
  }
}

static int on_readable(int fd, conn_t* conn, int epfd) {
  ssize_t n = recv(fd, conn->in + conn->in_len, IN_SIZE - 1 - conn->in_len, 0);

  if (n < 0 && errno == EAGAIN) {
    return 1;
  }
  if (n <= 0) {
    return -1;
  }
  conn->in_len += (size_t)n;
  return serve(fd, conn, epfd);
}

static int on_writable(int fd, conn_t* conn, int epfd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  int done = send_answer(fd, conn, epfd);

  if (done <= 0) {
    return done;
  }
  epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event);
  return serve(fd, conn, epfd);
}

static void on_accept(int listener, int epfd) {
  for (;;) {
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0) {
      return;
    }
    conns[fd < CONNS_MAX ? fd : 0] = calloc(1, sizeof(conn_t));
    if (fd >= CONNS_MAX || conns[fd] == NULL) {
      die("too many connections");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_on_loopback(void) {
  struct sockaddr_in addr = {.sin_family = AF_INET};
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr*)&addr, len) != 0 ||
      listen(fd, 8192) != 0 ||
      getsockname(fd, (struct sockaddr*)&addr, &len) != 0) {
    die("listen");
  }
  printf("%d\n", ntohs(addr.sin_port));
  fflush(stdout);
  return fd;
}

int main(void) {
  struct rlimit limit;
  struct epoll_event events[EVENTS];
  struct epoll_event event = {.events = EPOLLIN};
  int listener = 0;
  int epfd = epoll_create1(EPOLL_CLOEXEC);
  size_t i = 0;

  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  for (i = 0; i < 3; i++) {
    prepare(&answers[i]);
  }
  listener = listen_on_loopback();
  event.data.fd = listener;
  epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = STDIN_FILENO;
  epoll_ctl(epfd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (;;) {
    int count = epoll_wait(epfd, events, EVENTS, -1);
    int j = 0;

    for (j = 0; j < count; j++) {
      int fd = events[j].data.fd;
      int alive = 1;

      if (fd == listener) {
        on_accept(listener, epfd);
        continue;
      }
      if (fd == STDIN_FILENO) {
        return 0; /* only its end is ever seen */
      }
      alive = (events[j].events & EPOLLOUT) != 0
                  ? on_writable(fd, conns[fd], epfd)
                  : on_readable(fd, conns[fd], epfd);
      if (alive < 0) {
        drop(fd);
      }
    }
  }
}
