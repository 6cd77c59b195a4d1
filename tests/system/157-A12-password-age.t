#!/bin/bash
# A12: passwords that the system keeps become too old: a warning before, a refusal with its own code after, a tool that sets another.
. "$(dirname "$0")/lib.sh"
need_program curl swaks gsasl
start_sandbox --set 'authd.failure-delay 0s' --set 'authd.password-max-age 400d'
set_age() { # DIRECTIVE VALUE
    sed -i "/^authd.$1 /d" "$box/mailroom.conf"
    echo "authd.$1 $2" >> "$box/mailroom.conf"
    reloads=$(grep -c ' reload-done' "$box/log")
    kill -HUP "$PID"
    eventually reloaded
}
reloaded() { [ "$(grep -c ' reload-done' "$box/log")" -gt "$reloads" ]; }
smtp() { swaks --server "127.0.0.1:$SMTPS_PORT" --tlsc --auth PLAIN --auth-user "$USER1" --auth-password "$1" --quit-after AUTH \
    --from "$USER1@$DOMAIN" --to "$USER1@$DOMAIN" 2>&1; }
say_imap() { imap "$USER1" "$1" INBOX -X NOOP -v 2>&1 | sed -n 's/^< //p'; }
say_pop3() { pop3 "$USER1" "$1" '' -v 2>&1 | sed -n 's/^< //p'; }
by_scram() {
    gsasl --client --imap "--connect=$HOST:$IMAP_PORT" "--x509-ca-file=$CAFILE" --mechanism=SCRAM-SHA-256-PLUS \
        "--authentication-id=$USER1" "--password=$1" --quality-of-protection=qop-auth < /dev/null 2>&1
}

# ---- new ----
like 'mr-account shows until when it is good' "$(tool account show "$USER1")" '^expires +20[0-9-]+T'
like 'and for programs' "$(tool account --json show "$USER1")" '"expires": "20'
unlike 'a new password is not spoken of' "$(say_imap "$PASS1")" 'expires'

# ---- near its end ----
ok 'the time to warn has come' set_age password-warning 400d
like 'IMAP shows an alert' "$(say_imap "$PASS1")" '^\* OK \[ALERT\] Your password expires in 400 days; change it soon'
like 'and logs in' "$(say_imap "$PASS1")" '^A[0-9]+ OK \[CAPABILITY'
like 'POP3 says it with its success' "$(say_pop3 "$PASS1")" '^\+OK 0 messages\. Your password expires in 400 days'
like 'SMTP too' "$(smtp "$PASS1")" '235 2\.7\.0 Your password expires in 400 days'
ok 'the log has it' eventually log_has "password-expires .*account=$USER1 days=400"
ok 'by SCRAM one logs in as well' by_scram "$PASS1"

# ---- past it ----
ok 'passwords of some seconds are too old' set_age password-max-age 1s
sleep 1.5
like 'IMAP: expired' "$(say_imap "$PASS1")" '^A[0-9]+ NO \[EXPIRED\]'
like 'POP3: expired' "$(say_pop3 "$PASS1")" '^-ERR \[AUTH\] The password has expired; change it first'
like 'SMTP: expired' "$(smtp "$PASS1")" '535 5\.7\.8 The password has expired; change it first'
like 'SCRAM: expired' "$(by_scram "$PASS1")" 'EXPIRED'
like 'who does not have it is told what others are' "$(say_imap wrong)" '^A[0-9]+ NO \[AUTHENTICATIONFAILED\]'
ok 'the log says why' eventually log_has "login-failed .*account=$USER1 .*reason=expired"

# ---- changed ----
ok 'the age is a year again' set_age password-max-age 365d
ok 'mr-account sets another' tool account passwd "$USER1" --password-stdin <<< 'a better password'
unlike 'which is not spoken of' "$(set_age password-warning 7d; say_imap 'a better password')" 'expires'
like 'and logs in' "$(say_imap 'a better password')" '^A[0-9]+ OK \[CAPABILITY'
like 'the old one is wrong' "$(say_imap "$PASS1")" '^A[0-9]+ NO \[AUTHENTICATIONFAILED\]'
fails 'a password that is too short is none' tool account passwd "$USER1" --password-stdin <<< short
finish
