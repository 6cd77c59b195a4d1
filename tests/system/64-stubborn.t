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

# ---- a connection that waits for the queue ----
exec 6<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
smtp() { # CODE [LINE]: says the line, and waits for that reply
    local reply=
    [ $# = 1 ] || printf '%s\r\n' "$2" >&6
    while read -r -t 20 reply <&6 && [[ $reply == ???-* ]]; do :; done
    [[ $reply == $1* ]]
}
ok 'a message begins' smtp 220
ok 'with HELO' smtp 250 'HELO client.test'
ok 'its sender' smtp 250 'MAIL FROM:<a@client.test>'
ok 'its recipient' smtp 250 "RCPT TO:<$USER2@$DOMAIN>"
ok 'and DATA' smtp 354 DATA
waiting=$(pgrep -n -P "$(pid_of smtpd-mx)")
kill -STOP "$(pid_of queued)"
printf 'Subject: slow\r\n\r\ntext\r\n.\r\n' >&6
reload 3
reload 4
sleep 9
ok 'it is not killed while the queue may have the message' alive "$waiting"
kill -CONT "$(pid_of queued)"
ok 'its client hears that the message is safe' smtp 250
ok 'then it ends' eventually gone "$waiting"
exec 6>&-

# ---- the end ----
exec 3>&-
hang 5
exec 4>&- 5>&-
ok 'the system stops' sandbox stop
ok 'and no process is left of it' eventually gone "$stubborn"
finish
