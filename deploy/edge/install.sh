#!/bin/sh
# Installs the Soundpost agent on Raspberry Pi OS (Debian 12 or later), as a service that starts at boot.
#
#   sudo deploy/edge/install.sh [--bundle FILE] [--broker HOST] [--name NAME]
#
# Asks nothing, and may be run again: to update the agent, or after a change of the bundle. An existing
# /etc/soundpost/agent.toml is kept as it is. Run it from a checkout of the project.
set -eu

prefix=/opt/soundpost
config_dir=/etc/soundpost
config=$config_dir/agent.toml
user=soundpost
unit=soundpost-agent.service

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source_dir=$(dirname -- "$(dirname -- "$here")")
bundle=$source_dir/models/keywords.bundle
broker=127.0.0.1
name=

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --bundle) bundle=${2:?"--bundle needs a file"}; shift 2 ;;
        --broker) broker=${2:?"--broker needs a host"}; shift 2 ;;
        --name) name=${2:?"--name needs a name"}; shift 2 ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1; see --help" ;;
    esac
done

[ "$(id -u)" -eq 0 ] || fail "must be run as root: sudo $0"
[ -f "$source_dir/pyproject.toml" ] || fail "run it from a checkout of the project"
[ -f "$bundle" ] || fail "no bundle at $bundle; name one with --bundle"
case $broker$name in *[!A-Za-z0-9._:-]*) fail "host and name may hold letters, digits and . _ : -" ;; esac

say "Installing packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv libportaudio2 libsndfile1 >/dev/null

say "Making the user $user"
if ! id "$user" >/dev/null 2>&1; then
    useradd --system --no-create-home --home-dir /var/lib/soundpost-agent --shell /usr/sbin/nologin "$user"
fi
usermod --append --groups audio "$user"

say "Installing the agent into $prefix"
[ -x "$prefix/bin/python" ] || python3 -m venv "$prefix"
"$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$source_dir[edge]"

# The service may not write here, so what it loads is compiled now.
"$prefix/bin/python" -OO -m compileall -q "$prefix/lib" >/dev/null || true

say "Putting bundle and settings in place"
install -d -m 755 "$config_dir"
# Beside the old one, then in its place: a power cut leaves one of the two whole.
install -m 644 "$bundle" "$config_dir/.model.bundle.new"
sync "$config_dir/.model.bundle.new"
mv -f "$config_dir/.model.bundle.new" "$config_dir/model.bundle"
if [ ! -e "$config" ]; then
    sed -e "s|^bundle = .*|bundle = \"$config_dir/model.bundle\"|" \
        -e "s|^host = .*|host = \"$broker\"|" \
        ${name:+-e "s|^name = .*|name = \"$name\"|"} \
        "$here/agent.example.toml" >"$config.new"
    chown "root:$user" "$config.new"
    chmod 640 "$config.new"
    mv -f "$config.new" "$config"
fi

say "Starting the service"
install -m 644 "$here/$unit" "/etc/systemd/system/$unit"
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
else
    say "systemd does not run here; start it by hand: $prefix/bin/edge-agent run --config $config"
fi

say "Done. Settings: $config. Now look whether all is well:"
say "  sudo -u $user $prefix/bin/edge-agent check --config $config"
