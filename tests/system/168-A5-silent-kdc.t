#!/bin/bash
# A5: a KDC that says nothing: who waits for it is bounded, and delays nobody whose password is kept here.
. "$(dirname "$0")/lib.sh"
need_program krb5kdc kadmin.local openssl
start_sandbox --kerberos --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000' --set 'kerberos.logins 1' --set 'kerberos.timeout 60s'
export KRB5_CONFIG
kdc=$(cat "$box/kdc/pid")
on_exit() { local status=$?; kill -CONT "$kdc" 2> /dev/null; (exit "$status"); cleanup; } # one that is stopped does not hear that it is to end
trap on_exit EXIT

login() { # USER PASSWORD: what IMAP says
    printf 'a LOGIN "%s" "%s"\r\nb LOGOUT\r\n' "$1" "$2" |
        openssl s_client -quiet -connect "127.0.0.1:$IMAPS_PORT" -servername "$HOST" -ign_eof 2> /dev/null | grep '^a '
}
KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" addprinc -pw carol-in-kerberos carol > "$work/kadmin" 2>&1
ok 'an account whose password the KDC has' tool account add carol --kerberos "carol@$REALM"
like 'it logs in' "$(login carol carol-in-kerberos)" '^a OK'

kill -STOP "$kdc"
for i in 1 2 3 4 5 6 7; do # one is asked about at a time; four more may wait for it
    login carol carol-in-kerberos > "$work/answer.$i" &
done
answers() { cat "$work"/answer.* | grep -cE -- "$1"; }
two_are_refused() { [ "$(answers 'UNAVAILABLE')" = 2 ]; }
ok 'of seven logins two are told to try again, at once' eventually two_are_refused
for i in 1 2 3; do
    like "a password that is kept here ($i)" "$(login "$USER1" "$PASS1")" '^a OK'
    like "and a wrong one ($i)" "$(login "$USER1" wrong)" 'AUTHENTICATIONFAILED'
done
is 'the five still wait' "$(answers .)" 2
kill -CONT "$kdc"
five_are_in() { [ "$(answers '^a OK')" = 5 ]; }
ok 'and are in when the KDC speaks' eventually five_are_in
like 'then another is asked about' "$(login carol wrong)" AUTHENTICATIONFAILED
finish
