#!/bin/bash
# C2: to addresses elsewhere only a registered device may send, and what it sends arrives.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks curl nsd ldns-signzone python3

start_relay
IP=$ZONE_NET.10 # client10.test
at_relay "$IP" --from "$office" --to "$FAR"
like 'a client that is not registered sends nothing elsewhere' "$reply" '^550 5\.7\.1 .*only registered devices .*555-0100'
at_relay "$IP" --from any@devices.test --to "$USER2@$DOMAIN"
like 'to us it does' "$reply" "^$taken"
for form in "x%far.test@$DOMAIN" "far.test!x@$DOMAIN" '@far.test:x@elsewhere.test' 'x@[192.0.2.1]' '"x@far.test"'; do
    at_relay "$IP" --from any@devices.test --to "$form"
    unlike "nor by way of $form" "$reply" '^250'
done

ok 'it is registered' register copier --dns-name client10.test --from "$office"
at_relay "$IP" --from "$office" --to "$FAR"
like 'a registered one does' "$reply" "^$taken"
like 'by its rule' "$(last_rule)" 'rule=device-to-anybody'
ok 'and its mail arrives' eventually arrived 1
message 7 | sed "s/^From: .*/From: $office\r/" > "$work/m"
ok 'as with another client' curl_mail --interface "$IP" --url "smtp://127.0.0.1:$RELAY_PORT/copier" --mail-from "$office" --mail-rcpt "$FAR" -T "$work/m"
ok 'it arrives too' eventually arrived 2
like 'the log says whose it is' "$(last_rule)" 'speaker=copier'
at_relay "$ZONE_NET.11" --from "$office" --to "$FAR"
like 'a neighbour does not' "$reply" '^550 5\.7\.1 .*only registered'
ok 'it is removed' device remove copier --why 'scrapped'
at_relay "$IP" --from "$office" --to "$FAR"
like 'and sends nothing any more' "$reply" '^550 5\.7\.1 .*only registered'
finish
