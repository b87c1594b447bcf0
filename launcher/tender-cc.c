// tender-cc stands in for a compiler: it hands the command to the agent's socket and does what it is told: print and
// exit, or run the real compiler. C, because a build starts it thousands of times and Node needs 24 ms to start.
// Whatever goes wrong between launcher and agent, the real compiler runs: a build never breaks.
// The bytes on the socket, the times and the variables: docs/launcher-protocol.md.
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "find-compiler.h"

enum { FIRST_ANSWER_MS = 3000, SILENCE_MS = 15000, START_MS = 2000, START_POLL_MS = 10 };
enum { FAILED_START_S = 30, HUNG_S = 10, HUNG_ANSWER_MS = 300, MAX_DEPTH = 20 }; // bad luck remembered; launchers nested
enum { MAX_REQUEST = 16 << 20, MAX_ANSWER = 256 << 20, SOCKET_FD = 100 }; // a number that scripts and make do not use

static char **args; // the user's command; args[0] is the compiler as written
static char home[PATH_MAX];
static int run_dir = -1; // $TENDER_HOME/run
static int64_t first_answer_by;
static bool heard; // the agent has answered something
static bool before_ccache;
static bool watched; // the agent wants to know how the compiler ends
static char reason[512]; // why the real compiler runs

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value && *value && strcmp(value, "0") != 0;
}

static int64_t now_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Remembers why the compiler runs here; always false, to be returned.
static bool give_up(const char *what, int error) {
  snprintf(reason, sizeof reason, "%.380s%s%.120s", what, error ? ": " : "", error ? strerror(error) : "");
  return false;
}

// Once, for those who asked for it.
static void say_reason(void) {
  static bool said;
  if (!said && is_set("TENDER_VERBOSE")) dprintf(2, "tender-cc: %s runs here: %s\n", base_name(args[0]), reason);
  said = true;
}

// As every shell does: what has no `#!` is a script for sh.
static void run_as_script(void) {
  size_t argc = 0;
  while (args[argc]) argc++;
  char **words = malloc((argc + 2) * sizeof *words);
  if (!words) return;
  words[0] = "sh";
  words[1] = compiler;
  memcpy(words + 2, args + 1, argc * sizeof *words); // with the NULL at the end
  execv("/bin/sh", words);
}

_Noreturn static void run_compiler(void) {
  static char text[2 * PATH_MAX + 32];
  const char *nested = getenv("TENDER_NESTED"), *seen = getenv("TENDER_SEEN");
  say_reason();
  snprintf(text, sizeof text, "%d", (nested ? atoi(nested) : 0) + 1);
  if (!before_ccache) setenv("TENDER_NESTED", text, 1);
  snprintf(text, sizeof text, "%.4096s%s%s", seen ? seen : "", seen ? ":" : "", compiler);
  if (times_above(compiler) < 2) setenv("TENDER_SEEN", text, 1);
  // gcc and clang find their own files from argv[0]: it must not lead them to the launcher's directory.
  if (shadowed) args[0] = compiler;
  execv(compiler, args);
  // A command at the kernel's limit has no room for what we add.
  if (errno == E2BIG && !unsetenv("TENDER_SEEN") && !unsetenv("TENDER_NESTED")) execv(compiler, args);
  int error = errno;
  if (error == ENOEXEC) run_as_script();
  dprintf(2, "tender-cc: cannot run %s: %s\n", compiler, strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

static bool is_young(const char *name, int seconds) {
  struct stat file;
  if (fstatat(run_dir, name, &file, 0) != 0) return false;
  int64_t age = now_ms(CLOCK_REALTIME) / 1000 - file.st_mtime;
  return age >= 0 && age < seconds;
}

static void touch(const char *name) {
  int fd = openat(run_dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  futimens(fd, NULL);
  close(fd);
}

// The connected socket, or -1 and errno. A full backlog is waited for, by the kernel, within the time limit.
static int connect_agent(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int room = sizeof address.sun_path;
  if (snprintf(address.sun_path, room, "%s/run/agent.sock", home) >= room)
    snprintf(address.sun_path, room, "/proc/self/fd/%d/agent.sock", run_dir);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int high = fcntl(fd, F_DUPFD_CLOEXEC, SOCKET_FD);
  if (high >= 0) close(fd), fd = high;
  int64_t left = first_answer_by - now_ms(CLOCK_MONOTONIC);
  struct timeval limit = {left < 0 ? 0 : left / 1000, left < 1 ? 1 : left % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  return errno = error, -1;
}

static bool spawn_agent(void) {
  char self[PATH_MAX], command[PATH_MAX];
  const char *told = getenv("TENDER_AGENT_COMMAND");
  own_path(self);
  *(char *)base_name(self) = 0;
  bool given = told && *told;
  int size = snprintf(command, PATH_MAX, "%s%s", given ? told : self, given ? "" : "../../tender");
  if (size >= PATH_MAX || (strchr(command, '/') && access(command, X_OK) != 0)) return false;
  pid_t child = fork();
  if (child > 0) waitpid(child, NULL, 0);
  if (child != 0) return child > 0;
  setsid();
  if (fork() != 0) _exit(0);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  long open_max = sysconf(_SC_OPEN_MAX); // make's job server, pipes of the build: the agent outlives them all
  for (int fd = 3; fd < (open_max > 65536 ? 65536 : open_max); fd++) close(fd);
  umask(077);
  setenv("TENDER_HOME", home, 1);
  if (*command == '/' && chdir(home) != 0) _exit(127);
  execlp(command, command, "agent", "--background", (char *)NULL);
  _exit(127);
}

// Starts an agent, or waits for the one that another launcher starts. The socket, or -1.
static int start_agent(void) {
  int lock = openat(run_dir, "start.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return -1;
  bool mine = flock(lock, LOCK_EX | LOCK_NB) == 0;
  int64_t until = now_ms(CLOCK_MONOTONIC) + START_MS;
  first_answer_by = until + FIRST_ANSWER_MS;
  int fd = connect_agent(); // it may have come between our first try and the lock
  if (fd < 0 && mine && !is_young("start.failed", FAILED_START_S) && !spawn_agent()) touch("start.failed");
  while (fd < 0 && now_ms(CLOCK_MONOTONIC) < until && !is_young("start.failed", FAILED_START_S)) {
    poll(NULL, 0, START_POLL_MS);
    fd = connect_agent();
  }
  if (fd < 0 && mine) touch("start.failed");
  close(lock);
  first_answer_by = now_ms(CLOCK_MONOTONIC) + FIRST_ANSWER_MS;
  return fd;
}

static bool open_run_dir(void) {
  char path[PATH_MAX + 8];
  struct stat dir;
  const char *told = getenv("TENDER_HOME"), *user = getenv("HOME");
  snprintf(path, sizeof path, "%s/.tender", user ? user : "");
  if (told && *told) user = strcpy(path, strlen(told) < PATH_MAX ? told : "");
  if (!user || !*user || !make_absolute(home, path, (int)strlen(path)))
    return give_up("neither TENDER_HOME nor HOME names a directory", 0);
  snprintf(path, sizeof path, "%s/run", home);
  if (access(path, F_OK) != 0 && !is_set("TENDER_NO_START")) mkdir(home, 0700), mkdir(path, 0700);
  run_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (run_dir < 0 || fstat(run_dir, &dir) != 0) return give_up(path, errno);
  if (dir.st_uid != geteuid() || (dir.st_mode & 022)) return give_up("the socket's directory is not ours alone", 0);
  return true;
}

static int reach_agent(void) {
  if (!open_run_dir()) return -1;
  first_answer_by = now_ms(CLOCK_MONOTONIC) + (is_young("agent.hung", HUNG_S) ? HUNG_ANSWER_MS : FIRST_ANSWER_MS);
  int fd = connect_agent();
  if (fd >= 0) return fd;
  bool absent = errno == ENOENT || errno == ECONNREFUSED;
  if (!absent) give_up("no connection to the agent", errno), touch("agent.hung");
  else if (is_set("TENDER_NO_START")) give_up("no agent runs, and TENDER_NO_START is set", 0);
  else if (is_young("start.failed", FAILED_START_S)) give_up("no agent runs, and one could not be started just now", 0);
  else if ((fd = start_agent()) < 0) give_up("no agent could be started", 0);
  return fd;
}

static bool wait_for(int fd, short events) {
  struct pollfd ready = {.fd = fd, .events = events};
  int64_t left = heard ? SILENCE_MS : first_answer_by - now_ms(CLOCK_MONOTONIC);
  int n = poll(&ready, 1, left < 0 ? 0 : (int)left);
  if (n > 0 || (n < 0 && errno == EINTR)) return true;
  touch("agent.hung");
  return give_up("the agent does not answer", 0);
}

// Sends or receives exactly `length` bytes.
static bool transfer(int fd, bool out, char *data, size_t length) {
  while (length) {
    ssize_t n = out ? send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(fd, data, length, MSG_DONTWAIT);
    if (n > 0) data += n, length -= (size_t)n;
    else if (n < 0 && errno == EINTR) continue;
    else if (n == 0 || errno != EAGAIN) return give_up("the agent hung up", n < 0 ? errno : 0);
    else if (!wait_for(fd, out ? POLLOUT : POLLIN)) return false;
  }
  return true;
}

static uint32_t get_u32(const char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return le32toh(value);
}

static char *put_u32(char *at, uint32_t value) { return mempcpy(at, &(uint32_t){htole32(value)}, 4); }
static char *put_str(char *at, const char *text) { return stpcpy(put_u32(at, (uint32_t)strlen(text)), text); }

static bool send_request(int fd) {
  uint32_t argc = 0, envc = 0;
  size_t length = 24 + strlen(compiler) + strlen(cwd);
  for (; args[argc]; argc++) length += 4 + strlen(args[argc]);
  for (; environ[envc]; envc++) length += 4 + strlen(environ[envc]);
  char *request = length <= MAX_REQUEST ? malloc(11 + length) : NULL; // and the zero of the last string
  if (!request) return give_up("the command and its environment are too large", 0);
  mode_t mask = umask(0);
  umask(mask);
  char *at = put_u32(memcpy(request, "TNDR\1\1", 6) + 6, (uint32_t)length);
  at = put_u32(put_u32(at, (isatty(2) ? 1u : 0u) | (isatty(1) ? 2u : 0u)), mask);
  at = put_u32(put_str(put_str(at, compiler), cwd), argc);
  for (uint32_t i = 0; i < argc; i++) at = put_str(at, args[i]);
  at = put_u32(at, envc);
  for (uint32_t i = 0; i < envc; i++) at = put_str(at, environ[i]);
  return transfer(fd, true, request, 10 + length);
}

// Takes one `str` from [*at, end): its start, or NULL when it does not fit.
static char *take_str(char **at, const char *end, uint32_t *length) {
  if (end - *at < 4 || (size_t)(end - *at - 4) < (*length = get_u32(*at))) return NULL;
  char *text = *at + 4;
  *at = text + *length;
  return text;
}

// False when nobody reads it any more.
static bool print(int fd, const char *data, size_t length) {
  while (length) {
    ssize_t n = write(fd, data, length);
    if (n > 0) data += n, length -= (size_t)n;
    else if (errno == EAGAIN) poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    else if (errno != EINTR) return errno != EPIPE;
  }
  return true;
}

static bool poll_until(int fd, short events, int64_t until) {
  int64_t left = until - now_ms(CLOCK_MONOTONIC);
  return poll(&(struct pollfd){.fd = fd, .events = events}, 1, left < 0 ? 0 : (int)left) > 0;
}

_Noreturn static void die_by(int number) {
  sigset_t none;
  sigemptyset(&none);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  raise(number);
  _exit(128 + number);
}

#include "run-child.h"

static bool move_output(const char *from, size_t from_length, const char *to, size_t to_length) {
  char old[PATH_MAX], new[PATH_MAX];
  if (from_length >= PATH_MAX || to_length >= PATH_MAX) return give_up("an output's name is too long", 0);
  *(char *)mempcpy(old, from, from_length) = 0;
  *(char *)mempcpy(new, to, to_length) = 0;
  if (*old ? rename(old, new) == 0 : unlink(new) == 0 || errno == ENOENT) return true;
  return give_up(new, errno);
}

// Acts on a result; returns only when the real compiler must run instead. Nothing is touched before all of it is read.
static bool finish(int fd, char *body, uint32_t length) {
  char *at = body + 9, *end = body + length, *from, *to, *text[2] = {NULL, NULL};
  uint32_t from_length = 0, to_length = 0, text_length[2] = {0, 0};
  uint64_t strings = length < 9 ? UINT64_MAX : 2 * (uint64_t)get_u32(body + 5);
  for (uint64_t i = 0; i < strings && at; i++)
    if (length < 9 || !take_str(&at, end, &from_length)) at = NULL;
  for (int i = 0; i < 2 && at; i++)
    if (!(text[i] = take_str(&at, end, &text_length[i]))) at = NULL;
  if (!at) return give_up("the agent sent nonsense", 0);
  at = body + 9;
  for (uint64_t i = 0; i < strings; i += 2) {
    from = take_str(&at, end, &from_length);
    to = take_str(&at, end, &to_length);
    if (!move_output(from, from_length, to, to_length)) return false;
  }
  print(1, text[0], text_length[0]);
  print(2, text[1], text_length[1]);
  struct __attribute__((packed)) { char kind; uint32_t cpu_us; } kept = {'K', htole32((uint32_t)clock())};
  send(fd, &kept, sizeof kept, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (body[0]) die_by((int)get_u32(body + 1));
  _exit((int)get_u32(body + 1));
}

// Hears the agent out. Returns true when it told us to run the compiler, and wants to see it end.
static bool hear(int fd) {
  char head[5];
  for (;;) {
    if (!transfer(fd, false, head, 5)) return false;
    heard = true;
    uint32_t length = get_u32(head + 1);
    char *body = length <= MAX_ANSWER && memchr("HLCR", head[0], 4) ? malloc(length + 1) : NULL;
    if (!body) return give_up("the agent sent nonsense", 0);
    if (!transfer(fd, false, body, length)) return false;
    if (head[0] == 'R') return finish(fd, body, length);
    if (head[0] == 'L' || head[0] == 'C') {
      watched = head[0] == 'C';
      snprintf(reason, sizeof reason, "%.*s", length > 4 ? (int)length - 4 : 0, body + (length > 4 ? 4 : 0));
      return true;
    }
    free(body);
  }
}

int main(int argc, char **argv) {
  bool masquerade = argc > 0 && strcmp(base_name(argv[0]), "tender-cc") != 0;
  while (argc > 0 && strcmp(base_name(argv[0]), "tender-cc") == 0) argc--, argv++;
  if (argc < 1 || (!masquerade && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "--help") == 0))) {
    puts("tender-cc: runs a compiler through Tender's agent (launcher protocol 1)\n"
         "  tender-cc g++ -c hello.cc          one command\n"
         "  ln -s .../tender-cc DIR/g++        and DIR first in PATH: every g++ of a build\n"
         "TENDER_DISABLE=1 runs the compiler at once, TENDER_VERBOSE=1 says why one runs here.");
    return 0;
  }
  args = argv;
  bool lost = !getcwd(cwd, sizeof cwd);
  if (lost) strcpy(cwd, "."); // good enough to find the compiler
  const char *nested = getenv("TENDER_NESTED");
  if (nested && atoi(nested) >= MAX_DEPTH) {
    dprintf(2, "tender-cc: %s calls itself in a circle, through %s: correct PATH\n", args[0], getenv("TENDER_SEEN"));
    return 127;
  }
  if (!find_compiler(args[0], masquerade)) {
    dprintf(2, "tender-cc: no compiler %s%s: install it or correct %s\n", args[0],
            strchr(args[0], '/') && !shadowed ? "" : " in PATH besides the launcher", shadowed ? "PATH" : "its name");
    return 127;
  }
  if (is_set("TENDER_NESTED")) give_up("a compiler that tender-cc runs has called it", 0);
  else if (is_set("TENDER_DISABLE")) give_up("TENDER_DISABLE is set", 0);
  else if ((before_ccache = prepare_ccache(args[0]))) give_up("ccache looks first, and calls the launcher on a miss", 0);
  else if (lost) give_up("the current directory is gone", 0);
  else {
    int fd = reach_agent();
    bool told = fd >= 0 && send_request(fd) && hear(fd);
    if (told && watched) run_watched(fd);
    if (told) fcntl(fd, F_SETFD, 0); // by its closing the agent sees the compiler end
    else if (fd >= 0) close(fd);
  }
  run_compiler();
}
