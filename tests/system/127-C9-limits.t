#!/bin/bash
# C9: limits of messages and recipients for each device and day; beyond them 450, and the operator sees it.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3

start_relay --set 'limit device messages day 2 3' --set 'limit device recipients day 5 6'
go() { at_relay "$ZONE_NET.10" --from "$office" --to "${1:-$FAR}"; }
register copier --dns-name client10.test --from "$office"
register fax --dns-name client11.test --from "$office"
for n in 1 2 3; do
    go
    like "message $n" "$reply" "^$taken"
done
ok 'beyond the soft limit it is logged' eventually log_has 'limit-passed .*scope=device name=copier unit=messages period=day limit=2'
go
like 'beyond the hard one it is refused for a while' "$reply" '^450 4\.7\.28 Too many messages; more are taken from 20.* UTC on'
like 'by its rule' "$(last_rule)" 'rule=message-limit'
go "$USER1@$DOMAIN"
like 'for mail to us too' "$reply" '^450 4\.7\.28 '
at_relay "$ZONE_NET.11" --from "$office" --to "$FAR"
like 'another device is counted by itself' "$reply" "^$taken"
like 'the operator sees it' "$(tool access limits)" 'device +copier +day +messages 3/3 '
ok 'and releases it' tool access release device copier
go a@far.test,b@far.test,c@far.test,d@far.test,e@far.test,f@far.test
like 'six recipients' "$reply" "^$taken"
go
like 'are as many as may be' "$reply" '^450 4\.7\.28 Too many recipients'
ok 'a limit of its own' device edit copier --limit messages/day=20 --limit recipients/day=20 --why 'newsletter day'
go
like 'goes before the general one' "$reply" "^$taken"
like 'and is shown' "$(tool access limits)" 'device +copier +day +messages 2/20 +recipients 7/20'
finish
