#!/bin/bash
# A logged-in user sends to a colleague, as itself and to local recipients only, and only over TLS.
. "$(dirname "$0")/lib.sh"
need_program curl swaks

start_sandbox
me=$USER1@$DOMAIN
colleague=$USER2@$DOMAIN
message 1 | sed -e "s/^From: .*/From: $me\r/" -e 's/^Subject:/Date: Sun, 22 Nov 2026 01:02:03 +0000\r\n&/' > "$work/m"
swaks_tls() { # by STARTTLS, logged in
    swaks --server 127.0.0.1 --port "$SUBMISSION_PORT" --helo client.test --timeout "$patience" --tls \
        --tls-ca-path "$CAFILE" --auth-user "$USER1" --auth-password "$PASS1" "$@" 2>&1
}

ok 'implicit TLS' submit "$USER1" "$PASS1" "$me" "$colleague" "$work/m"
ok 'arrives' eventually delivered "$USER2" "$PASS2" 1
pop3 "$USER2" "$PASS2" 1 > "$work/got"
ok 'byte for byte' cmp <(without_trace < "$work/got") "$work/m"
like 'Received says ESMTPSA' "$(head -n 8 "$work/got" | tr -d '\r\n')" 'with ESMTPSA'

for mechanism in PLAIN LOGIN; do
    like "STARTTLS and AUTH $mechanism" "$(swaks_tls --auth "$mechanism" --from "$me" --to "$colleague" --h-From "$me")" \
        '^<~  250 2\.0\.0 '
done
ok 'both arrive' eventually delivered "$USER2" "$PASS2" 3

like 'no AUTH before TLS' "$(printf 'EHLO c.test\nQUIT\n' | converse "$SUBMISSION_PORT")" '^250'
unlike 'it is not offered' "$(printf 'EHLO c.test\nQUIT\n' | converse "$SUBMISSION_PORT")" 'AUTH'
like 'and refused' "$(printf 'EHLO c.test\nAUTH PLAIN AGEAYg==\nQUIT\n' | converse "$SUBMISSION_PORT")" '^538 5\.7\.11 |^530 5\.7\.0 '
like 'MAIL before login' "$(printf 'EHLO c.test\nMAIL FROM:<a@c.test>\nQUIT\n' | converse "$SUBMISSION_PORT")" '^530 5\.7\.[01] '
like 'a wrong password' "$(swaks_tls --auth-password wrong --from "$me" --to "$colleague")" '^<~\* 535 5\.7\.8 '
like 'someone else as sender' "$(swaks_tls --from "$USER2@$DOMAIN" --to "$colleague")" '^<~\* 55[03] 5\.7\.1 '
like 'someone else as From' "$(swaks_tls --from "$me" --h-From "$USER2@$DOMAIN" --to "$colleague")" '^<~\* 55[0-9] 5\.7\.1 '
like 'someone elsewhere as recipient' "$(swaks_tls --from "$me" --to x@elsewhere.test --h-From "$me")" '^<~  250 '
ok 'a detail of the own address' submit "$USER1" "$PASS1" "$USER1+x@$DOMAIN" "$colleague" "$work/m"

# An alias is one's own address.
ok 'mr-account alias' tool account alias set "first.last@$DOMAIN" "$USER1"
sed "s/^From: .*/From: first.last@$DOMAIN\r/" "$work/m" > "$work/alias"
ok 'an alias as sender' submit "$USER1" "$PASS1" "first.last@$DOMAIN" "$colleague" "$work/alias"
ok 'an alias as recipient' send a@client.test "first.last@$DOMAIN" "$work/m"
ok 'arrives, beside the report on the domain that is not there' eventually delivered "$USER1" "$PASS1" 2

# ---- an account that is switched off ----
ok 'disable' tool account disable "$USER1"
fails 'cannot submit' submit "$USER1" "$PASS1" "$me" "$colleague" "$work/m"
fails 'cannot read' pop3 "$USER1" "$PASS1" ''
ok 'enable' tool account enable "$USER1"
ok 'submits again' submit "$USER1" "$PASS1" "$me" "$colleague" "$work/m"
ok 'a new password' sh -c "echo another-secret | '$build/tools/mr-account' --config '$CONFIG' passwd $USER1 --password-stdin"
fails 'the old one is refused' submit "$USER1" "$PASS1" "$me" "$colleague" "$work/m"
ok 'the new one is good' submit "$USER1" another-secret "$me" "$colleague" "$work/m"
finish
