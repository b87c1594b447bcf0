// The owner's program: draws a frame sixty times a second, each a fixed piece of work, and tells how long after its moment each was done.
// `frames calibrate MS`: how many steps of work take MS on an idle processor. `frames run STEPS COUNT`: one line a frame, microseconds.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t periodNs = 16666667;
static volatile uint64_t sink;

static int64_t nowNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void work(int64_t steps) {
  uint64_t x = 88172645463325252ULL;
  for (int64_t i = 0; i < steps; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  sink = x;
}

static void sleepUntil(int64_t atNs) {
  struct timespec at = {.tv_sec = atNs / 1000000000LL, .tv_nsec = atNs % 1000000000LL};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) continue;
}

// The fastest of many short pieces: whatever else runs can only make one slower.
static int64_t calibrate(double ms) {
  const int64_t piece = 200000;
  int64_t best = INT64_MAX;
  for (int i = 0; i < 500; i++) {
    int64_t began = nowNs();
    work(piece);
    int64_t took = nowNs() - began;
    if (took < best) best = took;
  }
  return (int64_t)(ms * 1e6 * (double)piece / (double)best);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "calibrate") == 0) {
    printf("%lld\n", (long long)calibrate(atof(argv[2])));
    return 0;
  }
  if (argc != 4 || strcmp(argv[1], "run") != 0) {
    fprintf(stderr, "usage: frames calibrate MS | frames run STEPS COUNT\n");
    return 2;
  }
  int64_t steps = atoll(argv[2]);
  int count = atoi(argv[3]);
  int64_t due = nowNs() + periodNs;
  for (int i = 0; i < count; i++) {
    sleepUntil(due);
    work(steps);
    int64_t done = nowNs();
    printf("%lld\n", (long long)((done - due) / 1000));
    // A frame that is not done at the next one's moment costs that one: as a display does.
    do due += periodNs;
    while (due < done);
  }
  return 0;
}
