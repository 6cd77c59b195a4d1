#!/bin/bash
# A thousand clients that say nothing, or an octet now and then, and sessions that do not read what they asked for: an honest client
# keeps its second, nobody's memory grows without an end, and when they are gone all is as before (SECURITY V11).
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

slow() { MAILROOM_ENV=$box/env python3 "$here/slow.py" "$@"; }

start_sandbox --plaintext-login --set 'pop3d.login-timeout 6s' --set 'imapd.login-timeout 10m' \
    --set 'smtpd.max-connections-per-address 50'
report_of slow many "${CLIENTS:-1000}"
report_of slow trickle
report_of slow unread 50
is 'no process has died' "$(grep -cE ' (process-died|connection-crashed) ' "$box/log")" 0
finish
