#!/bin/bash
# D6: what is counted, read by Prometheus's own client library.
. "$(dirname "$0")/lib.sh"
need_root
need_program curl

start_sandbox --set 'limit account messages hour 0 2' --set 'limit account recipients hour 0 4'
read_metrics() { # FILE: "NAME{KEY=VALUE,...} NUMBER" of each sample
    /usr/bin/python3 - "$1" <<'END'
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(open(sys.argv[1], encoding="ascii").read()):
    assert family.documentation and family.type in ("counter", "gauge"), family
    for s in family.samples:
        labels = ",".join(f"{k}={v}" for k, v in sorted(s.labels.items()))
        print(f"{s.name}{{{labels}}} {int(s.value)}")
END
}
value() { # NAME{KEY=VALUE,...}
    tool metrics show > "$work/shown"
    read_metrics "$work/shown" | sed -n "s/^$1 //p"
}
value_is() { [ "$(value "$1")" = "$2" ]; }

is 'policyd is up' "$(value 'mailroom_up{server=policyd}')" 1
is 'queued is up' "$(value 'mailroom_up{server=queued}')" 1
is 'logd is up' "$(value 'mailroom_up{server=logd}')" 1
is 'nothing is wrong, and that is a number' "$(value 'mailroom_problems_total{level=error,process=smtpd-mx}')" 0
is 'what has not been is not counted' "$(value 'mailroom_events_total{event=message-queued,process=queued}')" ''

printf 'Subject: counted\r\n\r\nHello\r\n' > "$work/mail"
for _ in 1 2 3; do ok 'a message is sent' send s@client.test "$USER1@$DOMAIN" "$work/mail"; done
pop3 "$USER1" wrong '' > /dev/null 2>&1
eventually value_is 'mailroom_events_total{event=message-queued,process=queued}' 3
is 'three messages are counted' "$(value 'mailroom_events_total{event=message-queued,process=queued}')" 3
eventually value_is 'mailroom_problems_total{level=warning,process=authd}' 1
is 'a refused login is a warning' "$(value 'mailroom_problems_total{level=warning,process=authd}')" 1
is 'as many as the log has lines' "$(value 'mailroom_events_total{event=connection-opened,process=smtpd-mx}')" \
    "$(grep -c ' smtpd-mx\[[0-9]*\] connection-opened ' "$box/log")"
is 'no line was lost' "$(value 'mailroom_log_dropped_total{process=queued}')" 0

eventually nothing_pending
is 'an empty queue' "$(value 'mailroom_queue_messages{}')" 0
is 'JSON has the same' "$(tool metrics --json show | /usr/bin/python3 -c 'import json, sys
m = json.load(sys.stdin)
print(next(p["events"]["message-queued"] for p in m["processes"] if p["process"] == "queued"), m["queue"]["messages"])')" '3 0'

# ---- who may send, and who has sent too much
states() { tool metrics show > "$work/shown"; read_metrics "$work/shown" | sed -n 's/^mailroom_devices{state=\(.*\)} /\1 /p' | xargs; }
is 'no devices' "$(states)" 'requested 0 active 0 suspended 0 removed 0'
for n in 1 2 3 4 5 6; do
    tool device request "d$n" --dns-name "d$n.test" --from "d$n@client.test" --contact a@b.test --purpose test --why test
done
for n in 2 3 4 5; do tool device approve "d$n" --why test; done
for n in 4 5; do tool device suspend "d$n" --why test; done
tool device remove d6 --why test
is 'devices by their state' "$(states)" 'requested 1 active 2 suspended 2 removed 1'
printf 'name,dns-name,from,contact,purpose,state\n' > "$work/many.csv"
for n in $(seq 300); do echo "many$n,many$n.test,m@client.test,a@b.test,test,active"; done >> "$work/many.csv"
ok 'more than one page of them' tool device import "$work/many.csv" --why test
is 'is counted whole' "$(states)" 'requested 1 active 302 suspended 2 removed 1'

is 'nobody has read mail' "$(value 'mailroom_grants{}')" 0
read_at() { curl_mail --insecure --interface "$1" --url "pop3s://127.0.0.1:$POP3S_PORT/" --user "$USER1:$PASS1" > "$work/list"; }
read_at 127.0.5.7
read_at 127.0.5.8
is 'a grant for each address where somebody has' "$(value 'mailroom_grants{}')" 2
ok 'one is revoked' tool access revoke --network 127.0.5.7
is 'and counts no more' "$(value 'mailroom_grants{}')" 1

is 'no account has sent' "$(value 'mailroom_limit_windows{scope=account}')" 0
{ printf 'From: %s\r\n' "$USER2@$DOMAIN"; cat "$work/mail"; } > "$work/own"
as_bob() { submit "$USER2" "$PASS2" "$USER2@$DOMAIN" "$USER1@$DOMAIN" "$work/own"; }
ok 'one does' as_bob
windows=$(tool access limits | grep -c "^account  $USER2 ")
ok 'which counts in windows' [ "$windows" -gt 0 ]
is 'so many' "$(value 'mailroom_limit_windows{scope=account}')" "$windows"
is 'within its limit' "$(value 'mailroom_limits_reached{scope=account,unit=messages}')" 0
ok 'and again' as_bob
is 'which reaches it' "$(value 'mailroom_limits_reached{scope=account,unit=messages}')" 1
is 'of messages, not of recipients' "$(value 'mailroom_limits_reached{scope=account,unit=recipients}')" 0
is 'and no device has' "$(value 'mailroom_limits_reached{scope=device,unit=messages}')" 0
fails 'so no more is taken' as_bob
is 'JSON says the same' "$(tool metrics --json show | /usr/bin/python3 -c 'import json, sys
m = json.load(sys.stdin)["policy"]
print(m["devices"]["active"], m["limits-reached"]["account"]["messages"], m["limits-reached"]["account"]["recipients"])')" '302 1 0'
ok 'it is released' tool access release account "$USER2"
is 'and counts no more' "$(value 'mailroom_limits_reached{scope=account,unit=messages}')" 0

ok 'to a file' tool metrics --output "$work/mailroom.prom" show
is 'which is whole' "$(read_metrics "$work/mailroom.prom" | grep -c '^mailroom_up.* 1$')" 3
is 'and alone' "$(ls "$work"/mailroom.prom*)" "$work/mailroom.prom"
tool metrics --output "$work/nowhere/x" show 2> "$work/err"; is 'a file that cannot be written' "$?" 1
like 'is said' "$(cat "$work/err")" 'nowhere/x: No such file'
tool metrics show more 2> /dev/null; is 'wrong usage' "$?" 2

sandbox stop > /dev/null
tool metrics show > "$work/shown" 2> "$work/err"; is 'a system that is down' "$?" 1
is 'is shown as down' "$(read_metrics "$work/shown" | sort)" $'mailroom_up{server=logd} 0\nmailroom_up{server=policyd} 0\nmailroom_up{server=queued} 0'
like 'and said' "$(cat "$work/err")" 'logd\.sock: '
finish
