#!/bin/bash
# C7: a device sends as its registered addresses, which can receive reports; not as nobody, and not as a person.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone

start_relay
IP=$ZONE_NET.10 person=$USER1@$DOMAIN
go() { at_relay "$IP" --from "$1" --to "${2:-$FAR}" --h-From "${3:-$office}"; } # SENDER [RECIPIENT [FROM]]
ok 'a device' register copier --dns-name client10.test --from "$office" --from copier@devices.test --from "$person" --from "gone@$DOMAIN"
go "$office"
like 'sends as an office' "$reply" "^$taken"
go copier@devices.test "$FAR" copier@devices.test
like 'as an address elsewhere that it has registered' "$reply" "^$taken"
go "${office/@/+room12@}"
like 'with a detail' "$reply" "^$taken"
go other@devices.test
like 'not as an address that it has not' "$reply" '^550 5\.7\.1 .*registered with, such as <'
like 'by its rule' "$(last_rule)" 'rule=device-sender-not-own'
go other@devices.test "$USER2@$DOMAIN"
like 'to us neither' "$reply" '^550 5\.7\.1 .*registered with'
go '<>'
like 'not as the null sender' "$reply" '^550 5\.7\.1 Devices must give a sender'
like 'by its rule' "$(last_rule)" 'rule=device-null-sender'
go '<>' "$USER2@$DOMAIN"
like 'to us neither' "$reply" '^550 5\.7\.1 Devices must give a sender'
go "gone@$DOMAIN" "$FAR" "gone@$DOMAIN"
like 'not as an address of ours that nobody has' "$reply" '^550 5\.1\.8 .*no report could reach it'
go "$person" "$FAR" "$person"
like 'not as a person, even when that is registered' "$reply" '^550 5\.7\.1 Devices may not send as a person'
like 'by its rule' "$(last_rule)" 'rule=personal-sender'
ok 'unless it is allowed' device edit copier --personal-senders yes --why 'the dean'"'"'s own printer'
go "$person" "$FAR" "$person"
like 'which it is then' "$reply" "^$taken"
fails 'a whole domain is no sender' device edit copier --from @devices.test --why test
go "$office" "$FAR" "$USER2@$DOMAIN"
like 'nor is From: anybody else' "$reply" '^550 5\.7\.1 '
at_relay "$ZONE_NET.16" --from "$person" --to "$USER2@$DOMAIN"
like 'nobody at the relay is a person' "$reply" '^550 5\.7\.1 Devices may not send as a person'
at_relay "$ZONE_NET.16" --from x@elsewhere.test --to "$USER2@$DOMAIN"
like 'others to us send as what they are' "$reply" "^$taken"
finish
