#!/bin/bash
# A5, A6: mailroom-kerberos(7), its commands as they stand there, from an empty KDC to the first logins.  It names ports, hosts and
# files of /etc, and so has a network, a host name, processes and mounts of its own.
if [ -z "${MANUAL_TEST_SPACE:-}" ] && [ "$(id -u)" = 0 ]; then
    MANUAL_TEST_SPACE=own exec unshare --net --mount --uts --pid --fork --kill-child --mount-proc "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
need_root
need_program krb5kdc kadmin.local kdb5_util kinit curl fetchmail ip meson openssl python3
page=$root/man/mailroom-kerberos.7

# ---- a machine that has never seen Kerberos ----
ip link set lo up
ip address add 192.0.2.88/32 dev lo
ip address add 192.0.2.25/32 dev lo
hostname mail.example.org
empty() { # DIRECTORY...: as on a new machine
    local each
    for each in "$@"; do mkdir -p "$each"; mount -t tmpfs -o mode=755 none "$each"; done
}
own() { # FILE TEXT
    [ -e "$1" ] || : > "$1"
    echo "$2" > "$work/${1##*/}"
    mount --bind "$work/${1##*/}" "$1"
}
empty /usr/local /etc/krb5kdc /var/lib/krb5kdc /etc/mailroom /var/spool/mailroom /var/lib/mailroom /run /tmp/manual
own /etc/hosts '127.0.0.1 localhost
192.0.2.25 mail.example.org'
own /etc/krb5.conf ''
own /etc/services "$(grep -v kpop /etc/services 2> /dev/null)"
export HOME=/tmp/manual KRB5CCNAME=FILE:/tmp/manual/tickets PATH=/usr/local/bin:/usr/local/sbin:$PATH
ok 'mailroom is installed' meson install -C "$build" --no-rebuild

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /etc/mailroom/key.pem -out /etc/mailroom/chain.pem \
    -days 2 -subj /CN=mail.example.org -addext subjectAltName=DNS:mail.example.org 2> /dev/null
export CURL_CA_BUNDLE=/etc/mailroom/chain.pem
cat > /etc/mailroom/mailroom.conf <<END
hostname     mail.example.org
domain       example.org
certificate  mail.example.org /etc/mailroom/chain.pem /etc/mailroom/key.pem
listen smtp mx 0.0.0.0:25 starttls
listen pop3  0.0.0.0:995 implicit
listen imap  0.0.0.0:993 implicit
dnsd.forward 127.0.0.1@1
END

# ---- the page ----
commands_of() { # HEADING: of the section or subsection that begins so
    perl -ne 'if (/^\.S[hs] (.*)/) { $in = index($1, $ENV{HEADING}) == 0 } elsif (/^\.Bd -literal/) { $literal = $in }
              elsif (/^\.Ed/) { $literal = 0 } elsif ($literal) { print }' "$page"
}
run_as_written() { # HEADING: with the password for whatever asks; each command must succeed
    local commands
    commands=$(HEADING=$1 commands_of)
    [ -n "$commands" ] || { echo "no commands below $1"; return 1; }
    "$here/at_terminal.py" alice-in-wonderland bash -euxc "$commands"
}
system_log=/tmp/manual/log
ready() { [ "$(grep -c ' started ' "$system_log")" -ge "$1" ]; }

ok 'a realm' run_as_written '1. '
ok 'the keys of our services' run_as_written '2. '
ok 'the configuration' run_as_written '3. '
mailroomd 2>> "$system_log" < /dev/null 9>&- &
ok 'mailroomd starts with it' eventually ready 1
ok 'an account' run_as_written '4. '
message 1 > "$work/m"
ok 'mail for it' curl -sS --url smtp://mail.example.org/client.test --mail-from a@client.test --mail-rcpt alice@example.org -T "$work/m"
arrived() { [ "$(find /var/spool/mailroom/mail -path '*/new/*' -type f | wc -l)" = 1 ]; }
ok 'arrives' eventually arrived
ok 'logins: GSSAPI, KPOP, and a password of the KDC' run_as_written '5. '
logins() { grep -oE 'login-succeeded .* mechanism=[A-Za-z]+' "$system_log" | sed 's/.*mechanism=//' | xargs; }
is 'each was by what the page says' "$(logins)" 'GSSAPI GSSAPI kpop PLAIN'
ok 'new keys' run_as_written 'NEW KEYS'
ok 'mailroomd takes them up' eventually grep -q ' reload-done' "$system_log"
ok 'the old ticket and a new one are good' run_as_written '5. '
[ "$failed" = 0 ] || tail -n 30 "$system_log" | diag
finish
