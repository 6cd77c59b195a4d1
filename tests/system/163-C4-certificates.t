#!/bin/bash
# C4, A5: a device proves its service principal with a client certificate.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
. "$here/authority.sh"
. "$here/certificates.sh"
need_program swaks openssl curl nsd ldns-signzone
make_authority
client_certificate scanner DNS:scanner1.dev.sandbox.test
client_certificate other DNS:scanner2.dev.sandbox.test
client_certificate outside DNS:scanner1.elsewhere.test
client_certificate person email:alice@sandbox.test
start_relay --client-certificates --set 'authd.failure-delay 0s' --set "client-certificate.authorities $work/ca/ca.pem" \
    --set 'client-certificate.account dns *.dev.sandbox.test smtp-relay/*.example.edu'

P=smtp-relay/scanner1.example.edu
IP=$ZONE_NET.16 # no PTR record
printf 'From: %s\r\nTo: %s\r\nSubject: scan\r\n\r\npage 1\r\n' "$office" "$FAR" > "$work/mail"
scan() { # NAME [CURL-OPTION...]
    local name=$1; shift
    by_certificate "$name" "$P" "smtp://$HOST:$RELAY_PORT/device.test" --ssl-reqd --interface "$IP" \
        --mail-from "$office" --mail-rcpt "$FAR" -T "$work/mail" "$@"
}
fails 'a certificate is nobody while no device has its principal' scan scanner
ok 'it is registered' register scanner1 --principal "$P" --from "$office"
ok 'then it sends' scan scanner
like 'by the rule for devices' "$(last_rule)" 'rule=device-to-anybody.*device-login=yes'
ok 'and the mail arrives' eventually arrived 1
ok 'the log says by what' eventually log_has "login-succeeded .*account=$P mechanism=EXTERNAL"
fails 'not with the certificate of another device' scan other
fails 'nor of another domain' scan outside
fails 'nor of a person' scan person
fails 'nor with TLS 1.2' scan scanner --tls-max 1.2
fails 'nor without one' curl_mail --url "smtp://$HOST:$RELAY_PORT/device.test" --ssl-reqd --interface "$IP" --login-options AUTH=EXTERNAL \
    --user "$P:" --mail-from "$office" --mail-rcpt "$FAR" -T "$work/mail"
ok 'it is suspended' device suspend scanner1 --why test
fails 'and sends no more' scan scanner
like 'with the reason, after its login' "$(tail -n 40 "$box/log")" 'suspended'
device resume scanner1 --why test
ok 'it is resumed' scan scanner
ok 'it is removed' device remove scanner1 --why test
fails 'and nobody any more' scan scanner
is 'what was refused was sent nowhere' "$(find "$FAR_DIR" -name '*.eml' | wc -l)" 2
finish
