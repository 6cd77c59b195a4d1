#!/bin/bash
# Processes that crash (SIGSEGV, as after an attempt to take them over): a connection's ends that connection alone, its
# listener is replaced so that no memory layout is seen again, and who does it five times is shut out; a server's is
# followed by another, with another layout, and nothing acknowledged is lost.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sandbox --plaintext-login
export MAILROOM_ENV=$box/env
message first > "$work/m"
ok 'a message comes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and is delivered' eventually delivered "$USER1" "$PASS1" 1

# ---- servers, under load ----
acknowledged=$work/acknowledged
layout() { grep -v '\[vsyscall\]' "/proc/$1/maps" | cut -d- -f 1 | sort; } # PID
restarted() { # NAME OLD-PID
    local pid
    pid=$(pid_of "$1") && [ "$pid" != "$2" ]
}
"$here/load.py" send "$SMTP_PORT" "$USER2@$DOMAIN" 20 segv "$acknowledged" > "$work/load.out" 2>&1 &
loader=$!
servers='logd keyd policyd authd deliverd queued dnsd stsd smtpd-mx imapd'
for name in $servers; do
    pid=$(pid_of "$name")
    others=$(pgrep -P "$PID" | grep -vx "$pid")
    layout "$pid" > "$work/before"
    kill -SEGV "$pid"
    ok "$name is started again" eventually restarted "$name" "$pid"
    layout "$(pid_of "$name")" > "$work/after"
    is "$name: nothing of it lies where it lay" "$(comm -12 "$work/before" "$work/after")" ''
    is "$name: the others go on" "$(for other in $others; do alive "$other" || echo "$other"; done)" ''
done
wait $loader
diag < "$work/load.out"
is 'each crash is logged, with its signal' \
    "$(grep ' process-died ' "$box/log" | perl -ne 'print "$1\n" if /process=([a-z-]+).* reason="signal SEGV"/' | sort | xargs)" \
    "$(tr ' ' '\n' <<< "$servers" | sort | xargs)"
ok 'mail was taken in meanwhile' [ -s "$acknowledged" ]
ok 'the queue empties' eventually nothing_pending
ok 'nothing acknowledged is lost, nothing is there twice' \
    "$here/load.py" check "$POP3S_PORT" "$CAFILE" "$USER2" "$PASS2" "$acknowledged"

# ---- connections ----
report_of "$here/crashes.py" connections
report_of "$here/crashes.py" accepting
report_of "$here/crashes.py" session
report_of "$here/crashes.py" shut-out
finish
