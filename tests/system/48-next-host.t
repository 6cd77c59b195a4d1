#!/bin/bash
# RFC 5321 5.1: a host that takes a session and then nothing does not keep mail from the domain's other hosts.
. "$(dirname "$0")/lib.sh"
need_root
need_program nsd

start_sandbox --zone --set 'queued.retry-schedule 2s' --set 'queued.relay-idle 0s'
net=$ZONE_NET
{
    for domain in busy cut; do
        printf '%s.test. MX 10 one.%s.test.\n%s.test. MX 20 two.%s.test.\n' $domain $domain $domain $domain
        echo "two.$domain.test. A $net.33"
    done
    echo "one.busy.test. A $net.31"
    echo "one.cut.test. A $net.32"
} > "$work/records"
ok 'the zone has domains with two hosts' zone_add < "$work/records"
start_sink busy --listen "$net.31:25" --script <(echo '{"rules":[{"at":"mail","reply":"451 4.3.1 no space"}]}')
start_sink cut --listen "$net.32:25" --script <(echo '{"rules":[{"at":"mail","close":true}]}')
start_sink two --listen "$net.33:25"
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
ok 'a message for a domain whose first host cuts the dialogue' send_to cut
ok 'is taken by the second' eventually came 3
is 'and nothing by the others' "$(at busy) $(at cut)" '0 0'
finish
