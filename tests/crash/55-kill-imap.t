#!/bin/bash
# An IMAP session is killed before each of its calls to the disk, and in other rounds the call fails: every command that was answered
# OK has happened, the one that was cut off has or has not, and no UID is used twice.  POINTS, PASSES and SEED as in 50-kill-points.t.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 strace

sandbox_with imap

harm() { # POINTS [ERROR]
    report_of python3 "$crash/kill_points.py" "$box" "$build" imapd "${POINTS:-$1}" "${@:2}"
}
for pass in $(seq "${PASSES:-1}"); do
    export PASS=$((${SEED:-1} + pass - 1))
    harm 40
    [ "$pass" = 1 ] || continue
    harm 8 EIO
    harm 6 ENOSPC
    harm 6 SHORT
done
finish
