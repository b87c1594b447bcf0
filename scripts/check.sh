#!/bin/sh
# npm run check: all that CI does, in its order, and the name of each command that failed. --static leaves the tests out.
set -u
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
. "$root/scripts/setup.sh"
set_up
PATH=$root/node_modules/.bin:${node%/*}:$PATH
export PATH

failed=
run() {
  printf '== %s: %s\n' "$1" "$2"
  sh -c "$2" || failed="$failed
  $1: $2"
}
run types 'tsc -b'
run lint 'oxlint'
run format 'prettier --check --log-level warn .'
run 'dead code' 'knip --no-progress'
[ "${1-}" = --static ] || run tests 'sh scripts/test.sh'

[ -z "$failed" ] || { printf 'check failed:%s\n' "$failed" >&2; exit 1; }
[ "${1-}" != --static ] || echo 'check: types, lint, format and dead code are clean'
