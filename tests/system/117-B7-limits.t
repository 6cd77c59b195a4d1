#!/bin/bash
# B7: what a stolen account or an infected machine can send is bounded, visible and releasable; one wrong password behind an
# address locks nobody else out.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks python3

site=(--set 'limit account messages day 1 3' --set 'limit address messages minute 0 2' --set 'limit account recipients hour 0 20'
    --set 'authd.account-failures 3' --set 'authd.address-failures 6' --set 'authd.failure-delay 0s' --set 'authd.max-failure-delay 0s')
start_sandbox "${site[@]}"
me=$USER1@$DOMAIN
as_me() {
    PORT=$SUBMISSION_PORT as_client 127.0.0.1 --tls --auth PLAIN --auth-user "$USER1" --auth-password "$PASS1" --from "$me" --h-From "$me" \
        --to someone@elsewhere.test "$@"
}
for n in 1 2 3; do as_me; like "message $n of the account" "$reply" "^$taken"; done
ok 'passing the soft limit is logged' eventually log_has 'limit-passed .*scope=account name=alice .*limit=1'
as_me
like 'beyond the hard limit: for now, and until when' "$reply" '^450 4\.7\.28 .* from [0-9-]+ [0-9:]+ UTC on'
like 'an operator sees it' "$(tool access limits)" "account +$USER1 +day +messages 3/3"
is 'in JSON too' "$(tool access --json limits | python3 -c 'import json,sys
print([row["messages"] for row in json.load(sys.stdin) if row["name"] == "alice" and row["period"] == "day"])')" '[3]'
ok 'and releases it' tool access release account "$USER1"
as_me
like 'so that it sends again' "$reply" "^$taken"
fails 'what is not counted cannot be released' tool access release account nobody
for n in 2 3; do as_me; done
like 'what has been sent' "$reply" "^$taken"
sandbox stop > /dev/null; start_sandbox "${site[@]}"
as_me
like 'counts after a restart too' "$reply" '^450 4\.7\.28 '

# ---- recipients count too ----
ok 'the messages are released' tool access release account "$USER1"
as_me --to "$(printf 'r%s@elsewhere.test,' {1..20})someone@elsewhere.test"
like 'twenty recipients an hour' "$reply" '^450 4\.7\.28 Too many recipients'

for n in 1 2; do
    as_client 127.0.2.9 --from x@host.test --to someone@elsewhere.test
    like "message $n of a campus host" "$reply" "^$taken"
done
as_client 127.0.2.9 --from x@host.test --to someone@elsewhere.test
like 'which is bounded too' "$reply" '^450 4\.7\.28 '
as_client 127.0.2.10 --from x@host.test --to someone@elsewhere.test
like 'and another host is not' "$reply" "^$taken"

# ---- one program with a wrong password, behind the address of many ----
for n in $(seq 10); do read_mail 127.0.5.9 "$USER2" "wrong-$n"; done > /dev/null 2>&1
ok 'the others behind the address log in' read_mail 127.0.5.9 "$USER1" "$PASS1"
for n in $(seq 8); do read_mail 127.0.5.9 "name$n" wrong; done > /dev/null 2>&1
fails 'many names from one address shut it out' read_mail 127.0.5.9 "$USER1" "$PASS1"
for n in $(seq 8); do read_mail 127.0.3.9 "name$n" wrong; done > /dev/null 2>&1
ok 'but not a nat network' read_mail 127.0.3.9 "$USER1" "$PASS1"
finish
