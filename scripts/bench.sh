#!/bin/sh
# npm run bench -- client: sets up a fresh clone and builds what changed, then runs the benchmarks' command line.
set -u
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/scripts/setup.sh"
set_up
ensure_packages 'the benchmarks' 'c++=g++'
exec "$node" "$root/bench/main.ts" "$@"
