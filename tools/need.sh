#!/bin/sh
# Makes sure that what tests need from the system is there: a browser and gettext. As root it also brings the
# tools that check the deployment (compose, nginx, npx for the linters) and a SIP platform with telephones for calls;
# without root those tests say that they skip.
set -eu

BROWSERS="chromium chromium-browser google-chrome google-chrome-stable"

have_browser() {
    [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return
    for name in $BROWSERS; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

missing=""
have_browser || missing="chromium"
command -v xgettext >/dev/null || missing="$missing gettext"
wished="$missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    command -v docker-compose >/dev/null || wished="$wished docker-compose"
    command -v npx >/dev/null || wished="$wished npm"
    command -v nginx >/dev/null || wished="$wished nginx-light"
    [ -x /usr/sbin/kamailio ] || wished="$wished kamailio kamailio-websocket-modules kamailio-autheph-modules"
    command -v rtpengine >/dev/null || wished="$wished rtpengine-daemon"
    command -v baresip >/dev/null || wished="$wished baresip-core"
    command -v sipp >/dev/null || wished="$wished sip-tester"
fi
[ -n "$wished" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $wished …"
    # shellcheck disable=SC2086 — a list of packages
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wished >/dev/null && exit 0
fi
[ -n "$missing" ] || exit 0
echo "cxcenter: tests need $missing; type: sudo apt-get install $missing (or set CHROMIUM to a browser's path)" >&2
exit 1
