#!/bin/bash
# A right that cannot be given up: every call by which a process puts up its walls is made to fail in turn (strace -e inject),
# and the process must end before it serves anybody (SECURITY class V23: setuid whose result was not looked at).
. "$(dirname "$0")/lib.sh"
need_root
need_program strace nc

start_sandbox
sandbox stop > /dev/null 2>&1

# Puts a program under strace that lets one call fail, from its first use on.
inject() { # PROGRAM CALL
    rm -f "$box/libexec/$1"
    cat > "$box/libexec/$1" <<END
#!/bin/sh
exec strace -f -qq -o /dev/null -e trace=$2 -e inject=$2:error=EAGAIN "$build/daemons/$1/$1"
END
    chmod 755 "$box/libexec/$1"
}
restore() { ln -sfn "$build/daemons/$1/$1" "$box/libexec/$1"; }

# The calls of each kind of process between its start and Ready.
for case in \
    queued:chroot queued:fchdir queued:prctl queued:landlock_restrict_self queued:setgroups queued:setresgid queued:setresuid \
    queued:capset queued:seccomp deliverd:setresuid deliverd:capset deliverd:seccomp \
    smtpd:chroot smtpd:prctl smtpd:setgroups smtpd:capset smtpd:seccomp; do
    program=${case%:*} call=${case#*:}
    inject "$program" "$call"
    timeout 30 "$box/libexec/mailroomd" --config "$CONFIG" > "$work/mailroomd.out" 2>&1
    is "$program does not run when $call fails" $? 1
    like "... and it says so" "$(cat "$work/mailroomd.out")" "$program[^ ]* fatal reason="
    restore "$program"
done

# The calls of a connection's process: the client gets no greeting.
ok 'the system starts again' sandbox start
read_env
like 'and greets' "$(sleep 3 | timeout 5 nc 127.0.0.1 "$SMTP_PORT")" '^220 '
traced() { grep -qE '^TracerPid:[[:blank:]]*[1-9]' "/proc/$1/status"; }
for case in smtpd-mx:setgroups smtpd-mx:setresgid smtpd-mx:setresuid smtpd-mx:prlimit64 pop3d:seccomp; do
    program=${case%:*} call=${case#*:}
    port=$SMTP_PORT
    [ "$program" != pop3d ] || port=$POP3_PORT
    eventually pid_of "$program"
    listener=$(pid_of "$program")
    strace -f -qq -o /dev/null -e trace=$call -e inject=$call:error=EAGAIN -p "$listener" 2> /dev/null &
    tracer=$!
    eventually traced "$listener"
    is "$program: no greeting when $call fails" "$(sleep 1 | timeout 5 nc 127.0.0.1 "$port")" ''
    kill $tracer 2> /dev/null  # it ends by itself when the listener is replaced
    wait $tracer 2> /dev/null
    eventually log_has 'process-ready|connection-crashed'
done
like 'and afterwards it greets again' "$(sleep 3 | timeout 5 nc 127.0.0.1 "$SMTP_PORT")" '^220 '
finish
