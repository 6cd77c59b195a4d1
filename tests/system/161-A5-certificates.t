#!/bin/bash
# A5, C4: mailroom-certificates(7), its commands as they stand there, from no authority to the first logins and a revocation.
. "$(dirname "$0")/manual.sh"
need_program msmtp
page=$root/man/mailroom-certificates.7

new_machine
cat > /etc/mailroom/mailroom.conf <<END
hostname     mail.example.org
domain       example.org
certificate  mail.example.org /etc/mailroom/chain.pem /etc/mailroom/key.pem
listen smtp mx 0.0.0.0:25 starttls
dnsd.forward 127.0.0.1@1
END
own /etc/ssl/certs/ca-certificates.crt "$(cat /etc/mailroom/chain.pem)"

ok 'an authority' run_as_written '1. '
ok 'the configuration' run_as_written '2. '
mailroomd 2>> "$system_log" < /dev/null 9>&- &
mailroomd=$!
ok 'mailroomd starts with it' eventually ready 1
ok 'a person logs in' run_as_written '3. '
ok 'a device sends' run_as_written '4. '
arrived() { [ "$(find /var/spool/mailroom/mail -path '*/new/*' -type f | wc -l)" = 1 ]; }
ok 'its mail arrives' eventually arrived
logins() { grep -oE 'login-succeeded .* account=[^ ]* mechanism=[A-Za-z]+' "$system_log" | sed 's/.*account=//' | xargs; }
is 'each was by what the page says' "$(logins)" 'alice mechanism=EXTERNAL smtp-relay/scanner1 mechanism=EXTERNAL'
ok 'a certificate is revoked' run_as_written '5. '
kill -HUP "$mailroomd"
ok 'mailroomd is told' eventually grep -q ' reload-done' "$system_log"
fails 'it is good no more' curl --cert /etc/mailroom/clients/alice.pem --key /etc/mailroom/clients/alice-key.pem \
    --login-options AUTH=EXTERNAL --user alice: imaps://mail.example.org/INBOX
ok 'the log says why' eventually grep -q 'certificate-refused .*revoked' "$system_log"
[ "$failed" = 0 ] || tail -n 30 "$system_log" | diag
finish
