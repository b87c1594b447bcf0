#!/bin/sh
# npm test: sets up a fresh clone, builds, type-checks, runs every suite, and ends with «N passed, N failed».
# With arguments (npm test -- src/core) only the matching test files run. Exit code 0 only when tests ran and none failed.
set -u
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
. "$root/scripts/setup.sh"
# In a subshell first: a set-up that fails ends the program, and the last line must say so all the same.
(set_up) || { echo '0 passed, 1 failed'; exit 1; }
set_up
ensure_packages 'the tests' 'c++=g++' make=make cmake=cmake ninja=ninja-build clang=clang ip=iproute2 bwrap=bubblewrap \
  Xvfb=xvfb xdotool=xdotool dbus-daemon=dbus ../lib/python3/dist-packages/dbusmock=python3-dbusmock
PATH=$root/node_modules/.bin:${node%/*}:$PATH
export PATH

results=$root/build/test/results.json
rm -f "$results"
"$node" node_modules/typescript/bin/tsc -b
types=$?
NO_COLOR=1 "$node" node_modules/vitest/vitest.mjs run --reporter=default --reporter=json --outputFile="$results" "$@" </dev/null
vitest=$?
every=$([ $# -gt 0 ] || echo --every)
exec "$node" scripts/summarise.ts --results "$results" --types "$types" --vitest "$vitest" $every
