#!/bin/bash
# Outbound connections that are cut at every octet of the dialogue, by the far side's close and by resets; processes that are killed
# in the middle.  What was accepted arrives; it comes twice only where the far side's final reply was cut.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

# 127.61: cut after so many octets received, 127.62: sent, 127.63: sent, by RST; 127.64: never
cat > "$work/cuts" <<'S'
{ "by_address": {"127.61": {"at": "received"}, "127.62": {"at": "sent"}, "127.63": {"at": "sent", "how": "reset"}} }
S
echo "{\"cut\": $(cat "$work/cuts")}" > "$work/able.script"
echo "{\"cut\": $(cat "$work/cuts"), \"extensions\": []}" > "$work/plain.script"
start_sink able --listen 0.0.0.0:0 --script "$work/able.script"
able=$SINK_PORT able_dir=$SINK_DIR
start_sink plain --listen 0.0.0.0:0 --script "$work/plain.script"
plain=$SINK_PORT plain_dir=$SINK_DIR

most=999
routes() { # CLASS NETWORK PORT
    local n
    for n in $(seq 0 $most); do printf 'route c%04d.%s.test smtp 127.%s.%d.%d:%s\n' "$n" "$1" "$2" $((n / 256)) $((n % 256)) "$3"; done
}
printf 'queued.retry-schedule 1s\nqueued.relay-idle 0s\n' > "$work/more"
for each in "received 61 $able" "sent 62 $able" "reset 63 $able" "first 64 $able" "step 62 $plain" "stepfirst 64 $plain"; do
    # shellcheck disable=SC2086
    routes $each
done >> "$work/more"
start_sandbox
cat "$work/more" >> "$CONFIG"
kill -HUP "$PID"
ok 'routes to many addresses' eventually log_has ' reload-done '
set -a; read_env; set +a
cuts() { python3 "$here/cuts.py" "$@"; }

# ---- the length of a dialogue, when nothing is cut
dialogue() { # CLASS SINK-DIRECTORY: sets received, sent
    cuts submit "$1" 0 0
    eventually nothing_pending
    read -r received sent < <(cuts length "$2")
}
dialogue stepfirst "$plain_dir"
step_sent=$sent
dialogue first "$able_dir"
diag <<< "a dialogue is $received octets to the far side, and $sent from there ($step_sent from one without extensions)"
ok 'every octet has its address' [ "$received" -gt 400 -a "$received" -le $most -a "$sent" -gt 150 -a "$step_sent" -gt 100 ]

# ---- all cuts, at the same time
ok 'a message for all octets received' cuts submit received 0 "$received"
ok 'for all octets sent' cuts submit sent 0 $((sent + 10))
ok 'the same, reset' cuts submit reset 0 $((sent + 10))
ok 'and step by step' cuts submit step 0 $((step_sent + 10))
ok 'everything is served in the end' eventually nothing_pending
ok 'received: whole, and once' cuts check "$able_dir" received 0 "$received" 0
diag < "$work/out"
ok 'sent: whole, and twice only when the final reply was cut' cuts check "$able_dir" sent 0 $((sent + 10)) "$sent"
diag < "$work/out"
ok 'reset: the same' cuts check "$able_dir" reset 0 $((sent + 10)) "$sent" reset
diag < "$work/out"
ok 'step by step: whole, and twice only when the final reply was cut' \
    cuts check "$plain_dir" step 0 $((step_sent + 10)) "$step_sent"
diag < "$work/out"
fails 'nobody gets a report' log_has 'report-queued'

# ---- kill -9 of the processes of connections, and of queued
echo '{"rules": [{"at": "content", "delay": 0.2}]}' > "$work/slow.script"
start_sink slow --script "$work/slow.script"
sed -i "s/^route c0000\.first\.test .*/route slow.test smtp 127.0.0.1:$SINK_PORT/" "$CONFIG"
kill -HUP "$PID"
reloads() { [ "$(grep -c ' reload-done ' "$box/log")" -ge 2 ]; }
ok 'a route to a slow host' eventually reloads
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
for n in $(seq 60); do submit "$USER1" "$PASS1" "$me" "n$n@slow.test" "$work/m" && echo "n$n@slow.test"; done > "$work/accepted" 2> /dev/null &
load=$!
killed=0 ended=0
while kill -0 $load 2> /dev/null || [ "$killed" -lt 20 ]; do
    [ "$ended" -lt 5 ] || break
    child=$(pgrep -P "$(pid_of relayd)" | shuf -n 1)
    [ -z "$child" ] || { kill -KILL "$child" 2> /dev/null && killed=$((killed + 1)); }
    [ $((killed % 10)) != 5 ] || { pid=$(pid_of queued) && kill -KILL "$pid" && ended=$((ended + 1)) && killed=$((killed + 1)); }
    sleep 0.05
done
wait $load
diag <<< "$killed processes of connections and $ended times queued were killed; $(wc -l < "$work/accepted") of 60 messages accepted"
ok 'processes were killed' [ "$killed" -gt 5 -a "$ended" -gt 0 ]
came() { cat "$SINK_DIR"/*.json | grep -o 'n[0-9]*@slow\.test' | sort; }
all_came() { [ -z "$(comm -23 <(sort -u "$work/accepted") <(came | uniq))" ]; }
ok 'what was accepted arrives' eventually all_came
ok 'and nothing is left' eventually nothing_pending
twice=$(came | uniq -d | wc -l)
diag <<< "$twice came more than once"
ok 'twice only what was under way when a process died' [ "$twice" -le $((killed + 20 * ended)) ]
ok 'whole' bash -c 'for each in "$1"/*.eml; do cmp <(tail -n 2 "$each") <(tail -n 2 "$2") || exit; done' - "$SINK_DIR" "$work/m"
finish
