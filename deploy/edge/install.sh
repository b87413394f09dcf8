#!/bin/sh
# Installs the Soundpost agent on Raspberry Pi OS (Debian 12 or later), as a service that starts at boot.
#
#   sudo deploy/edge/install.sh --enroll URL TOKEN [--bundle FILE]
#   sudo deploy/edge/install.sh [--bundle FILE] [--broker HOST] [--name NAME]
#                               [--password-file FILE [--username NAME]] [--root FILE]
#
# URL and TOKEN are what `aggregator node add` says: the node joins its fleet, with TLS and a certificate of its
# own, and is told name and broker. TOKEN may be -, then it is read from standard input.
#
# Asks nothing, and may be run again: to update the agent, or after a change of bundle or password. An existing
# /etc/soundpost/agent.toml is kept as it is. Run it from a checkout of the project.
#
# For a broker without certificates: the first line of the password file is what `aggregator broker config --node
# NAME` says for this node; the broker knows it by its name, so --username is by default what --name says.
#
# The root file is the fleet's 1.root.json, as `aggregator ota keys init` made it: with it the node takes new
# models over the air, and believes nobody else. Bring it here by a way that you trust.
set -eu
# Whatever root's own is, the service must be able to read what is installed.
umask 022

prefix=/opt/soundpost
config_dir=/etc/soundpost
config=$config_dir/agent.toml
password=$config_dir/broker.password
root=$config_dir/root.json
state_dir=/var/lib/soundpost-agent
user=soundpost
unit=soundpost-agent.service

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source_dir=$(dirname -- "$(dirname -- "$here")")
bundle=$source_dir/models/keywords.bundle
broker=127.0.0.1
name=
username=
password_file=
root_file=
url=
token=

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --enroll)
            url=${2:?"--enroll needs an address and a token"}; token=${3:?"--enroll needs a token, too"}; shift 3 ;;
        --bundle) bundle=${2:?"--bundle needs a file"}; shift 2 ;;
        --broker) broker=${2:?"--broker needs a host"}; shift 2 ;;
        --name) name=${2:?"--name needs a name"}; shift 2 ;;
        --username) username=${2:?"--username needs a name"}; shift 2 ;;
        --password-file) password_file=${2:?"--password-file needs a file"}; shift 2 ;;
        --root) root_file=${2:?"--root needs a file"}; shift 2 ;;
        -h | --help) sed -n '2,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1; see --help" ;;
    esac
done

[ "$token" != - ] || IFS= read -r token || fail "no token on standard input"
case $url in '' | https://*) ;; *) fail "the address must begin with https://" ;; esac
[ -z "$url" ] || [ -z "$name$password_file" ] || fail "with --enroll the node is told its name, and has no password"
[ -n "$username" ] || [ -z "$password_file" ] || username=$name
[ "$(id -u)" -eq 0 ] || fail "must be run as root: sudo $0"
[ -f "$source_dir/pyproject.toml" ] || fail "run it from a checkout of the project"
[ -f "$bundle" ] || fail "no bundle at $bundle; name one with --bundle"
[ -z "$password_file" ] || [ -n "$(head -n 1 "$password_file")" ] || fail "no password in $password_file"
[ -z "$password_file" ] || [ -n "$username" ] || fail "a password is of no use without --name or --username"
if [ -n "$root_file" ]; then
    [ -r "$root_file" ] || fail "no root file at $root_file"
    grep -q '"_type": *"root"' "$root_file" || fail "$root_file is no root metadata of \`aggregator ota keys init\`"
fi
case $broker in *[!A-Za-z0-9._:-]*) fail "the broker's host may hold letters, digits and . _ : -" ;; esac
case $name in *[!a-z0-9_-]*) fail "the node's name may hold a-z 0-9 _ -" ;; esac
case $username in *[!A-Za-z0-9._@-]*) fail "the user name may hold letters, digits and . _ @ -" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# put OWNER MODE FILE TARGET. Beside the old one, then in its place: a power cut leaves one of the two whole.
put() {
    install -o root -g "$1" -m "$2" "$3" "$4.new"
    sync "$4.new"
    mv -f "$4.new" "$4"
}

say "Installing packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv libportaudio2 libsndfile1 >/dev/null

say "Making the user $user"
if ! id "$user" >/dev/null 2>&1; then
    useradd --system --user-group --no-create-home --home-dir "$state_dir" --shell /usr/sbin/nologin "$user"
fi
usermod --append --groups audio "$user"
# As the unit has it; whoever runs the agent by hand needs it as well.
install -d -o "$user" -g "$user" -m 750 "$state_dir"

say "Installing the agent into $prefix"
pip() { "$prefix/bin/python" -m pip --disable-pip-version-check "$@"; }
# Also when the system's Python has become another, or an installation was interrupted.
pip --version >/dev/null 2>&1 || /usr/bin/python3 -m venv --clear "$prefix"
if [ "$(uname -m)" = armv7l ]; then
    # What Raspberry Pi OS offers for it is built elsewhere and has other digests; the versions are the same.
    sed -e 's/ *\\$//' -e '/^ *--hash=/d' "$source_dir/requirements/edge.txt" >"$work/edge.txt"
    pip install --quiet -r "$work/edge.txt"
else
    pip install --quiet --require-hashes -r "$source_dir/requirements/edge.txt"
fi
# From a copy: building leaves files behind, which would belong to root and go stale.
mkdir "$work/source"
for part in pyproject.toml README.md contract edge_agent aggregator model_build; do
    cp -R "$source_dir/$part" "$work/source/"
done
pip install --quiet --no-deps --force-reinstall "$work/source"

# The service may not write here, so what it loads is compiled now.
"$prefix/bin/python" -OO -m compileall -q "$prefix/lib" >/dev/null || true

say "Putting bundle and settings in place"
install -d -m 755 "$config_dir"
put root 644 "$bundle" "$config_dir/model.bundle"
[ -z "$password_file" ] || put "$user" 640 "$password_file" "$password"
[ -z "$root_file" ] || put root 644 "$root_file" "$root"
if [ ! -e "$config" ]; then
    sed -e "s|^bundle = .*|bundle = \"$config_dir/model.bundle\"|" \
        -e "s|^host = .*|host = \"$broker\"|" \
        ${name:+-e "s|^name = .*|name = \"$name\"|"} \
        ${username:+-e "s|^# username = .*|username = \"$username\"|"} \
        ${password_file:+-e "s|^# password_file = .*|password_file = \"$password\"|"} \
        ${root_file:+-e "s|^# root = .*|root = \"$root\"|"} \
        "$here/agent.example.toml" >"$work/agent.toml"
    put "$user" 640 "$work/agent.toml" "$config"
else
    say "  kept $config: what it says of name and broker counts"
    if [ -n "$password_file" ] && ! grep -q "^password_file = \"$password\"" "$config"; then
        say "  it does not use the new password; set there, under [broker]:"
        say "    username = \"$username\""
        say "    password_file = \"$password\""
    fi
    if [ -n "$root_file" ] && ! grep -q "^root = \"$root\"" "$config"; then
        say "  it does not use the root file; set there, under [update]:"
        say "    root = \"$root\""
    fi
fi

if [ -n "$url" ]; then
    say "Joining the fleet"
    # Through standard input: what stands on a command line can be read by everybody on this machine.
    printf '%s\n' "$token" | runuser -u "$user" -- "$prefix/bin/edge-agent" enroll "$url" - --config "$config"
fi

say "Starting the service"
install -m 644 "$here/$unit" "/etc/systemd/system/$unit"
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
else
    say "  systemd does not run here, so nothing was started. The unit is in place; by hand:"
    say "  sudo -u $user $prefix/bin/edge-agent run --config $config"
fi

say "Done. Settings: $config. Now look whether all is well:"
say "  sudo -u $user $prefix/bin/edge-agent check --config $config"
