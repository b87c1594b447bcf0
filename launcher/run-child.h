// Runs the compiler as a child whose output passes through here unchanged and is kept, so that the agent can be told how
// the run ended. Whatever the agent does, the launcher ends as its compiler ended. Included by tender-cc.c alone.
// docs/launcher-protocol.md, «A compiler that runs here and is watched».
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { KEPT_BYTES = 64 << 10, FAREWELL_MS = 50 }; // of each stream; for the agent to open the outputs before the build goes on

struct stream {
  int from, to;     // the near end of the child's stream (-1: at its end), and ours
  bool is_terminal; // what it shows depends on the terminal, so it is not kept
  bool whole;       // all that was printed is in `kept`
  uint32_t length;
  char kept[KEPT_BYTES];
};

static struct stream streams[2]; // stdout, stderr

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF};

// A pair of ends like `fd`: a terminal of the same size for a terminal, with nothing changed on the way, else a pipe.
static bool open_pair(int fd, int pair[2]) {
  struct winsize size;
  struct termios raw;
  if (!isatty(fd)) return pipe2(pair, O_CLOEXEC) == 0;
  pair[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pair[0] < 0) return false;
  pair[1] = ioctl(pair[0], TIOCSPTLCK, &(int){0}) == 0 ? ioctl(pair[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
  bool good = pair[1] >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && ioctl(pair[0], TIOCSWINSZ, &size) == 0;
  if (good && tcgetattr(pair[1], &raw) == 0) {
    cfmakeraw(&raw);
    if (tcsetattr(pair[1], TCSANOW, &raw) == 0) return true;
  }
  if (pair[1] >= 0) close(pair[1]);
  close(pair[0]);
  return false;
}

// Gives each of stdout and stderr its pair; one for both where both are one terminal, so that their order stays.
static bool open_streams(int far[2]) {
  struct stat files[3];
  int pairs[2][2];
  for (int fd = 0; fd < 3; fd++)
    if (fstat(fd, &files[fd]) != 0) return false; // a new descriptor would take the place of a closed one
  bool both = isatty(1) && isatty(2);
  if (both && files[1].st_rdev != files[2].st_rdev) return false;
  if (!open_pair(2, pairs[1])) return false;
  if (!both && !open_pair(1, pairs[0])) return close(pairs[1][0]), close(pairs[1][1]), false;
  for (int i = 0; i < 2; i++) {
    bool none = both && i == 0;
    streams[i].from = none ? -1 : pairs[i][0];
    streams[i].to = i + 1;
    streams[i].is_terminal = isatty(i + 1);
    streams[i].whole = true;
    far[i] = pairs[both ? 1 : i][1];
    if (!none) fcntl(pairs[i][0], F_SETFL, fcntl(pairs[i][0], F_GETFL) | O_NONBLOCK);
  }
  return true;
}

// Passes on what is there; false when there is nothing more for now.
static bool pass_on(struct stream *stream) {
  static char data[KEPT_BYTES];
  if (stream->from < 0) return false;
  ssize_t n = read(stream->from, data, sizeof data);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  bool heard = n > 0 && print(stream->to, data, (size_t)n);
  if (n > 0) {
    stream->whole = stream->whole && !stream->is_terminal && (size_t)n <= sizeof stream->kept - stream->length;
    if (stream->whole) memcpy(stream->kept + stream->length, data, (size_t)n), stream->length += (uint32_t)n;
  }
  // Nobody reads it: the compiler shall notice, as it would without us.
  if (!heard) close(stream->from), stream->from = -1, stream->whole = stream->whole && n <= 0;
  return heard;
}

_Noreturn static void become_compiler(int socket, const int far[2], const sigset_t *mask, const struct sigaction *on_child, pid_t parent) {
  dup2(far[0], 1);
  dup2(far[1], 2);
  fcntl(socket, F_SETFD, 0); // the slot is taken until all that the compiler started has ended
  sigaction(SIGCHLD, on_child, NULL);
  sigprocmask(SIG_SETMASK, mask, NULL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) raise(SIGKILL);
  run_compiler();
}

// Until the child has ended. The terminal's own signals reach it by themselves, others are passed on.
static void attend(pid_t child, int signals, int *status, struct rusage *usage) {
  struct pollfd ready[3] = {{.fd = signals, .events = POLLIN}};
  for (;;) {
    for (int i = 0; i < 2; i++) ready[i + 1] = (struct pollfd){.fd = streams[i].from, .events = POLLIN};
    if (poll(ready, 3, -1) < 0) continue;
    for (int i = 0; i < 2; i++)
      if (ready[i + 1].revents) pass_on(&streams[i]);
    struct signalfd_siginfo got;
    if (!ready[0].revents || read(signals, &got, sizeof got) != sizeof got) continue;
    bool by_terminal = got.ssi_code > 0 && (got.ssi_signo == SIGINT || got.ssi_signo == SIGQUIT || got.ssi_signo == SIGHUP);
    if (got.ssi_signo != SIGCHLD && !by_terminal) kill(child, (int)got.ssi_signo);
    if (wait4(child, status, WNOHANG, usage) == child) break;
  }
  for (int i = 0; i < 2; i++) {
    while (pass_on(&streams[i])) continue;
    if (streams[i].from >= 0) streams[i].whole = false; // something that it left behind may say more
  }
}

// Tells the agent, and gives it a moment to open the outputs where there is something to keep.
static void report_end(int socket, int status, const struct rusage *usage) {
  static char frame[5 + 9 + 4 + 2 * (4 + KEPT_BYTES)];
  bool signalled = WIFSIGNALED(status), whole = streams[0].whole && streams[1].whole;
  uint64_t cpu_us = 1000000ull * (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
                    (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
  char *at = frame + 5;
  *at++ = (char)signalled;
  at = put_u32(at, (uint32_t)(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
  at = put_u32(at, cpu_us > UINT32_MAX ? UINT32_MAX : (uint32_t)cpu_us);
  at = put_u32(at, whole);
  for (int i = 0; i < 2; i++) {
    uint32_t length = whole ? streams[i].length : 0;
    at = mempcpy(put_u32(at, length), streams[i].kept, length);
  }
  *frame = 'D';
  put_u32(frame + 1, (uint32_t)(at - frame - 5));
  int64_t until = now_ms(CLOCK_MONOTONIC) + FAREWELL_MS;
  for (const char *from = frame; from < at;) {
    ssize_t n = send(socket, from, (size_t)(at - from), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) from += n;
    else if (errno != EAGAIN || !poll_until(socket, POLLOUT, until)) return;
  }
  if (whole && WIFEXITED(status) && WEXITSTATUS(status) == 0) poll_until(socket, POLLIN, until);
}

// Returns only when it cannot be done; the compiler then runs in our place, and nothing is reported.
static void run_watched(int socket) {
  int far[2], status = 0;
  struct rusage usage = {0};
  struct sigaction before;
  sigset_t caught, mask;
  if (!open_streams(far)) return;
  sigemptyset(&caught);
  sigaddset(&caught, SIGCHLD);
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) sigaddset(&caught, passed_on[i]);
  int signals = signalfd(-1, &caught, SFD_CLOEXEC);
  sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &before); // ignored, it would leave no status behind
  sigprocmask(SIG_BLOCK, &caught, &mask);
  say_reason();
  pid_t parent = getpid(), child = signals < 0 ? -1 : fork();
  if (child == 0) become_compiler(socket, far, &mask, &before, parent);
  close(far[1]);
  if (far[0] != far[1]) close(far[0]);
  if (child < 0) { // the near ends close with the exec
    sigaction(SIGCHLD, &before, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return;
  }
  attend(child, signals, &status, &usage);
  report_end(socket, status, &usage);
  if (WIFSIGNALED(status)) die_by(WTERMSIG(status));
  _exit(WEXITSTATUS(status));
}
