# Set-up of a checkout, shared by ./tender, npm test and npm run check (sourced, with $root set; POSIX sh).
# is_ready is the fast path and runs at every start: a handful of tests, one cmp, one find. All else happens
# once, under a lock, because many starts may come at once (make starts launchers, launchers start agents).

state=$root/build/setup

say() { printf 'tender: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# Finds Node 24 or newer: the one on PATH, else the pinned package. Sets $node; false when there is none.
pick_node() {
  on_path=$(command -v node) || on_path=none
  if [ -r "$state/node" ]; then
    { read -r seen && read -r node; } <"$state/node" || seen=
    # Asking a node for its version costs more than all else here, so the answer is kept until that node changes.
    if [ "$seen" = "$on_path" ] && [ -x "$node" ] && ! [ "$on_path" -nt "$state/node" ]; then return 0; fi
  fi
  for node in "$on_path" "$root"/node_modules/node-linux-*/bin/node; do
    version=$("$node" --version 2>/dev/null) || continue
    version=${version#v}
    if [ "${version%%.*}" -ge 24 ] 2>/dev/null; then
      [ ! -w "$state" ] || { printf '%s\n' "$on_path" "$node" >"$state/node.$$" && mv "$state/node.$$" "$state/node"; }
      return 0
    fi
  done
  return 1
}

modules_current() { cmp -s "$root/package-lock.json" "$root/node_modules/.tender-lock.json"; }

build_current() {
  [ -f "$root/dist/apps/main.js" ] && [ -f "$state/built" ] || return 1
  [ -x "$root/build/bin/tender-cc" ] || ! have cc || return 1
  [ -z "$(find "$root/src" "$root/proto" "$root/launcher" "$root/tsconfig.base.json" \
    -newer "$state/built" ! -name '*.test.ts' -print -quit 2>/dev/null)" ]
}

is_ready() { [ -f "$state/system" ] && modules_current && build_current; }

# Prints the packages of those commands that are missing. Arguments: 'command=package package...'.
missing_packages() {
  for pair; do have "${pair%%=*}" || printf '%s ' "${pair#*=}"; done
}

may_install() {
  [ -z "${TENDER_NO_INSTALL-}" ] && have apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

# Installs Debian packages when that needs no question (root, or sudo without a password), else prints the line to run.
install_packages() {
  have apt-get || { say "missing: $* (Debian's names); please install them with this system's package manager"; return 1; }
  line="apt-get install -y --no-install-recommends $*"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    if have sudo && sudo -n true 2>/dev/null; then as_root='sudo -n'; line="sudo $line"; else
      say "missing: $*; please run:  sudo $line"
      return 1
    fi
  fi
  [ -z "${TENDER_NO_INSTALL-}" ] || { say "missing: $*; please run:  $line"; return 1; }
  say "installing $* (apt-get)"
  # fd 9 is the set-up lock: a service that apt starts must not keep it.
  if $as_root env DEBIAN_FRONTEND=noninteractive sh -c '
    apt-get -qq -o DPkg::Lock::Timeout=300 update
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"' sh "$@" \
    </dev/null >"$state/apt.log" 2>&1 9>&-; then return 0; fi
  tail -n 5 "$state/apt.log" >&2
  say "could not install them (all of the output: $state/apt.log); please run:  $line"
  return 1
}

# The same for a purpose that needs more than Tender itself: ensure_packages 'what for' PAIR...
ensure_packages() {
  purpose=$1
  shift
  # Unquoted below: a list of package names, one word each.
  packages=$(missing_packages "$@")
  [ -z "$packages" ] || install_packages $packages || say "going on without: $purpose may be incomplete"
}

check_system() {
  [ ! -f "$state/system" ] || return 0
  packages=$(missing_packages 'cc=gcc libc6-dev' make=make bwrap=bubblewrap npm=npm)
  [ -z "$packages" ] || install_packages $packages || true
  # For the launcher's start alone (docs/decisions/012): not worth a question.
  have musl-gcc || ! have cc || ! may_install || install_packages musl-tools || true
  have cc || say 'no C compiler: this machine can take tasks, but starts none of its own'
  if have bwrap && ! bwrap --unshare-all --ro-bind / / true 2>/dev/null; then
    say 'user namespaces are off here: builds of this machine are helped by others, but it takes no tasks. To allow them:'
    if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then
      say '  sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'
    else
      say '  sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000'
    fi
  fi
  : >"$state/system"
}

install_modules() {
  ! modules_current || return 0
  # An npm ci by hand counts too: npm writes its hidden lockfile last.
  if ! [ "$root/node_modules/.package-lock.json" -nt "$root/package-lock.json" ]; then
    have npm || die 'npm is missing; please run:  sudo apt-get install npm   (it comes with Node; any Node >= 20 will do)'
    say 'fetching packages (npm ci)'
    (cd "$root" && npm ci --loglevel=error </dev/null >"$state/npm.log" 2>&1) || {
      tail -n 15 "$state/npm.log" >&2
      die "npm ci failed, see above (all of it: $state/npm.log); check the network and run again"
    }
  fi
  cp "$root/package-lock.json" "$root/node_modules/.tender-lock.json"
}

build() {
  ! build_current || return 0
  say 'building'
  # The stamp is as old as the start of the build: what is edited meanwhile is newer.
  : >"$state/built.new"
  # Outputs deleted by hand would be taken for up to date.
  [ -f "$root/dist/apps/main.js" ] || rm -rf "$root/dist/.tsbuildinfo"
  compiled=0
  (cd "$root" && "$node" node_modules/typescript/bin/tsc -b src/apps) >&2 || compiled=$?
  [ -f "$root/dist/apps/main.js" ] || die 'tsc -b src/apps failed, see above'
  [ "$compiled" -eq 0 ] || say 'type errors, see above; going on with what was built'
  if have cc; then sh "$root/launcher/build.sh" >&2 || die 'launcher/build.sh failed, see above'; fi
  [ "$compiled" -ne 0 ] || mv "$state/built.new" "$state/built"
}

# Does what is still to be done, and sets $node. Ends the program with a message when that cannot be.
set_up() {
  if ! is_ready; then
    mkdir -p "$state" 2>/dev/null && [ -w "$state" ] ||
      die "$root is not set up and cannot be written; please run ./tender there once as its owner"
    (
      ! have flock || flock -n 9 || { say 'another start is setting up; waiting for it'; flock 9; }
      check_system && install_modules
      pick_node || die "no Node 24 or newer, and none in $root/node_modules; please install Node 24 or run npm ci"
      build
    ) 9>"$state/lock" || exit 1
  fi
  pick_node || die "no Node 24 or newer on PATH or in $root/node_modules; please run npm ci in $root"
}
