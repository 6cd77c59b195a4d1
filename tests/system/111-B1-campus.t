#!/bin/bash
# B1: campus networks send through the outgoing server without a login; nobody else does (B5).
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks

start_sandbox
CAMPUS=127.0.2.5 HOME_IP=127.0.5.5
as_client 127.0.0.1 --from "$USER1@$DOMAIN" --to someone@elsewhere.test
like 'loopback is not trusted by itself' "$reply" '550 5\.7\.1 '
as_client "$CAMPUS" --from any@campus-host.test --to someone@elsewhere.test
like 'a campus host sends anywhere' "$reply" "^$taken"
like 'by its rule' "$(last_rule)" 'rule=campus-to-anybody'
as_client "$CAMPUS" --from any@campus-host.test --to "$USER2@$DOMAIN"
like 'and to ourselves' "$reply" "^$taken"
ok 'which arrives' eventually delivered "$USER2" "$PASS2" 1
as_client "$CAMPUS" --from "nobody-there@$DOMAIN" --to someone@elsewhere.test
like 'not as somebody of ours who is not there' "$reply" '550 5\.1\.8 '
as_client "$HOME_IP" --from "$USER1@$DOMAIN" --to someone@elsewhere.test
like 'a host elsewhere does not' "$reply" '550 5\.7\.1 .*check your mail first, or turn on authentication'
as_client "$HOME_IP" --from x@elsewhere.test --to "$USER1@$DOMAIN"
like 'mail for us is taken from everywhere' "$reply" "^$taken"
like 'the mx relays for a campus host as little' \
    "$(swaks --server "127.0.0.1:$SMTP_PORT" --local-interface "$CAMPUS" --from a@b.test --to c@elsewhere.test 2>&1)" '550 5\.7\.1 Relaying refused'

# ---- a reload changes who is campus ----
sed -i 's/^network campus .*/network campus 127.0.5.0\/24/' "$CONFIG"
kill -HUP "$PID"
ok 'the configuration is read' eventually log_has 'reload-done'
as_client "$HOME_IP" --from x@y.test --to someone@elsewhere.test
like 'the new network sends' "$reply" "^$taken"
as_client "$CAMPUS" --from x@y.test --to someone@elsewhere.test
like 'the old one no more' "$reply" '550 5\.7\.1 '
finish
