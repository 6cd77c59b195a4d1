#!/bin/bash
# C3: request, approve, active, suspended, released, removed; each step dated, with who and why.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3

start_relay
IP=$ZONE_NET.10
send_one() { at_relay "$IP" --from "$office" --to "$FAR"; }
ok 'a request' device request Scanner1 --dns-name Client10.Test --from "$office" --contact "$USER1@$DOMAIN" --contact "$USER2@$DOMAIN" \
    --purpose 'Copier of the library' --owner Library --can-log-in no --volume 50 --review 2020-01-31 --who alice --why 'ticket 4711'
show=$(device show scanner1)
like 'is shown with what it is for' "$show" '^purpose +Copier of the library'
like 'that it cannot log in' "$show" '^can-log-in +no'
like 'and its state' "$show" '^state +requested'
send_one
like 'it may not send yet' "$reply" '^550 5\.7\.1 .*not approved yet; please ask the help desk'
fails 'a step that cannot be is refused' device resume scanner1 --why 'too soon'
fails 'no step without a reason' device approve scanner1
ok 'approved' device approve scanner1 --who bob --why 'seen by the network team'
send_one
like 'it sends' "$reply" "^$taken"
ok 'suspended' device suspend scanner1 --who carol --why 'sends too much'
send_one
like 'it is told whom to ask' "$reply" '^550 5\.7\.1 .*suspended.*the help desk, 555-0100'
at_relay "$IP" --from "$office" --to "$USER1@$DOMAIN"
like 'for mail to us too' "$reply" '^550 5\.7\.1 .*suspended'
like 'listed by its state' "$(device list --state suspended)" '^scanner1 '
is 'and by no other' "$(device list --state active)" ''
ok 'released' device resume scanner1 --who bob --why 'mended'
send_one
like 'it sends again' "$reply" "^$taken"
ok 'changed' device edit scanner1 --purpose 'Copier of the chapel' --who bob --why 'moved'
fails 'a change that changes nothing' device edit scanner1 --purpose 'Copier of the chapel' --why 'again'
ok 'a list is replaced' device edit scanner1 --limit messages/day=0 --contact new@b.test --quirk bare-lf --quirk any-helo --why 'moved'
is 'by what is given' "$(device show scanner1 | grep -cE '^(limit +messages/day=0|contact +new@b.test|quirk .*)$') $(device show scanner1 | grep -c '^contact')" '4 1'
ok 'an empty value takes fields away' device edit scanner1 --limit '' --quirk '' --owner '' --why 'moved'
unlike 'all of them' "$(device show scanner1)" '^(limit|quirk|owner) '
fails 'but not the last sender address' device edit scanner1 --from '' --why 'moved'
fails 'another device of the same DNS name' device request other --dns-name client10.test --from "$office" --contact a@b.test --purpose x --why y
ok 'a request that is' device request other --dns-name other.test --from "$office" --contact a@b.test --purpose x --why y
ok 'rejected' device reject other --why 'a home printer'
ok 'removed' device remove scanner1 --who dave --why 'scrapped'
send_one
like 'it is known no more' "$reply" '^550 5\.7\.1 .*only registered'
ok 'its name is free for another' register heir --dns-name client10.test --from "$office"
like 'the history names each step' "$(history_of scanner1)" '^request approve suspend resume edit edit edit remove$'
steps=$(device history scanner1)
like 'with its date, who and why' "$steps" '^20[0-9-]+T[0-9:]+Z approve +bob: seen by the network team$'
like 'and what was changed' "$steps" 'edit +bob: moved -- purpose'
ok 'each step is in the log' eventually log_has 'device-changed device=scanner1 step=suspend state=suspended who=carol why="sends too much"'
is 'JSON: the state' "$(device --json show scanner1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["state"])')" removed
is 'JSON: the list' "$(device --json list | python3 -c 'import json,sys; print(*(d["name"] for d in json.load(sys.stdin)))')" 'heir other scanner1'

# ---- review ----
ok 'a review date' device edit heir --review 2020-01-31 --why 'yearly'
like 'that has passed is found' "$(device list --review-before 2021-01-01)" '^heir +active +2020-01-31'
send_one
like 'and stops nothing' "$reply" "^$taken"
echo 'policyd.device-review-enforced yes' >> "$CONFIG"
kill -HUP "$PID"; ok 'the configuration is read' eventually log_has 'reload-done'
send_one
like 'unless the site says so' "$reply" '^550 5\.7\.1 .*reviewed'

# ---- a restart ----
sandbox stop > /dev/null; start_sandbox --zone
like 'all is there after a restart' "$(history_of scanner1)" '^request approve suspend resume edit edit edit remove$'
ok 'and what is due is reported' eventually log_has 'device-review-passed device=heir review=2020-01-31'
finish
