#!/bin/bash
# The power fails under the whole system while clients send, append, copy, move, flag, remove and relay mail, and the tools change
# accounts, aliases, passwords and devices, at 25 instants, with any part of what was not flushed on the disk: started again, it holds
# everything that was acknowledged, once, and nothing that was refused or removed.  STATES=N for more of them.
. "$(dirname "$0")/lib.sh"
need_recorder
need_program python3
states=${STATES:-25}

start_sink far --mark "$work/fuse/mark" --script <(echo '{"rules": [{"at": "rcpt", "match": "refused@", "reply": "550 5.1.1 No such user"}]}')
export SINK_DIR
begin_recording 200
box=$work/disk/box
start_sandbox --plaintext-login --route "far.test=127.0.0.1:$SINK_PORT" --set 'queued.min-free-space 1M' --set 'policyd.state-map-size 16M' \
    --set "relayd.ca-file \"$box/tls/ca.pem\"" --set 'authd.failure-delay 0s'
report_of python3 "$crash/power_work.py" record "$box" "$build" "$work/fuse/mark" "${SECONDS_OF_LOAD:-4}"
sandbox stop > /dev/null 2>&1
end_recording

ok "$states states after a power cut hold all that was acknowledged, once" \
    replay "$states" "${SEED:-1}" python3 "$crash/power_work.py" check "$build"
tail -n 1 "$work/out" | diag
rm -f "$work/disk/box/env"
finish
