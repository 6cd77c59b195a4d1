#!/bin/bash
# While the disk does not take what becomes of messages, none is sent to other hosts: it would be sent again after the next start.
. "$(dirname "$0")/lib.sh"
need_root
need_program strace

start_sink far --script <(echo '{"rules": [{"at": "rcpt", "match": "user", "times": 8, "reply": "451 4.7.1 Not yet"}]}')
far=$SINK_DIR
options=(--route "far.test=127.0.0.1:$SINK_PORT" --set 'queued.retry-schedule 1h' --set 'queued.relay-connections-per-destination 1')
start_sandbox "${options[@]}"
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
arrived() { find "$far" -name '*.eml' | wc -l; }
logged() { grep -q " $1 " "$box/log"; }
for n in 1 2 3 4 5 6 7 8; do submit "$USER1" "$PASS1" "$me" "user$n@far.test" "$work/m" || bail_out "message $n was refused"; done
all_deferred() { [ "$(grep -c ' message-deferred ' "$box/log")" = 8 ]; }
ok 'eight messages wait' eventually all_deferred

strace -f -qq -o "$work/strace" -e trace=fdatasync -e inject=fdatasync:error=EIO -p "$(pid_of queued)" &
tracer=$!
attached() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$(pid_of queued)/status"; }
eventually attached
first=$(tool queue list | awk 'NR == 1 { print $1 }')
tool queue retry "$first" > /dev/null
ok 'the log says that the disk takes nothing' eventually logged recording-fails
tool queue retry --all > /dev/null
sleep 3
is 'nothing more is sent' "$(arrived)" 1
fails 'an operator hears that a wish is not written down' tool queue hold "$first"
kill -INT $tracer
wait $tracer
begin=$SECONDS
sandbox stop > /dev/null
ok 'a stop does not wait for that disk' [ $((SECONDS - begin)) -lt 10 ]
sandbox start "${options[@]}" > /dev/null && read_env
tool queue retry --all > /dev/null
ok 'when it works again the rest is sent' eventually nothing_pending
is 'and nothing again but that' "$(arrived)" 9
finish
