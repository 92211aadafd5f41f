/* SPDX-License-Identifier: MIT */
/*
 * The bench's origin: a single-threaded epoll HTTP/1.1 server that responds
 * from memory, so that the bench measures the client. GET /11, /1k and /64k
 * give bodies of that size; any POST is read to its end (Content-Length or
 * chunked) and answered with the count of its bytes. Pipelined requests are
 * answered in order: the next one is not read before the last response is
 * sent. Prints its port (or the path after --unix) once it listens, and ends
 * with its parent or when stdin closes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  EVENTS = 512,
  IN_SIZE = 16384,
  HEAD_MAX = 256, /* of an answer */
  BACKLOG = 8192
};

/* What the next bytes of a connection are. */
typedef enum {
  AT_HEAD,
  AT_BODY,
  AT_CHUNK_SIZE,
  AT_CHUNK_DATA,
  AT_CHUNK_END,
  AT_TRAILER
} state_t;

typedef enum { GO_ON, NEED_INPUT, BLOCKED, GONE } verdict_t;

typedef struct {
  const char* path;
  size_t body;
  char* bytes; /* head and body */
  size_t len;
} page_t;

/* Owned by epoll's data pointer, freed by drop(). */
typedef struct {
  int fd;
  state_t state;
  bool closing;      /* after this answer */
  uint64_t left;     /* of the body or chunk */
  uint64_t received; /* of the body so far */
  const char* out;   /* the response being sent, or NULL */
  size_t out_left;
  size_t at; /* start of what is not used yet in in[] */
  size_t in_len;
  char text[HEAD_MAX]; /* an answer made for this connection */
  char in[IN_SIZE];
} conn_t;

static page_t pages[] = {
    {"/11", 11, NULL, 0}, {"/1k", 1024, NULL, 0}, {"/64k", 65536, NULL, 0}};
static const size_t page_count = sizeof(pages) / sizeof(pages[0]);
static const char* socket_path; /* removed at the end */
static int epfd;
static char listener_mark; /* data pointers that are no conn_t */
static char stdin_mark;

static void die(const char* what) {
  perror(what);
  exit(1);
}

/* The same bytes as bench/origins/payload.js. */
static void fill(char* body, size_t size) {
  size_t i = 0;

  if (size == 11) {
    memcpy(body, "hello world", size);
    return;
  }
  for (i = 0; i < size; i++) {
    body[i] = (char)(32 + (i * 31 + (i >> 8)) % 95);
  }
}

static int write_head(char* to, const char* status, size_t body) {
  return snprintf(to,
                  HEAD_MAX,
                  "HTTP/1.1 %s\r\nServer: origin\r\n"
                  "Content-Type: text/plain\r\n"
                  "Content-Length: %zu\r\n"
                  "Connection: keep-alive\r\n\r\n",
                  status,
                  body);
}

static void prepare(page_t* page) {
  page->bytes = malloc(HEAD_MAX + page->body);
  if (page->bytes == NULL) {
    die("malloc");
  }
  page->len = (size_t)write_head(page->bytes, "200 OK", page->body);
  fill(page->bytes + page->len, page->body);
  page->len += page->body;
}

static void watch(int op, int fd, uint32_t events, void* data) {
  struct epoll_event event = {.events = events, .data.ptr = data};

  if (epoll_ctl(epfd, op, fd, &event) != 0) {
    die("epoll_ctl");
  }
}

static void drop(conn_t* conn) {
  close(conn->fd);
  free(conn);
}

static void answer_text(conn_t* conn, const char* status, const char* body) {
  size_t len = strlen(body);
  size_t head = (size_t)write_head(conn->text, status, len);

  memcpy(conn->text + head, body, len);
  conn->out = conn->text;
  conn->out_left = head + len;
}

/* The response to a request after which the connection cannot continue. */
static void refuse(conn_t* conn, const char* status) {
  answer_text(conn, status, "");
  conn->closing = true;
}

static void answer_post(conn_t* conn) {
  char body[64];

  (void)snprintf(body,
                 sizeof(body),
                 "{\"received\":%llu}",
                 (unsigned long long)conn->received);
  conn->state = AT_HEAD;
  answer_text(conn, "200 OK", body);
}

static void answer_get(conn_t* conn, const char* path, size_t len) {
  size_t i = 0;

  for (i = 0; i < page_count; i++) {
    if (strlen(pages[i].path) == len && memcmp(path, pages[i].path, len) == 0) {
      conn->out = pages[i].bytes;
      conn->out_left = pages[i].len;
      return;
    }
  }
  answer_text(conn, "404 Not Found", "not found");
}

static int digit(char c, uint64_t base) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c |= 0x20;
  return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a number at the start of [at, end). Result: how many digits it has, 0
 * if none or too large. */
static size_t number(const char* at,
                     const char* end,
                     uint64_t base,
                     uint64_t* value) {
  const char* from = at;

  *value = 0;
  for (; at < end && digit(*at, base) >= 0; at++) {
    if (*value > UINT64_MAX / 32) {
      return 0;
    }
    *value = *value * base + (uint64_t)digit(*at, base);
  }
  return (size_t)(at - from);
}

/* The value of a header line if it is of that name, without leading blanks. */
static const char* header(const char* line, const char* end, const char* name) {
  size_t len = strlen(name);

  if ((size_t)(end - line) <= len || strncasecmp(line, name, len) != 0 ||
      line[len] != ':') {
    return NULL;
  }
  for (line += len + 1; line < end && (*line == ' ' || *line == '\t'); line++) {
  }
  return line;
}

static bool has_word(const char* value, const char* end, const char* word) {
  size_t len = strlen(word);

  return (size_t)(end - value) >= len && strncasecmp(value, word, len) == 0;
}

/* The framing of the request body into conn->left and, when it is chunked,
 * conn->state; false when it is not understood. `line` is the first header. */
static bool read_headers(conn_t* conn, const char* line, const char* end) {
  conn->left = 0;
  while (line < end) {
    const char* eol = memchr(line, '\r', (size_t)(end - line));
    const char* stop = eol != NULL ? eol : end;
    const char* value = NULL;

    if ((value = header(line, stop, "content-length")) != NULL) {
      if (number(value, stop, 10, &conn->left) == 0) {
        return false;
      }
    } else if ((value = header(line, stop, "transfer-encoding")) != NULL) {
      if (!has_word(value, stop, "chunked")) {
        return false;
      }
      conn->state = AT_CHUNK_SIZE;
    } else if ((value = header(line, stop, "connection")) != NULL) {
      conn->closing = has_word(value, stop, "close");
    }
    line = stop + 2;
  }
  /* Both framings at once are an attack or a mistake (RFC 9112, 6.1). */
  return conn->left == 0 || conn->state == AT_HEAD;
}

static verdict_t on_head(conn_t* conn) {
  const char* from = conn->in + conn->at;
  const char* end = memmem(from, conn->in_len - conn->at, "\r\n\r\n", 4);
  const char* line = NULL;
  const char* path = NULL;
  const char* path_end = NULL;

  if (end == NULL) {
    return NEED_INPUT;
  }
  conn->at += (size_t)(end - from) + 4;
  line = memchr(from, '\r', (size_t)(end + 1 - from));
  path = memchr(from, ' ', (size_t)(line - from));
  if (path != NULL) {
    path++;
    path_end = memchr(path, ' ', (size_t)(line - path));
  }
  if (path_end == NULL || !read_headers(conn, line + 2, end)) {
    refuse(conn, "400 Bad Request");
  } else if (strncmp(from, "POST ", 5) == 0) {
    conn->received = conn->left; /* chunks add theirs */
    if (conn->state != AT_CHUNK_SIZE) {
      conn->state = AT_BODY;
    }
  } else if (strncmp(from, "GET ", 4) != 0) {
    refuse(conn, "405 Method Not Allowed");
  } else if (conn->left > 0 || conn->state == AT_CHUNK_SIZE) {
    refuse(conn, "400 Bad Request");
  } else {
    answer_get(conn, path, (size_t)(path_end - path));
  }
  return GO_ON;
}

/* Uses up to conn->left bytes; true when none is left to come. */
static bool take(conn_t* conn) {
  size_t have = conn->in_len - conn->at;
  size_t n = conn->left < have ? (size_t)conn->left : have;

  conn->at += n;
  conn->left -= n;
  return conn->left == 0;
}

/* A whole line into [*line, *end), without CRLF; false if it is incomplete. */
static bool take_line(conn_t* conn, const char** line, const char** end) {
  const char* from = conn->in + conn->at;
  const char* found = memmem(from, conn->in_len - conn->at, "\r\n", 2);

  if (found == NULL) {
    return false;
  }
  *line = from;
  *end = found;
  conn->at += (size_t)(found - from) + 2;
  return true;
}

static verdict_t on_chunk_size(conn_t* conn) {
  const char* line = NULL;
  const char* end = NULL;

  if (!take_line(conn, &line, &end)) {
    return NEED_INPUT;
  }
  if (number(line, end, 16, &conn->left) == 0) {
    refuse(conn, "400 Bad Request");
    return GO_ON;
  }
  conn->received += conn->left;
  conn->state = conn->left > 0 ? AT_CHUNK_DATA : AT_TRAILER;
  return GO_ON;
}

static verdict_t on_chunk_end(conn_t* conn) {
  const char* line = NULL;
  const char* end = NULL;

  if (!take_line(conn, &line, &end)) {
    return NEED_INPUT;
  }
  conn->state = AT_CHUNK_SIZE;
  if (line != end) {
    refuse(conn, "400 Bad Request");
  }
  return GO_ON;
}

static verdict_t on_trailer(conn_t* conn) {
  const char* line = NULL;
  const char* end = NULL;

  if (!take_line(conn, &line, &end)) {
    return NEED_INPUT;
  }
  if (line == end) {
    answer_post(conn);
  }
  return GO_ON;
}

static verdict_t send_answer(conn_t* conn) {
  while (conn->out_left > 0) {
    ssize_t n = send(conn->fd, conn->out, conn->out_left, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return errno == EAGAIN ? BLOCKED : GONE;
    }
    conn->out += n;
    conn->out_left -= (size_t)n;
  }
  conn->out = NULL;
  return conn->closing ? GONE : GO_ON;
}

static verdict_t step(conn_t* conn) {
  if (conn->out != NULL) {
    return send_answer(conn);
  }
  switch (conn->state) {
    case AT_HEAD:
      return on_head(conn);
    case AT_BODY:
      if (!take(conn)) {
        return NEED_INPUT;
      }
      answer_post(conn);
      return GO_ON;
    case AT_CHUNK_SIZE:
      return on_chunk_size(conn);
    case AT_CHUNK_DATA:
      if (!take(conn)) {
        return NEED_INPUT;
      }
      conn->state = AT_CHUNK_END;
      return GO_ON;
    case AT_CHUNK_END:
      return on_chunk_end(conn);
    case AT_TRAILER:
      return on_trailer(conn);
  }
  return GONE;
}

/* Processes what has been read, as far as possible. */
static verdict_t serve(conn_t* conn) {
  verdict_t verdict = GO_ON;

  while (verdict == GO_ON) {
    verdict = step(conn);
  }
  memmove(conn->in, conn->in + conn->at, conn->in_len - conn->at);
  conn->in_len -= conn->at;
  conn->at = 0;
  /* A head or line that does not fit into the buffer never ends. */
  return verdict == NEED_INPUT && conn->in_len == IN_SIZE ? GONE : verdict;
}

static verdict_t on_readable(conn_t* conn) {
  ssize_t n =
      recv(conn->fd, conn->in + conn->in_len, IN_SIZE - conn->in_len, 0);

  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return NEED_INPUT;
  }
  if (n <= 0) {
    return GONE;
  }
  conn->in_len += (size_t)n;
  return serve(conn);
}

/* A blocked connection is watched for writing only, any other for reading
 * only: what a slow reader pipelines stays in the kernel. */
static void on_event(conn_t* conn) {
  bool was_blocked = conn->out != NULL;
  verdict_t verdict = was_blocked ? serve(conn) : on_readable(conn);

  if (verdict == GONE) {
    drop(conn);
  } else if (was_blocked != (verdict == BLOCKED)) {
    watch(EPOLL_CTL_MOD, conn->fd, was_blocked ? EPOLLIN : EPOLLOUT, conn);
  }
}

static void on_accept(int listener) {
  for (;;) {
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    conn_t* conn = NULL;

    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) {
      continue;
    }
    if (fd < 0 && errno == EAGAIN) {
      return;
    }
    conn = fd < 0 ? NULL : calloc(1, sizeof(*conn));
    if (conn == NULL) {
      die("accept");
    }
    conn->fd = fd;
    if (socket_path == NULL) {
      (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, conn);
  }
}

/* Listens on all of 127.0.0.0/8 if a socket may be bound to lo (Linux 5.7 and
 * later), so that one server is many origins; otherwise on 127.0.0.1. */
static int listen_on_loopback(void) {
  struct sockaddr_in addr = {.sin_family = AF_INET};
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool on_lo = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0;

  addr.sin_addr.s_addr = htonl(on_lo ? INADDR_ANY : INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr*)&addr, len) != 0 ||
      listen(fd, BACKLOG) != 0 ||
      getsockname(fd, (struct sockaddr*)&addr, &len) != 0) {
    die("listen");
  }
  printf("%d\n", ntohs(addr.sin_port));
  return fd;
}

static void on_signal(int number_of_signal) {
  (void)number_of_signal;
  (void)unlink(socket_path);
  _exit(0);
}

static int listen_on_path(const char* path) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (strlen(path) >= sizeof(addr.sun_path)) {
    errno = ENAMETOOLONG;
    die(path);
  }
  memcpy(addr.sun_path, path, strlen(path) + 1);
  if (fd < 0 || bind(fd, (struct sockaddr*)&addr, sizeof(addr)) != 0) {
    die(path);
  }
  socket_path = path;
  (void)signal(SIGTERM, on_signal);
  (void)signal(SIGINT, on_signal);
  if (listen(fd, BACKLOG) != 0) {
    die("listen");
  }
  printf("%s\n", path);
  return fd;
}

/* True when stdin has ended; its content does not matter. */
static bool stdin_ended(void) {
  char scrap[256];

  return read(STDIN_FILENO, scrap, sizeof(scrap)) <= 0;
}

static void serve_until_stdin_ends(int listener) {
  struct epoll_event events[EVENTS];

  for (;;) {
    int count = epoll_wait(epfd, events, EVENTS, -1);
    int i = 0;

    for (i = 0; i < count; i++) {
      void* data = events[i].data.ptr;

      if (data == &listener_mark) {
        on_accept(listener);
      } else if (data != &stdin_mark) {
        on_event(data);
      } else if (stdin_ended()) {
        return;
      }
    }
  }
}

int main(int argc, char** argv) {
  struct rlimit limit;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &stdin_mark};
  int listener = 0;
  size_t i = 0;

  if (argc != 1 && (argc != 3 || strcmp(argv[1], "--unix") != 0)) {
    (void)fprintf(stderr, "usage: %s [--unix PATH]\n", argv[0]);
    return 2;
  }
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  for (i = 0; i < page_count; i++) {
    prepare(&pages[i]);
  }
  epfd = epoll_create1(EPOLL_CLOEXEC);
  listener = argc == 3 ? listen_on_path(argv[2]) : listen_on_loopback();
  (void)fflush(stdout);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener_mark);
  /* A file or /dev/null as stdin cannot be watched and does not end this. */
  (void)epoll_ctl(epfd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  serve_until_stdin_ends(listener);
  if (socket_path != NULL) {
    (void)unlink(socket_path);
  }
  return 0;
}
