#!/bin/bash
# logd among the hostile.  A taken-over one (tests/authority/hostile_server.cc in its place) reads no line, leaves no room for any, asks the
# supervisor for what is not its own, and lies to mr-metrics: all others go on, it is ended for what is no message, and with the honest one
# back the log goes on.  And all others are hostile to it (tests/authority/hostile_writers.cc).
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sandbox
works() {
    message in > "$work/m"
    eventually send a@client.test "$USER2@$DOMAIN" "$work/m" && eventually nothing_pending && eventually pop3 "$USER2" "$PASS2" ''
}
others() { pgrep -P "$PID" | grep -vx "$(pid_of logd)"; }
replaced() { local pid; pid=$(pid_of logd) && [ "$pid" != "$1" ] && alive "$pid"; }
smallest_pipe() { # PID: octets
    python3 -c '
import fcntl, glob, os, sys
sizes = []
for path in glob.glob(f"/proc/{sys.argv[1]}/fd/*"):
    if os.readlink(path).startswith("pipe:"):
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        sizes.append(fcntl.fcntl(pipe, 1032))  # F_GETPIPE_SZ
        os.close(pipe)
print(min(sizes))' "$1"
}
small() { [ "$(smallest_pipe "$(pid_of logd)")" -le 4096 ]; }

# ---- a hostile one, in a system that is honest
ok 'everything works before' works
bystanders=$(others)
honest=$(readlink "$box/libexec/logd")
before=$(pid_of logd)
ln -sfn "$build/tests/authority/hostile_logd" "$box/libexec/logd"
kill -KILL "$before"
ok 'a hostile twin runs' eventually replaced "$before"
twin=$(pid_of logd)
ok 'it has left the room of one page in the pipes' eventually small
for ((i = 0; i < 100; ++i)); do # lines that nobody reads
    connect_to "$SMTP_PORT" 5 || missed 'the listener greets'
    exec 5>&-
done
ok 'everything works though nobody reads the log' works
not_believed() { # it may be ended, and another started, meanwhile
    timeout 60 "$build/tools/mr-metrics" --config "$CONFIG" show > "$work/metrics" 2> "$work/refused"
    [ $? = 1 ] && grep -q 'logd.sock: an answer that no logd gives$' "$work/refused"
}
ok 'mr-metrics does not believe it' eventually not_believed
is 'what others say is there' "$(grep '^mailroom_up' "$work/metrics" | sort | xargs)" \
    'mailroom_up{server=logd} 0 mailroom_up{server=policyd} 1 mailroom_up{server=queued} 1'
ok 'it is ended for what is no message' eventually replaced "$twin"

# ---- the honest one is back
ln -sfn "$honest" "$box/libexec/logd"
twin=$(pid_of logd)
kill -KILL "$twin"
ok 'the honest one is back' eventually replaced "$twin"
for offence in 'asked for an account directory' 'told of a crash of a connection, and has none' 'malformed'; do
    ok "the supervisor has said so: $offence" eventually log_has "supervisor\[[0-9]+\] peer-misbehaved .*peer=logd#[0-9]+ reason=\"?$offence"
done
ok 'everything works after it' works
ok 'and the lines that were lost are counted' eventually log_has ' smtpd-mx\[[0-9]+\] .* dropped=[1-9]'
is 'the others are the same processes' "$(others)" "$bystanders"
is 'the pipes have their room again' "$(smallest_pipe "$(pid_of logd)")" 65536

# ---- everybody else is hostile
sandbox stop > /dev/null
report_of timeout 300 "$build/tests/authority/hostile_writers" "$CONFIG"
finish
