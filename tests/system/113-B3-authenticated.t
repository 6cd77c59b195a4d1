#!/bin/bash
# B3: authenticated submission from anywhere with stock clients: ports with STARTTLS and implicit TLS, and the outgoing server.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks curl msmtp

start_sandbox
me=$USER1@$DOMAIN AWAY=127.0.5.8
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
for port in "$SUBMISSION_PORT" "$OUTGOING_PORT"; do
    first='^550 5\.7\.1 .*turn on authentication'
    [ "$port" = "$OUTGOING_PORT" ] || first='^530 5\.7\.0 Log in first'
    PORT=$port as_client "$AWAY" --tls --auth PLAIN --auth-user "$USER1" --auth-password "$PASS1" --from "$me" --h-From "$me" \
        --to someone@elsewhere.test
    like "swaks with STARTTLS at port $port" "$reply" "^$taken"
    PORT=$port as_client "$AWAY" --from "$me" --to someone@elsewhere.test
    like "without a login it is refused" "$reply" "$first"
done
ok 'curl with implicit TLS' curl_mail --interface "$AWAY" --insecure --url "smtps://127.0.0.1:$SMTPS_PORT/client.test" \
    --user "$USER1:$PASS1" --mail-from "$me" --mail-rcpt someone@elsewhere.test -T "$work/m"
cat > "$work/msmtprc" <<END
account default
host $HOST
port $OUTGOING_PORT
tls on
tls_starttls on
tls_trust_file $CAFILE
auth on
user $USER1
password $PASS1
from $me
END
chmod 600 "$work/msmtprc"
ok 'msmtp at the outgoing server' sh -c "tr -d '\r' < '$work/m' | msmtp -C '$work/msmtprc' someone@elsewhere.test"
like 'no login is offered in the clear' "$(printf 'EHLO c.test\nAUTH PLAIN AGEAYg==\nQUIT\n' | converse "$OUTGOING_PORT")" '^530 5\.7\.0 '
finish
