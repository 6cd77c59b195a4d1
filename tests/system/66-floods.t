#!/bin/bash
# Clients that ask again and again for nothing, TLS records without content, storms of resets, half-closed connections, crowds from
# one address or one /64, hosts that stall, content that trickles: each meets its limit, and beside each an honest client keeps its
# second (SECURITY.md V11; 63-slow-and-many.t has the slow ones).
#
#   FLOOD=N   commands and records in each flood (default: 100,000)
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 ip unshare

# In a network of its own, whose loopback has the addresses of an IPv6 site, and whose ports no storm can take from others.
[ -n "${own_network:-}" ] || { rm -rf "$work"; exec env own_network=yes unshare --net -- "$0"; }
ip link set lo up && ip -6 route add local 2001:db8::/32 dev lo || bail_out 'no network'
v6_port=2525

floods() { MAILROOM_ENV=$box/env TLS_FLOOD=$build/tests/floods/tls_flood python3 "$here/floods.py" "$@"; }

hosts=24
start_sink mute --listen 0.0.0.0:0 --script <(echo '{"rules": [{"at": "connect", "silent": true}]}')
mute=$SINK_PORT
start_sink stalling --listen 0.0.0.0:0 --script <(echo '{"rules": [{"at": "content", "silent": true}]}')
routes=()
for n in $(seq 0 2 $((hosts - 2))); do
    routes+=(--route "d$n.test=127.0.9.$n:$mute" --route "d$((n + 1)).test=127.0.9.$((n + 1)):$SINK_PORT")
done
start_sandbox --plaintext-login "${routes[@]}" --set "listen smtp mx [::1]:$v6_port none" \
    --set 'smtpd.max-connections-per-address 50'

floods rate > "$work/rate" 2>&1 &
rate=$!
trickled() { cat "$work/rate"; wait "$rate"; }
flood=${FLOOD:-100000}
report_of floods commands "$flood"
report_of floods records "$flood"
report_of floods resets
report_of floods halves
report_of floods crowd "$v6_port"
report_of floods outbound "$hosts"
wait "$rate"
report_of trickled
is 'no process has died' "$(grep -cE ' (process-died|connection-crashed) ' "$box/log")" 0
finish
