#!/bin/bash
# A5: a pop3d that has been taken over has the handshake of a client with a certificate, and tries to log in with it in another
# connection: nothing that keyd signs there makes it good.
. "$(dirname "$0")/lib.sh"
. "$here/authority.sh"
. "$here/certificates.sh"
need_root
need_program python3 openssl nc
make_authority
client_certificate alice email:alice@sandbox.test
start_sandbox --client-certificates --set 'authd.failure-delay 0s' --set "client-certificate.authorities $work/ca/ca.pem"
ln -sfn "$build/tests/authority/hostile_pop3d" "$box/libexec/pop3d"
kill -HUP "$PID"
ok 'the configuration is read' eventually log_has 'reload-done'
twin_runs() { [ "$(echo hello | timeout 20 nc -N 127.0.0.1 "$POP3_PORT")" = 'no such attempt' ]; }
ok 'a hostile twin runs' eventually twin_runs

report_of "$here/hostile_handshakes.py" "$POP3_PORT" "$CAFILE" "$work/ca/alice.pem" "$work/ca/alice.key" "$HOST"
because() { ok "logged: $1" eventually log_has "certificate-refused .*$1"; }
because 'no handshake was signed for this connection'
because 'not the signature that was made in this connection'
because "not signed with the certificate's key"
is 'a connection has one signer' "$(echo open-two-signers | timeout 60 nc -N 127.0.0.1 "$POP3_PORT")" 'signed then no keyd'
ok 'and who wants another is reported' eventually log_has ' peer-misbehaved .*wants a second signer'
is 'one login in all' "$(grep -c ' login-succeeded ' "$box/log")" 1
finish
