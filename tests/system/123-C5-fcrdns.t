#!/bin/bash
# C5: a device is known by forward-confirmed reverse DNS; what lacks is said in words.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3

start_relay --set 'dnsd.timeout 3s'
go() { at_relay "$ZONE_NET.$1" --from "$office" --to "${2:-$FAR}"; } # CLIENT [RECIPIENT]
for n in 10 11 12 13 14 16; do register "device$n" --dns-name "client$n.test" --from "$office" || missed "device$n"; done
go 10
like 'a name that leads back: its device' "$reply" "^$taken"
go 11
like 'the right one of several names' "$reply" "^$taken"
go 13
like 'a name behind an alias' "$reply" "^$taken"
go 12
like 'a name without address' "$reply" '^550 5\.7\.25 The name of your address \(PTR record\) has no address'
like 'by its rule' "$(last_rule)" 'rule=reverse-name-unresolved'
go 14
like 'a name that leads elsewhere' "$reply" '^550 5\.7\.25 The name of your address \(PTR record\) leads to another'
like 'by its rule' "$(last_rule)" 'rule=reverse-name-elsewhere'
go 16
like 'no name' "$reply" '^550 5\.7\.25 Your address has no name in the DNS \(no PTR record\)'
like 'by its rule' "$(last_rule)" 'rule=reverse-name-absent'
go 15
unlike 'a name that is none' "$reply" '^250'
go 16 "$USER1@$DOMAIN"
like 'mail for us needs no name' "$reply" "^$taken"
ok 'a device whose name is another now' device edit device10 --dns-name elsewhere.test --why moved
go 10
like 'is not registered' "$reply" '^550 5\.7\.1 .*only registered'
device edit device10 --dns-name client10.test --network "$ZONE_NET.0/28" --why 'moved back'
go 10
like 'nor one in its networks refused' "$reply" "^$taken"
device edit device10 --network 192.0.2.0/24 --why 'another floor'
go 10
like 'outside of them it is' "$reply" '^550 5\.7\.1 .*registered for other networks'
text=$(tool access explain --listener relay --client "$ZONE_NET.11" --from "$office" --to "$FAR")
like 'explained: by which device' "$text" '^ +device +active +by the name client11\.test; device device11'
like 'and its name' "$text" '^ +reverse-name +confirmed'

# ---- no DNS ----
server=$(cat "$box/zone/nsd.pid")
kill "$server"
ok 'the name server has gone' eventually gone "$server"
go 9
like 'when the DNS fails it is tried again later' "$reply" '^450 4\.4\.3 '
like 'and never taken for no name' "$(last_rule)" 'rule=reverse-name-unknown'
finish
