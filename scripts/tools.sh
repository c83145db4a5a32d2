#!/bin/sh
# Installs what the tests need beside Go, through apt where there is one:
# PostgreSQL's server programs, Chromium, and fonts with Korean and emoji.
set -eu

missing=""
need() { # need PACKAGE TEST-COMMAND…
	package=$1
	shift
	if ! "$@" >/dev/null 2>&1; then missing="$missing $package"; fi
}

has_postgres() {
	command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /usr/local/pgsql/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/bin/initdb 2>/dev/null | grep -q .
}
has_chromium() {
	command -v chromium || command -v chromium-browser || command -v google-chrome
}
has_font() { # has_font LANGUAGE-OR-NAME
	command -v fc-list && fc-list "$1" | grep -q .
}

need postgresql has_postgres
need chromium has_chromium
need fontconfig command -v fc-list
need fonts-noto-cjk has_font :lang=ko
need fonts-noto-color-emoji has_font "Noto Color Emoji"

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need these, and there is no apt here to install them:$missing" >&2
	exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "The tests need these; install them as root: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
echo "installing for the tests:$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
# shellcheck disable=SC2086 — a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing
