#!/bin/bash
# A5: passwords that a KDC has (kdcd), verified with the keytab (krbd); each way of failing has its own answer.
. "$(dirname "$0")/lib.sh"
need_program krb5kdc kadmin.local curl swaks openssl
start_sandbox --kerberos --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000' --set 'kerberos.timeout 5s'
export KRB5_CONFIG
kdc_admin() { KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" "$@" > "$work/kadmin" 2>&1; }

login() { # USER PASSWORD: what IMAP says
    local answer
    answer=$(printf 'a LOGIN "%s" "%s"\r\nb LOGOUT\r\n' "$1" "$2" |
        openssl s_client -quiet -connect "127.0.0.1:$IMAPS_PORT" -servername "$HOST" -ign_eof 2> /dev/null)
    grep '^a ' <<< "$answer"
}

by_smtp() { # USER PASSWORD: what SMTP says
    swaks --server "127.0.0.1:$SMTPS_PORT" --tlsc --auth PLAIN --auth-user "$1" --auth-password "$2" --quit-after AUTH 2>&1 |
        sed -nE 's/^<~[~* ] *([0-9]{3} .*)/\1/p' | grep -E '^(235|[45])' | head -n 1
}
by_pop3() { pop3 "$1" "$2" '' -v 2>&1 | grep -E '^< (\+OK|-ERR)' | tail -n 1; } # USER PASSWORD: what POP3 says at last

kdc_admin addprinc -pw carol-in-kerberos carol
ok 'an account whose password the KDC has' tool account add carol --kerberos "carol@$REALM"
like 'it logs in' "$(login carol carol-in-kerberos)" '^a OK'
like 'not with another password' "$(login carol wrong)" '^a NO \[AUTHENTICATIONFAILED\]'
ok 'POP3 too' pop3 carol carol-in-kerberos ''
kdc_admin change_password -pw another carol
like 'the KDC changes it, and it is changed' "$(login carol another)" '^a OK'
like 'the old one is gone' "$(login carol carol-in-kerberos)" '^a NO \[AUTHENTICATIONFAILED\]'

kdc_admin modify_principal -pwexpire yesterday carol
like 'a password that has expired' "$(login carol another)" '^a NO \[EXPIRED\]'
like 'by SMTP' "$(by_smtp carol another)" '^535 5\.7\.8 The password has expired'
like 'by POP3' "$(by_pop3 carol another)" '^< -ERR \[AUTH\] The password has expired'
kdc_admin modify_principal -pwexpire never carol
kdc_admin modify_principal -expire yesterday carol
like 'a principal that has expired' "$(login carol another)" '^a NO \[EXPIRED\]'
like 'by SMTP' "$(by_smtp carol another)" '^535 5\.7\.8 The password has expired'
like 'by POP3' "$(by_pop3 carol another)" '^< -ERR \[AUTH\] The password has expired'
kdc_admin modify_principal -expire never carol
kdc_admin modify_principal -allow_tix carol
like 'a principal that is locked' "$(login carol another)" '^a NO \[AUTHENTICATIONFAILED\]'
like 'by SMTP' "$(by_smtp carol another)" '^535 5\.7\.8 Name or password is wrong'
like 'by POP3' "$(by_pop3 carol another)" '^< -ERR \[AUTH\] Name or password is wrong'
kdc_admin modify_principal +allow_tix carol
like 'and released' "$(login carol another)" '^a OK'
like 'by SMTP' "$(by_smtp carol another)" '^235 '
like 'by POP3' "$(by_pop3 carol another)" '^< \+OK'

# ---- a KDC that is not ours ----
# Another KDC, which knows the principal with a password of its own, but not the key of our service.
kdc_admin change_password -randkey "imap/$HOST"
like 'a ticket that krbd cannot read proves nothing' "$(login carol another)" '^a NO \[AUTHENTICATIONFAILED\]'
kdc_admin ktadd -k "$box/kdc/keytab" "imap/$HOST"
kill -HUP "$PID"
logs_in() { login carol another | grep -q '^a OK'; }
ok 'with the new key it does' eventually logs_in

# ---- no KDC ----
kill "$(cat "$box/kdc/pid")"
like 'no KDC: try again later' "$(login carol another)" '^a NO \[UNAVAILABLE\]'
like 'which delays no account of ours' "$(login "$USER1" "$PASS1")" '^a OK'
like 'SMTP says it its way' "$(swaks --server "127.0.0.1:$SMTPS_PORT" --tlsc --auth PLAIN --auth-user carol --auth-password another \
    --to "$USER1@$DOMAIN" --from "carol@$DOMAIN" 2>&1)" '454 4\.7\.0'
like 'and POP3' "$(pop3 carol another '' -v 2>&1)" '^< -ERR \[SYS/TEMP\]'
finish
