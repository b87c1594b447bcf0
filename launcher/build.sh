#!/bin/sh
# Builds build/bin/tender-cc when its source is newer: with musl where that is installed (glibc asks the processor what it
# can at every start, which a virtual machine makes dear: docs/decisions/012), else static where the C library allows it (a
# static program starts in half the time of a dynamic one), else dynamic. Written aside and renamed, so a running launcher
# is never torn.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
out=$here/../build/bin/tender-cc
if [ -x "$out" ] && [ -z "$(find "$here" -name "*.[ch]" -newer "$out" -o -name build.sh -newer "$out")" ]; then
  exit 0
fi
cc=${CC:-}
for name in cc gcc clang; do
  [ -n "$cc" ] || ! command -v "$name" >/dev/null || cc=$name
done
if [ -z "$cc" ]; then
  echo 'launcher/build.sh: no C compiler (cc, gcc, clang) in PATH: install one, for example gcc' >&2
  exit 1
fi
mkdir -p "$here/../build/bin"
new=$out.$$
trap 'rm -f "$new"' EXIT
# The compiler may itself be reached through the launcher of an earlier build.
export TENDER_DISABLE=1
flags='-std=gnu11 -O2 -Wall -Wextra -Werror'
# shellcheck disable=SC2086 # both are lists of words
static() { $1 $flags -static -s -o "$new" "$here/tender-cc.c" 2>/dev/null; }
# shellcheck disable=SC2086
[ -z "${CC-}" ] && command -v musl-gcc >/dev/null && static musl-gcc || static "$cc" || $cc $flags -o "$new" "$here/tender-cc.c"
mv -f "$new" "$out"
