#!/bin/bash
# kill -9 of any one process under load loses nothing and the rest go on; of mailroomd, all end, and a restart loses
# nothing.
. "$(dirname "$0")/lib.sh"

start_sandbox
to=$USER1@$DOMAIN
acknowledged=$work/acknowledged
processes='logd keyd policyd authd deliverd queued smtpd-mx smtpd-submission pop3d imapd'

begin_load() { # ROUND
    "$here/load.py" send "$SMTP_PORT" "$to" 3 "$1" "$acknowledged" > "$work/load.out" 2>&1 &
    loader=$!
    sleep 1
}
end_load() { wait $loader; diag < "$work/load.out"; }
works() { # everything answers again: mail goes in and a login succeeds
    message after > "$work/m"
    eventually send a@client.test "$USER2@$DOMAIN" "$work/m" && eventually pop3 "$USER2" "$PASS2" ''
}
restarted() { # NAME OLD-PID
    local pid
    pid=$(pid_of "$1") && [ "$pid" != "$2" ]
}

for name in $processes; do
    begin_load "$name"
    pid=$(pid_of "$name")
    others=$(pgrep -P "$PID" | grep -vx "$pid")
    kill -KILL "$pid"
    end_load
    ok "$name is started again" eventually restarted "$name" "$pid"
    is "$name: the others go on" "$(for other in $others; do alive "$other" || echo "$other"; done 2>&1)" ''
    ok "$name: everything works" works
done

begin_load mailroomd
children=$(pgrep -P "$PID")
kill -KILL "$PID"
for pid in $children; do ok "$(process_name "$pid") ends with mailroomd" eventually gone "$pid"; done
end_load
ok 'a restart' sandbox start
read_env
ok 'everything works' works

ok 'the queue empties' eventually nothing_pending
ok 'nothing acknowledged is lost, nothing is there twice' \
    "$here/load.py" check "$POP3S_PORT" "$CAFILE" "$USER1" "$PASS1" "$acknowledged"
diag < "$work/out"
finish
