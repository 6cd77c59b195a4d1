#!/bin/bash
# D6: what is counted, read by Prometheus's own client library.
. "$(dirname "$0")/lib.sh"
need_root
need_program curl

start_sandbox
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

ok 'to a file' tool metrics --output "$work/mailroom.prom" show
is 'which is whole' "$(read_metrics "$work/mailroom.prom" | grep -c '^mailroom_up.* 1$')" 2
is 'and alone' "$(ls "$work"/mailroom.prom*)" "$work/mailroom.prom"
tool metrics --output "$work/nowhere/x" show 2> "$work/err"; is 'a file that cannot be written' "$?" 1
like 'is said' "$(cat "$work/err")" 'nowhere/x: No such file'
tool metrics show more 2> /dev/null; is 'wrong usage' "$?" 2

sandbox stop > /dev/null
tool metrics show > "$work/shown" 2> "$work/err"; is 'a system that is down' "$?" 1
is 'is shown as down' "$(read_metrics "$work/shown" | sort)" $'mailroom_up{server=logd} 0\nmailroom_up{server=queued} 0'
like 'and said' "$(cat "$work/err")" 'logd\.sock: '
finish
