#!/bin/bash
# What senders hear about their messages: readable reports, at least one for each failure, none that nobody asked for.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 strace

cat > "$work/far.json" <<'END'
{ "name": "mx.far.test", "extensions": ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"],
  "rules": [ {"at": "rcpt", "match": "nobody@", "reply": "550 5.1.1 no such user in this sink"},
             {"at": "rcpt", "match": "later@", "reply": "451 4.2.2 the mailbox is full at present"} ] }
END
cat > "$work/able.json" <<'END'
{ "name": "mx.able.test", "extensions": ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"] }
END
start_sink far --script "$work/far.json"
far=$SINK_PORT
start_sink able --script "$work/able.json"
start_sandbox --route far.test=127.0.0.1:"$far" --route able.test=127.0.0.1:"$SINK_PORT" \
    --set 'queued.retry-schedule 1s' --set 'queued.lifetime 8s' --set 'queued.delay-warning 2s' \
    --set 'policyd.postmaster bob'
set -a; read_env; set +a
me=$USER1@$DOMAIN

wish() { python3 "$here/reports.py" submit "$@"; }
number=0
next_report() { # the next message of the first user: sets report
    number=$((number + 1))
    eventually has_message "$number"
    report=$(pop3 "$USER1" "$PASS1" "$number" | python3 "$here/reports.py" show)
}
has_message() { pop3 "$USER1" "$PASS1" "$1" > /dev/null; }

# ---- refused for good ----
ok 'a message to nobody is accepted' wish "$me" nobody@far.test
next_report
like 'a report comes back' "$report" '^Type: multipart/report delivery-status'
like 'from nobody' "$report" '^Return-Path: <>'
like 'about the message' "$report" '^Subject: Not delivered: to nobody@far\.test'
like 'made by a program' "$report" '^Auto-Submitted: auto-replied'
like 'it failed' "$report" '^Action: failed'
like 'why' "$report" '^Status: 5\.1\.1'
like 'for whom' "$report" '^Final-Recipient: rfc822; nobody@far\.test'
like 'in the words of the far side' "$report" '^Diagnostic-Code: smtp; 550 5\.1\.1 no such user in this sink'
like 'for people too' "$report" '^Words: .*There is nobody with this address at far\.test\..*550 5\.1\.1 no such user in this sink'
like 'with the id of the envelope' "$report" '^Original-Envelope-Id: QQ\+314'
like 'with the header, as was asked' "$report" '^Third: text/rfc822-headers'
first=$(sed -n 's/.* message-refused-by-host queue=\([^ ]*\).*/\1/p' "$box/log")
why=$(tool access why --log "$box/log" "$first")
like 'mr-access why tells of it with the message' "$why" ' report-queued$'
like 'and that it arrived' "$why" ' message-delivered$'

# ---- what was asked for ----
ok 'NOTIFY=NEVER' wish "$me" nobody@far.test NEVER
ok 'NOTIFY=SUCCESS to a host without DSN' wish "$me" someone@far.test SUCCESS
next_report
like 'the next report says that it was passed on' "$report" '^Action: relayed'
like 'and to whom' "$report" '^Final-Recipient: rfc822; someone@far\.test'
ok 'NOTIFY=SUCCESS to a host with DSN' wish "$me" someone@able.test SUCCESS
arrived() { [ -e "$SINK_DIR/000001.json" ]; }
ok 'it arrives' eventually arrived
like 'and the wish with it' "$(tr -d '\n' < "$SINK_DIR/000001.json")" 'NOTIFY=SUCCESS|"NOTIFY": *"SUCCESS"'
ok 'NOTIFY=SUCCESS to a colleague' wish "$me" "$USER2@$DOMAIN" SUCCESS
next_report
like 'the next report says that it was delivered' "$report" '^Action: delivered'

# ---- tried for its whole lifetime ----
ok 'a message that must wait' wish "$me" later@far.test
next_report
like 'its sender hears of the delay' "$report" '^Action: delayed'
like 'and why' "$report" '^Diagnostic-Code: smtp; 451 4\.2\.2 the mailbox is full at present'
like 'as no failure' "$report" '^Status: 4\.2\.2'
like 'until when it is tried' "$report" '^Will-Retry-Until: '
like 'in words that ask for nothing' "$report" '^Words: .*Your message has not arrived yet\. You need not do anything'
next_report
like 'once, and then that it failed' "$report" '^Action: failed'
ok 'one that asked for failures alone' wish "$me" later@far.test FAILURE
next_report
like 'hears of no delay: it is given up' "$report" '^Action: failed'
like 'with the last words' "$report" '^Diagnostic-Code: smtp; 451 4\.2\.2 the mailbox is full at present'
like 'and said so' "$report" '^Words: .*tried again and again'

# ---- nobody to tell ----
ok 'a message from <>' wish '<>' nobody@far.test
postmaster_has() { pop3 "$USER2" "$PASS2" "$1" > /dev/null; }
last_refused() { sed -n 's/.* message-refused-by-host queue=\([^ ]*\).*/\1/p' "$box/log" | tail -n 1; }
ok 'the postmaster hears of it' eventually postmaster_has 2
bounce=$(pop3 "$USER2" "$PASS2" 2 | python3 "$here/reports.py" show)
like 'by that address' "$bounce" "^To: postmaster@$DOMAIN\$"
like 'from nobody' "$bounce" '^Return-Path: <>'
like 'as an answer of a program' "$bounce" '^Auto-Submitted: auto-replied'
like 'about the message' "$bounce" '^Subject: Not delivered: to nobody@far\.test'
like 'that it failed' "$bounce" '^Action: failed'
like 'for whom' "$bounce" '^Final-Recipient: rfc822; nobody@far\.test'
like 'and why' "$bounce" '^Diagnostic-Code: smtp; 550 5\.1\.1 no such user in this sink'
like 'with its header' "$bounce" '^Third: text/rfc822-headers'
ok 'the log says who was told of what' eventually log_has \
    " report-queued queue=[^ ]+ about=$(last_refused) recipient=postmaster@$DOMAIN action=failed\$"
ok 'nothing is left' eventually nothing_pending

reloaded() { log_has ' reload-done '; }
echo 'queued.double-bounce drop' >> "$box/mailroom.conf"
kill -HUP "$PID"
ok 'the postmaster does not want to hear of such messages' eventually reloaded
ok 'another message from <>' wish '<>' nobody@far.test
dropped() { log_has " report-dropped about=$(last_refused) recipient=(\"\")? action=failed reason=queued\.double-bounce\$"; }
ok 'the log says that nobody is told, and why' eventually dropped
is 'which it had not said before' "$(grep -c ' report-dropped ' "$box/log")" 1
ok 'nothing is left' eventually nothing_pending
fails 'and the postmaster has nothing more' postmaster_has 3

# ---- queued dies around the report ----
before=$number
told() { [ "$(pop3 "$USER1" "$PASS1" '' | grep -c '^[0-9]')" -ge "$1" ]; }
up() { pid_of queued > /dev/null && wish "$me" someone@able.test NEVER; }
for when in 2 3 4; do
    queued=$(pid_of queued)
    strace -f -qq -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=$when -o "$work/strace.$when" -p "$queued" &
    tracer=$!
    attached() { grep -q "^TracerPid:[[:blank:]]*$tracer\$" "/proc/$queued/status"; }
    eventually attached > /dev/null
    if wish "$me" nobody@far.test 2> "$work/refused"; then before=$((before + 1)); fi
    eventually gone "$queued" > /dev/null || wish "$me" someone@able.test NEVER
    wait "$tracer" 2> /dev/null
    ok "killed at sync $when: queued is back" eventually up
    ok 'and the sender hears of the failure' eventually told "$before"
done
finish
