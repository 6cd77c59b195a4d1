#!/bin/bash
# A queue full of messages that wait for other hosts: how long a start takes, what each costs, and that it does not slow the others.
# The bounds are generous for a busy machine; MESSAGES=300000 (tests/run --long) has those that are promised.
. "$(dirname "$0")/lib.sh"
need_root

messages=${MESSAGES:-20000}
fixed=$((10 * 1024 * 1024)) # octets that reading any queue takes once
"$root/tests/bench/waiting" "$build" "$messages" > "$work/figures" || { cat "$work/figures"; bail_out "waiting"; }
diag < "$work/figures"
figure() { awk -v name="$1" '$1 == name { print $2 }' "$work/figures"; }
below() { awk "BEGIN { exit !($(figure "$1") < $2) }"; }
is 'all of them are there' "$(figure messages)" "$messages"
ok 'the system starts within five seconds' below start 5
ok 'each takes less than 400 octets' below memory $((400 + fixed / messages))
ok 'what comes and goes meanwhile costs the same' below full $((2 * $(figure empty) + 50))
ok 'and operators see the destinations at once' below list 2000
finish
