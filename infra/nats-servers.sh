#!/bin/sh
# Gets two nats-servers beside the machine's own, for tests and the demo: Debian trixie's, the first with auth callouts that a distribution
# carries, and sid's, the newest. They are unpacked below ~/.cache/controlplane/nats-server, not installed: apt has lists, a cache and
# sources of its own there, so nothing else of the machine changes, and it need not be root.
set -eu

home="$HOME/.cache/controlplane/nats-server"
[ -x "$home/trixie/nats-server" ] && [ -x "$home/sid/nats-server" ] && exit 0

mkdir -p "$home"
work=$(mktemp -d "$home/get-XXXXXX")
trap 'rm -rf "$work"' EXIT
log="$work/log"

# The mirror from which this machine has its own Debian packages.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2> /dev/null | grep -m 1 '/debian/\?$'
}

apt() {
    # Root's apt downloads as another user, who may not write here.
    apt-get -q -o "Dir::Etc=$work/etc" -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=2 -o "APT::Sandbox::User=$(id -un)" "$@" >> "$log" 2>&1
}

get() {
    suite=$1
    rm -rf "$work/etc" "$work/state" "$work/cache"
    mkdir -p "$work/etc/sources.list.d" "$work/etc/preferences.d" "$work/state/lists/partial" "$work/cache/archives/partial" "$work/$suite"
    : > "$work/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $suite main" > "$work/etc/sources.list"
    apt update && (cd "$work/$suite" && apt download nats-server) && dpkg -x "$work/$suite"/*.deb "$work/$suite/root" \
        && mv "$work/$suite/root/usr/sbin/nats-server" "$work/$suite/nats-server" \
        && "$work/$suite/nats-server" --version >> "$log" 2>&1 || return 1
    rm -rf "$work/$suite/root" "$work/$suite"/*.deb

    # Another run may have been quicker.
    mv -T "$work/$suite" "$home/$suite" 2>> "$log" || [ -x "$home/$suite/nats-server" ]
}

from=$(mirror || true)
missing=""
for suite in trixie sid; do
    [ -x "$home/$suite/nats-server" ] && continue
    echo "getting nats-server of Debian $suite"
    { [ -n "$from" ] && get "$suite"; } || missing="$missing $suite"
done
[ -z "$missing" ] && exit 0

[ ! -s "$log" ] || tail -5 "$log" >&2
cat >&2 << TEXT
no nats-server of Debian$missing could be had${from:+ from $from}. What starts it fails and says so: the demo, and tests of Choria's broker, which need
auth callouts (2.10 or later), and tests with the newest nats-server. Try again with infra/nats-servers.sh, or put the program there yourself:
$(for suite in $missing; do echo "    $home/$suite/nats-server"; done)
TEXT
