#!/bin/bash
# Each process that keeps something is killed before each of its calls to the disk, from its first on, while clients work; in other
# rounds the call fails.  Started again, the system holds all that it acknowledged, once, and nothing that it refused.
# POINTS=N for at most N calls of each (all of them when there are fewer), PASSES=N to go over them again with other mail, SEED=N to
# begin with other mail, TARGETS='queued...' for some of them.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 strace

start_sink far --script <(echo '{"rules": [{"at": "rcpt", "match": "refused@", "reply": "550 5.1.1 No such user"}]}')
far=$SINK_PORT far_dir=$SINK_DIR
start_sink plain --script <(echo '{"extensions": ["PIPELINING", "8BITMIME"]}')
export PLAIN_DIR=$SINK_DIR SINK_DIR=$far_dir
sandbox_with 'smtp (mx|submission)|pop3' --route "far.test=127.0.0.1:$far" --route "plain.test=127.0.0.1:$SINK_PORT" --route dead.test=127.0.0.1:1 \
    --set 'queued.min-free-space 1M' --set 'authd.failure-delay 0s' \
    --set 'authd.address-failures 100000' --set 'authd.account-failures 50000'

harm() { # TARGET POINTS [ERROR|SHORT]
    [[ " ${TARGETS:-$1} " == *" $1 "* ]] || return
    report_of python3 "$crash/kill_points.py" "$box" "$build" "$1" "${POINTS:-$2}" "${@:3}"
}
for pass in $(seq "${PASSES:-1}"); do
    export PASS=$((${SEED:-1} + pass - 1))
    harm queued 14
    harm queued-opening 10
    harm queued-relaying 10
    harm queued-telling 10
    harm deliverd 10
    harm deliverd-opening 8
    harm policyd 14
    harm policyd-grants 6
    harm policyd-removals 8
    harm policyd-limits 8
    harm mailroomd 5
    harm authd 6
    harm authd-credentials 5
    harm authd-verifiers 5
    harm pop3d 12
    harm pop3d-first 8
    [ "$pass" = 1 ] || continue # a call that fails depends less on the time
    harm queued 8 EIO
    harm queued 4 ENOSPC
    harm queued-telling 4 EIO
    harm deliverd 6 EIO
    harm deliverd-taken 6 EIO
    harm pop3d 6 EIO
    harm policyd 6 EIO
    harm policyd-limits 4 EIO
    harm authd 4 EIO
    for target in deliverd pop3d policyd authd; do harm $target 4 SHORT; done
done
# Last: what is held may still wait for its host when others look whether all is done.
for pass in $(seq "${PASSES:-1}"); do
    export PASS=$((${SEED:-1} + pass - 1))
    harm queued-holding 8
done
harm queued-holding 4 SHORT
finish
