// Which program stands behind the name that a build calls: PATH without the launcher's own links, whatever leads to it.
// Included by tender-cc.c alone. docs/launcher-protocol.md, «Which compiler runs, and as what».
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char compiler[PATH_MAX]; // the real one, absolute
static bool shadowed;           // looking the command's first word up again would not find `compiler`
static char cwd[PATH_MAX];

static const char *base_name(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

static bool is_executable(const char *path, struct stat *file) {
  return stat(path, file) == 0 && S_ISREG(file->st_mode) && access(path, X_OK) == 0;
}

// Whether links lead from `path` to a program of that name.
static bool leads_to(const char *path, const char *name) {
  char real[PATH_MAX];
  return realpath(path, real) && strcmp(base_name(real), name) == 0;
}

static bool is_launcher(const char *path, const struct stat *file) {
  struct stat self;
  if (stat("/proc/self/exe", &self) == 0 && file->st_dev == self.st_dev && file->st_ino == self.st_ino) return true;
  return leads_to(path, "tender-cc"); // another installation's
}

// Links to these stand in for a compiler as ours do, and for the same purpose: Tender comes first where its link does.
static bool is_rival(const char *path) { return leads_to(path, "distcc") || leads_to(path, "icecc"); }

// How often launchers above this one ran `path`: once may be a compiler that starts itself, twice is a circle.
static int times_above(const char *path) {
  int times = 0;
  size_t length = strlen(path);
  for (const char *at = getenv("TENDER_SEEN"); at; at = strchr(at, ':'), at = at ? at + 1 : NULL)
    times += strncmp(at, path, length) == 0 && (at[length] == ':' || !at[length]);
  return times;
}

static bool make_absolute(char *to, const char *path, int length) {
  bool is = *path == '/';
  int n = snprintf(to, PATH_MAX, "%s%s%.*s", is ? "" : cwd, is ? "" : "/", length, path);
  return n > 0 && n < PATH_MAX;
}

static bool find_in_path(const char *name, bool past_ccache) {
  char dir[PATH_MAX], last[PATH_MAX] = "";
  struct stat file;
  const char *at = getenv("PATH");
  if (!at) at = "/usr/local/bin:/usr/bin:/bin";
  for (const char *end; at; at = *end ? end + 1 : NULL) {
    end = strchrnul(at, ':');
    bool fits = make_absolute(dir, end > at ? at : ".", end > at ? (int)(end - at) : 1);
    int n = snprintf(compiler, sizeof compiler, "%s/%s", dir, name);
    if (fits && n > 0 && n < (int)sizeof compiler && is_executable(compiler, &file)) {
      bool rival = strcmp(name, "distcc") && strcmp(name, "icecc") && is_rival(compiler);
      bool skip = rival || is_launcher(compiler, &file) || (past_ccache && leads_to(compiler, "ccache"));
      if (!skip && times_above(compiler) < 2) return true;
      if (!skip) strcpy(last, compiler);
      shadowed = true;
    }
  }
  strcpy(compiler, last);
  return *last;
}

static bool find_compiler(const char *word, bool masquerade) {
  struct stat file;
  shadowed = masquerade;
  if (masquerade || !strchr(word, '/')) return find_in_path(base_name(word), false);
  if (!make_absolute(compiler, word, (int)strlen(word)) || !is_executable(compiler, &file)) return false;
  if (!is_launcher(compiler, &file)) return true;
  shadowed = true;
  return find_in_path(base_name(word), false);
}

static void own_path(char self[PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);
  self[n < 0 ? 0 : n] = 0;
}

// When the compiler is ccache, or a link to it, ccache must run first: a hit there is sooner than any machine. On a miss it
// then calls the launcher before the compiler, which it is told, since it takes that file's size and date for its version.
static bool prepare_ccache(const char *word) {
  char self[PATH_MAX], ccache[PATH_MAX];
  if (!leads_to(compiler, "ccache")) return false;
  own_path(self);
  if (*self && !strpbrk(self, " \t")) setenv("CCACHE_PREFIX", self, 0);
  if (strcmp(base_name(word), "ccache") == 0) return true; // `ccache gcc` names the compiler itself
  strcpy(ccache, compiler);
  bool outer_shadowed = shadowed;
  if (find_in_path(base_name(word), true)) setenv("CCACHE_COMPILER", compiler, 0);
  shadowed = outer_shadowed;
  strcpy(compiler, ccache);
  return true;
}
