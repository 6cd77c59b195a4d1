#!/bin/bash
# Mail for elsewhere: from a submission by a fixed route to a foreign server, once; again after 4xx; and nothing is lost when the
# processes on the way are killed.
. "$(dirname "$0")/lib.sh"
need_program curl

start_sink far --script <(cat <<'S'
{ "name": "mx.far.test",
  "rules": [ {"at": "rcpt", "match": "later", "times": 1, "reply": "451 4.7.1 Not yet"},
             {"at": "rcpt", "match": "never", "reply": "550 5.1.1 No such user"} ] }
S
)
far=$SINK_PORT far_dir=$SINK_DIR
start_sandbox --route far.test=127.0.0.1:"$far" --set 'route closed.test smtp 127.0.0.1:1' \
    --set 'queued.retry-schedule 1s 1s 2s' --set 'queued.relay-idle 30s'
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
go() { submit "$USER1" "$PASS1" "$me" "$1" "$work/m"; } # ADDRESS
arrived() { [ "$(find "$far_dir" -name '*.eml' | wc -l)" = "$1" ]; }
to() { grep -lE "\"$1\"" "$far_dir"/*.json 2> /dev/null | wc -l; } # ADDRESS: messages that arrived for it

ok 'a message for elsewhere is accepted' go anna@far.test
ok 'and arrives there' eventually arrived 1
body() { perl -0777 -pe 's/\A.*?\r\n\r\n//s' "$1"; }
ok 'with the body byte for byte' cmp <(body "$far_dir/000001.eml") <(body "$work/m")
like 'and a Received line of ours' "$(head -n 8 "$far_dir/000001.eml" | tr -d '\r\n')" 'with ESMTPSA'
ok 'nothing is left to do' eventually nothing_pending
ok 'and the log says where it went' eventually log_has 'message-relayed .*recipient=anna@far.test host=127.0.0.1 .*reply="250 '

ok 'a recipient who is told to come later' go later@far.test
ok 'arrives later' eventually arrived 2
is 'once' "$(to later@far.test)" 1
ok 'a stranger still sends nothing on' bash -c '! curl -sS --url "smtp://$0:$1" --mail-from a@b.test --mail-rcpt anna@far.test -T "$2" 2> /dev/null' \
    "$HOST" "$SMTP_PORT" "$work/m"

ok 'a recipient who does not exist' go never@far.test
refusal_is_known() { log_has 'message-refused-by-host .*recipient=never@far.test .*reply="550 5.1.1 No such user"'; }
ok 'is refused by name' eventually refusal_is_known

ok 'a destination where nobody listens' go anna@closed.test
waits() { tool queue destinations | grep -qE '^smtp:127\.0\.0\.1:1 +(waiting|ready) +1 messages'; }
ok 'waits as a whole' eventually waits
like 'and says why' "$(tool queue destinations)" '4\.4\.1 '
like 'route explains a fixed route' "$(tool queue route x@far.test)" "^1\. 127\.0\.0\.1 at 127\.0\.0\.1:$far: TLS if it is offered"
like 'in JSON too' "$(tool queue --json route x@far.test)" "\"destination\": \"smtp:127\.0\.0\.1:$far\""
fails 'no such destination' tool queue retry nowhere.test
like 'a domain of one label is named with a dot' "$(tool queue retry uni. 2>&1)" '\buni: '
like 'the route of a user here leads into the mailbox' "$(tool queue route "$USER1@$DOMAIN")" ', delivered here, into 1 mailbox$'
like 'that of nobody says so' "$(tool queue route "nobody-at-all@$DOMAIN")" ', a local domain, where nobody has this address$'
is 'and no way is missing' "$(tool queue route "$DOMAIN" | wc -l)" 1
ok 'a destination can be held' tool queue hold "smtp:127.0.0.1:$far"
count_before=$(find "$far_dir" -name '*.eml' | wc -l)
ok 'and mail for it waits' go held@far.test
sleep 1
is 'at its place' "$(to held@far.test)" 0
pid=$(pid_of queued)
kill -KILL "$pid"
queued_is_back() { local new; new=$(pid_of queued) && [ "$new" != "$pid" ] && tool queue pending; }
ok 'also when queued is killed' eventually queued_is_back
like 'it is held' "$(tool queue destinations)" "^smtp:127\.0\.0\.1:$far +held"
sleep 1
is 'and nothing goes' "$(to held@far.test)" 0
ok 'until it is released' tool queue release "smtp:127.0.0.1:$far"
ok 'and goes then' eventually arrived $((count_before + 1))

# ---- a route is changed by a reload: what waits follows it ----
start_sink new
sed -i "s/^route closed\.test .*/route closed.test smtp 127.0.0.1:$SINK_PORT/" "$CONFIG"
kill -HUP "$PID"
at_new() { [ "$(find "$SINK_DIR" -name '*.eml' | wc -l)" = "$1" ]; }
ok 'what waited for a host that is not there goes to another one' eventually at_new 1
ok 'and what comes then' go ben@closed.test
ok 'too' eventually at_new 2
fails 'the old way is not tried any more' bash -c "sed '1,/ reload-done /d' '$box/log' | grep -q 'destination-waits.*127\.0\.0\.1:1 '"

# ---- kill -9 on the way ----
restarted() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; }
for name in queued relayd; do
    for n in $(seq 1 40); do go "$name-$n@far.test" || echo "refused: $n"; done > "$work/submitted" 2>&1 &
    load=$!
    sleep 0.5
    pid=$(pid_of $name)
    kill -KILL "$pid"
    ok "$name is started again" eventually restarted $name "$pid"
    wait $load
    refused=$(sed -n 's/^refused: //p' "$work/submitted")
    accepted_all_arrived() {
        local n
        for n in $(seq 1 40); do
            grep -qx "$n" <<< "$refused" || [ "$(to "$name-$n@far.test")" -ge 1 ] || return 1
        done
    }
    ok "$name: what was accepted arrives" eventually accepted_all_arrived
    twice=$(for n in $(seq 1 40); do [ "$(to "$name-$n@far.test")" -le 1 ] || echo "$n"; done | wc -l)
    ok "$name: what was under way may come twice, nothing else" [ "$twice" -le 2 ]
done
finish
