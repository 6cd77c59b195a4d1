#!/bin/bash
# A connection's process that does not end when its listener tells it to (it hangs, or has been taken over) is killed by mailroomd:
# before its uid is another's, and when the system stops.
. "$(dirname "$0")/lib.sh"
need_root
need_program nc

start_sandbox --plaintext-login
hang() { # DESCRIPTOR: a connection whose process is halted; sets $stubborn
    eval "exec $1<> /dev/tcp/127.0.0.1/$IMAP_PORT" && read -r -t "$patience" _ <&"$1"
    stubborn=$(pgrep -n -P "$(pid_of imapd)")
    kill -STOP "$stubborn"
}
reload() { # N: the N-th
    kill -HUP "$PID"
    ok "reload $1" eventually reloads "$1"
}
reloads() { [ "$(grep -c ' reload-done ' "$box/log")" -ge "$1" ]; }
noop() { # the session still has an answer
    local answer=
    printf 'n NOOP\r\n' >&4
    while read -r -t 20 answer <&4 && [[ $answer != n\ * ]]; do :; done
    [[ $answer == n\ OK* ]]
}

# ---- a listener that was replaced twice ----
hang 3
exec 4<> "/dev/tcp/127.0.0.1/$IMAP_PORT"
printf 'a LOGIN %s %s\r\n' "$USER1" "$PASS1" >&4
ok 'beside it there is a session' noop
reload 1
ok 'when its listener is replaced it stays' alive "$stubborn"
reload 2
ok 'when its uid is wanted it is killed' eventually gone "$stubborn"
ok 'which the log says' eventually log_has ' peer-misbehaved .*imapd#1 .*1 of its connections did not end'
ok 'the session goes on' noop

# ---- the end ----
exec 3>&-
hang 5
exec 4>&- 5>&-
ok 'the system stops' sandbox stop
ok 'and no process is left of it' gone "$stubborn"
finish
