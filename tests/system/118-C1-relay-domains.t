#!/bin/bash
# C1: any client may send to the listed domains, each with its own route; mail is stored, forwarded and not kept.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks

domains=45
start_sink physics; physics=$SINK_PORT physics_dir=$SINK_DIR
start_sink chem; chem=$SINK_PORT chem_dir=$SINK_DIR
routes=()
for n in $(seq $domains); do
    port=$physics; [ $((n % 2)) = 1 ] || port=$chem
    routes+=(--set "relay-domain d$n.campus.test" --set "route d$n.campus.test smtp 127.0.0.1:$port tls=never")
done
start_sandbox "${routes[@]}" --set 'queued.retry-schedule 1s'
PORT=$RELAY_PORT
n_at() { find "$1" -name '*.eml' | wc -l; } # DIRECTORY
for n in $(seq $domains); do
    as_client 127.0.5.7 --from copier@devices.test --to "user@d$n.campus.test"
    [[ $reply =~ ^$taken ]] || missed "domain $n is taken: $reply"
done
passed 'anybody may send to each of the listed domains'
both() { [ "$(n_at "$physics_dir")" = 23 ] && [ "$(n_at "$chem_dir")" = 22 ]; }
ok 'and each message goes where its domain says' eventually both
is 'not one went elsewhere' "$(cat "$physics_dir"/*.json | grep -oE 'user@d[0-9]+' | sed 's/user@d//' | sort -un | awk '$1 % 2 == 0' | wc -l)" 0
as_client 127.0.5.7 --from copier@devices.test --to "$USER1@$DOMAIN"
like 'mail for our accounts is taken as well' "$reply" "^$taken"
ok 'nothing is kept' eventually nothing_pending
as_client 127.0.5.7 --from copier@devices.test --to user@d99.campus.test
like 'a domain that is not listed is none of ours' "$reply" '^(450|550) '

# ---- stored, when the next host is away ----
kill "${sinks[0]}"; ok 'a far host has gone' eventually gone "${sinks[0]}"
as_client 127.0.5.7 --from copier@devices.test --to user@d1.campus.test
like 'mail is taken while its host is away' "$reply" "^$taken"
is 'and waits' "$(pending)" 1
start_sink physics2 --listen "127.0.0.1:$physics"
ok 'it goes when the host is back' eventually nothing_pending
is 'once' "$(n_at "$SINK_DIR")" 1
finish
