#!/bin/bash
# A7: services are switched on for each account; each login path of each service asks.
. "$(dirname "$0")/lib.sh"
need_program curl gsasl mpop swaks
start_sandbox --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000'
gnu() { # PROTOCOL PORT
    gsasl --client --no-cb "--$1" "--connect=$HOST:$2" "--x509-ca-file=$CAFILE" --mechanism=SCRAM-SHA-256 "--authentication-id=dora" \
        --password=dora-secret --quality-of-protection=qop-auth < /dev/null
}
message 1 > "$work/m"
sed -i "s/^From: .*/From: dora@$DOMAIN\r/" "$work/m"
by_imap() { imap dora dora-secret INBOX -X NOOP && gnu imap "$IMAP_PORT"; }
by_pop() {
    mpop --host="$HOST" --port="$POP3S_PORT" --tls=on --tls-starttls=off --tls-trust-file="$CAFILE" --user=dora \
        --passwordeval='echo dora-secret' --delivery=mbox,"$work/mbox" --uidls-file="$work/uidls" --auth=user --file=/dev/null
}
by_submission() { submit dora dora-secret "dora@$DOMAIN" "$USER1@$DOMAIN" "$work/m" && gnu smtp "$SUBMISSION_PORT"; }

tool account add dora --services none --password-stdin <<< dora-secret
expect() { # SERVICES IMAP POP SUBMISSION: ok or fails
    [ "$1" = none ] || tool account services dora "$1"
    "$2" "$1: IMAP" by_imap
    "$3" "$1: POP3" by_pop
    "$4" "$1: submission" by_submission
}
expect none fails fails fails
expect pop fails ok fails
expect imap ok fails fails
expect submission fails fails ok
expect pop,imap,submission ok ok ok

# Without it the answer says what is off, to who has the password, and nothing to others.
tool account services dora submission
like 'IMAP says that it is not granted' "$(imap dora dora-secret INBOX -v 2>&1)" '< A[0-9]+ NO \[AUTHORIZATIONFAILED\] This account may not use IMAP'
like 'POP3 too' "$(pop3 dora dora-secret '' -v 2>&1)" '< -ERR \[SYS/PERM\] This account may not use POP3'
like 'a wrong password hears nothing of it' "$(imap dora wrong INBOX -v 2>&1)" '< A[0-9]+ NO \[AUTHENTICATIONFAILED\]'
tool account services dora pop
like 'SMTP too' "$(swaks --server "127.0.0.1:$SMTPS_PORT" --tlsc --auth PLAIN --auth-user dora --auth-password dora-secret \
    --from "dora@$DOMAIN" --to "$USER1@$DOMAIN" --quit-after AUTH 2>&1)" '535 5\.7\.1 This account may not send'
finish
