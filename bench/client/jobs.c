// Runs commands, a number of them at once as make would, and says of each what it cost: the kernel's own account of the
// process and of all that it waited for. A program of its own, because Node cannot ask the kernel that.
// Usage: jobs N <LIST. A command is a line, its words are parted by tabs. Answers a line each: index, status, wall and CPU in µs.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { MAX_AT_ONCE = 1024, MAX_WORDS = 4096 };

extern char **environ;

static struct running {
  pid_t pid;
  long index;
  int64_t started_us;
} running[MAX_AT_ONCE];

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t in_us(struct timeval time) { return time.tv_sec * INT64_C(1000000) + time.tv_usec; }

static void start(char *line, long index) {
  static char *words[MAX_WORDS + 1];
  int count = 0;
  for (char *word = strtok(line, "\t\n"); word && count < MAX_WORDS; word = strtok(NULL, "\t\n")) words[count++] = word;
  words[count] = NULL;
  if (count == 0) return;
  struct running *slot = running;
  while (slot->pid) slot++;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1); // our own stdout is for the answers
  *slot = (struct running){.index = index, .started_us = now_us()};
  int error = posix_spawnp(&slot->pid, words[0], &files, NULL, words, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error == 0) return;
  slot->pid = 0;
  fprintf(stderr, "%s: %s\n", words[0], strerror(error));
  printf("%ld 127 0 0\n", index);
}

static void wait_for_one(void) {
  int status;
  struct rusage usage;
  pid_t pid = wait4(-1, &status, 0, &usage);
  for (struct running *slot = running; slot < running + MAX_AT_ONCE; slot++) {
    if (pid <= 0 || slot->pid != pid) continue;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("%ld %d %lld %lld\n", slot->index, code, (long long)(now_us() - slot->started_us),
           (long long)(in_us(usage.ru_utime) + in_us(usage.ru_stime)));
    slot->pid = 0;
    return;
  }
}

static int count_running(void) {
  int count = 0;
  for (int i = 0; i < MAX_AT_ONCE; i++) count += running[i].pid != 0;
  return count;
}

int main(int argc, char **argv) {
  int at_once = argc > 1 ? atoi(argv[1]) : 0;
  if (at_once < 1 || at_once > MAX_AT_ONCE) return fprintf(stderr, "usage: jobs N <LIST\n"), 2;
  char *line = NULL;
  size_t room = 0;
  // Whoever reads the answers learns of each end when it is.
  setvbuf(stdout, NULL, _IOLBF, 0);
  // The list is read while commands run, and they must not inherit our place in it.
  fcntl(0, F_SETFD, FD_CLOEXEC);
  for (long index = 0; getline(&line, &room, stdin) > 0; index++) {
    while (count_running() >= at_once) wait_for_one();
    start(line, index);
  }
  while (count_running() > 0) wait_for_one();
  return 0;
}
