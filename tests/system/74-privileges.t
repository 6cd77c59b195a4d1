#!/bin/bash
# A right that cannot be given up: every call by which a process puts up its walls is made to fail in turn (strace -e inject),
# and the process must end before it serves anybody (SECURITY class V23: setuid whose result was not looked at).  The calls are those
# that a start is seen to make, each by its number.  FULL=1 for all of them; else all of queued's, but for some of what
# empties the bounding set, and of each other kind of process as many as SAMPLE says, others each day (SEED).
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

# ---- what each does at its start ----
under_strace() { # PROGRAM OPTION...
    local program=$1
    shift
    rm -f "$box/libexec/$program"
    printf '#!/bin/sh\nexec strace -f -qq %s "%s" "$@"\n' "$*" "$build/daemons/$program/$program" > "$box/libexec/$program"
    chmod 755 "$box/libexec/$program"
}
restore() { ln -sfn "$build/daemons/$1/$1" "$box/libexec/$1"; }

walls=fchdir,chroot,chdir,prctl,landlock_create_ruleset,landlock_add_rule,landlock_restrict_self,setgroups,setresgid,setresuid
walls=$walls,getresuid,capset,prlimit64,seccomp
for program in $programs; do under_strace "$program" -o "$work/$program.\$\$" -e "trace=$walls"; done
setsid "$box/libexec/mailroomd" --config "$CONFIG" > "$work/mailroomd.out" 2>&1 9>&- &
mailroomd=$!
ok 'the system starts under strace' eventually grep -q ' started ' "$work/mailroomd.out"
kill -TERM "$mailroomd"
wait "$mailroomd"
for program in $programs; do restore "$program"; done

# "CALL NUMBER" of the first thread's calls that put up a wall, so that what is asked, is refused anyway or may be missing (PR_SET_MDWE) counts
# as a call and is not in the list.
walls_of() { # PROGRAM
    perl -ne '
        my ($pid, $call, $arguments, $result) = /^(\d+) +(\w+)\((.*)\) += (-?\w+)/ or next;
        $first //= $pid; next if $pid != $first; my $number = ++$calls{$call};
        next if $result < 0 || $arguments =~ /^(PR_GET_|PR_SET_MDWE|0x41 )/;
        next if $call eq "prlimit64" && $arguments =~ /, NULL, \{/;
        next if $call eq "seccomp" && $arguments !~ /^SECCOMP_SET_MODE_FILTER, .*\{len=/;
        print "$call $number", $arguments =~ /^PR_CAPBSET_/ ? " of-many" : "", "\n"' "$(ls "$work/$1".* | head -n 1)"
}
SAMPLE=${SAMPLE:-4} SEED=${SEED:-$(date +%j)}
chosen() { # NUMBER: that many of the lines, evenly apart
    perl -e 'my ($wanted, $seed) = @ARGV; my @all = <STDIN>; my $step = @all / $wanted; $step = 1 if $step < 1;
             for (my $at = 0; $at < @all; $at += $step) { print $all[($at + $seed) % @all] }' "$1" "$SEED" | sort -u
}
tried_of() { # PROGRAM
    if [ -n "${FULL:-}" ]; then
        walls_of "$1"
    elif [ "$1" = queued ]; then
        walls_of "$1" | grep -v of-many
        walls_of "$1" | grep of-many | chosen "$SAMPLE"
    else
        walls_of "$1" | grep -v of-many | chosen "$SAMPLE"
        walls_of "$1" | grep of-many | chosen 1
    fi
}
ends_and_says_so() { # PROGRAM CALL NUMBER [FAULT]
    local status
    under_strace "$1" -o /dev/null -e "trace=$2" -e "inject=$2:${4:-error=EAGAIN}:when=$3"
    timeout 60 "$box/libexec/mailroomd" --config "$CONFIG" > "$work/mailroomd.out" 2>&1
    status=$?
    restore "$1"
    [ "$status" = 1 ] && grep -qE "(^\[[0-9]+\]| $1[^ ]*) fatal reason=" "$work/mailroomd.out"
}
echo "# SEED=$SEED"
for program in $programs; do
    tried_of "$program" > "$work/tried"
    while read -r call number _; do
        ends_and_says_so "$program" "$call" "$number" 9>&- < /dev/null ||
            { missed "$program does not run when $call number $number fails"; diag < "$work/mailroomd.out"; }
    done < "$work/tried"
    all=$(walls_of "$program" | wc -l)
    ok "$program puts up walls" [ "$all" -ge 5 ]
    passed "$program does not run when any of these fails (of $all): $(cut -d' ' -f 1,2 "$work/tried" | xargs)"
done
# A uid is believed to have changed when it has, whatever the call said of it, and to be gone when it cannot be taken back.
for number in 1 2; do
    ok "queued does not run when setresuid number $number has done something else than it says" \
        ends_and_says_so queued setresuid "$number" retval=0 9>&- < /dev/null
done

# ---- the processes that listeners fork ----
ok 'the system starts again' sandbox start "${options[@]}"
read_env
like 'and greets' "$(sleep 3 | timeout 5 nc 127.0.0.1 "$SMTP_PORT")" '^220 '
traced() { grep -qE '^TracerPid:[[:blank:]]*[1-9]' "/proc/$1/status"; }
fault=error=EAGAIN
with_failing() { # PROCESS CALL[:when=NUMBER] COMMAND...: while that call fails in it and in what it forks
    local name=$1 call=${2%%:*} when=${2#"${2%%:*}"} listener=$PID tracer status
    shift 2
    if [ "$name" != mailroomd ]; then
        eventually pid_of "$name"
        listener=$(pid_of "$name")
    fi
    strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:$fault$when" -p "$listener" 2> /dev/null &
    tracer=$!
    eventually traced "$listener"
    "$@"
    status=$?
    kill $tracer 2> /dev/null  # it ends by itself when the listener is replaced
    wait $tracer 2> /dev/null
    return $status
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
session() { printf 'a LOGIN %s %s\r\nb NOOP\r\nc LOGOUT\r\n' "$USER1" "$PASS1" | timeout 10 nc 127.0.0.1 "$IMAP_PORT"; }
like 'there is a session' "$(session)" '^a OK'
no_session() { # CALL
    local said
    said=$(session)
    like "imapd: greets when $1 fails" "$said" '^\* OK'
    unlike '... and gives no session' "$said" '^[ab] OK'
}
for call in capset capset:when=2 chroot fchdir chdir; do with_failing imapd $call no_session $call; done
reloaded
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
greets_again "$SMTP_PORT"
fault=retval=0
with_failing smtpd-mx setresuid no_greeting smtpd-mx 'the truth of setresuid' "$SMTP_PORT"
fault=error=EAGAIN
greets_again "$POP3_PORT"
with_failing pop3d seccomp no_greeting pop3d seccomp "$POP3_PORT"

session_again() { session | grep -q '^a OK'; }
ok 'a reload' reloaded
ok 'and then there is one again' eventually session_again

# ---- what mailroomd starts: a program that would have more open than it is given ----
ended_before_it_began() { tail -n +"$since" "$box/log" | grep -qE ' process-died process=dnsd#[0-9]+ .*reason="exit 70"'; }
no_dnsd() {
    since=$(($(wc -l < "$box/log") + 1))
    kill -KILL "$(pid_of dnsd)"
    eventually ended_before_it_began
}
ok 'no program is begun when close_range fails before it' with_failing mailroomd close_range no_dnsd
ok 'and then it is' eventually pid_of dnsd
timeout 60 strace -qq -o /dev/null -e trace=close_range -e inject=close_range:error=EAGAIN \
    "$box/libexec/mailroomd" --config "$CONFIG" > "$work/mailroomd.out" 2>&1
is 'mailroomd does not run with what it cannot close' "$?" 70

# ---- deliverd's identity for files: set, asked for, given back, asked for ----
restarted() { # NAME OLD-PID
    local pid
    pid=$(pid_of "$1") && [ "$pid" != "$2" ]
}
deliver_one() { # NUMBER
    message "identity-$1" > "$work/m"
    send a@client.test "$USER1@$DOMAIN" "$work/m" && eventually restarted deliverd "$deliverd"
}
delivered_before=$(pop3 "$USER1" "$PASS1" '' | grep -c '^[0-9]')
cases='setfsgid:when=1 setfsgid:when=3 setfsuid:when=3'
[ -z "${FULL:-}" ] || cases=$(for call in setfsuid setfsgid; do for n in 1 2 3 4; do echo "$call:when=$n"; done; done)
number=0
for case in $cases; do
    number=$((number + 1))
    eventually pid_of deliverd
    deliverd=$(pid_of deliverd)
    ok "deliverd ends when $case fails" with_failing deliverd "$case" deliver_one "$number"
done
said_why() { [ "$(grep -cE ' deliverd\[[0-9]+\] fatal reason="setfs[ug]id refused"' "$box/log")" -ge "$number" ]; }
ok 'it said why each time' eventually said_why
ok 'each message is delivered once all the same' eventually delivered "$USER1" "$PASS1" $((delivered_before + number))
mailbox=$box/spool/mail/$(tool account show "$USER1" --json | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{id}')
is 'and no file is anybody else'"'"'s' "$(find "$mailbox" ! -user "$(stat -c %u "$mailbox")" -o ! -group "$(stat -c %g "$mailbox")")" ''

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
