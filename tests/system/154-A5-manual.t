#!/bin/bash
# A5, A6: mailroom-kerberos(7), its commands as they stand there, from an empty KDC to the first logins.
. "$(dirname "$0")/manual.sh"
need_program krb5kdc kadmin.local kdb5_util kinit fetchmail
page=$root/man/mailroom-kerberos.7

# ---- a machine that has never seen Kerberos ----
new_machine
ip address add 192.0.2.88/32 dev lo
empty /etc/krb5kdc /var/lib/krb5kdc
own /etc/krb5.conf ''
own /etc/services "$(grep -v kpop /etc/services 2> /dev/null)"
export KRB5CCNAME=FILE:/tmp/manual/tickets
cat > /etc/mailroom/mailroom.conf <<END
hostname     mail.example.org
domain       example.org
certificate  mail.example.org /etc/mailroom/chain.pem /etc/mailroom/key.pem
listen smtp mx 0.0.0.0:25 starttls
listen pop3  0.0.0.0:995 implicit
listen imap  0.0.0.0:993 implicit
dnsd.forward 127.0.0.1@1
END

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
