#!/bin/bash
# policyd and queued are killed while they learn what is known of TLS to other hosts: a policy that was found once is not forgotten (no
# plaintext where it forbids it), what came of TLS is counted once, and the report of a day is sent once, but for a process that dies
# just then.  POINTS, PASSES, SEED and TARGETS as in 50-kill-points.t.
. "$(dirname "$0")/lib.sh"
. "$crash/../system/authority.sh"
need_root
need_program python3 strace nsd ldns-signzone openssl

domains=1000 # with a policy: one for each round
make_authority
# shellcheck disable=SC2046
certificate web $(seq -f 'mta-sts.r%.0f.sts.test' $domains)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sandbox_with 'smtp submission' --zone --set "relayd.ca-file $work/ca/ca.pem" --set "stsd.port $port" --set 'queued.retry-schedule 1h' \
    --set 'queued.relay-idle 0s' --set 'queued.min-free-space 1M' --set 'authd.failure-delay 0s'
zone_add << END || bail_out 'the zone does not take the domains of this test'
*.sts.test. MX 10 mx.plain.test.
*.sts.test. TXT "v=STSv1; id=1;"
*.sts.test. A $ZONE_NET.9
*.counted.test. MX 10 mx.plain.test.
*.told.test. MX 10 mx.plain.test.
*.told.test. TXT "v=TLSRPTv1; rua=mailto:tls@collector.test"
mx.plain.test. A $ZONE_NET.22
collector.test. MX 10 mx.collector.test.
mx.collector.test. A $ZONE_NET.35
END
export WEB=$work/web
mkdir "$WEB"
"$crash/../system/sts_server.py" "$ZONE_NET.9" "$port" "$work/ca/web.pem" "$work/ca/web.key" "$WEB" 2> "$work/web.err" &
sinks+=($!)
start_sink plain --listen "$ZONE_NET.22:25"
export PLAIN_DIR=$SINK_DIR
start_sink collector --listen "$ZONE_NET.35:25"
export COLLECTOR_DIR=$SINK_DIR

harm() { # TARGET POINTS
    [[ " ${TARGETS:-$1} " == *" $1 "* ]] || return
    report_of python3 "$crash/kill_points.py" "$box" "$build" "$1" "${POINTS:-$2}"
}
for pass in $(seq "${PASSES:-1}"); do
    export PASS=$((${SEED:-1} + pass - 1))
    harm policyd-policies 8
    harm policyd-counts 6
    harm queued-counts 4
    harm policyd-reports 4
    harm queued-reports 2
done
finish
