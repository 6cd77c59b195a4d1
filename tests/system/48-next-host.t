#!/bin/bash
# RFC 5321 5.1: a host that takes a session and then nothing does not keep mail from the domain's other hosts, which
# have it in the same attempt; but never what the first may have taken.
. "$(dirname "$0")/lib.sh"
need_root
need_program nsd

start_sandbox --zone --set 'queued.retry-schedule 1h' --set 'queued.relay-idle 0s'
net=$ZONE_NET
{
    host=31
    for domain in busy cut doubt grey; do
        printf '%s.test. MX 10 one.%s.test.\n%s.test. MX 20 two.%s.test.\n' $domain $domain $domain $domain
        echo "one.$domain.test. A $net.$host"
        echo "two.$domain.test. A $net.40"
        host=$((host + 1))
    done
} > "$work/records"
ok 'the zone has domains with two hosts' zone_add < "$work/records"
first() { start_sink "$1" --listen "$net.$2:25" --script <(echo "$3"); } # NAME HOST SCRIPT
first busy 31 '{"rules":[{"at":"mail","reply":"451 4.3.1 no space"}]}'
first cut 32 '{"extensions":["PIPELINING"],"rules":[{"at":"mail","close":true}]}'
first doubt 33 '{"rules":[{"at":"content","raw":"","close":true}]}'
first grey 34 '{"rules":[{"at":"rcpt","reply":"451 4.7.1 greylisted"}]}'
start_sink two --listen "$net.40:25"
at() { find "$work/sink-$1" -name '*.eml' | wc -l; } # SINK: messages that it has
came() { [ "$(at two)" -ge "$1" ]; }                 # COUNT
message 1 | sed "s/^From: .*/From: $USER1@$DOMAIN\r/" > "$work/message"
send_to() { submit "$USER1" "$PASS1" "$USER1@$DOMAIN" "x@$1.test" "$work/message"; } # DOMAIN

ok 'a message for a domain whose first host puts all mail off' send_to busy
ok 'is taken by the second' eventually came 1
ok 'which is logged' eventually log_has 'message-relayed .*host=two\.busy\.test'
like 'the first is tried last for now' "$(tool queue route x@busy.test)" 'one\.busy\.test at .*tried last for now'
ok 'the next message' send_to busy
ok 'goes to the second' eventually came 2
is 'without asking the first' "$(grep -c 'relay-connected .*host=one\.busy\.test' "$box/log")" 1
ok 'a message for a domain whose first host cuts the dialogue before the content' send_to cut
ok 'is taken by the second' eventually came 3
ok 'and nothing waits' eventually nothing_pending

ok 'a message for a domain whose first host is cut off when it has the content' send_to doubt
ok 'waits, as it may have been taken' eventually log_has 'message-deferred .*4\.4\.2'
ok 'a greylisted message' send_to grey
ok 'waits, as its host wants' eventually log_has 'message-deferred .*greylisted'
is 'no other host had them meanwhile' "$(at two) $(at doubt) $(at grey)" '3 1 0'
ok 'an operator has them tried again' tool queue retry doubt.test
ok 'each' tool queue retry grey.test
ok 'the other hosts have them' eventually came 5
ok 'and nothing waits' eventually nothing_pending
is 'nothing has come to the hosts that put mail off' "$(at busy) $(at cut) $(at grey)" '0 0 0'
finish
