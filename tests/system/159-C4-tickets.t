#!/bin/bash
# C4, A5: a device proves its service principal without sending a password: by a ticket from its keytab (GSSAPI), or by SCRAM.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks gsasl curl nsd ldns-signzone krb5kdc kadmin.local kinit

start_relay --kerberos --set 'authd.failure-delay 0s'
P=$DEVICE_PRINCIPAL
export KRB5_CONFIG KRB5CCNAME=FILE:$work/tickets
kdc_admin() { KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" "$@" >> "$work/kadmin" 2>&1; }
IP=$ZONE_NET.16 # no PTR record
printf 'From: %s\r\nTo: %s\r\nSubject: scan\r\n\r\npage 1\r\n' "$office" "$FAR" > "$work/mail"

# ---- by a ticket ----
by_ticket() { # PRINCIPAL [CURL-OPTION...]
    local principal=$1; shift
    curl_mail --interface "$IP" --url "smtp://$HOST:$RELAY_PORT/device.test" --ssl-reqd --login-options AUTH=GSSAPI --user "$principal:" \
        --mail-from "$office" --mail-rcpt "$FAR" -T "$work/mail" "$@"
}
ok 'a device gets a ticket with its keytab' kinit -k -t "$DEVICE_KEYTAB" "$P"
fails 'which is nobody'"'"'s while it is not registered' by_ticket "$P@$REALM"
ok 'it is registered' register scanner1 --principal "$P" --from "$office"
ok 'then it sends' by_ticket "$P@$REALM"
like 'by the rule for devices' "$(last_rule)" 'rule=device-to-anybody.*device-login=yes'
ok 'and the mail arrives' eventually arrived 1
fails 'but nothing without TLS' curl -sS --max-time 30 --interface "$IP" --url "smtp://$HOST:$RELAY_PORT/device.test" \
    --login-options AUTH=GSSAPI --user "$P@$REALM:" --mail-from "$office" --mail-rcpt "$FAR" -T "$work/mail"
kdc_admin addprinc -randkey smtp-relay/other.example.edu
kdc_admin ktadd -k "$work/other.keytab" smtp-relay/other.example.edu
kinit -k -t "$work/other.keytab" smtp-relay/other.example.edu
fails 'another principal of the service is not a device' by_ticket "smtp-relay/other.example.edu@$REALM"
kinit "$USER1" <<< "$PASS1" > /dev/null
fails 'nor is a person, here' by_ticket "$USER1@$REALM"

# ---- by SCRAM ----
gnu() { # MECHANISM PASSWORD
    gsasl --client --smtp "--connect=$HOST:$RELAY_PORT" "--x509-ca-file=$CAFILE" "--mechanism=$1" "--authentication-id=$P" \
        "--password=$2" --quality-of-protection=qop-auth < /dev/null
}
ok 'it has a password here' set_password scanner1 "$P"
ok 'which it proves for this connection alone' gnu SCRAM-SHA-256-PLUS "$SECRET"
ok 'the log says so' eventually log_has "login-succeeded .*account=$P mechanism=SCRAM-SHA-256-PLUS"
fails 'and no other' gnu SCRAM-SHA-256-PLUS wrong
ok 'it is removed' device remove scanner1 --why test
fails 'and nobody any more' gnu SCRAM-SHA-256-PLUS "$SECRET"
kinit -k -t "$DEVICE_KEYTAB" "$P"
fails 'by its ticket neither' by_ticket "$P@$REALM"
finish
