#!/bin/sh
# The programs that the tests start, or those that are named as arguments. On Debian each is named as its package: root
# gets what is missing installed, anybody else is told, because a test that is skipped for want of a program proves
# nothing.
set -eu

missing=""
[ $# -gt 0 ] || set -- chromium nginx redis-server postgresql
# Servers are not on everybody's PATH, and Debian puts those of PostgreSQL into a folder for each version.
PATH="$PATH:/usr/sbin:/usr/local/sbin"
for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done
for package in "$@"; do
    program="$package"
    case "$package" in postgresql) program=pg_ctl ;; nodejs) program=node ;; esac
    command -v "$program" >/dev/null || missing="$missing $package"
done
# Chromium without windows, whose pages cost less. Where a system has no such package, chromium does its work.
wanted=""
case " $* " in *" chromium "*) command -v chromium-headless-shell >/dev/null || wanted=chromium-headless-shell ;; esac
[ -n "$missing$wanted" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    [ -n "$missing" ] || exit 0
    echo "These programs are needed:$missing" >&2
    echo "On Debian: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
if [ -n "$missing" ]; then
    echo "Installing$missing"
    apt-get -qq update
    # shellcheck disable=SC2086  # one word per package
    apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi
if [ -n "$wanted" ]; then
    apt-get -qq install -y --no-install-recommends --no-remove $wanted >/dev/null 2>&1 \
        || echo "$wanted cannot be installed; chromium does its work, which takes longer"
fi
