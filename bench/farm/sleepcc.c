// A compiler that sleeps: it stands in for gcc on the benchmark's farm, so that twenty machines fit on one. A source says by
// `sleep_ms = N` how long it takes on the fastest machine; SLEEPCC_SLOWNESS says how many times slower this one is. The object is
// made from the text. It speaks of itself like gcc where Tender, distcc and icecc ask, and preprocesses by copying.
// SLEEPCC_HERE names a file in which each compile is counted: set for the machine that builds, it tells what did not travel.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TEXT = 1 << 20, OBJECT_BYTES = 16 << 10 };

static char text[MAX_TEXT + 1];

static bool starts_with(const char *word, const char *start) { return strncmp(word, start, strlen(start)) == 0; }

// All of it, as a compiler would: who sends it must not find the pipe closed.
static void read_text(const char *path) {
  FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
  if (!in) fprintf(stderr, "sleepcc: %s: %s\n", path, strerror(errno)), exit(1);
  size_t length = fread(text, 1, MAX_TEXT, in);
  text[length] = 0;
  while (!feof(in) && !ferror(in)) fgetc(in);
}

static FILE *open_output(const char *path) {
  FILE *out = path && strcmp(path, "-") != 0 ? fopen(path, "w") : stdout;
  if (!out) fprintf(stderr, "sleepcc: %s: %s\n", path, strerror(errno)), exit(1);
  return out;
}

static void preprocess(const char *source, const char *output) {
  read_text(source);
  FILE *out = open_output(output);
  fprintf(out, "# 1 \"%s\"\n%s", source, text);
  if (fclose(out) != 0) exit(1);
}

static void sleep_for(double ms) {
  if (ms <= 0) return;
  struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)((ms - 1000.0 * (long)(ms / 1000)) * 1e6)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static void count_here(void) {
  const char *path = getenv("SLEEPCC_HERE");
  int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
  if (file >= 0 && write(file, ".", 1) != 1) exit(1);
}

// Line markers name places of the machine that preprocessed: they do not count.
static uint64_t hash_text(void) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (const char *line = text; *line;) {
    const char *end = strchr(line, '\n');
    end = end ? end + 1 : line + strlen(line);
    for (const char *at = line; *line != '#' && at < end; at++) hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    line = end;
  }
  return hash;
}

static int compile(const char *source, const char *output) {
  count_here();
  read_text(source);
  const char *at = strstr(text, "sleep_ms = ");
  if (!at) return fprintf(stderr, "sleepcc: %s does not say how long it takes\n", source), 1;
  const char *slowness = getenv("SLEEPCC_SLOWNESS");
  sleep_for(atof(at + strlen("sleep_ms = ")) * (slowness ? atof(slowness) : 1));
  uint64_t state = hash_text();
  FILE *out = open_output(output ? output : "a.out");
  for (int i = 0; i < OBJECT_BYTES; i += 8) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    fwrite(&state, 1, sizeof state, out);
  }
  return fclose(out) == 0 ? 0 : 1;
}

static int answer(const char *name, const char *question) {
  if (strcmp(question, "-print-search-dirs") == 0) puts("install: /nowhere/\nprograms: =/nowhere/\nlibraries: =/nowhere/");
  else if (starts_with(question, "-print-")) puts(strchr(question, '=') ? strchr(question, '=') + 1 : "");
  else if (strcmp(question, "-dumpmachine") == 0) puts("x86_64-linux-gnu");
  else if (starts_with(question, "-dump")) puts("12.2.0");
  else if (strcmp(question, "--version") == 0) printf("%s (sleepcc) 12.2.0\n", name);
  else return fprintf(stderr, "sleepcc: no input files\n"), 1;
  return 0;
}

int main(int argc, char **argv) {
  static const char *with_value[] = {"-x", "-MF", "-MT", "-MQ", "-include", "-I", "-isystem", "-D", "--param", NULL};
  const char *output = NULL, *source = NULL;
  bool only_preprocess = false, only_compile = false, verbose = false;
  if (argc == 1) return 0; // as /bin/true, by which icecc tries an environment
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) output = argv[++i];
    else if (strcmp(argv[i], "-E") == 0) only_preprocess = true;
    else if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "-S") == 0) only_compile = true;
    else if (strcmp(argv[i], "-v") == 0) verbose = true;
    else if (*argv[i] != '-' || !argv[i][1]) source = argv[i];
    for (const char **it = with_value; *it; it++)
      if (strcmp(argv[i], *it) == 0 && i + 1 < argc) {
        i++;
        break;
      }
  }
  if (verbose) {
    fprintf(stderr, "Using built-in specs.\nCOLLECT_GCC=%s\nTarget: x86_64-linux-gnu\ngcc version 12.2.0 (sleepcc)\n", argv[0]);
    if (only_preprocess)
      fputs("#include \"...\" search starts here:\n#include <...> search starts here:\nEnd of search list.\n", stderr);
  }
  if (only_preprocess && source) return preprocess(source, output), 0;
  if (only_compile && source) return compile(source, output);
  return verbose ? 0 : answer(argv[0], argv[1]);
}
