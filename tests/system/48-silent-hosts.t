#!/bin/bash
# Reports to a stranger's silent hosts, and a user's messages to others, leave connections for the mail of everybody else.
. "$(dirname "$0")/lib.sh"
need_program python3

start_sink far --script <(echo '{"rules": [{"at": "rcpt", "match": "nobody", "reply": "550 5.1.1 No such user"}]}')
far=$SINK_DIR far_port=$SINK_PORT
start_sink silent --listen 0.0.0.0:0 --script <(echo '{"rules": [{"at": "connect", "silent": true}]}')
hosts=24
routes=()
for n in $(seq $hosts); do routes+=(--route "d$n.test=127.0.9.$n:$SINK_PORT"); done
start_sandbox --route "far.test=127.0.0.1:$far_port" "${routes[@]}" --set 'relay-domain far.test' --set 'queued.relay-connections 8' \
    --set 'relayd.greeting-timeout 60s'
message 1 > "$work/stranger"
for n in $(seq $hosts); do send "x@d$n.test" nobody@far.test "$work/stranger" || bail_out "message $n was refused"; done
reported() { [ "$(grep -c ' report-queued ' "$box/log")" = $hosts ]; }
ok 'there are reports to as many silent hosts' eventually reported
bob=$USER2@$DOMAIN
message 2 | sed "s/^From: .*/From: $bob\r/" > "$work/bob"
for n in $(seq $hosts); do echo "x@d$n.test"; done > "$work/silent"
swaks --server "127.0.0.1:$SMTPS_PORT" --tls-on-connect --auth-user "$USER2" --auth-password "$PASS2" --from "$bob" \
    --to "$(paste -sd, "$work/silent")" --data @"$work/bob" > "$work/swaks" 2>&1
ok 'a message of a user to all of them is taken' grep -q '^<~.*250 2.0.0' "$work/swaks"
alice=$USER1@$DOMAIN
message 3 | sed "s/^From: .*/From: $alice\r/" > "$work/alice"
begin=$SECONDS
ok 'another user writes to a host that works' submit "$USER1" "$PASS1" "$alice" someone@far.test "$work/alice"
there() { [ "$(find "$far" -name '*.eml' | wc -l)" -ge 1 ]; }
ok 'and the message arrives' eventually there
ok "at once ($((SECONDS - begin)) s)" [ $((SECONDS - begin)) -lt 6 ]
finish
