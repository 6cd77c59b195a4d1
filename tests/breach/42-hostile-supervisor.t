#!/bin/bash
# A taken-over supervisor (tests/authority/hostile_supervisor.cc in its place): every program that it has started is who the table
# says, where the table says, and is so before it reads what the supervisor tells it; or it ends.
. "$(dirname "$0")/lib.sh"
need_root
need_program strace

kerberos=()
elsewhere='queued deliverd imapd'
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then
    kerberos=(--kerberos)
    elsewhere="$elsewhere krbd"
fi
start_sandbox "${kerberos[@]}"
sandbox stop > /dev/null
table=$("$box/libexec/mailroomd" --config "$CONFIG" --table)
by_the_table() { # NAME: how the twin prints it
    local kind name uid path capabilities
    while IFS=$'\t' read -r kind name _ uid path capabilities _; do
        [ "$kind $name" = "process $1" ] || continue
        echo "uid=$uid gid=$uid capabilities=$(printf '%016x' "0x$capabilities") seccomp=2 root=$(readlink -f "$path")"
    done <<< "$table"
}

ln -sfn "$build/tests/authority/hostile_supervisor" "$box/libexec/supervisor"
timeout -k 5 200 strace -f -qq -o "$work/trace" -e trace=execve,capset,setresuid,lseek \
    "$box/libexec/mailroomd" --config "$CONFIG" --ready-fd 8 > "$work/said" 2>&1 8> "$work/ready"
status=$?
outcome() { sed -n "s/^$1: //p" "$work/said"; } # ATTEMPT
is_as_the_table_says() { is "$1: as the table says" "$(outcome "$1")" "$(by_the_table "$2")"; } # ATTEMPT NAME

for name in logd policyd authd deliverd queued dnsd stsd relayd smtpd-mx pop3d imapd; do
    is_as_the_table_says "honest $name" "$name"
done
for attempt in 'queued as root' 'queued as policyd' 'deliverd for other accounts' 'imapd for more accounts' \
    "smtpd-mx with daemons' uids" 'imapd with its root directory as a socket' 'deliverd after a reload with other uids' 'queued with rubbish'; do
    is "$attempt: ends" "$(outcome "$attempt")" ends
done
is 'whose uids were good before the reload' "$(outcome 'deliverd before a reload')" 'is ready'
for name in $elsewhere; do is_as_the_table_says "$name elsewhere" "$name"; done
is 'and nothing is where they were sent' "$(outcome 'the trap')" 'is empty'
is 'no directory is made for who is no account' "$(outcome 'directories of nobody')" 'are not made'
is_as_the_table_says 'honest queued after that' queued
is 'only processes that were started for it are ended' "$(outcome 'a stranger')" lives
is 'that the system is ready' "$(outcome 'ready twice')" 'is said once'
is 'to who has started it' "$(cat "$work/ready")" ready
is 'a second supervisor is asked for' "$(outcome 'a second supervisor')" 'is asked for'
like 'which ends everything' "$(cat "$work/said")" ' mailroomd\[[0-9]+\] fatal reason="the supervisor misbehaves"'
is 'as a broken invariant' "$status" 70

# ---- before it reads what the supervisor says (descriptor 4), a process has given up root's rights ----
awk '$2 ~ /^execve\(.*\/supervisor"/ { next }
     $2 ~ /^execve\(/ { given_up[$1] = 0 }
     $2 ~ /^capset\(/ { given_up[$1] = 1 }
     $2 ~ /^lseek\(4,/ { read_by[$1] = given_up[$1] }
     END { for (pid in read_by) { readers++; early += !read_by[pid] }; print readers + 0, early + 0 }' "$work/trace" > "$work/order"
read -r readers early < "$work/order"
ok "launch blocks are read ($readers)" [ "$readers" -ge 20 ]
is 'none by a process that still has all rights' "$early" 0
finish
