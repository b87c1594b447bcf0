// Compiles that ask a question instead of building something: configure's conftest, CMake's and Meson's checks.
// They are tiny, one at a time, and the answer must be this machine's own, so they stay.

// Autoconf's conftest.c and conftest1.c, waf's .conf_check_ directories.
const PROBE_NAME = /(?:^|\/)conftest\d*(?:\.[^/]*)?$/;
// Autoconf's config.guess in a temporary directory of its own, made by mktemp or from process ids.
const GUESS = /^\/(?:.*\/)?cg(?:[A-Za-z0-9]{6}|-?\d+(?:-\d+)?)\/dummy\.[^/]*$/;
const PROBE_PLACE =
  /(?:^|\/)(?:CMakeFiles\/(?:CMakeScratch|CMakeTmp|[^/]+\/CompilerId[^/]*)|CMakeTmp|meson-private|\.conf_check_[^/]*)(?:\/|$)/;
// The kernel's and others' «does the compiler know this option»: nothing is compiled.
const NO_SOURCE = '/dev/null';

/** Why the command is a probe, or null. Paths as the command has them; an absent output is null. */
export function recognizeProbe(cwd: string, sources: readonly string[], output: string | null): string | null {
  const named = [...sources, ...(output === null ? [] : [output])];
  const byName = named.find((path) => PROBE_NAME.test(path) || GUESS.test(path));
  if (byName !== undefined) return `«${byName}» is a configure test`;
  const byPlace = [cwd, ...named].find((path) => PROBE_PLACE.test(path));
  if (byPlace !== undefined) return `«${byPlace}» is where CMake, Meson or waf try the compiler`;
  return sources.includes(NO_SOURCE) ? 'the source is /dev/null: only options are tried' : null;
}
