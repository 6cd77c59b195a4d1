#!/bin/bash
# A right that cannot be given up: every call by which a process puts up its walls is made to fail in turn (strace -e inject),
# and the process must end before it serves anybody (SECURITY class V23: setuid whose result was not looked at).  FULL=1 for every call
# in every kind of process; else each kind has its most telling ones, and queued all.
. "$(dirname "$0")/lib.sh"
need_root
need_program strace nc

kerberos=()
programs='supervisor logd keyd policyd authd certd deliverd queued smtpd pop3d imapd dnsd stsd relayd'
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then
    kerberos=(--kerberos)
    programs="$programs krbd kdcd"
fi
start_sink far
options=("${kerberos[@]}" --client-certificates --plaintext-login --route "far.test=127.0.0.1:$SINK_PORT")
start_sandbox "${options[@]}"
sandbox stop > /dev/null 2>&1

# Puts a program under strace that lets one call fail, from its first use on.
inject() { # PROGRAM CALL
    rm -f "$box/libexec/$1"
    cat > "$box/libexec/$1" <<END
#!/bin/sh
exec strace -f -qq -o /dev/null -e trace=$2 -e inject=$2:error=EAGAIN "$build/daemons/$1/$1" "\$@"
END
    chmod 755 "$box/libexec/$1"
}
restore() { ln -sfn "$build/daemons/$1/$1" "$box/libexec/$1"; }

# The calls between its start and Ready; listeners stay root, with three capabilities.
calls_of() { # PROGRAM
    local identity='setresgid setresuid'
    [ "$1" != supervisor ] || { echo 'prctl landlock_restrict_self setgroups capset prlimit64 seccomp'; return; }
    case $1 in smtpd | pop3d | imapd | relayd) identity= ;; esac
    if [ -n "${FULL:-}" ] || [ "$1" = queued ]; then
        echo "fchdir chroot prctl landlock_restrict_self setgroups capset prlimit64 seccomp $identity"
    else
        echo "chroot ${identity:-capset} seccomp"
    fi
}
ends_and_says_so() { # PROGRAM CALL
    local status
    inject "$1" "$2"
    timeout 30 "$box/libexec/mailroomd" --config "$CONFIG" > "$work/mailroomd.out" 2>&1
    status=$?
    restore "$1"
    [ "$status" = 1 ] && grep -qE "(^\\[[0-9]+\\]| $1[^ ]*) fatal reason=" "$work/mailroomd.out"
}
for program in $programs; do
    for call in $(calls_of "$program"); do
        ends_and_says_so "$program" "$call" || { missed "$program does not run when $call fails"; diag < "$work/mailroomd.out"; }
    done
    passed "$program does not run when any of these fails: $(calls_of "$program")"
done

# ---- the processes that listeners fork ----
ok 'the system starts again' sandbox start "${options[@]}"
read_env
like 'and greets' "$(sleep 3 | timeout 5 nc 127.0.0.1 "$SMTP_PORT")" '^220 '
traced() { grep -qE '^TracerPid:[[:blank:]]*[1-9]' "/proc/$1/status"; }
with_failing() { # LISTENER CALL COMMAND...: while that call fails in it and in what it forks
    local name=$1 call=$2 listener tracer
    shift 2
    eventually pid_of "$name"
    listener=$(pid_of "$name")
    strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:error=EAGAIN" -p "$listener" 2> /dev/null &
    tracer=$!
    eventually traced "$listener"
    "$@"
    kill $tracer 2> /dev/null  # it ends by itself when the listener is replaced
    wait $tracer 2> /dev/null
}

# Connections that crash shut out the address they come from, until a reload.
reloads() { grep -c ' reload-done ' "$box/log"; }
reloaded() {
    local before
    before=$(reloads)
    kill -HUP "$PID"
    until [ "$(reloads)" -gt "$before" ]; do sleep 0.1; done
}

# A session: the login was good, and nobody is there.
session() { printf 'a LOGIN %s %s\r\nb NOOP\r\n' "$USER1" "$PASS1" | timeout 10 nc -q 3 127.0.0.1 "$IMAP_PORT"; }
like 'there is a session' "$(session)" '^a OK'
no_session() { # CALL
    local said
    said=$(session)
    like "imapd: greets when $1 fails" "$said" '^\* OK'
    unlike '... and gives no session' "$said" '^[ab] OK'
}
for call in capset chroot fchdir chdir; do with_failing imapd $call no_session $call; done
# Calls that its connection makes as well begin to fail when that is there already.
greeted() { exec 5<> "/dev/tcp/127.0.0.1/$IMAP_PORT" && IFS= read -r -t "$patience" greeting <&5; }
log_in_greeted() { printf 'a LOGIN %s %s\r\nb NOOP\r\n' "$USER1" "$PASS1" >&5; said=$(timeout 5 cat <&5); exec 5>&-; }
ok 'imapd: greets' greeted
with_failing imapd sethostname log_in_greeted # which nobody calls
like 'a session is there though the listener is traced' "$said" '^b OK'
for call in close_range prctl setgroups setresgid setresuid seccomp; do
    ok "imapd: greets before $call fails" greeted
    with_failing imapd $call log_in_greeted
    unlike '... and gives no session' "$said" '^[ab] OK'
    reloaded
done
greets() { sleep 2 | timeout 4 nc 127.0.0.1 "$1" | grep -qE '^(220|\* OK|\+OK) '; }
greets_again() { # PORT: silence would prove nothing otherwise
    reloaded
    eventually greets "$1" || missed "port $1 greets when nothing fails"
}
no_greeting() { is "$1: no greeting when $2 fails" "$(sleep 1 | timeout 5 nc 127.0.0.1 "$3")" ''; } # LISTENER CALL PORT
for case in smtpd-mx:$SMTP_PORT imapd:$IMAP_PORT pop3d:$POP3_PORT; do
    for call in close_range setgroups setresgid setresuid prlimit64; do
        greets_again "${case#*:}"
        with_failing "${case%:*}" $call no_greeting "${case%:*}" $call "${case#*:}"
    done
done
greets_again "$POP3_PORT"
with_failing pop3d seccomp no_greeting pop3d seccomp "$POP3_PORT"

session_again() { session | grep -q '^a OK'; }
ok 'a reload' reloaded
ok 'and then there is one again' eventually session_again

# A connection to another host: nothing is said to it.
message far | sed "s/^From: .*/From: $USER1@$DOMAIN\r/" > "$work/m"
relay_ended() { tail -n +"$since" "$box/log" | grep -qE ' relay-cut '; }
no_relay() { # CALL
    since=$(($(wc -l < "$box/log") + 1))
    tool queue retry --all > /dev/null
    [ "$(pending)" != 0 ] || submit "$USER1" "$PASS1" "$USER1@$DOMAIN" anna@far.test "$work/m" || missed 'a message for elsewhere'
    ok "relayd: its process ends when $1 fails" eventually relay_ended
}
for call in close_range setgroups setresgid setresuid; do with_failing relayd $call no_relay $call; done
is 'no connection was made' "$(find "$SINK_DIR" -name 'connection-*' | wc -l)" 0
arrived() { tool queue retry --all > /dev/null; [ "$(find "$SINK_DIR" -name '*.eml' | wc -l)" = 1 ]; }
ok 'and then the message goes out' eventually arrived
finish
