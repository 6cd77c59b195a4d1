#!/bin/bash
# C4: a device is known by its service principal and its password, by SMTP AUTH, and only after STARTTLS.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks msmtp nsd ldns-signzone krb5kdc kadmin.local strace

start_relay --kerberos --set 'authd.failure-delay 0s'
IP=$ZONE_NET.16 # no PTR record
P=smtp-relay/scanner1.example.edu
ok 'a device without a DNS name' register scanner1 --principal "$P" --from "$office"
at_relay "$IP" --from "$office" --to "$FAR"
like 'is nobody without a login' "$reply" '^550 5\.7\.25 '
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'nor with a password that nobody has set' "$reply" '^535 5\.7\.8 '
ok 'its password is set' set_password scanner1 "$P"
fails 'only for its own principals' set_password scanner1 smtp-relay/other
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'with it, it sends' "$reply" "^$taken"
like 'by its rule' "$(last_rule)" 'rule=device-to-anybody.*device-login=yes'
ok 'and the mail arrives' eventually arrived 1
by_login "$IP" "${P^^}" --tls --from "$office" --to "$FAR"
like 'in any spelling' "$reply" "^$taken"
SECRET=wrong by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'not with another password' "$reply" '^535 5\.7\.8 '

# ---- AUTH LOGIN, which is all that many a copier knows ----
by_auth_login() { # PASSWORD
    at_relay "$IP" --tls --auth LOGIN --auth-user "$P" --auth-password "$1" --from "$office" --to "$FAR"
}
by_auth_login "$SECRET"
like 'with AUTH LOGIN too' "$reply" "^$taken"
like 'by that mechanism' "$(grep ' login-succeeded ' "$box/log" | tail -n 1)" "account=$P mechanism=LOGIN"
like 'and as the device' "$(last_rule)" 'rule=device-to-anybody.*device-login=yes.*speaker=scanner1'
by_auth_login wrong
like 'not with another password' "$reply" '^535 5\.7\.8 '
login_in_the_clear() {
    printf 'EHLO c\nAUTH LOGIN\n%s\n%s\nMAIL FROM:<%s>\nRCPT TO:<%s>\nQUIT\n' "$(printf %s "$P" | base64 -w0)" \
        "$(printf %s "$SECRET" | base64 -w0)" "$office" "$FAR" | converse "$RELAY_PORT"
}
in_the_clear=$(login_in_the_clear)
like 'nor without TLS' "$in_the_clear" '^530 5\.7\.0 .*STARTTLS'
unlike 'which no name or password is asked for' "$in_the_clear" '^(334|235)'
unlike 'and nobody sends after it' "$in_the_clear" '^250 2\.1\.5'

# ---- only after STARTTLS ----
plain=$(swaks --server "127.0.0.1:$RELAY_PORT" --local-interface "$IP" --helo c.test --from "$office" --to "$FAR" --quit-after EHLO 2>&1)
unlike 'no login is offered without TLS' "$plain" 'AUTH'
failures=$(grep -c 'login-failed' "$box/log")
like 'and none is taken' "$(printf 'EHLO c\nAUTH PLAIN %s\nQUIT\n' "$(printf '\0%s\0%s' "$P" "$SECRET" | base64 -w0)" | converse "$RELAY_PORT")" '^530 5\.7\.0 .*STARTTLS'
is 'the password did not even reach authd' "$(grep -c 'login-failed' "$box/log")" "$failures"

# ---- another client, which knows nothing of us ----
printf 'From: %s\nTo: %s\nSubject: scan\n\npage 1\n' "$office" "$FAR" > "$work/mail"
ok 'msmtp sends' msmtp --host=127.0.0.1 --port="$RELAY_PORT" --tls=on --tls-trust-file="$CAFILE" --tls-host-override="$HOST" --auth=plain \
    --user="$P" --passwordeval="echo $SECRET" --source-ip="$IP" --from="$office" "$FAR" < "$work/mail"
ok 'and that arrives' eventually arrived 4

# ---- who else ----
at_relay "$IP" --tls --auth PLAIN --auth-user "$USER1" --auth-password "$PASS1" --from "$USER1@$DOMAIN" --to "$FAR"
like 'a person does not log in here' "$reply" '^535 5\.7\.1 '
like 'nor a device elsewhere' "$(swaks --server "127.0.0.1:$SUBMISSION_PORT" --tls --auth PLAIN --auth-user "$P" --auth-password "$SECRET" \
    --from "$office" --to "$FAR" 2>&1)" '535 5\.7\.8 '
ok 'it is suspended' device suspend scanner1 --why test
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'and told so after its login' "$reply" '^550 5\.7\.1 .*suspended'
device resume scanner1 --why test
ok 'it is edited' device edit scanner1 --owner Library --why test
by_login "$IP" "$P" --tls --from "$office" --to nobody@far.test
like 'which leaves its password' "$reply" "^$taken"
ok 'it loses its principal' device edit scanner1 --dns-name x.test --why test
ok 'with its password' bash -c '"$0" --config "$1" edit scanner1 --principal smtp-relay/new --why test' "$build/tools/mr-device" "$CONFIG"
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'and logs in no more' "$reply" '^535 5\.7\.8 '
ok 'it is given back' device edit scanner1 --principal "$P" --why test
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'without the password it had' "$reply" '^535 5\.7\.8 '

# ---- no password outlives its device ----
ok 'a password' set_password scanner1 "$P"
# The tool dies between policyd and authd.
strace -qq -e trace=sendmsg -e inject=sendmsg:signal=KILL:when=2 -o "$work/strace" \
    "$build/tools/mr-device" --config "$CONFIG" remove scanner1 --why test 2> /dev/null
like 'its device is removed, and what it knew is there still' "$(device list --state removed)" '^scanner1 '
printf 'name,principal,from,contact,purpose\nheir,%s,%s,a@b.test,test\n' "$P" "$office" > "$work/heir.csv"
ok 'another one of that principal is imported' device import "$work/heir.csv" --why test
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'and has no password' "$reply" '^535 5\.7\.8 '
ok 'it is given one' set_password heir "$P"
ok 'the import is repeated' device import "$work/heir.csv" --why test
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'which leaves the password' "$reply" "^$taken"
fails 'one that another device has is not taken away' device password scanner1 "$P" --no-password
strace -qq -e trace=sendmsg -e inject=sendmsg:signal=KILL:when=2 -o "$work/strace" \
    "$build/tools/mr-device" --config "$CONFIG" remove heir --why test 2> /dev/null
fails 'one that nobody has is not set' set_password heir "$P"
ok 'but taken away' device password heir "$P" --no-password
ok 'the principal is given to another one' register third --principal "$P" --from "$office"

# Where authd cannot be asked, nothing is done at all.
mv "$box/run/authd.sock" "$box/run/authd.sock.away"
for step in 'edit third --principal smtp-relay/new' 'remove third' 'request other --principal smtp-relay/other --from x@y.test --contact a@b.test --purpose test'; do
    # shellcheck disable=SC2086
    fails "without authd: no ${step%% *}" device $step --why test
done
mv "$box/run/authd.sock.away" "$box/run/authd.sock"
is 'the device is as it was' "$(history_of third)" 'request approve'
fails 'nor is there another one' device show other

# ---- a password that the KDC has ----
export KRB5_CONFIG
KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" addprinc -pw "$SECRET" "$P" > "$work/kadmin" 2>&1
ok 'its password is the KDC'"'"'s' device password third "$P" --kerberos "$P@$REALM"
by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'and logs it in' "$reply" "^$taken"
SECRET=wrong by_login "$IP" "$P" --tls --from "$office" --to "$FAR"
like 'but no other' "$reply" '^535 5\.7\.8 '
finish
