# manual.sh: a manual page whose commands are run as they stand there.  It names ports, hosts and files of /etc, and so the test that
# sources this first of all has a network, a host name, processes and mounts of its own; needs root.
if [ -z "${MANUAL_TEST_SPACE:-}" ] && [ "$(id -u)" = 0 ]; then
    MANUAL_TEST_SPACE=own exec unshare --net --mount --uts --pid --fork --kill-child --mount-proc "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
need_root
need_program curl ip meson openssl python3

# A machine on which mailroom was never installed, with a certificate of mail.example.org in /etc/mailroom.
system_log=/tmp/manual/log
empty() { # DIRECTORY...: as on a new machine
    local each
    for each in "$@"; do mkdir -p "$each"; mount -t tmpfs -o mode=755 none "$each"; done
}
own() { # FILE TEXT
    [ -e "$1" ] || : > "$1"
    echo "$2" > "$work/${1##*/}"
    mount --bind "$work/${1##*/}" "$1"
}
new_machine() {
    ip link set lo up
    ip address add 192.0.2.25/32 dev lo
    hostname mail.example.org
    empty /usr/local /etc/mailroom /var/spool/mailroom /var/lib/mailroom /run /tmp/manual
    own /etc/hosts '127.0.0.1 localhost
192.0.2.25 mail.example.org'
    export HOME=/tmp/manual PATH=/usr/local/bin:/usr/local/sbin:$PATH
    ok 'mailroom is installed' meson install -C "$build" --no-rebuild
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /etc/mailroom/key.pem -out /etc/mailroom/chain.pem \
        -days 2 -subj /CN=mail.example.org -addext subjectAltName=DNS:mail.example.org 2> /dev/null
    export CURL_CA_BUNDLE=/etc/mailroom/chain.pem
}

# ---- the page: $page ----
commands_of() { # HEADING: of the section or subsection that begins so
    perl -ne 'if (/^\.S[hs] (.*)/) { $in = index($1, $ENV{HEADING}) == 0 } elsif (/^\.Bd -literal/) { $literal = $in }
              elsif (/^\.Ed/) { $literal = 0 } elsif ($literal) { s/\\e/\\/g; print }' "$page"
}
run_as_written() { # HEADING: with the password for whatever asks; each command must succeed
    local commands
    commands=$(HEADING=$1 commands_of)
    [ -n "$commands" ] || { echo "no commands below $1"; return 1; }
    "$here/at_terminal.py" alice-in-wonderland bash -euxc "$commands"
}
ready() { [ "$(grep -c ' started ' "$system_log")" -ge "$1" ]; }
