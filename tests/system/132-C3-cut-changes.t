#!/bin/bash
# C3: policyd is killed within each change of the registry, at each place: a change is made with its history, or not at all, and what
# was acknowledged is made.
. "$(dirname "$0")/lib.sh"
need_root
need_program strace

start_sandbox
device() { tool device "$@"; }
history_of() { device history "$1" | awk '{ print $2 }' | xargs; }
listed() { device list | grep -c "^$1"; }
serves() { device list > /dev/null; }

# Before it writes, before it syncs what it has written, and before it answers (a line for the log comes first).
places='writing syncing answering'
declare -A call_at=([writing]=pwrite64,writev [syncing]=fdatasync [answering]=write)
followed() { grep -q "^TracerPid:[[:blank:]]*$tracer\$" "/proc/$1/status"; }
killed_at() { # PLACE ARGUMENT...: of mr-device; in $result whether it was acknowledged
    local pid place=$1; shift
    pid=$(pid_of policyd)
    strace -qq -e trace="${call_at[$place]}" -e inject="${call_at[$place]}:signal=KILL:when=1" -o "$work/strace" -p "$pid" &
    tracer=$!
    eventually followed "$pid"
    result='not acknowledged'
    ! device "$@" > /dev/null 2>&1 || result=acknowledged
    kill "$tracer" 2> /dev/null
    wait "$tracer" 2> /dev/null
    if alive "$pid"; then result="$result, not killed"; else eventually serves; fi
}
# A process that dies again and again is waited for longer and longer; a system that has been started afresh does not wait.
afresh() {
    sandbox stop
    start_sandbox
}

# ---- each change of one device
before=''
cut() { # VERB [OPTION...]: is made at last
    local verb=$1 place after; shift
    after="${before:+$before }$verb"
    for place in $places; do
        killed_at $place "$verb" victim "$@" --why "killed when $place"
        is "$verb, killed when $place" "$result: $(history_of victim 2> /dev/null)" \
            "not acknowledged: $([ $place = answering ] && echo "$after" || echo "$before")"
    done
    before=$after
    afresh
}
fields=(--dns-name victim.test --from scans@devices.test --contact a@b.test --purpose test)
cut request "${fields[@]}"
cut reject
cut request "${fields[@]}"
cut approve
cut edit --owner me
cut suspend
cut resume
like 'it is as the history says' "$(device list --state active)" '^victim '
cut remove
like 'and at the end' "$(device list --state removed)" '^victim '

# ---- an import is one change: all of its devices, or none
printf 'name,dns-name,from,contact,purpose,state\n' > "$work/heirs.csv"
for n in 1 2 3; do echo "heir$n,heir$n.test,scans@devices.test,a@b.test,test,suspended" >> "$work/heirs.csv"; done
for place in $places; do
    killed_at $place import "$work/heirs.csv" --why "killed when $place"
    is "import, killed when $place" "$result: $(listed heir)" "not acknowledged: $([ $place = answering ] && echo 3 || echo 0)"
done
histories() { for n in 1 2 3; do history_of heir$n; done | sort -u; }
is 'each has all of its history' "$(histories)" 'request approve suspend'
ok 'it is made again' device import "$work/heirs.csv" --why again
is 'which changes nothing' "$(histories)" 'request approve suspend'
finish
