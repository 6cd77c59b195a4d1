#!/bin/bash
# A13: "secure password authentication" (NTLM) is not offered, and an attempt leaves the session usable.
. "$(dirname "$0")/lib.sh"
need_program curl openssl
start_sandbox --set 'authd.failure-delay 0s' --plaintext-login
NTLM='TlRMTVNTUAABAAAABzIAAAYABgArAAAACwALACAAAABXT1JLU1RBVElPTkRPTUFJTg=='
plain() { printf '\0%s\0%s' "$1" "$2" | base64; }

like 'IMAP refuses it, and goes on' \
    "$(printf 'a CAPABILITY\nb AUTHENTICATE NTLM\nc AUTHENTICATE NTLM %s\nd LOGIN %s %s\ne LOGOUT\n' "$NTLM" "$USER1" "$PASS1" |
        converse "$IMAP_PORT" | tr -d '\r' | tr '\n' '|')" 'b NO \[CANNOT\] [^|]*\|c NO \[CANNOT\] [^|]*\|d OK'
like 'POP3 refuses it, and goes on' \
    "$(printf 'AUTH NTLM\nAUTH NTLM %s\nAUTH PLAIN %s\nQUIT\n' "$NTLM" "$(plain "$USER1" "$PASS1")" |
        converse "$POP3_PORT" | tr -d '\r' | tr '\n' '|')" '-ERR Mechanism not supported[^|]*\|-ERR Mechanism not supported[^|]*\|\+OK 0 messages'
like 'SMTP refuses it, and goes on' \
    "$(printf 'EHLO c.test\nAUTH NTLM\nAUTH NTLM %s\nAUTH PLAIN %s\nQUIT\n' "$NTLM" "$(plain "$USER1" "$PASS1")" |
        converse "$SUBMISSION_PORT" | tr -d '\r' | tr '\n' '|')" '504 5\.5\.4 [^|]*\|504 5\.5\.4 [^|]*\|235 '
offers() { printf '%s\n' "$2" | converse "$1"; }
unlike 'IMAP does not offer it' "$(offers "$IMAP_PORT" 'a CAPABILITY')" 'NTLM'
unlike 'SMTP does not offer it' "$(offers "$SUBMISSION_PORT" 'EHLO c.test')" 'NTLM'
unlike 'POP3 does not offer it' "$(printf 'CAPA\nQUIT\n' | { sleep 0.3; cat; sleep 0.3; } |
    openssl s_client -quiet -crlf -connect "127.0.0.1:$POP3S_PORT" 2> /dev/null)" 'NTLM'

# A client that knows nothing else goes away without a password having been sent; the same client without it gets in.
for url in "imaps://$HOST:$IMAPS_PORT/INBOX" "pop3s://$HOST:$POP3S_PORT/" "smtps://$HOST:$SMTPS_PORT/c.test"; do
    fails "curl, told to use NTLM: ${url%%:*}" curl_mail --login-options AUTH=NTLM --user "$USER1:$PASS1" --url "$url"
done
ok 'curl, left to choose' imap "$USER1" "$PASS1" INBOX -X NOOP
unlike 'nothing of it came to authd but the name of the mechanism' "$(cat "$box/log")" 'login-succeeded .*NTLM'
finish
