#!/bin/sh
# Installs what is needed beside Go, through apt where there is one. For the
# tests: PostgreSQL's server programs, Chromium, and fonts with Korean and
# emoji. With the argument "database" only PostgreSQL; with "bench" also Postfix
# for its smtp-source, with "wordpress" also WordPress, MariaDB and PHP, none of
# them started.
set -eu

missing=""
need() { # need PACKAGE TEST-COMMAND…
	package=$1
	shift
	if ! "$@" >/dev/null 2>&1; then missing="$missing $package"; fi
}

has_postgres() { # the server's programs, and pg_dump beside them
	command -v pg_dump || return 1
	command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /usr/local/pgsql/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/bin/initdb 2>/dev/null | grep -q .
}
has_chromium() {
	command -v chromium || command -v chromium-browser || command -v google-chrome
}
has_smtp_source() {
	command -v smtp-source || test -x /usr/sbin/smtp-source
}
has_wordpress() {
	test -r /usr/share/wordpress/wp-load.php
}
has_mariadb() {
	test -x /usr/sbin/mariadbd && command -v mariadb-install-db
}
has_php() { # with its driver for MariaDB
	command -v php && php -m | grep -q mysqli
}
has_font() { # has_font LANGUAGE-OR-NAME
	command -v fc-list && fc-list "$1" | grep -q .
}

need postgresql has_postgres
case "${1:-tests}" in
database) ;;
bench) need postfix has_smtp_source ;;
wordpress)
	need wordpress has_wordpress
	need mariadb-server has_mariadb
	need php-cli has_php
	need php-mysql has_php
	need chromium has_chromium
	;;
*)
	need chromium has_chromium
	need fontconfig command -v fc-list
	need fonts-noto-cjk has_font :lang=ko
	need fonts-noto-color-emoji has_font "Noto Color Emoji"
	;;
esac

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "These are needed, and there is no apt here to install them:$missing" >&2
	exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "These are needed; install them as root: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
echo "installing:$missing"
case "$missing" in
*postfix* | *wordpress* | *mariadb*) # no server shall run for it: without settings Postfix does not start
	echo "postfix postfix/main_mailer_type select No configuration" | $as_root debconf-set-selections
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' | $as_root tee /usr/sbin/policy-rc.d >/dev/null
		$as_root chmod 755 /usr/sbin/policy-rc.d
		trap '$as_root rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	;;
esac
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
# shellcheck disable=SC2086 — a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing
