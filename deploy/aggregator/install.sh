#!/bin/sh
# Installs the aggregator and its broker on Debian 12 or later, with TLS, as services that start at boot.
#
#   sudo deploy/aggregator/install.sh --host HOST [--host HOST ...] [--port PORT]
#
# HOST is the name or address under which nodes and browsers reach this machine; nodes are told the first. The
# dashboard listens at PORT (8443), the broker at 8883. Asks nothing, and may be run again to update. Settings
# and certificates that are there are kept. Run it from a checkout of the project.
set -eu
umask 022

prefix=/opt/soundpost
config_dir=/etc/soundpost
config=$config_dir/aggregator.toml
broker_dir=/etc/mosquitto/soundpost
unit=soundpost-aggregator.service

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source_dir=$(dirname -- "$(dirname -- "$here")")
hosts=
first=
port=8443

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --host)
            case ${2:?"--host needs a name or an address"} in
                *[!A-Za-z0-9._:-]*) fail "a host may hold letters, digits and . _ : -" ;;
            esac
            hosts="$hosts --host $2"; first=${first:-$2}; shift 2 ;;
        --port) port=${2:?"--port needs a number"}; shift 2 ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1; see --help" ;;
    esac
done

[ "$(id -u)" -eq 0 ] || fail "must be run as root: sudo $0"
[ -f "$source_dir/pyproject.toml" ] || fail "run it from a checkout of the project"
[ -n "$first" ] || [ -e "$config" ] || fail "say under which name or address nodes reach this machine: --host"
case $port in '' | *[!0-9]*) fail "the port must be a number" ;; esac
case $first in *:*) authority="[$first]:$port" ;; *) authority="$first:$port" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say "Installing packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends mosquitto python3 python3-venv libsndfile1 >/dev/null

say "Installing the aggregator into $prefix"
pip() { "$prefix/bin/python" -m pip --disable-pip-version-check "$@"; }
pip --version >/dev/null 2>&1 || /usr/bin/python3 -m venv --clear "$prefix"
pip install --quiet --require-hashes -r "$source_dir/requirements/aggregator.txt"
mkdir "$work/source"
for part in pyproject.toml README.md contract edge_agent aggregator model_build; do
    cp -R "$source_dir/$part" "$work/source/"
done
pip install --quiet --no-deps --force-reinstall "$work/source"
ln -sf "$prefix/bin/aggregator" /usr/local/bin/aggregator

say "Putting settings in place"
install -d -m 755 "$config_dir"
if [ ! -e "$config" ]; then
    sed -e "/^\[web\]/,/^\[/s|^host = \"127.0.0.1\"|host = \"0.0.0.0\"  |" \
        -e "/^\[web\]/,/^\[/s|^#port = .*|port = $port|" \
        -e "/^\[web\]/,/^\[/s|^#https = false|https = true  |" \
        -e "/^\[ota\]/,/^\[/s|^#url = \"\"  *|url = \"https://$authority\"  |" \
        "$here/aggregator.toml" >"$work/aggregator.toml"
    install -m 644 "$work/aggregator.toml" "$config"
else
    say "  kept $config"
fi

say "Setting up the broker"
if [ ! -e "$broker_dir/mosquitto.conf" ]; then
    # Unquoted on purpose: each host was checked, and is a word of its own.
    # shellcheck disable=SC2086
    "$prefix/bin/aggregator" broker config --config "$config" --into "$broker_dir" --bind 0.0.0.0 $hosts >/dev/null
    chown -R mosquitto: "$broker_dir"
    install -m 600 "$broker_dir/aggregator.env" "$config_dir/aggregator.env"
    [ ! -e /etc/mosquitto/mosquitto.conf ] || mv /etc/mosquitto/mosquitto.conf /etc/mosquitto/mosquitto.conf.before
    echo "include_dir $broker_dir" >/etc/mosquitto/mosquitto.conf
else
    say "  kept $broker_dir"
fi

say "Starting the services"
install -m 644 "$here/$unit" "$source_dir"/deploy/broker/soundpost-broker-refresh.* /etc/systemd/system/
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet mosquitto "$unit" soundpost-broker-refresh.path soundpost-broker-refresh.timer
    systemctl restart mosquitto "$unit"
    systemctl start soundpost-broker-refresh.path soundpost-broker-refresh.timer
    # What it says on its first start: the link with which the dashboard's password is set.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        link=$(journalctl -u "$unit" -o cat --since -2min | grep -o 'https://[^" ]*setup?code=[0-9a-f]*' | tail -n 1)
        [ -z "$link" ] || break
        sleep 1
    done
    [ -z "${link:-}" ] || say "Set the dashboard's password: $(printf '%s' "$link" | sed "s|//[^/]*/|//$authority/|")"
else
    say "  systemd does not run here, so nothing was started. The units are in place."
fi

say "Done. Now look whether the broker does what it should, and let the first node in:"
say "  sudo aggregator broker check --config $config"
say "  sudo aggregator node add attic --config $config"
