#!/bin/bash
# A stop, and reloads that replace relayd, while messages are under way to other hosts: one whose content another host has is not
# sent again; one that it has not is, and nothing waits for it.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

late=4 # seconds after which far sides reply to the content, and to other steps
echo "{\"rules\": [{\"at\": \"content\", \"delay\": $late}]}" > "$work/late.script"
echo "{\"extensions\": [], \"rules\": [{\"at\": \"content\", \"delay\": $late}]}" > "$work/plain.script"
echo "{\"extensions\": [\"PIPELINING\"], \"rules\": [{\"at\": \"data\", \"delay\": 600, \"times\": 1}]}" > "$work/data.script"
echo "{\"extensions\": [], \"rules\": [{\"at\": \"rcpt\", \"delay\": 600, \"times\": 1}]}" > "$work/rcpt.script"
echo "{\"rules\": [{\"at\": \"connect\", \"delay\": 600, \"times\": 1}]}" > "$work/greeting.script"
echo "{\"rules\": [{\"at\": \"content\", \"silent\": true, \"times\": 1}]}" > "$work/never.script"
echo "{\"rules\": [{\"at\": \"content\", \"match\": \"a@\", \"reply\": \"550 5.7.1 Not this one\"}, {\"at\": \"content\", \"delay\": $late}]}" > "$work/lmtp.script"
options=()
hosts='late plain data rcpt greeting never'
for each in $hosts; do
    start_sink "$each" --script "$work/$each.script"
    options+=(--route "$each.test=127.0.0.1:$SINK_PORT")
done
start_sink lmtp --lmtp --script "$work/lmtp.script"
options+=(--set "route lmtp.test lmtp 127.0.0.1:$SINK_PORT" --set 'queued.retry-schedule 1s')
start_sandbox "${options[@]}"
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
message 1 200000 | sed "s/^From: .*/From: $me\r/" > "$work/large"
go() { submit "$USER1" "$PASS1" "$me" "$1" "${2:-$work/m}"; }       # ADDRESS [FILE]
at() { find "$work/sink-$1" -name '*.eml' | wc -l; }               # SINK: messages whose content it has
has() { [ "$(at "$1")" -ge "$2" ]; }                               # SINK COUNT
said() { cat "$work/sink-$1"/connection-*.in | grep -qa "^$2"; }   # SINK COMMAND
stop_takes() { local begin=$SECONDS; sandbox stop > /dev/null; echo $((SECONDS - begin)); }
start_again() { sandbox start "${options[@]}" && read_env; }
began() { grep -c ' stop-waits ' "$box/log"; }

# ---- what another host has as a whole
for each in late plain lmtp; do ok "a message for $each" go "a@$each.test"; done
go b@lmtp.test
ok 'a large one' go b@late.test "$work/large"
all_there() { has late 2 && has plain 1 && has lmtp 2; }
ok 'all are there, and not replied to' eventually all_there
took=$(stop_takes)
ok "a stop waits for the replies ($took s)" [ "$took" -ge 1 -a "$took" -le 14 ]
like 'and says so' "$(cat "$box/log")" ' stop-waits connections=[45] '
ok 'the system starts again' start_again
ok 'and has nothing left to do' eventually nothing_pending
sleep 2
is 'each came once' "$(at late) $(at plain) $(at lmtp)" '2 1 2'

# ---- what it has not
for each in data rcpt greeting; do ok "a message for $each" go "a@$each.test"; done
under_way() { said data DATA && said rcpt RCPT && [ -e "$work/sink-greeting/connection-1.in" ]; }
ok 'is under way' eventually under_way
waits=$(began)
took=$(stop_takes)
ok "a stop does not wait for these ($took s)" [ "$took" -le 12 ]
is 'none was attempted, for the record' "$(grep -c ' message-deferred .*4\.4\.2' "$box/log")" 0
ok 'the system starts again' start_again
arrived() { has data 1 && has rcpt 1 && has greeting 1; }
ok 'and they go at once' eventually arrived
ok 'and are done' eventually nothing_pending
is 'once' "$(at data) $(at rcpt) $(at greeting)" '1 1 1'

# ---- reloads replace relayd; the third uses the uids of the first
ok 'a message that is replied to late' go c@late.test
ok 'is there' eventually has late 3
reload() {
    local before
    before=$(grep -c ' reload-done ' "$box/log")
    kill -HUP "$PID"
    reloaded() { [ "$(grep -c ' reload-done ' "$box/log")" -gt "$before" ]; }
    eventually reloaded
}
for n in 1 2 3; do ok "reload $n" reload; done
ok 'after three reloads it is done' eventually nothing_pending
sleep 2
is 'and came once' "$(at late)" 3

# ---- no reply at all
echo 'relayd.stop-timeout 2s' >> "$CONFIG"
ok 'a stop of two seconds' reload
ok 'a message that is never replied to' go a@never.test
ok 'is there' eventually has never 1
waits=$(began)
stop_waits() { [ "$(began)" -gt "$waits" ]; }
{ eventually stop_waits && kill -HUP "$PID"; } &
took=$(stop_takes)
ok "a stop ends nevertheless ($took s)" [ "$took" -ge 2 -a "$took" -le 10 ]
ok 'and a reload at that time is refused' eventually log_has ' reload-refused .*the system is stopping'
ok 'and has written down what it knows' eventually log_has 'message-deferred .*reason=.*no reply in time'
ok 'the system starts again' start_again
ok 'and the message goes' eventually has never 2
ok 'to its end' eventually nothing_pending
finish
