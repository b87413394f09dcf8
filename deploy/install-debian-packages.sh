#!/bin/sh
# Installs the Debian packages that the tests use: a broker, a browser, a sound server, a database, a voice.
# Where that is not allowed it says so and goes on: the tests that need them are skipped and say why.
set -eu
list=$(dirname "$0")/debian-packages.txt

if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: install by hand, or the tests that need them are skipped:" $(cat "$list")
    exit 0
fi

missing=""
while read -r package; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done <"$list"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "Some tests will be skipped. To run them: sudo apt-get install$missing"
    exit 0
fi

echo "Installing Debian packages for the tests:$missing"
$as_root apt-get update -qq
# Services of the packages must not start: the tests run their own, on free ports.
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
