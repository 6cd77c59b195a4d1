#!/bin/bash
# The supervisor has no room for descriptors: too many of root's are under way in sockets whose owners do not receive, or its own
# table is full.  What it cannot start it starts later, whom it cannot reach it ends, and the others go on.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 prlimit

start_sandbox
supervisor=$(pid_of supervisor)
sent=0
works() { # mail comes in and is read
    sent=$((sent + 1))
    message "in$sent" > "$work/m"
    eventually send a@client.test "$USER2@$DOMAIN" "$work/m" && eventually nothing_pending && eventually pop3 "$USER2" "$PASS2" ''
}
room() { prlimit --pid "$supervisor" --nofile="$1:"; } # N: the soft limit
failures() { grep -c "$1" "$box/log"; }                  # REGEX
more_failures() { [ "$(failures "$1")" -gt "$2" ]; }     # REGEX THAN
has_process() { alive "$(pid_of "$1")"; }                # NAME
replaced() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; } # NAME PID
ok 'everything works before' works

# ---- under way ----
hold() { # descriptors of root's in a socket that nobody reads
    exec python3 -c 'import array, socket, sys, time
ours, theirs = socket.socketpair()
for _ in range(2): ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 250))])
print("held", flush=True)
time.sleep(600)' > "$work/held"
}
hold & holder=$!
sinks+=("$holder")
ok 'many descriptors are under way' eventually grep -q held "$work/held"
room 400
old=$(pid_of dnsd)
kill -KILL "$old"
ok 'a process cannot be started' eventually log_has ' start-failed process=dnsd reason=".*Too many references'
"$intruder" --offend "$(pid_of queued)" > "$work/offend"
ok 'who cannot be given a channel is ended' eventually log_has ' peer-misbehaved .*too many descriptors are under way'
ok 'the supervisor is there' alive "$supervisor"
kill "$holder"
wait "$holder" 2> /dev/null
ok 'when they are gone it is started' eventually has_process dnsd
ok 'and everything works' works

# ---- a full table: room for what a start needs but for its answer ----
full=' start-failed process=dnsd reason="start of a process: Too many open files"'
limit_at() { # N: so that N numbers are free
    python3 -c 'import os, sys
used = {int(n) for n in os.listdir("/proc/%s/fd" % sys.argv[1])}
print([n for n in range(5000) if n not in used][int(sys.argv[2])])' "$supervisor" "$1"
}
before=$(failures ' start-failed process=dnsd ')
room "$(limit_at 0)" # beside that of the channel to dnsd, if it is below
kill -KILL "$(pid_of dnsd)"
for free in 1 2 3; do
    eventually more_failures ' start-failed process=dnsd ' "$before"
    ! log_has "$full" || break
    before=$(failures ' start-failed process=dnsd ')
    room "$(limit_at $free)"
done
ok 'the answer finds no room' eventually log_has "$full"
ok 'the supervisor is there' alive "$supervisor"
room 400
ok 'when there is room it is started' eventually has_process dnsd
ok 'and everything works' works
is 'nothing else of the supervisor was in the log' "$(grep -c ' supervisor\[[0-9]*\] fatal ' "$box/log")" 0
finish
