#!/bin/bash
# mr-sandbox keeps its promises: the interface that demo, tests and benchmarks rely on.
. "$(dirname "$0")/lib.sh"

listens() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

start_sandbox --accounts 20 --set 'smtpd.max-errors 7'

names='HOST DOMAIN SMTP_PORT SUBMISSION_PORT SMTPS_PORT OUTGOING_PORT RELAY_PORT POP3_PORT POP3S_PORT IMAP_PORT IMAPS_PORT CAFILE USER1 PASS1 USER2
PASS2 CONFIG PID'
for name in $names; do like "env has $name" "$(cat "$box/env")" "^$name=."; done
for name in SMTP_PORT SUBMISSION_PORT SMTPS_PORT OUTGOING_PORT RELAY_PORT POP3_PORT POP3S_PORT IMAP_PORT IMAPS_PORT; do
    ok "$name accepts connections" listens "${!name}"
done
ok 'PID is a process' alive "$PID"
ok 'the certificate is good for HOST' sh -c \
    "openssl s_client -connect 127.0.0.1:$IMAPS_PORT -CAfile '$CAFILE' -verify_return_error -verify_hostname $HOST < /dev/null"
like '--set is in effect' "$("$build/tools/mr-conf" show "$CONFIG")" '^smtpd.max-errors 7$'

is 'nothing is pending' "$(pending)" 0
is 'accounts are there' "$(tool account list | grep -c '^u00')" 20
ok 'USER1 logs in' pop3 "$USER1" "$PASS1" ''
ok 'USER2 logs in' pop3 "$USER2" "$PASS2" ''
ok 'u0020 logs in with secret' pop3 u0020 secret ''
fails 'and with nothing else' pop3 u0020 secrets ''

message 1 > "$work/m"
ok 'a message goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and arrives' eventually delivered "$USER1" "$PASS1" 1

fails 'a second start is refused' sandbox start
before=$(grep -v ^PID= "$box/env")
ok 'reset while it runs' sandbox reset
is 'keeps everything in env but PID' "$(grep -v ^PID= "$box/env")" "$before"
read_env
ok 'it runs again' listens "$SMTP_PORT"
ok 'all mail is gone' delivered "$USER1" "$PASS1" 0
is 'the queue is empty' "$(pending)" 0
is 'accounts are kept' "$(tool account list | grep -c '^u00')" 20

ok 'a message after the reset' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'arrives' eventually delivered "$USER1" "$PASS1" 1
ok 'stop' sandbox stop
ok 'the process has ended' gone "$PID"
fails 'nothing accepts connections' listens "$SMTP_PORT"
ok 'stop again does nothing' sandbox stop
ok 'reset while it is stopped' sandbox reset
ok 'start again' sandbox start
read_env
ok 'with the same ports' listens "$SMTP_PORT"
ok 'and no mail' delivered "$USER1" "$PASS1" 0
fails 'a wrong directive is refused' "$build/tools/mr-sandbox" start "$work/other" --set 'smtpd.max-erors 7'
fails 'plaintext login is not offered' curl_mail --url "pop3://127.0.0.1:$POP3_PORT/" --user "$USER1:$PASS1"
finish
