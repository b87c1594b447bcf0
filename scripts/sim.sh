#!/bin/sh
# npm run sim -- --seed 7: sets up a fresh clone and builds what changed, then runs the simulator's command line.
set -u
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/scripts/setup.sh"
set_up
exec "$node" "$root/sim/main.ts" "$@"
